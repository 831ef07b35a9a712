//! What a grant covers, as one text: the object a slot is in, and what is above it and may send its values elsewhere.

use super::flow::Beside;
use super::shown::Shown;
use super::unit::{is_harmless, is_inert};
use super::unit::{is_map, unit};
use super::{Around, Destination, IsState};
use crate::document::{Document, Kind, Node, Pointer};
use crate::host::servers::{always_leads, holds_things, is_headers, is_server, may_lead};
use crate::template::{Blueprint, Slot};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// An object around slots. Its members are walked once, and what they say is hashed once: a live file may have
/// megabytes, a thousand servers, and as many slots.
struct Object<'a> {
    node: Node<'a>,
    is_server: bool,
    /// The members that may send values elsewhere, by name.
    leading: Vec<(String, Node<'a>)>,
    /// For each count of members from the start, what those say; and the same from the end.
    before: Vec<blake3::Hash>,
    behind: Vec<blake3::Hash>,
    /// What each of them is shown as.
    lines: OnceCell<Arc<[Vec<String>]>>,
}

impl<'a> Object<'a> {
    fn of(at: &Pointer, node: Node<'a>, is_state: IsState<'_>, hashed: &mut usize) -> Self {
        let tokens: Vec<Cow<'_, str>> = at.tokens().collect();
        let holds_things = holds_things(&tokens, &node);
        let leads = |name: &str, value: &Node<'_>| {
            let kind = value.kind();
            // A member of a container is a server, whatever it is called.
            !(holds_things && kind == Kind::Object)
                && may_lead(name, kind)
                && (always_leads(name) || !is_state(&at.child(name), kind))
                && !is_inert(name, value.as_str().as_deref(), false)
        };
        let named = node.members().filter_map(|member| Some((member.key.as_str()?.into_owned(), member.value)));
        let mut leading: Vec<(String, Node<'a>)> = named.filter(|(name, value)| leads(name, value)).collect();
        leading.sort_by(|(a, _), (b, _)| a.cmp(b));
        let said: Vec<blake3::Hash> = leading
            .iter()
            .map(|(name, value)| {
                let text = format!("{} {}", at.child(name), pruned(*value, name));
                *hashed += text.len();
                blake3::hash(text.as_bytes())
            })
            .collect();
        let (before, behind) = (chained(said.iter()), chained(said.iter().rev()));
        Self { node, is_server: is_server(&node), leading, before, behind, lines: OnceCell::new() }
    }

    /// Those of these members that have that name: usually none, otherwise one, or several duplicates.
    fn called(&self, name: Option<&str>) -> Range<usize> {
        let Some(name) = name else { return 0..0 };
        let start = self.leading.partition_point(|(known, _)| known.as_str() < name);
        start..self.leading.partition_point(|(known, _)| known.as_str() <= name)
    }

    /// One text for what all leading members but these say; nothing if there are no others.
    fn says_without(&self, own: &Range<usize>) -> Option<String> {
        let behind = self.leading.len() - own.end;
        let parts = self.before.get(own.start).zip(self.behind.get(behind))?;
        (own.start + behind > 0).then(|| format!("{} {}", parts.0.to_hex(), parts.1.to_hex()))
    }

    fn lines(&self, shown: &Shown<'_>) -> Arc<[Vec<String>]> {
        let all = || self.leading.iter().map(|(name, value)| shown.member(name, *value)).collect();
        Arc::clone(self.lines.get_or_init(all))
    }
}

/// The hash of none of them, of the first, of the first two, and so on.
fn chained<'h>(hashes: impl Iterator<Item = &'h blake3::Hash>) -> Vec<blake3::Hash> {
    let mut last = blake3::hash(b"");
    let next = hashes.map(|hash| {
        last = blake3::Hasher::new().update(last.as_bytes()).update(hash.as_bytes()).finalize();
        last
    });
    let rest: Vec<blake3::Hash> = next.collect();
    std::iter::once(blake3::hash(b"")).chain(rest).collect()
}

/// The objects around the slots, found in one pass.
pub(super) struct Surroundings<'a> {
    objects: HashMap<Pointer, Object<'a>>,
    /// `None`: not read yet.
    shown: Option<Shown<'a>>,
    /// By the unit, or for a slot that is in none, by the object that contains it.
    known: HashMap<Pointer, (Arc<Destination>, String)>,
    /// How many bytes were put into one text or hash: the work that grows with a document.
    pub(super) hashed: usize,
}

