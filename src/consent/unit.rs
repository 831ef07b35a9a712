//! How much around a slot is one thing that a person allows: the server it is in, or what comes nearest to that.
//!
//! The template decides what stands around its slots, so no member that it could put between a slot and its server may
//! make the thing smaller: of several answers the outermost counts.

use crate::document::Pointer;
use crate::host::servers::{is_environment, is_headers, server_ends, settings_begin};
use std::borrow::Cow;

pub(super) fn is_map(name: &str) -> bool {
    is_environment(name) || is_headers(name)
}

/// The thing a slot is in; `None` if the slot stands in the document itself. `is_server` knows it of each object above.
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
