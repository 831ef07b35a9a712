//! JSON text, checked once and then read in place: spans by pointer, all strings, nothing else decoded.
//!
//! A [`Document`] is a promise that its text is JSON, so everything that starts from one may step through the bytes
//! without asking again. Nothing is indexed: each question is one linear pass, which costs less than building and
//! holding a tree (see `benches/json.rs`), and no pass recurses.

use super::check::{Fault, check};
use super::scan;
use crate::document::place;
use crate::document::place::Span;
use crate::document::syntax::{Syntax, SyntaxError};

use super::node::Node;

/// The UTF-8 byte order mark.
const BOM: &str = "\u{feff}";

/// Checked JSON text.
///
/// ```
/// use keystencil::document::{Document, Pointer};
/// let document = Document::parse(br#"{ "a": [1.0, "x"], "a": [2.50] }"#)?;
/// let pointer = Pointer::parse("/a/0").unwrap();
/// assert_eq!(document.find(&pointer).unwrap().raw(), "2.50");
/// # Ok::<(), keystencil::document::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    text: &'a str,
    root: Node<'a>,
}

impl<'a> Document<'a> {
    /// Checks the whole text: UTF-8, an optional BOM, one JSON value of any depth, nothing after it.
    ///
    /// # Errors
    /// [`SyntaxError`] at the first byte that cannot stand where it does. The same texts are accepted as by
    /// `serde_json` (into `RawValue`), besides the BOM.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        Self::checked(bytes, check::<false>)
    }

    /// The same, but comments (`//` and `/* */`) may stand wherever white space may, and a comma before a closing bracket: JSON
    /// as VS Code and Zed read their settings.
    ///
    /// ```
    /// use keystencil::document::{Document, Pointer};
    /// let document = Document::parse_relaxed(b"{\n  // mine: {\n  \"a\": [1, /* two */ 2,],\n}")?;
    /// assert_eq!(document.find(&Pointer::parse("/a/1").unwrap()).unwrap().raw(), "2");
    /// assert_eq!(document.comments().map(|span| &document.text()[span]).next(), Some("// mine: {"));
    /// assert_eq!(document.root().plain(), "{\n  \n  \"a\": [1,  2]\n}");
    /// # Ok::<(), keystencil::document::SyntaxError>(())
    /// ```
    ///
    /// # Errors
    /// [`SyntaxError`] as [`Self::parse`].
    pub fn parse_relaxed(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        Self::checked(bytes, check::<true>)
    }

    /// A text that was checked before, or written here, and where its root stands.
    pub(in crate::document) fn checked_before(text: &'a str, root: Span) -> Self {
        Self { text, root: Node::new(text, root.start, root.end) }
    }

    fn checked(bytes: &'a [u8], check: impl Fn(&[u8], usize) -> Result<Span, Fault>) -> Result<Self, SyntaxError> {
        let (text, bad) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let (good, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(good).unwrap_or_default(), Some(good.len()))
            }
        };
        let start = if text.starts_with(BOM) { BOM.len() } else { 0 };
        let (offset, what) = match (check(text.as_bytes(), start), bad) {
            (Ok(root), None) => return Ok(Self { text, root: Node::new(text, root.start, root.end) }),
            (Err(fault), bad) if bad.is_none_or(|bad| fault.offset < bad) => (fault.offset, fault.what),
            (_, bad) => (bad.unwrap_or_default(), "a byte that is not UTF-8"),
        };
        let (line, column) = place::position(bytes, offset);
        Err(SyntaxError { syntax: Syntax::Json, offset, line, column, what })
    }

    /// The text as given, BOM included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'a> {
        self.root
    }

    /// Where the comments stand, in order. A line's ends before its line end.
    pub fn comments(&self) -> impl Iterator<Item = Span> + use<'a> {
        scan::comments(self.text.as_bytes())
    }

    /// Line and column (from 1, in characters) of a byte offset; a place past the end counts as the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        place::position(self.text.as_bytes(), offset)
    }
}
