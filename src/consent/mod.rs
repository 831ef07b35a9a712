//! Which secret may flow where.
//!
//! A template from a pull request could name any secret and any server. So a slot is filled only if the user has seen
//! where its value goes and allowed it. A [`Flow`] is what they are shown; a [`Grant`] is what is remembered: a hash
//! over the slot's text at rest, its place, and all around it that decides where the value ends up. The session asks
//! here before it fills; nothing here fills.

pub mod holes;
pub mod record;
pub mod steering;

mod alike;
mod cover;
mod flow;
mod shown;
mod starts;
mod unit;

pub use alike::look_alike;
pub(crate) use starts::{put_back, started, without};

use crate::document::{Document, Pointer};
use crate::template::{Blueprint, Reference, Slot};
use cover::Surroundings;
pub use flow::{Around, Destination, Flow, Grant, Grants, IsState};

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

/// The flows of all slots whose place holds their placeholder, in the order of the slots. `document` is the target at
/// rest with the template merged in: a server's command may be the template's or the host's. What `is_state` says is
/// the host's own decides nothing, but for what leads wherever it is (an environment).
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
/// more than all the rest (what looks like a key in them has to be found).
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
