//! What was delivered into a process and into no file: which secrets, to which server, until which process ends. Holds
//! no secret; [`crate::session`] keeps a note of each delivery, and anyone who looks for delivered keys in a text reads
//! them.
//!
//! # Limitations
//! Only a secret that can't be taken for something else is recognised: at least [`LEAST`] bytes, and random or of a
//! known format. **Any other is named in the note and not found anywhere.**

use crate::document::Pointer;
use crate::journal::{Fingerprint, Key, Lease};
use crate::scan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version this program writes; it reads this one only.
const VERSION: u32 = 1;
/// A shorter secret may be anywhere by chance, in bytes.
pub const LEAST: usize = 16;
/// This many lines of a secret are recognised one by one. Arbitrary; a private key has fifty.
const MOST_LINES: usize = 100;

/// Whether a value can't be taken for anything but a secret, so that it is closed wherever it is seen: long enough, and
/// random or of a known format.
///
/// ```
/// use keystencil::journal::delivery::is_certain;
/// assert!(is_certain("q7Zk2Xv9Lw3Rt8Yb5Nc1"));
/// assert!(!is_certain("correct horse battery staple") && !is_certain("q7Zk2Xv9Lw3"));
/// ```
#[must_use]
pub fn is_certain(value: &str) -> bool {
    value.len() >= LEAST && (scan::is_random(value) || !scan::find(value.as_bytes()).is_empty())
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryNote {
    version: u32,
    /// The live file that the server is in; the program, if it was run by hand.
    #[serde(with = "crate::journal::path")]
    pub target: PathBuf,
    /// The server in the live file; none for a program that was run by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Pointer>,
    /// When.
    pub since: Timestamp,
    /// The process that counts: when it has ended, what was delivered is nowhere any more.
    pub process: Lease,
    /// The nearest program above that process which is an AI agent, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Lease>,
    /// Key of the fingerprints.
    pub key: Key,
    /// What was delivered.
    pub secrets: Vec<DeliveredSecret>,
}

/// A secret that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredSecret {
    /// What stands for it in texts.
    pub placeholder: String,
    /// How it is recognised: as it is, as it was encoded, line by line. Empty if it could be anything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prints: Vec<Fingerprint>,
}

impl DeliveredSecret {
    /// A secret in all the ways in which it was handed over.
    #[must_use]
    pub fn new<'v>(key: &Key, placeholder: String, values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut prints = Vec::new();
        for value in values {
            let lines = value.lines().map(str::trim).filter(|line| *line != value).take(MOST_LINES);
            for text in std::iter::once(value).chain(lines).filter(|text| is_certain(text)) {
                let print = key.print(text);
                if !prints.contains(&print) {
                    prints.push(print);
                }
            }
        }
        Self { placeholder, prints }
    }
}

impl DeliveryNote {
    /// A delivery that has just been made, or is about to be.
    #[must_use]
    pub fn new(target: PathBuf, process: Lease, since: Timestamp, key: Key) -> Self {
        Self { version: VERSION, target, server: None, since, process, agent: None, key, secrets: Vec::new() }
    }

    /// Reads a note; `None` if the text is none, or one of another version.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|note: &Self| note.version == VERSION)
    }

    /// The text that [`Self::read`] reads.
    #[must_use]
    pub fn write(&self) -> String {
        // Plain data with string keys, and paths of any bytes: serialising it can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Every fingerprint, with the placeholder of its secret.
    pub fn prints(&self) -> impl Iterator<Item = (&str, &Fingerprint)> {
        self.secrets.iter().flat_map(|secret| secret.prints.iter().map(|print| (secret.placeholder.as_str(), print)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";

    fn key() -> Key {
        Key::new([7; 32])
    }

    fn lease() -> Lease {
        let since = Timestamp::UNIX_EPOCH;
        Lease { pid: Some(7), started: 1, boot: String::new(), session: None, program: None, since }
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_holds_no_secret() {
        let mut note = DeliveryNote::new("/h/.claude.json".into(), lease(), Timestamp::UNIX_EPOCH, key());
        note.server = Some(Pointer::root().child("mcpServers").child("github"));
        note.secrets = vec![DeliveredSecret::new(&key(), "<< keyring('github') >>".to_owned(), [VALUE])];
        let text = note.write();
        assert!(!text.contains(VALUE) && !format!("{note:?}").contains(VALUE), "{text}");
        assert_eq!(DeliveryNote::read(text.as_bytes()), Some(note));
        for text in ["", "{", "[]", "{\"version\":1}", &text.replace("\"version\":1", "\"version\":2")] {
            assert_eq!(DeliveryNote::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_could_be_anything_is_named_and_has_no_fingerprint() {
        for value in ["", "true", "postgres", "q7Zk2Xv9Lw3", "correct horse battery staple", "https://example.com/path"]
        {
            assert!(DeliveredSecret::new(&key(), String::new(), [value]).prints.is_empty(), "{value}");
        }
        assert_eq!(DeliveredSecret::new(&key(), String::new(), [VALUE, VALUE]).prints.len(), 1);
    }

    #[test]
    fn each_line_of_a_long_secret_is_recognised_by_itself() {
        let text = format!("-----BEGIN KEY-----\r\n  {VALUE}x\n{VALUE}y\nshort\n");
        let secret = DeliveredSecret::new(&key(), String::new(), [text.as_str()]);
        assert_eq!(secret.prints.len(), 2);
        assert!(secret.prints.iter().any(|print| print.matches(&key(), &format!("{VALUE}x"))));
    }
}
