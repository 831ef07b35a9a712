//! What was inserted into a target and has to be removed: the undo patch, fingerprints, holders. Contains no secret.
//!
//! The journal is data; [`crate::session`] keeps it on disk, synced *before* the target holds a secret and removed
//! after the last secret left. Its undo patch is plain RFC 6902: another tool could apply it.

pub mod account;
pub mod delivery;
pub mod encodings;
pub mod escape;
pub mod fingerprint;
pub mod outputs;
pub mod path;
pub mod undo;

pub use delivery::{DeliveredSecret, DeliveryNote};
pub use fingerprint::{Finder, Fingerprint, Key};
pub use undo::{Undo, is_clean, names_in, undo, undo_raw};

use crate::document::{Document, Kind, Operation, Patch, Pointer, string};
use crate::error::Explain;
use crate::template::Reference;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version this program writes; it reads this one only.
pub const VERSION: u32 = 1;

/// What one target owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Format of this file.
    pub version: u32,
    /// The target, every symlink resolved.
    #[serde(with = "crate::journal::path")]
    pub target: PathBuf,
    /// The target as it was named: its last part may be a symlink.
    #[serde(with = "crate::journal::path")]
    pub named: PathBuf,
    /// The config's name of the target, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the host profile whose copies are scrubbed.
    pub profile: String,
    /// When secrets were first inserted.
    pub since: Timestamp,
    /// RFC 6902: turns the rendered form back.
    pub undo: Patch,
    /// Key of all fingerprints here.
    pub key: Key,
    /// What each operation of the undo patch closes, in its order.
    pub slots: Vec<Filled>,
    /// Slots of earlier renders of the same period: no longer at their place, but copies may hold their secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Filled>,
    /// Strings that held one of the secrets before we came. They are the user's and stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Pointer>,
    /// Who holds the rendered form.
    pub leases: Vec<Lease>,
    /// Where the host keeps its sessions: its own folder first, then those for temporary files.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::journal::path::many")]
    pub folders: Vec<PathBuf>,
    /// The target's own permission bits, if keys made them stricter; they come back with the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// Journals of the same target that were deleted before they were completed, and that a process still knew. They
    /// are completed with this one, and have no leases of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Self>,
}

/// One slot as it was filled.
///
/// Closing it puts nothing into a file but placeholders, in the place of secrets: a journal that says otherwise is
/// damaged, or made by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Read")]
pub struct Filled {
    /// Where the slot was filled.
    pub pointer: Pointer,
    /// The pieces; their placeholders in order make the text at rest.
    pub parts: Vec<FilledPart>,
    /// Fingerprint of the whole rendered string.
    pub whole: Fingerprint,
    /// The string token at rest, where it is not what `JSON.stringify` would write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_rest: Option<String>,
}

/// A slot as it is read.
#[derive(Deserialize)]
struct Read {
    pointer: Pointer,
    parts: Vec<FilledPart>,
    whole: Fingerprint,
    at_rest: Option<String>,
}

impl TryFrom<Read> for Filled {
    type Error = JournalError;

    fn try_from(Read { pointer, parts, whole, at_rest }: Read) -> Result<Self, JournalError> {
        let filled = Self { pointer, parts, whole, at_rest };
        let placeholder = filled.placeholder();
        let is_it = |token: &String| {
            Document::parse(token.as_bytes()).is_ok_and(|document| {
                let root = document.root();
                root.kind() == Kind::String && root.as_str().is_some_and(|text| text == placeholder)
            })
        };
        let are_references = filled.secrets().all(|(placeholder, _)| Reference::parse(placeholder).is_some());
        if are_references && filled.at_rest.as_ref().is_none_or(is_it) {
            Ok(filled)
        } else {
            Err(JournalError::Unreadable)
        }
    }
}

/// A piece of a filled slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilledPart {
    /// Text of the template.
    Literal(String),
    /// An inserted secret.
    Secret {
        /// What stands for it at rest.
        placeholder: String,
        /// How it is recognised.
        fingerprint: Fingerprint,
    },
}

/// One running holder of the rendered form: a process, identified by its id and start time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Process id; `None` is a manual hold, which lasts until `unrender` or the next boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When that process started, in the system's own unit (Linux: clock ticks since boot).
    #[serde(default)]
    pub started: u64,
    /// The boot it was taken in.
    #[serde(default)]
    pub boot: String,
    /// The host application's session id, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Name of the program, for `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// When it was taken.
    pub since: Timestamp,
}

