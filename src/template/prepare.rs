//! Tells template text from expressions: where a `<<` starts one, and where it is just two characters of a string.
//!
//! Its output, a [`Clean`] text, is what the engine's parser reads. The delimiters are private ones there, so text
//! can't be taken for an expression any more; comments of the JSON are gone, references in them included; an expression
//! in a JSON string has its JSON escapes undone; and every token of an expression is on a line of its own, because the
//! engine's errors know a line but no column. `checks` makes of it what the engine runs.

use super::error::{Limit, TemplateError};
use super::lexer::{Lexed, Stop, Token, lex};
use super::quoted::{MAX_IN_STRING, Offsets, boundary, ends_in_string, string_end, unescape};
use super::source::Source;
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use std::borrow::Cow;
use std::ops::Range;

/// Delimiters that no template contains, because they hold a random number.
pub(crate) struct Delimiters {
    open: [String; 3],
    close: String,
}

impl Delimiters {
    pub(crate) fn new(nonce: &str) -> Self {
        Self {
            open: ["v", "b", "c"].map(|kind| format!("\u{10FF01}{kind}{nonce}")),
            close: format!("\u{10FF01}z{nonce}"),
        }
    }

    pub(crate) fn open(&self, is_tag: bool) -> &str {
        let [expression, tag, _] = &self.open;
        if is_tag { tag } else { expression }
    }

    pub(crate) fn close(&self) -> &str {
        &self.close
    }

    /// For the engine's parser.
    pub(crate) fn syntax(&self) -> Result<SyntaxConfig, minijinja::Error> {
        let [expression, tag, comment] = self.open.clone();
        SyntaxConfig::builder()
            .variable_delimiters(expression, self.close.clone())
            .block_delimiters(tag, self.close.clone())
            .comment_delimiters(comment, self.close.clone())
            .keep_trailing_newline(true)
            .build()
    }
}

/// An expression or a tag; all offsets are those of the clean text.
#[derive(Debug)]
pub(crate) struct Construct {
    pub(crate) is_tag: bool,
    /// Its delimiters included.
    pub(crate) range: Range<usize>,
    pub(crate) tokens: Vec<(Token, Range<usize>)>,
    /// Whether a `-` takes away the white space before it, and after it.
    pub(crate) trim: (bool, bool),
    /// Whether it is in a JSON string, where it may be intended as text.
    pub(crate) in_string: bool,
}

/// A text for the engine's parser, and the way back to the file.
#[derive(Debug, Default)]
pub(crate) struct Clean {
    pub(crate) text: String,
    pub(crate) constructs: Vec<Construct>,
    /// From which offset here on which offset there corresponds.
    steps: Vec<(usize, usize)>,
}

impl Clean {
    /// The offset in the file.
    pub(crate) fn original(&self, offset: usize) -> usize {
        let step = self.steps.partition_point(|(here, _)| *here <= offset);
        step.checked_sub(1)
            .and_then(|step| self.steps.get(step))
            .map_or(offset, |(here, there)| there + (offset - here))
    }

    fn line_start(&self, line: usize) -> usize {
        if line < 2 {
            return 0;
        }
        memchr::memchr_iter(b'\n', self.text.as_bytes()).nth(line - 2).map_or(self.text.len(), |at| at + 1)
    }

    /// The offset in the file of what is on a line (from 1).
    pub(crate) fn line(&self, line: usize) -> usize {
        self.original(self.line_start(line))
    }

    /// Whether a line (from 1) belongs to an expression in a JSON string, which may be intended as text.
    pub(crate) fn is_in_string(&self, line: usize) -> bool {
        let offset = self.line_start(line);
        self.constructs.iter().any(|construct| construct.in_string && construct.range.contains(&offset))
    }

    /// Where in the file each tag and expression starts, in order, and the first word of a tag.
    pub(crate) fn starts(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        self.constructs.iter().map(|construct| {
            let word = construct.tokens.first().and_then(|(_, range)| self.text.get(range.clone()));
            let word = if construct.is_tag { Some(word.unwrap_or_default()) } else { None };
            (self.original(construct.range.start), word)
        })
    }

