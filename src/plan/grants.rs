//! Which secret may flow where.
//!
//! A template from a pull request could name any secret and any server. So a slot is filled only if a person has seen
//! where its value goes and allowed it. A [`Flow`] is what they are shown; a [`Grant`] is what is remembered: a hash over
//! the slot's text at rest, its place, and its destination. The session asks here before it fills; nothing here fills.

use super::keylike::looks_like_key;
use crate::json::{Document, Node, Pointer};
use crate::template::{Reference, Slot, parse_parts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Members that say where a server is. An object with one of them is a server.
const ADDRESSES: [&str; 6] = ["command", "url", "httpUrl", "serverUrl", "uri", "endpoint"];
/// Members of a server that lead no value anywhere.
const HARMLESS: [&str; 8] =
    ["disabled", "enabled", "description", "timeout", "alwaysAllow", "autoApprove", "trust", "includeTools"];

/// One slot, and where its value would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The slot's place.
    pub pointer: Pointer,
    /// The slot's text at rest: its literals and placeholders.
    pub text: String,
    /// The placeholders in it.
    pub references: Vec<String>,
    /// Where the value goes.
    pub destination: Destination,
    hash: blake3::Hash,
}

/// Where the value of a slot goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The server's object; `None` if the slot is in no server.
    pub server: Option<Pointer>,
    /// Its command line or URL, at rest; what looks like a key in it is not shown.
    pub address: String,
    /// What else decides where the value ends up: variables of the server's environment, headers, a folder.
    pub around: Vec<String>,
}

/// What a person allowed: one flow, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The slot's place.
    pub pointer: Pointer,
    /// The slot's text at rest.
    pub text: String,
    /// The destination's command line or URL, for showing.
    pub address: String,
    /// BLAKE3 over all that the grant covers.
    pub hash: String,
}

impl Flow {
    /// The grant that allows it.
    #[must_use]
    pub fn grant(&self) -> Grant {
        Grant {
            pointer: self.pointer.clone(),
            text: self.text.clone(),
            address: self.destination.address.clone(),
            hash: self.hash.to_hex().to_string(),
        }
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
        match &self.server {
            Some(_) => f.write_str(&self.address),
            None => f.write_str("the file itself"),
        }
    }
}

/// The flows of all slots whose place holds their placeholder, in the order of the slots. `document` is the target at
/// rest with the template merged in: a server's command may be the template's or the host's.
///
/// ```
/// use keystencil::json::{Document, Pointer};
/// use keystencil::plan::grants::flows;
/// use keystencil::template::{Slot, parse_parts};
/// let text = r#"{"s": {"command": "npx", "args": ["x"], "env": {"KEY": "<< keyring('a') >>"}}}"#;
/// let pointer = Pointer::parse("/s/env/KEY")?;
/// let parts = parse_parts("<< keyring('a') >>").unwrap_or_default();
/// let slots = [Slot { pointer, parts, place: Default::default() }];
/// let document = Document::parse(text.as_bytes())?;
/// assert_eq!(flows(&document, &slots)[0].destination.to_string(), "npx x");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn flows(document: &Document<'_>, slots: &[Slot]) -> Vec<Flow> {
    let pointers: Vec<Pointer> = slots.iter().map(|slot| slot.pointer.clone()).collect();
    let filled: HashSet<&str> = pointers.iter().map(Pointer::as_str).collect();
    let nodes = document.find_all(&pointers);
    let standing: Vec<&Slot> = slots
        .iter()
        .zip(nodes)
        .filter(|(slot, node)| node.and_then(|node| node.as_str()).is_some_and(|text| text == slot.placeholder()))
        .map(|(slot, _)| slot)
        .collect();
    let mut around = Surroundings::of(document, &standing, &filled);
    standing.into_iter().map(|slot| around.flow(slot)).collect()
}

/// The objects around the slots, found in one pass.
struct Surroundings<'a> {
    objects: HashMap<Pointer, Node<'a>>,
    slots: &'a HashSet<&'a str>,
    /// What is covered, by object, and by slot where the slot itself makes a difference.
    covered: HashMap<(Pointer, Option<Pointer>), String>,
}

impl<'a> Surroundings<'a> {
    fn of(document: &Document<'a>, standing: &[&Slot], slots: &'a HashSet<&'a str>) -> Self {
        let all: HashSet<Pointer> = standing.iter().flat_map(|slot| above(&slot.pointer)).collect();
        let pointers: Vec<Pointer> = all.into_iter().collect();
        let nodes = document.find_all(&pointers);
        let objects = pointers.into_iter().zip(nodes).filter_map(|(at, node)| Some((at, node?))).collect();
        Self { objects, slots, covered: HashMap::new() }
    }

