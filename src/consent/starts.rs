//! What a template starts: programs, their arguments, hooks, helpers, and variables that steer programs.
//!
//! Asked by a render before it merges. A start is asked about if the template's outcome has it and the target at rest
//! does not have it equally; so what the user added, what was imported and what is merged already ask nothing. It is as
//! large as the server it is in, and stays out as a whole: the server is then as it was.

use super::shown::Shown;
use super::unit::is_inert;
use super::{Around, Destination, Flow};
use crate::consent::steering::steers;
use crate::document::{Document, Kind, Node, Operation, Patch, Pointer, edit};
use crate::host::servers::{is_environment, is_server, server_ends, settings_begin, starts};
use crate::template::Blueprint;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the merge of a template would newly start: from the target at rest to the outcome, by the patch between them.
#[must_use]
pub(crate) fn started(
    at_rest: &Document<'_>,
    outcome: &Document<'_>,
    patch: &Patch,
    blueprint: &Blueprint,
) -> Vec<Flow> {
    let mut groups: BTreeSet<Pointer> = BTreeSet::new();
    for operation in &patch.0 {
        for document in [outcome, at_rest] {
            groups.extend(touched(document, operation.path()).map(|at| group(outcome, &at)));
        }
    }
    let outermost: Vec<Pointer> =
        groups.iter().filter(|at| !above(at).any(|one| groups.contains(&one))).cloned().collect();
    let shown = Shown::new(blueprint);
    let pairs = at_rest.find_all(&outermost).into_iter().zip(outcome.find_all(&outermost));
    let new = outermost.iter().zip(pairs).filter_map(|(at, (was, is))| {
        let is = is?;
        let now = starters(at, is);
        (!now.is_empty() && was.map(|was| starters(at, was)).unwrap_or_default() != now)
            .then(|| start(at, is, &now, &shown))
    });
    new.collect()
}

