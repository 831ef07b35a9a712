//! Which secret may flow where.
//!
//! A template from a pull request could name any secret and any server. So a slot is filled only if a person has seen
//! where its value goes and allowed it. A [`Flow`] is what they are shown; a [`Grant`] is what is remembered: a hash over
//! the slot's text at rest, its place, and all around it that decides where the value ends up. The session asks here
//! before it fills; nothing here fills.

pub mod steering;

mod alike;
mod cover;
mod shown;
mod starts;
mod unit;

pub use alike::look_alike;
pub(crate) use starts::{put_back, started, without};

use crate::document::{Document, Kind, Pointer};
use crate::template::{Blueprint, Reference, Slot};
use cover::Surroundings;
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
    unit: Option<Pointer>,
    hash: blake3::Hash,
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
/// what stands beside and above the server. The servers of a file share what is above them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    own: Vec<String>,
    outer: Vec<Beside>,
}

/// The lines of each setting of an object, and which of the settings are on the way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Beside {
    lines: Arc<[Vec<String>]>,
    own: Range<usize>,
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

/// What a person allowed: one flow, or one start, as it was then.
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

    /// Whether whoever allows it has seen all of this start: it is in the same server.
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

/// What a person allowed, to be asked.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    hashes: HashSet<String>,
    slots: HashSet<(String, String)>,
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

impl<'a> FromIterator<&'a Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = &'a Grant>>(grants: I) -> Self {
        let mut all = Self::default();
        for grant in grants {
            all.hashes.insert(grant.hash.clone());
            all.slots.insert((grant.pointer.as_str().to_owned(), grant.text.clone()));
        }
        all
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.address.is_empty() { "the file itself" } else { &self.address })
    }
}

/// The flows of all slots whose place holds their placeholder, in the order of the slots. `document` is the target at
/// rest with the template merged in: a server's command may be the template's or the host's. What `is_state` says is
/// the host's own decides nothing, but for what leads wherever it stands (an environment).
///
/// ```
/// use keystencil::document::{Document, Pointer};
/// use keystencil::consent::flows;
/// use keystencil::template::{Blueprint, Slot, parse_parts};
/// let text = r#"{"s": {"command": "npx", "args": ["x"], "env": {"KEY": "<< keyring('a') >>"}}}"#;
/// let pointer = Pointer::parse("/s/env/KEY")?;
/// let parts = parse_parts("<< keyring('a') >>").unwrap_or_default();
/// let slots = vec![Slot { pointer, parts, place: Default::default() }];
/// let document = Document::parse(text.as_bytes())?;
/// let flows = flows(&document, &Blueprint { document: text.to_owned(), slots }, &|_, _| false);
/// assert_eq!(flows[0].destination.to_string(), "npx x");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn flows(document: &Document<'_>, blueprint: &Blueprint, is_state: IsState<'_>) -> Vec<Flow> {
    all(document, blueprint, is_state, true)
}

/// The same, to be compared with what was allowed and not to be shown: the destinations are not described, which costs
/// more than all the rest (what looks like a key in them has to be told).
#[must_use]
pub(super) fn bare_flows(document: &Document<'_>, blueprint: &Blueprint, is_state: IsState<'_>) -> Vec<Flow> {
    all(document, blueprint, is_state, false)
}

fn all(document: &Document<'_>, blueprint: &Blueprint, is_state: IsState<'_>, described: bool) -> Vec<Flow> {
    let standing = standing(document, blueprint);
    let mut around = Surroundings::of(document, &standing, blueprint, is_state, described);
    standing.into_iter().map(|slot| flow(slot, &mut around)).collect()
}

/// The slots whose place holds their placeholder.
fn standing<'b>(document: &Document<'_>, blueprint: &'b Blueprint) -> Vec<&'b Slot> {
    let slots = &blueprint.slots;
    let pointers: Vec<Pointer> = slots.iter().map(|slot| slot.pointer.clone()).collect();
    slots
        .iter()
        .zip(document.find_all(&pointers))
        .filter(|(slot, node)| node.and_then(|node| node.as_str()).is_some_and(|text| text == slot.placeholder()))
        .map(|(slot, _)| slot)
        .collect()
}

fn flow(slot: &Slot, around: &mut Surroundings<'_>) -> Flow {
    let text = slot.placeholder();
    let references = slot.references().map(Reference::to_string).collect();
    let (unit, destination, covered) = around.of_slot(&slot.pointer);
    let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 grant v3");
    for field in [slot.pointer.as_str(), &text, covered] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    let hash = hasher.finalize();
    Flow { pointer: slot.pointer.clone(), text, references, destination, unit, hash }
}

#[cfg(test)]
mod tests;
