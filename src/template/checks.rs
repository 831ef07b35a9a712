//! Makes of a prepared file what the engine runs: a mark in the place of the template's own text, and a check after
//! each operand that something looks at.
//!
//! The engine's objects show most of what looks at a reference, but no hook is called when one is compared with a
//! text, and what `~`, a macro or a block makes of one is a plain text. So `a == b` becomes
//! `a|_check('==') == b|_check('==')`. A filter binds tighter than every operator, so none changes how an expression is
//! read. What can't be followed here, or is refused by the engine's parser with the checks in it, is shown to that
//! parser without them, whose error it then is.

use super::checked::Checked;
use super::error::{Limit, TemplateError};
use super::lexer::Token;
use super::marks::{Marks, Piece};
use super::names::{CHECK, PRINT};
use super::prepare::{Clean, Construct, Delimiters};
use super::source::Source;
use super::sources::{Chunk, Sources};
use crate::error::Place;

/// The engine counts lines in 16 bits.
const MAX_LINES: usize = 60_000;

pub(super) type Walked = Result<(), TemplateError>;

/// File number `file`, ready to run.
pub(crate) fn insert(
    source: &Source,
    clean: &Clean,
    file: usize,
    sources: &mut Sources,
    (marks, delimiters): (&Marks, &Delimiters),
) -> Result<Checked, TemplateError> {
    let mut out = Checked { text: String::new(), lines: vec![0] };
    let (mut from, mut trim) = (0, false);
    for construct in &clean.constructs {
        let text = cut(clean, (from, construct.range.start), (trim, construct.trim.0), file);
        text.into_iter().for_each(|chunk| sources.put(chunk, marks, &mut out.text));
        let beside = construct.tokens.iter().map(|_| Beside::default()).collect();
        let mut walk = Walk { source, clean, construct, file, sources, at: 0, depth: 0, beside };
        walk.construct()?;
        walk.write(&mut out, delimiters);
        (from, trim) = (construct.range.end, construct.trim.1);
    }
    let text = cut(clean, (from, clean.text.len()), (trim, false), file);
    text.into_iter().for_each(|chunk| sources.put(chunk, marks, &mut out.text));
    if out.lines.len() > MAX_LINES {
        return Err(TemplateError::Exceeded { limit: Limit::Size, place: source.file() });
    }
    Ok(out)
}

/// A piece of the template's own text, without the white space that a `-` beside a delimiter takes away.
fn cut(clean: &Clean, (from, to): (usize, usize), trim: (bool, bool), file: usize) -> Option<Chunk> {
    let all = clean.text.get(from..to)?;
    let text = if trim.0 { all.trim_start() } else { all };
    let start = from + all.len() - text.len();
    let text = if trim.1 { text.trim_end() } else { text };
    (!text.is_empty()).then(|| Chunk { file, start, text: text.to_owned() })
}

impl Sources {
    fn put(&mut self, chunk: Chunk, marks: &Marks, out: &mut String) {
        self.chunks.push(chunk);
        marks.write(out, Piece::Chunk(self.chunks.len() - 1));
    }
}

/// What is put beside a token; after it with the token that an error there is about.
#[derive(Debug, Default)]
struct Beside {
    before: String,
    behind: Vec<(usize, String)>,
}

/// One expression or tag, token by token.
pub(super) struct Walk<'a> {
    source: &'a Source,
    clean: &'a Clean,
    construct: &'a Construct,
    file: usize,
    pub(super) sources: &'a mut Sources,
    /// The token that is read next.
    pub(super) at: usize,
    /// How many brackets it is in.
    pub(super) depth: usize,
    beside: Vec<Beside>,
}

impl<'a> Walk<'a> {
    pub(super) fn token(&self, at: usize) -> Option<Token> {
        self.construct.tokens.get(at).map(|(token, _)| *token)
    }