    fn flow(&mut self, slot: &Slot) -> Flow {
        let text = slot.placeholder();
        let references = slot.references().map(Reference::to_string).collect();
        let destination = self.destination(&slot.pointer);
        let beside = || slot.pointer.parent().filter(|parent| *parent != Pointer::root());
        let covered = destination.server.clone().or_else(beside).map(|at| self.covered(&at, &slot.pointer));
        let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 grant v1");
        for field in [slot.pointer.as_str(), &text, covered.unwrap_or_default()] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
        Flow { pointer: slot.pointer.clone(), text, references, destination, hash: hasher.finalize() }
    }

    /// The nearest object above a slot that is a server.
    fn destination(&self, slot: &Pointer) -> Destination {
        let server = above(slot).find(|at| self.objects.get(at).is_some_and(is_server));
        let node = server.as_ref().and_then(|at| self.objects.get(at));
        Destination {
            address: node.map(|node| address(*node)).unwrap_or_default(),
            around: node.map(|node| around(*node)).unwrap_or_default(),
            server,
        }
    }

    /// The text of everything in an object that decides where a slot's value goes.
    fn covered(&mut self, at: &Pointer, slot: &Pointer) -> &str {
        let is_address = slot.last().is_some_and(|name| ADDRESSES.contains(&name.as_ref()));
        let key = (at.clone(), is_address.then(|| slot.clone()));
        let node = self.objects.get(at).copied();
        let slots = self.slots;
        self.covered.entry(key).or_insert_with(|| node.map(|node| covered(node, at, slot, slots)).unwrap_or_default())
    }
}

fn above(pointer: &Pointer) -> impl Iterator<Item = Pointer> {
    std::iter::successors(pointer.parent(), Pointer::parent)
}

fn is_server(node: &Node<'_>) -> bool {
    node.members().any(|member| {
        member.value.as_str().is_some() && member.key.as_str().is_some_and(|key| ADDRESSES.contains(&key.as_ref()))
    })
}

/// The command with its arguments, or the URL.
fn address(server: Node<'_>) -> String {
    let addresses = ADDRESSES.iter().filter_map(|name| server.get(name)).map(shown);
    let arguments = server.get("args").into_iter().flat_map(|args| args.items()).map(shown);
    addresses.chain(arguments).collect::<Vec<_>>().join(" ")
}

/// The literals of the server's environment and headers, and its other texts.
fn around(server: Node<'_>) -> Vec<String> {
    let mut around = Vec::new();
    for member in server.members() {
        let Some(name) = member.key.as_str() else { continue };
        let name = name.as_ref();
        if ADDRESSES.contains(&name) || HARMLESS.contains(&name) || ["type", "transport", "args"].contains(&name) {
            continue;
        }
        let inner = member.value.members().filter_map(|inner| Some((inner.key.as_str()?, inner.value)));
        let is_literal = |text: &str| parse_parts(text).is_none();
        if member.value.as_str().is_some_and(|text| is_literal(&text)) {
            around.push(format!("{name} {}", shown(member.value)));
        }
        around.extend(
            inner
                .filter(|(_, value)| value.as_str().is_some_and(|text| is_literal(&text)))
                .map(|(inner, value)| format!("{name} {inner}={}", shown(value))),
        );
    }
    around
}

/// A value as it may be shown and kept: a literal key of the user's in it is neither.
fn shown(node: Node<'_>) -> String {
    let text = node.as_str().map_or_else(|| node.raw().to_owned(), Cow::into_owned);
    let is_key = parse_parts(&text).is_none() && looks_like_key(&text);
    if is_key { "[redacted]".to_owned() } else { text }
}

/// The object as far as it decides where values go, in one order: without what is harmless, and without the other
/// slots that are members of its `env` or `headers`, so that one more of them is a flow of its own.
fn covered(server: Node<'_>, at: &Pointer, slot: &Pointer, slots: &HashSet<&str>) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(server.raw()) else {
        // Deeper than any config, or with half a surrogate: every change of it counts.
        return server.raw().to_owned();
    };
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !HARMLESS.contains(&name.as_str()) && !is_slot_member(at, name, slot, slots));
        for name in ["env", "headers"] {
            if let Some(Value::Object(inner)) = members.get_mut(name) {
                let at = at.child(name);
                inner.retain(|name, _| !is_slot_member(&at, name, slot, slots));
            }
        }
    }
    value.sort_all_objects();
    value.to_string()
}