impl<'a> Surroundings<'a> {
    pub(super) fn of(
        document: &Document<'a>,
        standing: &[&Slot],
        blueprint: &'a Blueprint,
        is_state: IsState<'_>,
        described: bool,
    ) -> Self {
        let all: HashSet<Pointer> = standing.iter().flat_map(|slot| above(&slot.pointer)).collect();
        let pointers: Vec<Pointer> = all.into_iter().collect();
        let nodes = document.find_all(&pointers);
        let mut hashed = 0;
        let mut object = |at: &Pointer, node| Object::of(at, node, is_state, &mut hashed);
        let objects = pointers
            .into_iter()
            .zip(nodes)
            .filter_map(|(at, node)| {
                let object = object(&at, node?);
                Some((at, object))
            })
            .collect();
        Self { objects, shown: described.then(|| Shown::new(blueprint)), known: HashMap::new(), hashed }
    }

    /// The thing a slot is in, where its value goes, and the text of everything that decides it.
    pub(super) fn of_slot(&mut self, slot: &Pointer) -> (Option<Pointer>, Arc<Destination>, &str) {
        let unit = unit(slot, |at| self.objects.get(at).is_some_and(|object| object.is_server));
        let at = unit.clone().or_else(|| slot.parent()).unwrap_or_default();
        let (objects, shown, hashed) = (&self.objects, self.shown.as_ref(), &mut self.hashed);
        let known = self.known.entry(at).or_insert_with_key(|at| {
            let described = describe(objects, shown, at, unit.is_some());
            *hashed += described.1.len();
            described
        });
        (unit, Arc::clone(&known.0), &known.1)
    }
}

fn describe(
    objects: &HashMap<Pointer, Object<'_>>,
    shown: Option<&Shown<'_>>,
    at: &Pointer,
    is_unit: bool,
) -> (Arc<Destination>, String) {
    let node = objects.get(at).map(|object| object.node).filter(|_| is_unit);
    let mut covered = node.map(covered).unwrap_or_default();
    let (address, own) = node.zip(shown).map(|(node, shown)| shown.of(node)).unwrap_or_default();
    let mut around = Around { own, outer: Vec::new() };
    // From the inside out: an environment or a proxy of the whole document counts for each server in it.
    let outer: Vec<Pointer> =
        if is_unit { above(at).collect() } else { std::iter::once(at.clone()).chain(above(at)).collect() };
    for outer in outer {
        let Some(object) = objects.get(&outer) else { continue };
        // The branch with the thing in it is not a setting beside it.
        let branch = at.tokens().nth(outer.tokens().count());
        let own = object.called(branch.as_deref());
        let Some(says) = object.says_without(&own) else { continue };
        covered.push('\n');
        covered.push_str(outer.as_str());
        covered.push(' ');
        covered.push_str(&says);
        around.outer.extend(shown.map(|shown| Beside { lines: object.lines(shown), own }));
    }
    let server = node.filter(|_| !address.is_empty()).map(|_| at.clone());
    (Arc::new(Destination { server, address, around }), covered)
}

fn above(pointer: &Pointer) -> impl Iterator<Item = Pointer> {
    std::iter::successors(pointer.parent(), Pointer::parent)
}

/// A thing as far as it decides where values go, in one order.
fn covered(node: Node<'_>) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(&node.plain()) else { return node.raw().to_owned() };
    if let Value::Object(members) = &mut value {
        members.retain(|name, value| !is_harmless(name, value.is_object()));
    }
    prune(&mut value, "");
    value.sort_all_objects();
    value.to_string()
}

fn pruned(node: Node<'_>, name: &str) -> String {
    // Deeper than any config, or with half a surrogate: every change of it counts.
    let Ok(mut value) = serde_json::from_str::<Value>(&node.plain()) else { return node.raw().to_owned() };
    prune(&mut value, name);
    value.sort_all_objects();
    value.to_string()
}

/// Takes out the slots that are flows of their own and nothing else, so that one more of them leaves the others
/// allowed.
fn prune(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            let is_header = is_headers(name);
            members.retain(|name, value| !is_inert(name, value.as_str(), is_header));
            members.iter_mut().for_each(|(name, value)| prune(value, name));
            // An object with nothing left counts as none.
            members.retain(|name, value| !(is_map(name) && value.as_object().is_some_and(serde_json::Map::is_empty)));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, "")),
        _ => {}
    }
}