    fn push(&mut self, text: &str, from: usize) {
        self.steps.push((self.text.len(), from));
        self.text.push_str(text);
    }
}

/// What opens a construct, what closes it, and which private delimiter stands for it.
const CONSTRUCTS: [(&str, &str); 3] = [("<<", ">>"), ("<%", "%>"), ("<#", "#>")];

/// Words a tag can start with; anything else after `<%` in a JSON string is taken for text if it can be.
const TAGS: &str = "if elif else endif for endfor set endset with endwith macro endmacro call endcall filter endfilter \
                    include import from do raw endraw extends block";

const MAX_BYTES: usize = 4 << 20;
const MAX_LINES: usize = 50_000;
const MAX_TOKENS: usize = 4_000;
const MAX_BRANCHES: usize = 1_000;
const MAX_CONSTRUCTS: usize = 5_000;

/// Prepares a file for the engine's parser.
pub(crate) fn prepare(source: &Source, delimiters: &Delimiters) -> Result<Clean, TemplateError> {
    if source.text().len() > MAX_BYTES || source.lines() > MAX_LINES {
        return Err(TemplateError::Exceeded { limit: Limit::Size, place: source.file() });
    }
    let mut scan = Scan {
        source,
        delimiters,
        text: source.text(),
        at: 0,
        in_string: false,
        branches: 0,
        constructs: 0,
        clean: Clean::default(),
    };
    scan.run()?;
    Ok(scan.clean)
}