/// Whether a member is a slot, and no address.
fn is_slot_member(at: &Pointer, name: &str, slot: &Pointer, slots: &HashSet<&str>) -> bool {
    let pointer = at.child(name);
    pointer == *slot || (slots.contains(pointer.as_str()) && !ADDRESSES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows_of(text: &str) -> Vec<Flow> {
        let document = Document::parse(text.as_bytes()).unwrap();
        let mut slots = Vec::new();
        document.strings(|token| {
            let Some(parts) = token.node.as_str().filter(|_| !token.is_key).and_then(|text| parse_parts(&text)) else {
                return;
            };
            slots.push(Slot { pointer: token.pointer(), parts, place: crate::error::Place::default() });
        });
        flows(&document, &slots)
    }

    fn hash(text: &str) -> String {
        flows_of(text)[0].grant().hash
    }

    const BASE: &str =
        r#"{"m": {"s": {"command": "npx", "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>"}}}}"#;

    #[test]
    fn a_grant_holds_while_the_server_stays_the_same() {
        for same in [
            r#"{"m": {"s": {"env": {"K": "<< keyring('a') >>"}, "args": ["-y", "good"], "command": "np\u0078"}}}"#,
            r#"{"x": 1, "m": {"s": {"command": "npx", "disabled": true, "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>"}}}}"#,
            r#"{"m": {"s": {"command": "npx", "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>", "L": "<< keyring('b') >>"}}, "t": {"url": "https://x"}}}"#,
        ] {
            assert_eq!(hash(same), hash(BASE), "{same}");
        }
    }

    #[test]
    fn another_secret_place_command_argument_or_variable_is_another_flow() {
        for other in [
            BASE.replace("'a'", "'b'"),
            BASE.replace("'a'", "'a', 'work'"),
            BASE.replace("<< keyring", "x<< keyring"),
            BASE.replace(r#""K""#, r#""L""#),
            BASE.replace(r#""s""#, r#""t""#),
            BASE.replace("npx", "npx2"),
            BASE.replace("good", "evil"),
            BASE.replace(r#""env": {"#, r#""env": {"NODE_OPTIONS": "--require=/tmp/evil.js", "#),
            BASE.replace(r#""env": {"#, r#""cwd": "/tmp", "env": {"#),
        ] {
            assert_ne!(hash(&other), hash(BASE), "{other}");
        }
    }

    #[test]
    fn what_diverts_a_value_is_shown_and_a_literal_key_is_not() {
        let more =
            concat!(r#""env": {"NODE_OPTIONS": "-r x", "OWN": "ghp"#, r#"_0123456789abcdefABCDEF0123456789abcd", "#);
        let text = BASE.replace(r#""env": {"#, more);
        let around = &flows_of(&text)[0].destination.around;
        assert_eq!(around, &["env NODE_OPTIONS=-r x", "env OWN=[redacted]"]);
    }

    #[test]
    fn a_key_in_an_address_is_shown_with_it_and_bound_to_it() {
        let text = r#"{"s": {"url": "https://good/?key=<< keyring('a') >>"}}"#;
        assert_eq!(flows_of(text)[0].destination.to_string(), "https://good/?key=<< keyring('a') >>");
        assert_ne!(hash(text), hash(&text.replace("good", "evil")));
    }

    #[test]
    fn another_slot_in_the_address_counts_and_one_beside_does_not() {
        let text = r#"{"s": {"url": "https://good/", "headers": {"A": "<< keyring('a') >>"}}}"#;
        assert_ne!(hash(text), hash(&text.replace("good/", "good/<< env('HOST') >>")));
        let more = text.replace(r#"{"A""#, r#"{"B": "<< keyring('b') >>", "A""#);
        assert_eq!(flows_of(&more)[1].grant().hash, hash(text));
    }

    #[test]
    fn without_a_server_what_stands_beside_decides() {
        let text = r#"{"env": {"K": "<< keyring('a') >>", "BASE_URL": "https://good"}, "theme": "dark"}"#;
        assert_eq!(flows_of(text)[0].destination.to_string(), "the file itself");
        assert_ne!(hash(text), hash(&text.replace("good", "evil")));
        assert_eq!(hash(text), hash(&text.replace("dark", "light")));
    }

    #[test]
    fn a_place_where_the_users_literal_stays_is_no_flow() {
        let document = Document::parse(br#"{"k": "mine"}"#).unwrap();
        let parts = parse_parts("<< keyring('a') >>").unwrap();
        let slot = Slot { pointer: Pointer::parse("/k").unwrap(), parts, place: crate::error::Place::default() };
        assert!(flows(&document, &[slot]).is_empty());
    }
}
