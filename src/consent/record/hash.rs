//! Hashes in the place of texts: a record lies on disk, and a server may have a key in plain text beside its references.

const HASHED: &str = "blake3:";

/// Whether a kept text is a hash: with a reference or a hole it is none.
pub(super) fn is_hash(kept: &str) -> bool {
    kept.strip_prefix(HASHED).is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub(super) fn hash(text: &str) -> String {
    format!(
        "{HASHED}{}",
        blake3::derive_key("keystencil 2026 kept text v1", text.as_bytes()).map(|byte| format!("{byte:02x}")).concat()
    )
}

/// What is kept of the value of a variable that steers programs.
#[must_use]
pub fn steering_hash(name: &str, value: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 steering v1");
    hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(value.as_bytes());
    hasher.finalize().to_hex().to_string()
}
