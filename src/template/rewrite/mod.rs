//! Writes a parsed template anew, with a check around everything that would look at a value.
//!
//! The engine's objects can hide a secret, but what `~` makes of them is a plain string, and no hook tells when a
//! string is compared, sliced or tested. So the syntax tree is printed again as a template in which every operand
//! passes through a filter first (`a == b` becomes `a|_check(1) == b|_check(2)`), which stops the run if the value
//! holds a reference, and names the place. The template's own text is replaced by marks; every node starts a line, so that
//! the engine's line numbers point to nodes.

mod expression;
mod operators;
mod statement;

use super::book::{Book, Check, Chunk, Depth, NamedCall};
use super::error::{Limit, NameKind, TemplateError, Use};
use super::marks::{Marks, Piece};
use super::prepare::Clean;
use super::source::Source;
use crate::error::Place;
use minijinja::machinery::Span;
use minijinja::machinery::ast::Stmt;

/// The engine counts lines in 16 bits.
const MAX_LINES: usize = 60_000;

/// Rewrites the syntax tree of file number `file`. The outcome is what the engine runs and, for each of its lines,
/// the offset in the file.
pub(crate) fn rewrite(
    source: &Source,
    clean: &Clean,
    file: usize,
    tree: &Stmt<'_>,
    book: &mut Book,
    marks: &Marks,
) -> Result<(String, Vec<usize>), TemplateError> {
    let mut printer = Printer { source, clean, file, book, marks, out: String::new(), lines: vec![0] };
    printer.statement(tree)?;
    if printer.lines.len() > MAX_LINES {
        return Err(TemplateError::Exceeded { limit: Limit::Size, place: source.file() });
    }
    Ok((printer.out, printer.lines))
}

/// What becomes of a value.
#[derive(Debug, Clone)]
struct Wanted {
    depth: Depth,
    what: Use,
    undefined: bool,
}

impl Wanted {
    /// It is passed on, to a variable, a list or a macro.
    fn passed() -> Self {
        Self { depth: Depth::None, what: Use::Print, undefined: false }
    }

    fn shallow(what: Use) -> Self {
        Self { depth: Depth::Shallow, what, undefined: false }
    }

    fn deep(what: Use) -> Self {
        Self { depth: Depth::Deep, what, undefined: false }
    }
}

struct Printer<'a> {
    source: &'a Source,
    clean: &'a Clean,
    file: usize,
    book: &'a mut Book,
    marks: &'a Marks,
    out: String,
    lines: Vec<usize>,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Starts the line of a node.
    fn line(&mut self, span: Span) {
        self.out.push('\n');
        let offset = self.offset(span);
        self.lines.push(offset);
    }

    fn offset(&self, span: Span) -> usize {
        self.clean.original(span.start_offset as usize)
    }

    fn place(&self, span: Span) -> Place {
        self.source.place(self.offset(span))
    }

    /// Enters a check into the book and returns its number.
    fn check(&mut self, wanted: Wanted, name: Option<(NameKind, String)>, span: Span) -> usize {
        let offset = self.offset(span);
        let Wanted { depth, what, undefined } = wanted;
        self.book.checks.push(Check { depth, what, undefined, name, file: self.file, offset });
        self.book.checks.len() - 1
    }

    /// Notes where a call starts.
    fn named_call(&mut self, name: &str) {
        let line = self.lines.len();
        self.book.calls.push(NamedCall { name: name.to_owned(), file: self.file, line });
    }

    /// Replaces a piece of the template's own text by a mark.
    fn chunk(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // `text` is a slice of the clean text; its address tells where, also after the engine trimmed it.
        let start = (text.as_ptr() as usize).saturating_sub(self.clean.text.as_ptr() as usize);
        self.book.chunks.push(Chunk { file: self.file, start, text: text.to_owned() });
        let mark = self.marks.mark(Piece::Chunk(self.book.chunks.len() - 1));
        self.put(&mark);
    }
}
