//! A flow, which is what the user is shown, and a grant, which is what is remembered of their yes.

use crate::document::{Kind, Pointer};
use crate::template::Slot;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Whether a member of this kind is what the host of the target notes for itself, whatever its name says; the host's
/// profile knows.
pub type IsState<'a> = &'a dyn Fn(&Pointer, Kind) -> bool;

/// One slot, and where its value would go; or what a template starts, which has no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The slot's place; of a start the server, or the setting.
    pub pointer: Pointer,
    /// The slot's text at rest: its literals and placeholders; empty for a start.
    pub text: String,
    /// The placeholders in it.
    pub references: Vec<String>,
    /// Where the value goes.
    pub destination: Arc<Destination>,
    /// The thing that a grant covers whole.
    pub(super) unit: Option<Pointer>,
    pub(super) hash: blake3::Hash,
}

/// Where the value of a slot goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The server's object; `None` if the slot is in no server.
    pub server: Option<Pointer>,
    /// Its command lines and URLs, at rest. What looks like a key in it is not shown, unless it is the template's own.
    pub address: String,
    /// What else decides where the value ends up.
    pub around: Around,
}

/// What else decides where a value ends up, a line each: variables of the server's environment, headers, a folder, and
/// what is beside and above the server. The servers of a file share what is above them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    pub(super) own: Vec<String>,
    pub(super) outer: Vec<Beside>,
}

/// The lines of each setting of an object, and which of the settings are on the way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) lines: Arc<[Vec<String>]>,
    pub(super) own: Range<usize>,
}

impl Around {
    /// All lines, from the inside out.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let outer = self.outer.iter().flat_map(|beside| {
            let others = beside.lines.iter().enumerate().filter(|(index, _)| !beside.own.contains(index));
            others.flat_map(|(_, lines)| lines)
        });
        self.own.iter().chain(outer).map(String::as_str)
    }
}

/// What the user allowed: one flow, or one start, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The slot's place.
    pub pointer: Pointer,
    /// The slot's text at rest; empty for a start.
    pub text: String,
    /// The destination's command line or URL, for showing.
    pub address: String,
    /// BLAKE3 over all that the grant covers.
    pub hash: String,
}

impl Flow {
    /// Whether it is what a template starts, and no secret's: it has no text and no references.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.text.is_empty()
    }

    /// The thing that a grant covers whole: its server, if it is in one.
    #[must_use]
    pub fn unit(&self) -> Option<&Pointer> {
        self.unit.as_ref()
    }

    /// Whether anyone who allows it has seen all of this start: it is in the same server.
    #[must_use]
    pub fn covers(&self, start: &Self) -> bool {
        self.unit.as_ref().is_some_and(|unit| start.pointer.is_within(unit))
    }

    /// What is started, in one line.
    #[must_use]
    pub fn starts(&self) -> String {
        let Destination { address, around, .. } = &*self.destination;
        if address.is_empty() { around.iter().collect::<Vec<_>>().join(", ") } else { address.clone() }
    }

    /// The grant that allows it.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            pointer: self.pointer.clone(),
            text: self.text.clone(),
            address: if self.is_start() { self.starts() } else { self.destination.address.clone() },
            hash: self.hash.to_hex().to_string(),
        }
    }
}

impl Grant {
    /// Whether it is for what a template starts, and not for a secret.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.text.is_empty()
    }
}

/// What the user allowed, to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    pub(super) hashes: HashSet<String>,
    pub(super) slots: HashSet<(String, String)>,
}

impl Grants {
    /// Whether this flow was allowed.
    #[must_use]
    pub fn allow(&self, flow: &Flow) -> bool {
        self.hashes.contains(flow.hash.to_hex().as_str())
    }

    /// Whether this slot's text was ever allowed at this place, wherever the value went then. If not, the secret need
    /// not be looked up.
    #[must_use]
    pub fn know(&self, slot: &Slot) -> bool {
        self.slots.contains(&(slot.pointer.as_str().to_owned(), slot.placeholder()))
    }

    /// Whether nothing was allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.address.is_empty() { "the file itself" } else { &self.address })
    }
}
