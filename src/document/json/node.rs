//! One value of a checked text, read in place.

use super::{scan, string};
use crate::document::place::Span;
use std::borrow::Cow;

/// What kind of value stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// Any number, whatever its size.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// One value of a [`Document`](crate::document::Document).
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The key's string token.
    pub key: Node<'a>,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The value at a span of a checked text.
    pub(super) fn new(text: &'a str, start: usize, end: usize) -> Self {
        Self { text, start, end }
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        kind(scan::byte(self.text.as_bytes(), self.start))
    }

    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.start..self.end
    }

    /// Its text as written.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or("")
    }

    /// Its text without comments, and without commas before closing brackets: JSON for other readers.
    #[must_use]
    pub fn plain(&self) -> Cow<'a, str> {
        scan::plain(self.raw())
    }

    /// The members of an object in order, duplicates included; nothing for other kinds.
    ///
    /// ```
    /// use keystencil::document::Document;
    /// let document = Document::parse(br#"{"a": [1, 2], "b": null}"#)?;
    /// let keys: Vec<_> = document.root().members().map(|member| member.key.raw()).collect();
    /// assert_eq!(keys, [r#""a""#, r#""b""#]);
    /// # Ok::<(), keystencil::document::SyntaxError>(())
    /// ```
    pub fn members(&self) -> impl Iterator<Item = Member<'a>> + use<'a> {
        let text = self.text;
        let mut next = self.first(Kind::Object);
        std::iter::from_fn(move || {
            let bytes = text.as_bytes();
            let start = next?;
            let key = Node::new(text, start, scan::string_end(bytes, start));
            let value = checked_value(text, scan::member_value(bytes, key.end));
            next = scan::next_element(bytes, value.end);
            Some(Member { key, value })
        })
    }

    /// The items of an array; nothing for other kinds.
    pub fn items(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let text = self.text;
        let mut next = self.first(Kind::Array);
        std::iter::from_fn(move || {
            let item = checked_value(text, next?);
            next = scan::next_element(text.as_bytes(), item.end);
            Some(item)
        })
    }

    /// The member of that name; of duplicates the last. Nothing for other kinds than objects.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.members().filter(|member| string::says(member.key.raw(), key)).last().map(|member| member.value)
    }

    /// The decoded string; `None` for other kinds and for strings that hold a lone surrogate.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        if self.kind() == Kind::String { string::decode(self.raw()) } else { None }
    }

    /// Where the first element starts, if it is a container of that kind and not empty.
    fn first(&self, kind: Kind) -> Option<usize> {
        if self.kind() != kind {
            return None;
        }
        scan::first_element(self.text.as_bytes(), self.start)
    }
}

/// The kind of value that starts with a byte.
pub(super) fn kind(first: u8) -> Kind {
    match first {
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b'"' => Kind::String,
        b't' | b'f' => Kind::Bool,
        b'n' => Kind::Null,
        _ => Kind::Number,
    }
}

/// A value in text that is known to be JSON, from its start.
pub(super) fn checked_value(text: &str, start: usize) -> Node<'_> {
    Node::new(text, start, scan::value_end(text.as_bytes(), start))
}
