//! What a grant covers, as one text: the thing a slot is in, and what stands above it and may lead its values elsewhere.

use super::Destination;
use super::shown::Shown;
use super::unit::{is_map, is_server, may_lead, unit};
use crate::json::{Document, Node, Pointer};
use crate::plan::detect::names::is_secret_name;
use crate::template::{Blueprint, Part, Slot, parse_parts};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Members of a server that lead no value anywhere.
const HARMLESS: [&str; 8] =
    ["disabled", "enabled", "description", "timeout", "alwaysAllow", "autoApprove", "trust", "includeTools"];
/// What may stand before the one reference of a header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

/// An object around slots. Its members are walked once: a live file may have megabytes, and a thousand slots.
struct Object<'a> {
    node: Node<'a>,
    is_server: bool,
    /// The members that may lead values elsewhere.
    leading: Vec<(String, Node<'a>)>,
}

impl<'a> Object<'a> {
    fn of(node: Node<'a>) -> Self {
        let named = node.members().filter_map(|member| Some((member.key.as_str()?.into_owned(), member.value)));
        let leading = named.filter(|(name, _)| may_lead(name)).collect();
        Self { node, is_server: is_server(&node), leading }
    }
}

/// The objects around the slots, found in one pass.
pub(super) struct Surroundings<'a> {
    objects: HashMap<Pointer, Object<'a>>,
    /// `None`: nobody reads it.
    shown: Option<Shown<'a>>,
    /// By the thing, or by the object that holds a slot which is in none.
    known: HashMap<Pointer, (Arc<Destination>, String)>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn of(document: &Document<'a>, standing: &[&Slot], blueprint: &'a Blueprint, described: bool) -> Self {
        let all: HashSet<Pointer> = standing.iter().flat_map(|slot| above(&slot.pointer)).collect();
        let pointers: Vec<Pointer> = all.into_iter().collect();
        let nodes = document.find_all(&pointers);
        let objects = pointers.into_iter().zip(nodes).filter_map(|(at, node)| Some((at, Object::of(node?)))).collect();
        Self { objects, shown: described.then(|| Shown::new(blueprint)), known: HashMap::new() }
    }

    /// Where the value of a slot goes, and the text of everything that decides it.
    pub(super) fn of_slot(&mut self, slot: &Pointer) -> (Arc<Destination>, &str) {
        let unit = unit(slot, |at| self.objects.get(at).is_some_and(|object| object.is_server));
        let at = unit.clone().or_else(|| slot.parent()).unwrap_or_default();
        let (objects, shown) = (&self.objects, self.shown.as_ref());
        let known = self.known.entry(at).or_insert_with_key(|at| describe(objects, shown, at, unit.is_some()));
        (Arc::clone(&known.0), &known.1)
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
    let (address, mut around) = node.zip(shown).map(|(node, shown)| shown.of(node)).unwrap_or_default();
    // From the outside in: an environment or a proxy of the whole document counts for each server in it.
    let outer: Vec<Pointer> =
        if is_unit { above(at).collect() } else { std::iter::once(at.clone()).chain(above(at)).collect() };
    for outer in outer {
        let Some(object) = objects.get(&outer) else { continue };
        for (name, value) in &object.leading {
            let path = outer.child(name);
            if at.is_within(&path) || is_inert(name, value.as_str().as_deref(), false) {
                continue;
            }
            covered.push('\n');
            covered.push_str(path.as_str());
            covered.push(' ');
            covered.push_str(&pruned(*value, name));
            around.extend(shown.map(|shown| shown.member(name, *value)).unwrap_or_default());
        }
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

/// Takes out the slots that are flows of their own and nothing else, so that one more of them leaves the others allowed.
fn prune(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            let is_header = is_map(name) && name.to_ascii_lowercase().contains("header");
            members.retain(|name, value| !is_inert(name, value.as_str(), is_header));
            members.iter_mut().for_each(|(name, value)| prune(value, name));
            // One with nothing left is as good as none.
            members.retain(|name, value| !(is_map(name) && value.as_object().is_some_and(serde_json::Map::is_empty)));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, "")),
        _ => {}
    }
}

pub(super) fn is_harmless(name: &str, is_object: bool) -> bool {
    !is_object && HARMLESS.contains(&name)
}

/// Whether a member is a slot whose text leads nothing anywhere even while it is closed: a key under the name of a key.
/// `NODE_OPTIONS` is none whatever it holds, and neither is `--require=x << keyring('y') >>`.
pub(super) fn is_inert(name: &str, text: Option<&str>, is_header: bool) -> bool {
    let named = |name: &str| is_secret_name(name) || (is_header && !name.eq_ignore_ascii_case("host"));
    let Some(parts) = text.filter(|_| named(name)).and_then(parse_parts) else { return false };
    match parts.as_slice() {
        [Part::Secret(_)] => true,
        [Part::Literal(scheme), Part::Secret(_)] => SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()),
        _ => false,
    }
}
