//! What is kept of a text, the references of a host in it, and whether another text is that one with something in their
//! places.

use super::hash::{hash, is_hash};
use crate::template::parse_parts;
use std::ops::Range;

/// The holes of a text, in order: `${VAR}`, `${VAR:-x}`, `${input:x}`, `{env:X}`, `{file:x}`.
pub(super) fn holes(text: &str) -> Vec<Range<usize>> {
    let mut holes = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let starts = ["${", "{env:", "{file:"].into_iter().filter_map(|start| rest.find(start));
        let Some(start) = starts.min() else { break };
        let Some(end) = text.get(at + start..).and_then(|hole| hole.find('}')) else { break };
        holes.push(at + start..at + start + end + 1);
        at += start + end + 1;
    }
    holes
}

/// A text as a record keeps it: itself if it is needed to fill or to compare, else a hash.
pub(super) fn kept(text: &str) -> String {
    if parse_parts(text).is_none() && holes(text).is_empty() { hash(text) } else { text.to_owned() }
}

/// Whether `actual` is `written`, with any text without control characters in the place of each hole; a hash is of the whole.
pub(super) fn fits(written: &str, actual: &str) -> bool {
    if is_hash(written) {
        return hash(actual) == written;
    }
    if written == actual {
        return true;
    }
    let holes = holes(written);
    let (Some(first), Some(last)) = (holes.first(), holes.last()) else { return false };
    let piece = |range: Range<usize>| written.get(range).unwrap_or_default();
    let (head, tail) = (piece(0..first.start), piece(last.end..written.len()));
    let Some(inner) = actual.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)) else { return false };
    let between = holes.windows(2).filter_map(|pair| Some(piece(pair.first()?.end..pair.get(1)?.start)));
    let mut rest = inner;
    for literal in between {
        let Some((filled, after)) = rest.split_once(literal) else { return false };
        if filled.contains(char::is_control) {
            return false;
        }
        rest = after;
    }
    !rest.contains(char::is_control)
}

/// The same of an argument: one with a hole begins with no `-`, however it is filled, since it would be an option.
pub(super) fn fits_argument(written: &str, actual: &str) -> bool {
    fits(written, actual) && (holes(written).is_empty() || !actual.starts_with('-'))
}