fn start(at: &Pointer, node: Node<'_>, starters: &BTreeMap<Pointer, String>, shown: &Shown<'_>) -> Flow {
    let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 start v1");
    let fields = starters.iter().flat_map(|(at, text)| [at.as_str(), text.as_str()]);
    for field in std::iter::once(at.as_str()).chain(fields) {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    let name = at.last().unwrap_or_default();
    let (address, mut around) = match node.kind() {
        Kind::Object if !starts(&name, node.kind()) => shown.of(node),
        _ => (String::new(), shown.member(&name, node)),
    };
    if address.is_empty() && around.is_empty() {
        around.push(node.plain().into_owned());
    }
    Flow {
        pointer: at.clone(),
        text: String::new(),
        references: Vec::new(),
        destination: Arc::new(Destination {
            server: Some(at.clone()),
            address,
            around: Around { own: around, outer: Vec::new() },
        }),
        unit: None,
        hash: hasher.finalize(),
    }
}

/// The starters that a change at this place concerns: one that it lies in, else those below it.
fn touched(document: &Document<'_>, changed: &Pointer) -> impl Iterator<Item = Pointer> + use<> {
    let tokens: Vec<Cow<'_, str>> = changed.tokens().collect();
    let mut at = Pointer::root();
    let mut path = Vec::new();
    for token in &tokens {
        at.push(token);
        path.push(at.clone());
    }
    let nodes = document.find_all(&path);
    let mut inside = None;
    for (index, (at, node)) in path.iter().zip(&nodes).enumerate() {
        let parent = index.checked_sub(1).and_then(|above| tokens.get(above)).map(AsRef::as_ref);
        let (Some(node), Some(name)) = (node, tokens.get(index)) else { continue };
        if is_starter(parent, name, *node) {
            inside = Some(at.clone());
            break;
        }
    }
    let below = match (&inside, nodes.last().copied().flatten()) {
        (None, Some(node)) => starters(changed, node).into_keys().collect(),
        _ => Vec::new(),
    };
    inside.into_iter().chain(below)
}

/// How much of the document is one start: the server, the thing with a command, else the setting itself. A list is
/// merged whole, so it is one as well.
fn group(document: &Document<'_>, starter: &Pointer) -> Pointer {
    let tokens: Vec<Cow<'_, str>> = starter.tokens().collect();
    let mut path: Vec<Pointer> = std::iter::successors(Some(starter.clone()), Pointer::parent).collect();
    path.reverse();
    let nodes = document.find_all(&path);
    let kind = |depth: usize| nodes.get(depth).copied().flatten().map(|node| node.kind());
    let is_server_at = |depth: &usize| nodes.get(*depth).copied().flatten().is_some_and(|node| is_server(&node));
    let list = (1..tokens.len()).find(|depth| kind(*depth) == Some(Kind::Array));
    let server = server_ends(&tokens);
    let thing = (settings_begin(&tokens) + 1..tokens.len()).find(is_server_at);
    let depth = [list, server, thing].into_iter().flatten().min().unwrap_or(tokens.len());
    path.get(depth).unwrap_or(starter).clone()
}

/// Everything in a value that starts something, by its place, in one notation. A host's value may be deep, so this is
/// no recursion.
fn starters(at: &Pointer, node: Node<'_>) -> BTreeMap<Pointer, String> {
    let mut found = BTreeMap::new();
    let parent = at.parent().and_then(|above| above.last().map(Cow::into_owned));
    let mut open = vec![(parent, at.clone(), node)];
    while let Some((parent, at, node)) = open.pop() {
        let name = at.last().map(Cow::into_owned).unwrap_or_default();
        if is_starter(parent.as_deref(), &name, node) {
            // Of duplicates the last is met first, and is the one that counts.
            found.entry(at).or_insert_with(|| plain(node));
            continue;
        }
        for member in node.members() {
            if let Some(key) = member.key.as_str() {
                open.push((Some(name.clone()), at.child(&key), member.value));
            }
        }
        open.extend(node.items().enumerate().map(|(index, item)| (Some(name.clone()), at.index(index), item)));
    }
    found
}

/// Whether a member starts something or steers what is started.
fn is_starter(parent: Option<&str>, name: &str, node: Node<'_>) -> bool {
    let kind = node.kind();
    let is_key = || is_inert(name, node.as_str().as_deref(), false);
    let is_variable = || parent.is_some_and(is_environment) && steers(name) && kind != Kind::Null && !is_key();
    // Variables in a file, or in a list.
    let is_file = || is_environment(name) && matches!(kind, Kind::String | Kind::Array);
    starts(name, kind) || is_variable() || is_file()
}

fn plain(node: Node<'_>) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(&node.plain()) else { return node.raw().to_owned() };
    value.sort_all_objects();
    value.to_string()
}

fn above(pointer: &Pointer) -> impl Iterator<Item = Pointer> {
    std::iter::successors(pointer.parent(), Pointer::parent)
}

/// A blueprint that leaves these things as they are in the other document: there or not.
#[must_use]
pub(crate) fn without(blueprint: &Blueprint, things: &[Pointer], other: &Document<'_>) -> Blueprint {
    let is_out = |at: &Pointer| things.iter().any(|thing| at.is_within(thing));
    Blueprint {
        document: put_back(&blueprint.document, things, Some(other)),
        slots: blueprint.slots.iter().filter(|slot| !is_out(&slot.pointer)).cloned().collect(),
    }
}

/// A document in which these things are as in the other one.
#[must_use]
pub(crate) fn put_back(document: &str, things: &[Pointer], other: Option<&Document<'_>>) -> String {
    let mut text = document.to_owned();
    for thing in things {
        let at = std::slice::from_ref(thing);
        let there = other.and_then(|other| other.find_all(at).into_iter().next().flatten());
        let operation = {
            let Ok(document) = Document::parse(text.as_bytes()) else { return text };
            let is_here = document.find_all(at).into_iter().next().flatten().is_some();
            match (is_here, there) {
                (true, Some(there)) => Some(Operation::Replace { path: thing.clone(), value: once(there) }),
                (true, None) => Some(Operation::Remove { path: thing.clone() }),
                (false, Some(there)) => added(&document, thing, once(there)),
                (false, None) => None,
            }
        };
        if let Some(Ok(changed)) = operation.map(|operation| edit::apply(&text, &Patch(vec![operation]))) {
            text = changed;
        }
    }
    text
}

/// A value without comments and duplicates, as a template could have it.
fn once(node: Node<'_>) -> String {
    let plain = node.plain();
    serde_json::from_str::<Value>(&plain).map_or_else(|_| plain.into_owned(), |value| value.to_string())
}

/// What adds a value with the objects around it that are not there; nothing where there is something other than an
/// object.
fn added(document: &Document<'_>, at: &Pointer, mut value: String) -> Option<Operation> {
    let mut at = at.clone();
    loop {
        let parent = at.parent()?;
        match document.find_all(std::slice::from_ref(&parent)).into_iter().next().flatten() {
            Some(node) if node.kind() == Kind::Object => return Some(Operation::Add { path: at, value }),
            Some(_) => return None,
            None => {
                let name = Value::from(at.last()?.into_owned());
                value = format!("{{{name}:{value}}}");
                at = parent;
            }
        }
    }
}

#[cfg(test)]
#[path = "starts/tests.rs"]
mod tests;