struct Scan<'a> {
    source: &'a Source,
    delimiters: &'a Delimiters,
    text: &'a str,
    at: usize,
    in_string: bool,
    branches: usize,
    constructs: usize,
    clean: Clean,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self) -> Result<(), TemplateError> {
        while self.at < self.text.len() {
            let plain = self.rest().bytes().position(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'/' | b'<'));
            self.copy(plain.unwrap_or(self.text.len() - self.at));
            let rest = self.rest();
            match (rest.as_bytes().first(), self.in_string) {
                (None, _) => break,
                (Some(b'"'), in_string) => {
                    self.in_string = !in_string;
                    self.copy(1);
                }
                (Some(b'\n'), _) => {
                    self.in_string = false;
                    self.copy(1);
                }
                (Some(b'\\'), true) => self.copy(1 + rest.chars().nth(1).map_or(0, char::len_utf8)),
                (Some(b'/'), false) if rest.starts_with("//") => {
                    self.at += rest.find('\n').unwrap_or(rest.len());
                    self.clean.push(" ", self.at);
                }
                (Some(b'/'), false) if rest.starts_with("/*") => self.block_comment()?,
                (Some(b'<'), _) => self.construct()?,
                _ => self.copy(1),
            }
        }
        Ok(())
    }

    fn copy(&mut self, length: usize) {
        let end = self.at + length;
        self.clean.push(self.text.get(self.at..end).unwrap_or_default(), self.at);
        self.at = end;
    }

    fn block_comment(&mut self) -> Result<(), TemplateError> {
        let Some(length) = self.rest().get(2..).and_then(|rest| rest.find("*/")) else {
            return Err(self.unclosed("/*", "*/"));
        };
        self.clean.push(" ", self.at);
        self.at += length + 4;
        Ok(())
    }

    fn unclosed(&self, open: &'static str, close: &'static str) -> TemplateError {
        TemplateError::Unclosed { open, close, in_string: self.in_string, place: self.source.place(self.at) }
    }

    /// At a `<`: an expression, tag or comment of the template language, or text.
    fn construct(&mut self) -> Result<(), TemplateError> {
        let Some((kind, (open, close))) =
            CONSTRUCTS.into_iter().enumerate().find(|(_, (open, _))| self.rest().starts_with(open))
        else {
            self.copy(1);
            return Ok(());
        };
        if self.in_string && self.is_plainly_text() {
            self.copy(open.len());
            return Ok(());
        }
        self.constructs += 1;
        if self.constructs > MAX_CONSTRUCTS {
            return Err(TemplateError::Exceeded { limit: Limit::Constructs, place: self.source.place(self.at) });
        }
        if open == "<#" {
            return self.template_comment();
        }
        let found = if self.in_string { self.in_string(open, close)? } else { self.outside(open, close)? };
        match found {
            None => {
                self.copy(open.len());
                Ok(())
            }
            Some((lexed, text, offsets)) => self.emit(kind, &lexed, &text, &offsets),
        }
    }

    /// Whether another `<<` follows before anything could close this one: a shortcut for texts full of them.
    fn is_plainly_text(&self) -> bool {
        let after = self.rest().get(2..).unwrap_or_default().as_bytes();
        let stop = after.iter().take(MAX_IN_STRING).position(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b'>' | b'<'));
        stop.is_some_and(|at| after.get(at..at + 2) == Some(b"<<"))
    }

    fn template_comment(&mut self) -> Result<(), TemplateError> {
        let end = self.rest().find("#>");
        if self.in_string && end.is_none_or(|end| end > string_end(self.rest())) {
            self.copy(2);
            return Ok(());
        }
        let end = end.ok_or_else(|| self.unclosed("<#", "#>"))?;
        self.at += end + 2;
        Ok(())
    }

    fn outside(&self, open: &'static str, close: &'static str) -> Result<Option<Found<'a>>, TemplateError> {
        match lex(self.text, self.at + open.len(), close, false) {
            Ok(lexed) => Ok(Some((lexed, Cow::Borrowed(self.text), Offsets::Same))),
            Err(_) => Err(self.unclosed(open, close)),
        }
    }

    /// In a JSON string: first as the string is (its JSON escapes undone), then as if plain double quotes
    /// belonged to the expression, and if neither makes sense it is text.
    fn in_string(&self, open: &'static str, close: &'static str) -> Result<Option<Found<'a>>, TemplateError> {
        let rest = self.rest();
        let inner = rest.get(..string_end(rest)).unwrap_or_default();
        let (text, offsets) = unescape(inner, self.at);
        match lex(&text, open.len(), close, false) {
            Ok(lexed) => return Ok(Some((lexed, Cow::Owned(text), offsets))),
            Err(Stop::Open) => return Ok(None),
            Err(_) if inner.contains(close) => return Err(self.unclosed(open, close)),
            Err(_) => {}
        }
        let reference = self.starts_reference(open);
        let near = self.text.get(..boundary(self.text, self.at + MAX_IN_STRING)).unwrap_or_default();
        match lex(near, self.at + open.len(), close, true) {
            Ok(lexed) if reference || self.is_expression(open, &lexed) => {
                Ok(Some((lexed, Cow::Borrowed(self.text), Offsets::Same)))
            }
            Err(_) if reference => Err(self.unclosed(open, close)),
            _ => Ok(None),
        }
    }

    /// `<< keyring(` can't be meant as text.
    fn starts_reference(&self, open: &str) -> bool {
        let name = self.rest().get(open.len()..).unwrap_or_default().trim_start_matches(['-', '+']).trim_start();
        ["keyring", "env"]
            .iter()
            .any(|function| name.strip_prefix(function).is_some_and(|rest| rest.trim_start().starts_with('(')))
    }

    /// Whether what was lexed across double quotes is an expression or a tag rather than pieces of the JSON around it.
    fn is_expression(&self, open: &str, lexed: &Lexed) -> bool {
        let first = lexed.tokens.first().and_then(|(token, range)| Some((*token, self.text.get(range.clone())?)));
        let Some((Token::Word, word)) = first else { return false };
        if open == "<%" {
            return TAGS.split(' ').any(|tag| tag == word);
        }
        let source: Vec<&str> = lexed.tokens.iter().filter_map(|(_, range)| self.text.get(range.clone())).collect();
        lexed.tokens.len() <= MAX_TOKENS && Environment::empty().compile_expression(&source.join(" ")).is_ok()
    }

    fn emit(&mut self, kind: usize, lexed: &Lexed, text: &str, offsets: &Offsets) -> Result<(), TemplateError> {
        if lexed.tokens.len() > MAX_TOKENS {
            return Err(TemplateError::Exceeded { limit: Limit::Expression, place: self.source.place(self.at) });
        }
        let word = lexed.tokens.first().and_then(|(_, range)| text.get(range.clone()));
        let start = self.at;
        let end = offsets.original(lexed.end);
        if kind == 1 && word == Some("raw") {
            self.at = end;
            return self.raw(start);
        }
        if kind == 1 && word == Some("import") {
            let words: Vec<&str> = lexed.tokens.iter().filter_map(|(_, range)| text.get(range.clone())).collect();
            if !is_import_of_a_name(&words) {
                let (in_string, place) = (self.in_string, self.source.place(start));
                return Err(TemplateError::Syntax { what: "expected a name behind `as`".to_owned(), in_string, place });
            }
        }
        if kind == 1 && word == Some("elif") {
            self.branches += 1;
            if self.branches > MAX_BRANCHES {
                return Err(TemplateError::Exceeded { limit: Limit::Branches, place: self.source.place(self.at) });
            }
        }
        let open = self.delimiters.open.get(kind).cloned().unwrap_or_default();
        let clean_start = self.clean.text.len();
        self.clean.push(&open, start);
        self.clean.text.extend(lexed.trim.0);
        let mut before: Option<Range<usize>> = None;
        let mut tokens = Vec::with_capacity(lexed.tokens.len());
        for (token, range) in &lexed.tokens {
            let apart = before.as_ref().is_none_or(|before| before.end != range.start);
            if apart || !matches!(token, Token::Sign(_)) {
                self.clean.text.push('\n');
            }
            let from = self.clean.text.len();
            self.clean.push(text.get(range.clone()).unwrap_or_default(), offsets.original(range.start));
            tokens.push((*token, from..self.clean.text.len()));
            before = Some(range.clone());
        }
        let close = offsets.original(lexed.end.saturating_sub(2));
        self.clean.push("\n", close);
        self.clean.text.extend(lexed.trim.1);
        self.clean.push(&self.delimiters.close, close);
        let trim = (lexed.trim.0 == Some('-'), lexed.trim.1 == Some('-'));
        let range = clean_start..self.clean.text.len();
        self.clean.constructs.push(Construct { is_tag: kind == 1, range, tokens, trim, in_string: self.in_string });
        self.at = end;
        Ok(())
    }

    /// After `<% raw %>`: everything to `<% endraw %>` is text, whatever it looks like.
    fn raw(&mut self, start: usize) -> Result<(), TemplateError> {
        let mut from = self.at;
        while let Some(at) = self.text.get(from..).and_then(|rest| rest.find("<%")).map(|at| from + at) {
            if let Ok(lexed) = lex(self.text, at + 2, "%>", true) {
                let mut words = lexed.tokens.iter().filter_map(|(_, range)| self.text.get(range.clone()));
                if words.next() == Some("endraw") && words.next().is_none() {
                    self.in_string = ends_in_string(self.text.get(self.at..at).unwrap_or_default(), self.in_string);
                    self.copy(at - self.at);
                    self.at = lexed.end;
                    return Ok(());
                }
            }
            from = at + 2;
        }
        self.at = start;
        Err(self.unclosed("<% raw %>", "<% endraw %>"))
    }
}

/// Whether an `import` gives the file a name. The engine's parser takes any expression for one, and its compiler
/// panics.
fn is_import_of_a_name(words: &[&str]) -> bool {
    let Some(at) = words.iter().rposition(|word| *word == "as") else { return true };
    let name = words.get(at + 1..).unwrap_or_default();
    let name = match name {
        [name @ .., "with" | "without", "context"] => name,
        name => name,
    };
    let is_name = |word: &&str| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_constant = matches!(name, ["true" | "True" | "false" | "False" | "none" | "None", ..]);
    !is_constant
        && name.len() % 2 == 1
        && name.iter().step_by(2).all(is_name)
        && name.iter().skip(1).step_by(2).all(|dot| *dot == ".")
}

/// What was lexed, in which text, and where that text's offsets are in the file.
type Found<'a> = (Lexed, Cow<'a, str>, Offsets);