impl Lease {
    /// Whether both are the same holder: the same process (or both manual) in the same boot and namespace.
    #[must_use]
    pub fn same_holder(&self, other: &Self) -> bool {
        let same_boot = self.may_be_of(&other.boot, 0) && self.may_be_of(&other.boot, 1);
        (self.pid, self.started) == (other.pid, other.started) && same_boot
    }

    /// Whether the lease may be of that boot (`part` 0) or PID namespace (1): what the system did not tell is no
    /// difference.
    #[must_use]
    pub fn may_be_of(&self, boot: &str, part: usize) -> bool {
        let of = |text: &'_ str| text.split('/').nth(part).unwrap_or_default().to_owned();
        let (own, other) = (of(&self.boot), of(boot));
        own == other || own.is_empty() || other.is_empty()
    }
}

impl Filled {
    /// The text of the slot at rest.
    #[must_use]
    pub fn placeholder(&self) -> String {
        self.parts.iter().map(FilledPart::at_rest).collect()
    }

    /// The string token of the slot at rest.
    #[must_use]
    pub fn token(&self) -> String {
        self.at_rest.clone().unwrap_or_else(|| string::encode(&self.placeholder()))
    }

    /// Whether the slot was filled with that text: its literals, and its secrets between them.
    #[must_use]
    pub fn was_filled_with(&self, key: &Key, text: &str) -> bool {
        if !self.whole.matches(key, text) {
            return false;
        }
        let mut rest = text;
        for part in &self.parts {
            let after = match part {
                FilledPart::Literal(literal) => rest.strip_prefix(literal.as_str()),
                FilledPart::Secret { fingerprint, .. } => rest
                    .split_at_checked(fingerprint.bytes())
                    .and_then(|(secret, after)| fingerprint.matches(key, secret).then_some(after)),
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        rest.is_empty()
    }

    /// The inserted secrets: placeholder and fingerprint.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Fingerprint)> {
        self.parts.iter().filter_map(|part| match part {
            FilledPart::Literal(_) => None,
            FilledPart::Secret { placeholder, fingerprint } => Some((placeholder.as_str(), fingerprint)),
        })
    }
}

impl FilledPart {
    fn at_rest(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Secret { placeholder, .. } => placeholder,
        }
    }
}

/// The undo patch of some slots: `replace` operations from secret to placeholder.
#[must_use]
pub fn undo_patch(slots: &[Filled]) -> Patch {
    Patch(slots.iter().map(|slot| Operation::Replace { path: slot.pointer.clone(), value: slot.token() }).collect())
}

impl Journal {
    /// Reads a journal.
    ///
    /// # Errors
    /// [`JournalError`] if the text is not a journal, or one of a newer version.
    pub fn read(text: &[u8]) -> Result<Self, JournalError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_slice(text).map_err(|_| JournalError::Unreadable)?;
        if head.version != VERSION {
            return Err(JournalError::Version { found: head.version });
        }
        serde_json::from_slice(text).map_err(|_| JournalError::Unreadable)
    }

    /// The text that [`Journal::read`] reads.
    #[must_use]
    pub fn write(&self) -> String {
        // Plain data with string keys, and paths of any bytes: serialising it can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// This journal and the earlier ones that are completed with it.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.earlier)
    }

    /// Takes over the entries and the holders of another journal of the same target.
    pub fn adopt(&mut self, mut other: Self) {
        for lease in std::mem::take(&mut other.leases) {
            if !self.leases.iter().any(|held| held.same_holder(&lease)) {
                self.leases.push(lease);
            }
        }
        self.since = self.since.min(other.since);
        let others = std::mem::take(&mut other.earlier).into_iter().chain([other]);
        for other in others {
            if other.key != self.key && !self.earlier.iter().any(|known| known.key == other.key) {
                self.earlier.push(other);
            }
        }
    }

    /// Every fingerprint this journal knows, with the placeholder that stands for it; current slots first.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Fingerprint)> {
        self.slots.iter().chain(&self.retired).flat_map(Filled::secrets)
    }
}

/// A file in the state folder that is not a journal of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Not JSON, or not a journal.
    #[error("cannot read the journal: it is damaged")]
    Unreadable,
    /// Written by a newer keystencil.
    #[error("the journal has version {found}; this keystencil reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
}

impl Explain for JournalError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable => {
                "look for secrets in the target yourself, put the placeholders back, and then delete the journal"
                    .to_owned()
            }
            Self::Version { .. } => "use the keystencil that wrote it, or a newer one".to_owned(),
        })
    }
}