    /// A token as it is written; nothing after the last.
    pub(super) fn text(&self, at: usize) -> &'a str {
        let range = self.construct.tokens.get(at).map(|(_, range)| range.clone());
        range.and_then(|range| self.clean.text.get(range)).unwrap_or_default()
    }

    /// A token, or two signs if they are one operator.
    pub(super) fn sign(&self, at: usize) -> &'a str {
        let both = (self.construct.tokens.get(at), self.construct.tokens.get(at + 1));
        let (Some((Token::Sign(_), first)), Some((Token::Sign(_), second))) = both else { return self.text(at) };
        match self.clean.text.get(first.start..second.end) {
            Some(both @ ("//" | "**" | "==" | "!=" | ">=" | "<=")) if first.end == second.start => both,
            _ => self.text(at),
        }
    }

    /// Reads a token or operator, if it is this one.
    pub(super) fn skip(&mut self, text: &str) -> bool {
        let sign = self.sign(self.at);
        if sign == text {
            self.at += if sign.len() == self.text(self.at).len() { 1 } else { 2 };
        }
        sign == text
    }

    fn offset(&self, at: usize) -> usize {
        let start = self.construct.tokens.get(at).map_or(self.construct.range.start, |(_, range)| range.start);
        self.clean.original(start)
    }

    pub(super) fn place(&self, at: usize) -> Place {
        self.source.place(self.offset(at))
    }

    /// Notes where a token is, for what the engine is to know it by.
    pub(super) fn note(&mut self, at: usize) -> usize {
        self.sources.places.push((self.file, self.offset(at)));
        self.sources.places.len() - 1
    }

    pub(super) fn put_before(&mut self, at: usize, text: &str) {
        if let Some(beside) = self.beside.get_mut(at) {
            beside.before.push_str(text);
        }
    }

    pub(super) fn put_behind(&mut self, at: usize, about: usize, text: String) {
        if let Some(beside) = self.beside.get_mut(at) {
            beside.behind.push((about, text));
        }
    }

    /// What can't be followed: no expression, or a mistake of ours.
    pub(super) fn lost(&self) -> TemplateError {
        let what = "keystencil can't follow this expression: write it in smaller steps".to_owned();
        TemplateError::Engine { what, place: self.place(self.at) }
    }

    fn write(&self, out: &mut Checked, delimiters: &Delimiters) {
        out.text.push_str(delimiters.open(self.construct.is_tag));
        let mut end = 0;
        for (at, (beside, (token, range))) in self.beside.iter().zip(&self.construct.tokens).enumerate() {
            let offset = self.offset(at);
            match token {
                Token::Sign(_) if end == range.start => {}
                _ if at == 0 || *token == Token::Word => out.line(offset),
                _ => out.text.push(' '),
            }
            end = range.end;
            let text = self.clean.text.get(range.clone()).unwrap_or_default();
            out.text.push_str(&beside.before);
            out.put(text, offset);
            for (about, text) in &beside.behind {
                let about = self.offset(*about);
                out.line(about);
                out.put(text, about);
            }
        }
        // A `+` before it would belong to the delimiter.
        out.text.push(' ');
        out.text.push_str(delimiters.close());
    }

    fn construct(&mut self) -> Walked {
        let last = self.construct.tokens.len().saturating_sub(1);
        if self.construct.is_tag {
            self.tag(last)?;
        } else {
            self.is_meant()?;
            let name = self.element("?")?.and_then(|operand| operand.name).unwrap_or_default();
            let place = self.note(0);
            self.put_before(0, "(");
            self.put_behind(last, 0, format!(")|{PRINT}({place}{name})"));
        }
        if self.at <= last { Err(self.lost()) } else { Ok(()) }
    }

    /// Nobody prints a number or a word of a template by an expression: in a JSON string, `cat <<'EOF' >>log` and
    /// `1 << 2 >> 3` are text that looks like one.
    fn is_meant(&self) -> Walked {
        let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let is_plain = |at: usize| match (self.token(at), self.text(at)) {
            (Some(Token::Quoted), text) => text.trim_matches(['"', '\'']).chars().all(is_word),
            (Some(Token::Number), _) => true,
            (_, text) => matches!(text, "true" | "True" | "false" | "False" | "none" | "None" | "(" | ")"),
        };
        let first = (0..self.beside.len()).find(|at| self.text(*at) != "(").unwrap_or_default();
        if self.construct.in_string && self.text(first) != ")" && (0..self.beside.len()).all(is_plain) {
            return Err(TemplateError::Ambiguous { place: self.place(first) });
        }
        Ok(())
    }

    fn tag(&mut self, last: usize) -> Walked {
        let word = self.text(0);
        self.at = 1;
        match word {
            "if" | "elif" => drop(self.element("if")?),
            "for" => {
                self.targets(&["in"]);
                self.at += 1;
                self.element("for")?;
                self.skip("recursive");
            }
            "with" => {
                while self.at <= last {
                    self.targets(&["="]);
                    self.at += 1;
                    self.element("")?;
                    self.skip(",");
                }
            }
            "set" => {
                self.targets(&["=", "|"]);
                if self.skip("|") {
                    self.chain()?;
                } else if self.skip("=") {
                    self.element("")?;
                    while self.skip(",") && self.at <= last {
                        self.element("")?;
                    }
                }
            }
            "filter" => {
                self.chain()?;
                let place = self.note(0);
                self.put_behind(last, 0, format!("|{PRINT}({place})"));
            }
            "include" => {
                self.element("include")?;
                self.at = last + 1;
            }
            "import" | "from" => {
                self.element("include")?;
                self.targets(&[]);
            }
            "macro" => {
                self.assign();
                self.parameters()?;
            }
            "call" => {
                if self.text(1) != "(" {
                    self.put_behind(0, 0, "()".to_owned());
                }
                self.parameters()?;
                self.element("")?;
            }
            "do" => drop(self.element("")?),
            "autoescape" | "block" | "extends" => {
                let tag = ["autoescape", "block", "extends"].into_iter().find(|tag| *tag == word).unwrap_or_default();
                return Err(TemplateError::Unsupported { tag, place: self.place(0) });
            }
            _ => self.at = last + 1,
        }
        Ok(())
    }

    fn assign(&mut self) {
        self.sources.variables.insert(self.text(self.at).to_owned());
        self.at += 1;
    }

    /// What is assigned to: names, `namespace.name`, or several in parentheses.
    fn targets(&mut self, ends: &[&str]) {
        while let Some(token) = self.token(self.at)
            && !ends.contains(&self.text(self.at))
        {
            match token {
                Token::Word => self.assign(),
                _ => self.at += 1,
            }
        }
    }

    /// The parameters of a macro, if there are any here.
    fn parameters(&mut self) -> Walked {
        if !self.skip("(") {
            return Ok(());
        }
        while !self.skip(")") {
            self.assign();
            if self.skip("=") {
                self.element("")?;
            }
            self.separator(")")?;
        }
        Ok(())
    }

    /// The filters of `<% filter a | b %>` or `<% set x | a %>`; the check of a filter's input is before it.
    fn chain(&mut self) -> Walked {
        loop {
            let at = self.at;
            if let Some(look) = self.filter()? {
                self.put_before(at, &format!("{CHECK}('{look}')|"));
            }
            if !self.skip("|") {
                return Ok(());
            }
        }
    }
}
