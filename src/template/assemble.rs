//! From the engine's marks to the rendered text: knows at each point whether it is in a JSON string, and with that how
//! a printed value is meant.
//!
//! The references are not in the text but beside it, as offsets, so no text can be mistaken for one.

use super::error::{Limit, TemplateError};
use super::marks::{Begin, Marks, Piece};
use super::sources::Sources;
use crate::document::string;
use crate::error::Place;

/// Bytes of the rendered text.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// Where a stretch of the rendered text comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A template's own text: byte offset in the clean text of a file.
    Text { file: usize, offset: usize },
    /// An expression, by the number of its place.
    Printed(usize),
}

/// A reference beside the text: the offset where it is, and its index.
pub(crate) type Standing = (usize, usize);

/// JSON with comments and trailing commas, and with the references beside it.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) tokens: Vec<Standing>,
    origins: Vec<(usize, Origin)>,
}

impl Rendered {
    fn origin(&self, offset: usize) -> Option<(usize, Origin)> {
        let after = self.origins.partition_point(|(at, _)| *at <= offset);
        after.checked_sub(1).and_then(|index| self.origins.get(index)).copied()
    }

    /// The file and the offset in it of a byte that is a template's own text; `None` if an expression printed it.
    pub(crate) fn source(&self, sources: &Sources, offset: usize) -> Option<(usize, usize)> {
        let (at, Origin::Text { file, offset: from }) = self.origin(offset)? else { return None };
        Some((file, sources.files.get(file)?.clean.original(from + (offset - at))))
    }

    /// Where in the templates a byte comes from, and whether an expression printed it.
    pub(crate) fn place(&self, sources: &Sources, offset: usize) -> (Place, bool) {
        match self.origin(offset) {
            Some((at, Origin::Text { file, offset: from })) => {
                let original = sources.files.get(file).map_or(0, |file| file.clean.original(from + (offset - at)));
                (sources.at(file, original), false)
            }
            Some((_, Origin::Printed(number))) => (sources.place(number), true),
            None => (sources.at(0, 0), false),
        }
    }
}

/// Where in JSON a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    String,
    Escape,
    Slash,
    Line,
    Block,
    BlockStar,
}

impl State {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside | Self::Slash, b'"') => Self::String,
            (Self::Outside, b'/') => Self::Slash,
            (Self::Slash, b'/') => Self::Line,
            (Self::Slash, b'*') => Self::Block,
            (Self::Slash, _) => Self::Outside,
            (Self::String, b'\\') => Self::Escape,
            (Self::String, b'"') => Self::Outside,
            (Self::Escape, _) => Self::String,
            (Self::Line, b'\n') => Self::Outside,
            (Self::Block, b'*') => Self::BlockStar,
            (Self::BlockStar, b'/') => Self::Outside,
            (Self::BlockStar, b'*') => Self::BlockStar,
            (Self::BlockStar, _) => Self::Block,
            (state, _) => state,
        }
    }
}

/// Resolves the marks of a run's output.
pub(crate) fn assemble(output: &str, marks: &Marks, sources: &Sources) -> Result<Rendered, TemplateError> {
    let mut assembly = Assembly { sources, rendered: Rendered::default(), state: State::Outside, open: Vec::new() };
    let mut value: Option<(usize, Vec<Piece<'_>>)> = None;
    for piece in marks.pieces(output) {
        match (&mut value, piece) {
            (None, Piece::Begin(Begin::Value, number)) => value = Some((number, Vec::new())),
            (Some(_), Piece::End) => {
                if let Some((number, pieces)) = value.take() {
                    assembly.value(number, &pieces)?;
                }
            }
            (Some((_, pieces)), piece @ (Piece::Text(_) | Piece::Token(_))) => pieces.push(piece),
            (Some((number, _)), _) => return Err(TemplateError::Reserved { place: sources.place(*number) }),
            (None, piece) => assembly.piece(piece)?,
        }
        if assembly.rendered.text.len() > MAX_BYTES {
            return Err(TemplateError::Exceeded { limit: Limit::Output, place: sources.at(0, 0) });
        }
    }
    Ok(assembly.rendered)
}

struct Assembly<'a> {
    sources: &'a Sources,
    rendered: Rendered,
    state: State,
    /// Expressions whose raw output is being read, by the numbers of their places.
    open: Vec<usize>,
}

impl Assembly<'_> {
    fn in_string(&self) -> bool {
        matches!(self.state, State::String | State::Escape)
    }

    fn text(&mut self, text: &str, origin: Origin) {
        self.rendered.origins.push((self.rendered.text.len(), origin));
        self.rendered.text.push_str(text);
        self.state = text.bytes().fold(self.state, State::after);
    }

    fn piece(&mut self, piece: Piece<'_>) -> Result<(), TemplateError> {
        match piece {
            Piece::Chunk(index) => {
                if let Some(chunk) = self.sources.chunks.get(index) {
                    self.text(&chunk.text, Origin::Text { file: chunk.file, offset: chunk.start });
                }
            }
            Piece::Text(text) => {
                let number = self.open.last().copied().unwrap_or(usize::MAX);
                self.text(text, Origin::Printed(number));
            }
            Piece::Begin(Begin::Json, number) if self.in_string() => {
                let what = super::error::Use::Print;
                return Err(TemplateError::NeedsValue { what, place: self.sources.place(number) });
            }
            Piece::Begin(_, number) => self.open.push(number),
            Piece::End => drop(self.open.pop()),
            Piece::Token(_) | Piece::Forged => {
                let number = self.open.last().copied().unwrap_or(usize::MAX);
                return Err(TemplateError::Reserved { place: self.sources.place(number) });
            }
        }
        Ok(())
    }

    /// What an expression printed.
    fn value(&mut self, number: usize, pieces: &[Piece<'_>]) -> Result<(), TemplateError> {
        let origin = Origin::Printed(number);
        let holds_reference = pieces.iter().any(|piece| matches!(piece, Piece::Token(_)));
        let quote = match self.state {
            State::Line | State::Block | State::BlockStar => return Ok(()),
            State::Escape => {
                let what = "there is a backslash before what an expression prints";
                return Err(TemplateError::NotJson { what, printed: false, place: self.sources.place(number) });
            }
            State::String => false,
            State::Outside | State::Slash if holds_reference => true,
            State::Outside | State::Slash => {
                for piece in pieces {
                    if let Piece::Text(text) = piece {
                        self.text(text, origin);
                    }
                }
                return Ok(());
            }
        };
        self.text(if quote { "\"" } else { "" }, origin);
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let encoded = string::encode(text);
                    self.text(encoded.get(1..encoded.len() - 1).unwrap_or_default(), origin);
                }
                Piece::Token(index) => self.rendered.tokens.push((self.rendered.text.len(), *index)),
                _ => {}
            }
        }
        self.text(if quote { "\"" } else { "" }, origin);
        Ok(())
    }
}
