//! Findings that the user has looked at and that are not secrets: a file to commit, which leaks nothing.
//!
//! An entry is the rule, the file and 24 bits of a keyed BLAKE3 of rule, file and value. The key is the file's own, so
//! two baselines can't be compared. 24 bits say "the same as before" surely enough, and are too few to test guesses:
//! of the passwords of a dictionary many have them. What is certainly the user's own secret is never in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The version this program writes; it reads this one only.
const VERSION: u32 = 1;
/// Hexadecimal digits of a print.
const DIGITS: usize = 6;

/// What was looked at before.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// 32 bytes in hexadecimal.
    key: String,
    findings: BTreeSet<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    file: String,
    rule: String,
    print: String,
}

impl Baseline {
    /// An empty one; `random` is drawn for it.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self { version: VERSION, key: hex::encode(random), findings: BTreeSet::new() }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BaselineError`] if the text is none, or one of another version.
    pub fn read(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self =
            serde_json::from_str(text).map_err(|error| BaselineError::Syntax { line: error.line() })?;
        match baseline.version {
            VERSION => Ok(baseline),
            found => Err(BaselineError::Version { found }),
        }
    }

    /// The text that [`Self::read`] reads: sorted, so that a diff says what changed.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What stands for a value of that rule in that file.
    #[must_use]
    pub fn print(&self, rule: &str, file: &Path, value: &[u8]) -> String {
        let mut key = [0; 32];
        // A malformed key makes fingerprints that match nothing, so `read` has no reason to refuse it.
        let _ = hex::decode_to_slice(&self.key, &mut key);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        for part in [rule.as_bytes(), name(file).as_bytes(), value] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex().get(..DIGITS).unwrap_or_default().to_owned()
    }

    /// Whether it was looked at before.
    #[must_use]
    pub fn knows(&self, rule: &str, file: &Path, print: &str) -> bool {
        self.findings.contains(&entry(rule, file, print))
    }

    /// Notes what was looked at.
    pub fn add(&mut self, rule: &str, file: &Path, print: &str) {
        self.findings.insert(entry(rule, file, print));
    }

    /// Forgets all entries, and keeps the key.
    pub fn clear(&mut self) {
        self.findings.clear();
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

fn entry(rule: &str, file: &Path, print: &str) -> Entry {
    Entry { file: name(file), rule: rule.to_owned(), print: print.to_owned() }
}

/// A file's name in every system's baseline.
fn name(file: &Path) -> String {
    let name = file.to_string_lossy().replace('\\', "/");
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}

/// Why a file is not a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Not JSON, or of another shape.
    #[error("not a baseline (line {line})")]
    Syntax {
        /// Where reading stopped.
        line: usize,
    },
    /// Written by another keystencil.
    #[error("the baseline has version {found}; this keystencil reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_known_after_a_round_trip_and_nothing_else_is() {
        let mut baseline = Baseline::new([9; 32]);
        let file = Path::new("a/b.env");
        let print = baseline.print("jwt", file, b"value");
        baseline.add("jwt", file, &print);
        let read = Baseline::read(&baseline.write()).unwrap();
        assert!(read.knows("jwt", Path::new("./a/b.env"), &read.print("jwt", Path::new("./a/b.env"), b"value")));
        assert!(!read.knows("jwt", file, &read.print("jwt", file, b"valve")));
        assert!(!read.knows("jwt", Path::new("a/c.env"), &read.print("jwt", Path::new("a/c.env"), b"value")));
        assert!(!baseline.write().contains("value"));
        assert_eq!(Baseline::read("{}").unwrap_err(), BaselineError::Syntax { line: 1 });
    }
}
