//! JSON text, checked once and then read in place: spans by pointer, all strings, nothing else decoded.

use super::pointer::Pointer;
use std::borrow::Cow;
use std::ops::Range;

/// A range of byte offsets into the text given to [`Document::parse`], BOM included in the count.
pub type Span = Range<usize>;

/// What kind of value stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Text that is not JSON (RFC 8259), with the place of the first fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {what}")]
pub struct SyntaxError {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected or found, without quoting the text.
    pub what: &'static str,
}

/// Checked JSON text.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    text: &'a str,
}

/// One value of a document.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

/// A member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The key's string token.
    pub key: Node<'a>,
    /// The value.
    pub value: Node<'a>,
}

/// One string token met by [`Document::strings`].
pub struct StringToken<'w, 'a> {
    /// The token, quotes included.
    pub node: Node<'a>,
    /// Whether it is a member's key.
    pub is_key: bool,
    walk: &'w (),
}

impl<'a> Document<'a> {
    /// Checks the whole text: UTF-8, an optional BOM, one JSON value of any depth, nothing after it.
    pub fn parse(_bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        todo!()
    }
    /// The text as given, BOM included.
    pub fn text(&self) -> &'a str {
        self.text
    }
    /// The outermost value.
    pub fn root(&self) -> Node<'a> {
        todo!()
    }
    /// The value at a pointer; of duplicate keys the last.
    pub fn find(&self, _pointer: &Pointer) -> Option<Node<'a>> {
        todo!()
    }
    /// The values at many pointers, in one pass over the text.
    pub fn find_all(&self, _pointers: &[Pointer]) -> Vec<Option<Node<'a>>> {
        todo!()
    }
    /// Calls `visit` with every string token, keys included, in document order.
    pub fn strings(&self, _visit: impl FnMut(&StringToken<'_, 'a>)) {
        todo!()
    }
    /// Line and column (from 1, in characters) of a byte offset.
    pub fn position(&self, _offset: usize) -> (usize, usize) {
        todo!()
    }
}

impl StringToken<'_, '_> {
    /// The pointer to this token's value; for a key, to the member it names. Costs the depth, so ask seldom.
    pub fn pointer(&self) -> Pointer {
        let _ = self.walk;
        todo!()
    }
    /// The raw token (quotes included) of the key this value stands under; `None` for array items, the root and keys.
    pub fn key(&self) -> Option<&str> {
        todo!()
    }
}

impl<'a> Node<'a> {
    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        todo!()
    }
    /// Where it stands.
    pub fn span(&self) -> Span {
        self.start..self.end
    }
    /// Its text as written.
    pub fn raw(&self) -> &'a str {
        let _ = self.text;
        todo!()
    }
    /// The members of an object in order, duplicates included; nothing for other kinds.
    pub fn members(&self) -> impl Iterator<Item = Member<'a>> {
        std::iter::empty()
    }
    /// The items of an array; nothing for other kinds.
    pub fn items(&self) -> impl Iterator<Item = Node<'a>> {
        std::iter::empty()
    }
    /// The member of that name; of duplicates the last.
    pub fn get(&self, _key: &str) -> Option<Node<'a>> {
        todo!()
    }
    /// The decoded string; `None` for other kinds and for strings that hold a lone surrogate.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        todo!()
    }
    /// Whether both mean the same: white space, escapes, member order and the notation of numbers don't count.
    pub fn same_value(&self, _other: &Node<'_>) -> bool {
        todo!()
    }
}
