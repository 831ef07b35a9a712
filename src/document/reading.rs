//! What a file says that isn't JSON: the same as JSON with comments, and where each token of that stands in the file.
//!
//! A syntax writes the reading once, when the file is opened. On the way back each changed token is written by the syntax, in
//! the style of what it replaces, and put into the file's own text; everything else of that text stays.

use super::json::text::Document;
use super::place::Span;
use std::fmt;
use zeroize::Zeroizing;

/// What a token of a reading is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A string, number, `true` or `false`, or a list or table that stands in one piece.
    Value,
    /// The key of a member.
    Key,
    /// A comment.
    Comment,
}

/// A token of a reading: where it stands there, and in the file.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) here: Span,
    pub(super) there: Span,
    pub(super) role: Role,
}

/// A file's text as JSON with comments. `Debug` shows none of it, since it may hold secrets.
#[derive(Default)]
pub(super) struct Reading {
    text: Zeroizing<String>,
    root: Span,
    tokens: Vec<Token>,
}

impl Reading {
    /// Puts in what is JSON's alone: brackets, commas, line ends.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Puts in a token that stands in the file.
    pub(super) fn token(&mut self, text: &str, there: Span, role: Role) {
        let start = self.text.len();
        self.text.push_str(text);
        self.tokens.push(Token { here: start..self.text.len(), there, role });
    }

    /// Begins a value of several tokens, for [`Self::end`].
    pub(super) fn begin(&self) -> usize {
        self.text.len()
    }

    /// Notes a value of several tokens that began at `start` and stands in the file in one piece.
    pub(super) fn end(&mut self, start: usize, there: Span) {
        self.tokens.push(Token { here: start..self.text.len(), there, role: Role::Value });
    }

    /// Closes the reading, whose outermost value stands at `root`.
    pub(super) fn close(mut self, root: Span) -> Self {
        self.tokens.sort_by_key(|token| (token.here.start, std::cmp::Reverse(token.here.end)));
        self.root = root;
        self
    }

    /// The reading as a document.
    pub(super) fn document(&self) -> Document<'_> {
        Document::checked_before(&self.text, self.root.clone())
    }

    /// Where a token or value of the reading stands in the file.
    pub(super) fn place(&self, span: &Span) -> Option<Span> {
        let from = self.tokens.partition_point(|token| token.here.start < span.start);
        let mut here = self.tokens.iter().skip(from).take_while(|token| token.here.start == span.start);
        here.find(|token| token.here == *span).map(|token| token.there.clone())
    }

    /// The innermost token that a span lies in.
    pub(super) fn around(&self, span: &Span) -> Option<&Token> {
        let behind = self.tokens.partition_point(|token| token.here.start <= span.start);
        let before = self.tokens.iter().take(behind).rev();
        // Containers lie around other tokens; as deep as they are nested, so often is the search wrong.
        before.take_while(|token| token.here.start <= span.start).find(|token| token.here.end >= span.end)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("bytes", &self.text.len()).field("tokens", &self.tokens.len()).finish()
    }
}
