//! Seals: what the user allowed, marked so that only someone who has a store's key can make the mark.
//!
//! A [`Seal`] is a keyed BLAKE3 over a kind and a list of fields. The [`SealKey`] is kept in a store beside the
//! secrets, so a record from a foreign folder, another machine or another user does not verify. [`crate::store`] keeps
//! the keys, [`crate::session`] makes the records; nothing here knows what a record says.

use super::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// What distinguishes our hashes from all others.
const CONTEXT: &[u8] = b"keystencil 2026 seal v1";

/// The key that a store keeps for seals: 32 random bytes. It zeroizes and never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(Zeroizing<[u8; 32]>);

/// What kind of record is sealed: a record of one kind is never taken for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret may go into a slot.
    Flow,
    /// A template may have a program started.
    Start,
    /// A config's declared commands may be run.
    Commands,
    /// A command may be run with secrets in its environment.
    Run,
    /// Secrets may be delivered to a server as a whole.
    Server,
    /// AI tools may do what is asked of a person.
    Agents,
}

/// The mark on a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(String);

impl SealKey {
    /// A new key.
    ///
    /// # Errors
    /// What the system says if it has no random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// The key as a store keeps it; `None` if that is not a key.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, &mut *key).ok()?;
        Some(Self(key))
    }

    /// As [`Self::parse`] reads it.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        let mut text = Zeroizing::new([0; 64]);
        // The lengths fit, so this does not fail.
        let _ = hex::encode_to_slice(*self.0, &mut *text);
        Secret::new(std::str::from_utf8(&*text).unwrap_or_default().to_owned())
    }

    /// Seals a record.
    ///
    /// ```
    /// use keystencil::secret::{Kind, SealKey};
    /// let key = SealKey::generate()?;
    /// let seal = key.seal(Kind::Flow, &[b"/home/me/.claude.json", b"/a"]);
    /// assert!(key.verifies(&seal, Kind::Flow, &[b"/home/me/.claude.json", b"/a"]));
    /// assert!(!key.verifies(&seal, Kind::Start, &[b"/home/me/.claude.json", b"/a"]));
    /// assert!(!key.verifies(&seal, Kind::Flow, &[b"/home/me/.claude.json/", b"a"]));
    /// assert!(!SealKey::generate()?.verifies(&seal, Kind::Flow, &[b"/home/me/.claude.json", b"/a"]));
    /// # Ok::<(), getrandom::Error>(())
    /// ```
    #[must_use]
    pub fn seal(&self, kind: Kind, fields: &[&[u8]]) -> Seal {
        Seal(self.hash(kind, fields).to_hex().to_string())
    }

    /// Whether this key made that seal of that record. Takes as long for a wrong one as for the right one.
    #[must_use]
    pub fn verifies(&self, seal: &Seal, kind: Kind, fields: &[&[u8]]) -> bool {
        blake3::Hash::from_hex(&seal.0).is_ok_and(|hash| hash == self.hash(kind, fields))
    }

    fn hash(&self, kind: Kind, fields: &[&[u8]]) -> blake3::Hash {
        let tag: &[u8] = match kind {
            Kind::Flow => b"flow",
            Kind::Start => b"start",
            Kind::Commands => b"commands",
            Kind::Run => b"run",
            Kind::Server => b"server",
            Kind::Agents => b"agents",
        };
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for field in [CONTEXT, tag].iter().chain(fields) {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        hasher.finalize()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_a_store_as_it_went_in() {
        let key = SealKey::generate().unwrap();
        assert_eq!(SealKey::parse(key.to_secret().expose().as_bytes()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "SealKey");
        for text in ["", "00", "zz", &"0".repeat(63), &"0".repeat(65)] {
            assert_eq!(SealKey::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_seal_of_which_one_digit_was_changed_does_not_verify() {
        let key = SealKey::generate().unwrap();
        let fields: [&[u8]; 2] = [b"a", b"b"];
        let Seal(text) = key.seal(Kind::Flow, &fields);
        assert!(key.verifies(&Seal(text.clone()), Kind::Flow, &fields));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(!key.verifies(&Seal(String::from_utf8(bytes).unwrap()), Kind::Flow, &fields), "digit {at}");
        }
        for text in ["", "00", "nonsense"] {
            assert!(!key.verifies(&Seal(text.to_owned()), Kind::Flow, &fields));
        }
    }

    #[test]
    fn a_record_can_not_be_cut_into_other_fields() {
        let key = SealKey::generate().unwrap();
        let seal = key.seal(Kind::Flow, &[b"ab", b"c"]);
        for fields in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[b"", b"ab", b"c"]] {
            assert!(!key.verifies(&seal, Kind::Flow, fields), "{fields:?}");
        }
    }
}
