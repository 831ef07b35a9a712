//! The walk over all string tokens of a checked text.
//!
//! A stack says where the walk stands: eight bytes a level, the offset of a key or the number of an item. Pointers
//! are made from it only for those tokens whose visitor asks.

use super::node::Node;
use super::text::Document;
use super::{scan, string};
use crate::document::pointer::Pointer;

impl<'a> Document<'a> {
    /// Calls `visit` with every string token, keys included, in document order. Values that a later duplicate key
    /// hides are visited too.
    ///
    /// ```
    /// use keystencil::document::Document;
    /// let document = Document::parse(br#"{"a": ["x", {"b": "y"}]}"#)?;
    /// let mut seen = Vec::new();
    /// document.strings(|token| seen.push((token.pointer().to_string(), token.is_key, token.node.raw())));
    /// assert_eq!(seen[1], ("/a/0".to_owned(), false, "\"x\""));
    /// assert_eq!(seen[2], ("/a/1/b".to_owned(), true, "\"b\""));
    /// # Ok::<(), keystencil::document::SyntaxError>(())
    /// ```
    pub fn strings(&self, visit: impl FnMut(&StringToken<'_, 'a>)) {
        strings(self.text(), self.root().start, visit);
    }
}

/// An open container: in an object the offset of the current key, in an array the index of the current item, and
/// the lowest bit to tell them apart. 100 MB of `[` must fit in memory as such frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame(usize);

impl Frame {
    fn object(key: usize) -> Self {
        Self(key << 1 | 1)
    }

    fn array(index: usize) -> Self {
        Self(index << 1)
    }

    fn key(self) -> Option<usize> {
        (self.0 & 1 == 1).then_some(self.0 >> 1)
    }

    fn index(self) -> usize {
        self.0 >> 1
    }
}

/// One string token met by [`Document::strings`](crate::document::Document::strings).
#[derive(Debug)]
pub struct StringToken<'w, 'a> {
    /// The token, quotes included.
    pub node: Node<'a>,
    /// Whether it is a member's key.
    pub is_key: bool,
    text: &'a str,
    walk: &'w [Frame],
}

impl<'a> StringToken<'_, 'a> {
    /// The pointer to this token's value; for a key, to the member it names. Costs the depth, so ask seldom.
    ///
    /// A lone surrogate in a key on the way becomes U+FFFD, since a pointer is a string.
    #[must_use]
    pub fn pointer(&self) -> Pointer {
        let mut pointer = Pointer::root();
        for frame in self.walk {
            match frame.key() {
                Some(key) => pointer.push(&string::decode_lossy(token(self.text, key))),
                None => pointer.push(&frame.index().to_string()),
            }
        }
        pointer
    }

    /// The raw token (quotes included) of the key this value stands under; `None` for array items, the root and keys.
    #[must_use]
    pub fn key(&self) -> Option<&'a str> {
        if self.is_key {
            return None;
        }
        self.walk.last()?.key().map(|key| token(self.text, key))
    }

    /// The raw key of the member whose list or object this value stands in, if that is one.
    #[must_use]
    pub fn above(&self) -> Option<&'a str> {
        let (_, above) = self.walk.split_last()?;
        above.last()?.key().map(|key| token(self.text, key))
    }

    /// How many containers the token stands in.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.walk.len()
    }
}

/// The string token that starts at an offset of a checked text.
fn token(text: &str, start: usize) -> &str {
    text.get(start..scan::string_end(text.as_bytes(), start)).unwrap_or("")
}

/// Calls `visit` with every string token of the checked value that starts at `start`.
pub(super) fn strings<'a>(text: &'a str, start: usize, mut visit: impl FnMut(&StringToken<'_, 'a>)) {
    let bytes = text.as_bytes();
    let mut stack: Vec<Frame> = Vec::new();
    let mut visit = |start: usize, is_key: bool, walk: &[Frame]| {
        let end = scan::string_end(bytes, start);
        visit(&StringToken { node: Node::new(text, start, end), is_key, text, walk });
        end
    };
    let mut at = start;
    'value: loop {
        let mut end = match scan::byte(bytes, at) {
            b'"' => visit(at, false, &stack),
            open @ (b'{' | b'[') => match scan::first_element(bytes, at) {
                Some(first) if open == b'[' => {
                    stack.push(Frame::array(0));
                    at = first;
                    continue 'value;
                }
                Some(key) => {
                    stack.push(Frame::object(key));
                    at = scan::member_value(bytes, visit(key, true, &stack));
                    continue 'value;
                }
                None => scan::skip_space(bytes, at + 1) + 1,
            },
            _ => scan::value_end(bytes, at),
        };
        loop {
            let Some(frame) = stack.last_mut() else { return };
            match (scan::next_element(bytes, end), frame.key()) {
                (Some(key), Some(_)) => {
                    *frame = Frame::object(key);
                    at = scan::member_value(bytes, visit(key, true, &stack));
                    continue 'value;
                }
                (Some(item), None) => {
                    *frame = Frame::array(frame.index() + 1);
                    at = item;
                    continue 'value;
                }
                (None, _) => {
                    end = scan::closing(bytes, end) + 1;
                    stack.pop();
                }
            }
        }
    }
}
