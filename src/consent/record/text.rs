//! What is kept of a text, and whether another text is that one with something in the places of the host's references.

use super::hash::{hash, is_hash};
use crate::consent::holes::holes;
use crate::template::parse_parts;
use std::ops::Range;

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
