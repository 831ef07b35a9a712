//! How much around a slot is one thing that the user allows: the server it is in, or what comes nearest to that.
//!
//! The template decides what is around its slots, so no member that it could put between a slot and its server may
//! make the thing smaller: of several answers the outermost counts.

use crate::document::Pointer;
use crate::host::servers::{is_environment, is_headers, server_ends, settings_begin};
use crate::scan::names::is_secret_name;
use crate::template::{Part, parse_parts};
use std::borrow::Cow;

pub(super) fn is_map(name: &str) -> bool {
    is_environment(name) || is_headers(name)
}

/// The thing a slot is in; `None` if the slot is in the document itself. `is_server` knows it of each object above.
pub(super) fn unit(slot: &Pointer, is_server: impl Fn(&Pointer) -> bool) -> Option<Pointer> {
    let tokens: Vec<Cow<'_, str>> = slot.tokens().collect();
    let parent = tokens.len().checked_sub(1)?;
    let base = settings_begin(&tokens);
    let is_map = |at: &usize| tokens.get(*at).is_some_and(|token| is_map(token));
    let mut ends: Vec<usize> = match server_ends(&tokens) {
        Some(end) => vec![end],
        // Nothing is known of it: two levels, and never less than what variables or headers are of.
        None => (base + 1..parent).find(is_map).into_iter().chain([parent.min(base + 2)]).collect(),
    };
    let above: Vec<Pointer> = std::iter::successors(slot.parent(), Pointer::parent).collect();
    let at_depth = |depth: usize| above.get(parent.checked_sub(depth)?);
    ends.extend((base + 1..=parent).find(|depth| at_depth(*depth).is_some_and(&is_server)));
    let end = ends.into_iter().min().filter(|end| *end > base)?;
    at_depth(end).cloned()
}

/// Members of a server that send no value anywhere.
const HARMLESS: [&str; 8] =
    ["disabled", "enabled", "description", "timeout", "alwaysAllow", "autoApprove", "trust", "includeTools"];
/// What may be before the one reference of a header.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "token "];

pub(super) fn is_harmless(name: &str, is_object: bool) -> bool {
    !is_object && HARMLESS.contains(&name)
}

/// Whether a member is a slot whose text sends nothing anywhere even while it is closed: a key under a key's name.
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
