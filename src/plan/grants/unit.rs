//! How much around a slot is one thing that a person allows: the server it is in, or what comes nearest to that.
//!
//! The template decides what stands around its slots, so no member that it could put between a slot and its server may
//! make the thing smaller: of several answers the outermost counts.

use crate::json::{Kind, Node, Pointer};
use std::borrow::Cow;

/// Members that say where a server is.
const ADDRESSES: [&str; 6] = ["command", "url", "httpUrl", "serverUrl", "uri", "endpoint"];
/// Objects whose members are servers, of all hosts that are known.
const CONTAINERS: [&str; 6] = ["mcpServers", "servers", "context_servers", "mcp_servers", "mcp", "extensions"];
/// Objects of a server whose members are variables or headers.
const MAPS: [&str; 6] = ["env", "environment", "envs", "headers", "http_headers", "requestInit"];
/// What the name of a setting holds if it says where something goes.
const LEADING: [&str; 12] =
    ["url", "uri", "host", "base", "endpoint", "proxy", "server", "address", "command", "helper", "domain", "gateway"];

pub(super) fn is_address(name: &str) -> bool {
    ADDRESSES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

pub(super) fn is_map(name: &str) -> bool {
    MAPS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_container(name: &str) -> bool {
    CONTAINERS.contains(&name)
}

/// Whether a setting beside or above the thing may lead its values elsewhere: a proxy, a base URL, an environment.
pub(super) fn may_lead(name: &str) -> bool {
    let small = name.to_ascii_lowercase();
    is_map(name) || (!is_container(name) && LEADING.iter().any(|word| small.contains(word)))
}

/// Whether an object says itself where it is, in any of the shapes that hosts know.
pub(super) fn is_server(node: &Node<'_>) -> bool {
    node.members().any(|member| {
        let shape = match member.value.kind() {
            Kind::String | Kind::Array => Some(()),
            _ => None,
        };
        shape.is_some() && member.key.as_str().is_some_and(|key| is_address(&key))
    })
}

/// The thing a slot is in; `None` if the slot stands in the document itself. `is_server` knows it of each object above.
pub(super) fn unit(slot: &Pointer, is_server: impl Fn(&Pointer) -> bool) -> Option<Pointer> {
    let tokens: Vec<Cow<'_, str>> = slot.tokens().collect();
    let parent = tokens.len().checked_sub(1)?;
    // A project of Claude Code's has the settings of a document.
    let base = if tokens.first().is_some_and(|first| first == "projects") && parent > 2 { 2 } else { 0 };
    let is = |at: usize, what: fn(&str) -> bool| tokens.get(at).is_some_and(|token| what(token));
    let container = (base..parent).find(|at| is(*at, is_container));
    let entry =
        container.map(|at| if is(at, |name| name == "mcp") && is(at + 1, is_container) { at + 3 } else { at + 2 });
    let mut ends: Vec<usize> = match entry.filter(|end| *end <= parent) {
        Some(end) => vec![end],
        // Nothing is known of it: two levels, and never less than what variables or headers are of.
        None => (base + 1..parent).find(|at| is(*at, is_map)).into_iter().chain([parent.min(base + 2)]).collect(),
    };
    let above: Vec<Pointer> = std::iter::successors(slot.parent(), Pointer::parent).collect();
    let at_depth = |depth: usize| above.get(parent.checked_sub(depth)?);
    ends.extend((base + 1..=parent).find(|depth| at_depth(*depth).is_some_and(&is_server)));
    let end = ends.into_iter().min().filter(|end| *end > base)?;
    at_depth(end).cloned()
}
