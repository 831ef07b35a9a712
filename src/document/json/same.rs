//! Whether two values mean the same, at any depth, without recursion.
//!
//! Each value is read once into a flat list of its parts; then pairs of parts are compared from a work list. Both
//! steps are linear but for the sorting of keys.

use super::node::{Kind, Node, kind};
use super::{number, scan, string};
use std::borrow::Cow;

/// A value or key, in document order. A container's parts follow it, up to `next`.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    next: usize,
}

/// A value as the list of its parts.
struct Parts<'a> {
    text: &'a str,
    parts: Vec<Part>,
}

/// Whether two checked values mean the same; see [`Node::same_value`].
pub(super) fn same(a: &Node<'_>, b: &Node<'_>) -> bool {
    if a.raw() == b.raw() {
        return true;
    }
    if a.kind() != b.kind() {
        return false;
    }
    if !matches!(a.kind(), Kind::Object | Kind::Array) {
        return same_scalar(a.raw(), b.raw());
    }
    let (a, b) = (Parts::of(a.raw()), Parts::of(b.raw()));
    let mut pairs = vec![(0, 0)];
    while let Some((left, right)) = pairs.pop() {
        let agree = match (a.kind(left), b.kind(right)) {
            (Kind::Object, Kind::Object) => pair_up(&mut pairs, a.members(left), b.members(right)),
            (Kind::Array, Kind::Array) => pair_up(&mut pairs, a.items(left), b.items(right)),
            (one, other) => one == other && same_scalar(a.raw(left), b.raw(right)),
        };
        if !agree {
            return false;
        }
    }
    true
}

fn same_scalar(a: &str, b: &str) -> bool {
    a == b
        || match kind(scan::byte(a.as_bytes(), 0)) {
            Kind::String => string::wtf8(a) == string::wtf8(b),
            Kind::Number => number::same(a, b),
            _ => false,
        }
}

/// Puts the values on the work list if the names agree.
fn pair_up<K: PartialEq>(pairs: &mut Vec<(usize, usize)>, a: Vec<(K, usize)>, b: Vec<(K, usize)>) -> bool {
    if a.len() != b.len() || a.iter().zip(&b).any(|(a, b)| a.0 != b.0) {
        return false;
    }
    pairs.extend(a.into_iter().zip(b).map(|(a, b)| (a.1, b.1)));
    true
}

impl<'a> Parts<'a> {
    /// Reads the text of a checked value that is a container.
    fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut parts: Vec<Part> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        loop {
            let here = parts.len();
            match scan::byte(bytes, at) {
                b'{' | b'[' => {
                    parts.push(Part { start: at, end: at, next: here + 1 });
                    open.push(here);
                    at += 1;
                }
                b'}' | b']' => {
                    at += 1;
                    if let Some(part) = open.pop().and_then(|part| parts.get_mut(part)) {
                        (part.end, part.next) = (at, here);
                    }
                    if open.is_empty() {
                        return Self { text, parts };
                    }
                }
                0 => return Self { text, parts },
                _ => {
                    let end = scan::value_end(bytes, at);
                    parts.push(Part { start: at, end, next: here + 1 });
                    at = end;
                }
            }
            at = scan::skip_space(bytes, at);
            if matches!(scan::byte(bytes, at), b',' | b':') {
                at = scan::skip_space(bytes, at + 1);
            }
        }
    }

    fn raw(&self, at: usize) -> &'a str {
        self.parts.get(at).and_then(|part| self.text.get(part.start..part.end)).unwrap_or("")
    }

    fn kind(&self, at: usize) -> Kind {
        kind(scan::byte(self.raw(at).as_bytes(), 0))
    }

    fn next(&self, at: usize) -> usize {
        self.parts.get(at).map_or(usize::MAX, |part| part.next)
    }

    fn items(&self, at: usize) -> Vec<((), usize)> {
        let end = self.next(at);
        let mut items = Vec::new();
        let mut item = at + 1;
        while item < end {
            items.push(((), item));
            item = self.next(item);
        }
        items
    }

    /// The members that count, sorted by name.
    fn members(&self, at: usize) -> Vec<(Cow<'a, [u8]>, usize)> {
        let end = self.next(at);
        let mut members: Vec<(Cow<'a, [u8]>, usize)> = Vec::new();
        let mut key = at + 1;
        while key < end {
            members.push((string::wtf8(self.raw(key)), key + 1));
            key = self.next(key + 1);
        }
        members.sort_by(|a, b| a.0.cmp(&b.0));
        // The sort is stable: of equal names the last one in the text comes last, and takes the place of the first.
        members.dedup_by(|later, earlier| {
            let equal = later.0 == earlier.0;
            if equal {
                earlier.1 = later.1;
            }
            equal
        });
        members
    }
}

impl Node<'_> {
    /// Whether both mean the same: white space, escapes, member order and the notation of numbers don't count; of
    /// duplicate keys the last does.
    ///
    /// Numbers are the same if they are written the same, have the same decimal value, or round to the same finite
    /// 64-bit float; two integers written in digits only are compared exactly, so that
    /// `9007199254740993` is not `9007199254740992`.
    ///
    /// ```
    /// use keystencil::document::Document;
    /// let same = |a: &str, b: &str| {
    ///     Document::parse(a.as_bytes()).unwrap().root().same_value(&Document::parse(b.as_bytes()).unwrap().root())
    /// };
    /// assert!(same(r#"{"a": 1.0, "b": "\u00e9"}"#, r#"{"b":"é","a":1}"#));
    /// assert!(!same("[1, 2]", "[2, 1]"));
    /// ```
    #[must_use]
    pub fn same_value(&self, other: &Node<'_>) -> bool {
        same(self, other)
    }
}
