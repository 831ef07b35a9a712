//! What the engine prints instead of text: marks that point into tables.
//!
//! The engine's output is a chain of marks and of plain text between them. A mark starts with a private-use character
//! and the random number of this run, so neither a template nor a variable can forge one. Because the template's own
//! text is a mark too ([`Piece::Chunk`]), every byte of the outcome can be traced to the file it came from, and text
//! that happens to contain the private-use character is never looked at.

use std::fmt::Write;

/// The first character of every mark.
pub(crate) const MARK: char = '\u{10FF01}';

/// How an expression's output is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// A value: escaped in a JSON string, and one JSON string if it holds a reference.
    Value,
    /// JSON text: a list or map that holds references.
    Json,
    /// Text of the template's author (`safe`).
    Raw,
}

/// A piece of the engine's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// Text of a template, by its index.
    Chunk(usize),
    /// A reference, by its index.
    Token(usize),
    /// What an expression printed, with the number of its place.
    Begin(Begin, usize),
    End,
    /// The private-use character, but no mark of this run.
    Forged,
}

/// Writes and reads the marks of one run.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    nonce: String,
}

impl Marks {
    /// # Errors
    /// If the operating system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes)?;
        Ok(Self { nonce: hex::encode(bytes) })
    }

    /// The random number of this run.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(crate) fn write(&self, out: &mut String, piece: Piece<'_>) {
        let (kind, index) = match piece {
            Piece::Text(text) => return out.push_str(text),
            Piece::Forged => return out.push(MARK),
            Piece::Chunk(index) => ('t', index),
            Piece::Token(index) => ('r', index),
            Piece::Begin(Begin::Value, index) => ('V', index),
            Piece::Begin(Begin::Json, index) => ('J', index),
            Piece::Begin(Begin::Raw, index) => ('R', index),
            Piece::End => ('E', 0),
        };
        // Writing to a `String` can't fail.
        let _ = write!(out, "{MARK}{}{kind}{index};", self.nonce);
    }

    pub(crate) fn mark(&self, piece: Piece<'_>) -> String {
        let mut out = String::new();
        self.write(&mut out, piece);
        out
    }

    /// The pieces of a text, in order.
    pub(crate) fn pieces<'a>(&'a self, mut text: &'a str) -> impl Iterator<Item = Piece<'a>> {
        std::iter::from_fn(move || {
            if text.is_empty() {
                return None;
            }
            let Some(rest) = text.strip_prefix(MARK) else {
                let (plain, rest) = text.split_at(text.find(MARK).unwrap_or(text.len()));
                text = rest;
                return Some(Piece::Text(plain));
            };
            if let Some((piece, rest)) = self.parse(rest) {
                text = rest;
                return Some(piece);
            }
            text = rest;
            Some(Piece::Forged)
        })
    }

    fn parse<'a>(&self, text: &'a str) -> Option<(Piece<'static>, &'a str)> {
        let (body, rest) = text.strip_prefix(self.nonce.as_str())?.split_once(';')?;
        let mut chars = body.chars();
        let kind = chars.next()?;
        let index = chars.as_str().parse().ok()?;
        let piece = match kind {
            't' => Piece::Chunk(index),
            'r' => Piece::Token(index),
            'V' => Piece::Begin(Begin::Value, index),
            'J' => Piece::Begin(Begin::Json, index),
            'R' => Piece::Begin(Begin::Raw, index),
            'E' => Piece::End,
            _ => return None,
        };
        Some((piece, rest))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_it_was_written_and_another_run_does_not_know_it() {
        let (marks, other) = (Marks::new().unwrap(), Marks::new().unwrap());
        let text = format!("a{}b{MARK}c", marks.mark(Piece::Token(7)));
        let expected = [Piece::Text("a"), Piece::Token(7), Piece::Text("b"), Piece::Forged, Piece::Text("c")];
        assert_eq!(marks.pieces(&text).collect::<Vec<_>>(), expected);
        assert!(other.pieces(&text).all(|piece| matches!(piece, Piece::Text(_) | Piece::Forged)));
    }
}
