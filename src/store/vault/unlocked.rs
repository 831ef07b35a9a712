//! Where an opened identity is kept for some hours: the kernel's keyring, or else a private file in the runtime folder.
//!
//! `unlock` puts it there and `lock` takes it away; every other command only looks. Both places are gone at reboot.
//! What is kept names the identity file it belongs to, by path and content, and when it ends, so that an identity that
//! was replaced meanwhile opens nothing and a copied file does not live longer.

mod kernel;
mod runtime;

use super::super::StoreError;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const FORMAT: &str = "keystencil-unlocked 1";

/// Where an opened identity is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptIn {
    /// In the kernel's keyring of this user: never on a disk.
    Kernel,
    /// In this file of the runtime folder, which is a disk in memory on most systems.
    File(PathBuf),
}

/// Keeps `text`, what the identity at `path` with the content `mark` opens to, for this long.
pub(super) fn keep(
    path: &Path,
    mark: blake3::Hash,
    text: &[u8],
    limit: Duration,
    runtime: Option<&Path>,
) -> Result<KeptIn, StoreError> {
    forget(path, runtime)?;
    let now = Timestamp::now().as_second();
    let ends = now.saturating_add(i64::try_from(limit.as_secs()).unwrap_or(i64::MAX));
    let head = format!("{FORMAT}\n{mark}\n{now} {ends}\n");
    let mut payload = Zeroizing::new(Vec::with_capacity(head.len() + text.len()));
    payload.extend(head.as_bytes());
    payload.extend(text);
    let name = name(path);
    if kernel::keep(&name, &payload, limit) {
        return Ok(KeptIn::Kernel);
    }
    runtime::keep(&name, &payload, runtime).map(KeptIn::File)
}

/// What is kept for this identity, unless its time is over.
pub(super) fn recall(path: &Path, mark: blake3::Hash, runtime: Option<&Path>) -> Option<Zeroizing<Vec<u8>>> {
    let name = name(path);
    if let Some(text) = kernel::recall(&name).and_then(|payload| valid(&payload, mark)) {
        return Some(text);
    }
    let text = runtime::recall(&name, runtime).and_then(|payload| valid(&payload, mark));
    if text.is_none() {
        // Whatever lies there is of no use any more.
        let _ = runtime::forget(&name, runtime);
    }
    text
}

/// Forgets what is kept for this identity; says whether there was anything.
pub(super) fn forget(path: &Path, runtime: Option<&Path>) -> Result<bool, StoreError> {
    let name = name(path);
    let was_in_kernel = kernel::forget(&name);
    Ok(runtime::forget(&name, runtime)? || was_in_kernel)
}

/// The text after a head that fits and has not ended. A clock that was set back ends it too.
fn valid(payload: &[u8], mark: blake3::Hash) -> Option<Zeroizing<Vec<u8>>> {
    let mut parts = payload.splitn(4, |byte| *byte == b'\n');
    let mut line = || parts.next().and_then(|line| std::str::from_utf8(line).ok());
    if line()? != FORMAT || line()? != mark.to_hex().as_str() {
        return None;
    }
    let (made, ends) = line()?.split_once(' ')?;
    let (made, ends): (i64, i64) = (made.parse().ok()?, ends.parse().ok()?);
    let now = Timestamp::now().as_second();
    (made <= now && now < ends).then(|| parts.next().map(|text| Zeroizing::new(text.to_vec())))?
}

/// The name of what is kept: it tells the homes of one user apart.
fn name(path: &Path) -> String {
    let hash = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    hash.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_or_belongs_to_another_identity_is_not_given_out() {
        let mark = blake3::hash(b"identity");
        let now = Timestamp::now().as_second();
        let payload = |mark: blake3::Hash, from: i64, to: i64| {
            format!("{FORMAT}\n{mark}\n{} {}\nline\nline\n", now + from, now + to).into_bytes()
        };
        let text = valid(&payload(mark, -5, 60), mark).unwrap();
        assert_eq!(text.as_slice(), b"line\nline\n");
        assert!(valid(&payload(mark, -5, 0), mark).is_none(), "it has ended");
        assert!(valid(&payload(mark, 30, 60), mark).is_none(), "the clock was set back");
        assert!(valid(&payload(blake3::hash(b"other"), -5, 60), mark).is_none());
        for broken in [&b""[..], b"x", b"keystencil-unlocked 1\n", b"\xff\n\n\n"] {
            assert!(valid(broken, mark).is_none());
        }
    }
}
