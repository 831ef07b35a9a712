//! TOML as a reading: tables as objects in the order of their first mention, wherever their parts stand.

use super::BARE;
use crate::document::json::{string, text::Document};
use crate::document::place::Span;
use crate::document::reading::{Reading, Role};
use toml::de::{DeArray, DeString, DeTable, DeValue};
use toml::{Spanned, de::Error};

/// Reads a file: its text, and that as JSON.
///
/// The recursion below is as deep as the parser lets brackets and dots be: 80 levels.
///
/// # Errors
/// Where and why it is no TOML, without quoting it.
pub(in crate::document) fn read(bytes: &[u8]) -> Result<(&str, Reading), (usize, &'static str)> {
    let text = std::str::from_utf8(bytes).map_err(|error| (error.valid_up_to(), "a byte that is not UTF-8"))?;
    if let Some(at) = text.find(BARE) {
        return Err((at, "the character U+FDD0 is in no text"));
    }
    let table = DeTable::parse(text).map_err(|error| fault(&error))?;
    let mut reader = Reader { text, reading: Reading::default(), comments: comments(text), told: 0 };
    let start = reader.reading.begin();
    reader.table(table.get_ref());
    let end = reader.reading.begin();
    reader.comments_before(usize::MAX);
    Ok((text, reader.reading.close(start..end)))
}

/// The parser's words may quote the text, so they are not passed on.
fn fault(error: &Error) -> (usize, &'static str) {
    let what = match error.message() {
        said if said.contains("duplicate key") => "a key stands here a second time",
        said if said.contains("unclosed") || said.contains("missing") => "something is missing here",
        _ => "this is not expected here",
    };
    (error.span().map_or(0, |span| span.start), what)
}

fn comments(text: &str) -> Vec<Span> {
    let tokens = toml_parser::Source::new(text).lex();
    tokens
        .filter(|token| token.kind() == toml_parser::lexer::TokenKind::Comment)
        .map(|token| token.span().start()..token.span().end())
        .collect()
}

struct Reader<'t> {
    text: &'t str,
    reading: Reading,
    comments: Vec<Span>,
    told: usize,
}

impl Reader<'_> {
    /// Puts the comments that stand before an offset of the file, and were not put yet, here.
    fn comments_before(&mut self, offset: usize) {
        while let Some(span) = self.comments.get(self.told).filter(|span| span.start < offset) {
            let words = self.text.get(span.start + 1..span.end).unwrap_or_default();
            self.reading.token(&format!("//{words}"), span.clone(), Role::Comment);
            self.reading.push("\n");
            self.told += 1;
        }
    }

    fn table(&mut self, table: &DeTable<'_>) {
        // They come sorted by name.
        let mut members: Vec<(&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)> = table.iter().collect();
        members.sort_by_key(|(key, _)| key.span().start);
        self.reading.push("{");
        for (index, (key, value)) in members.into_iter().enumerate() {
            self.reading.push(if index > 0 { ",\n" } else { "\n" });
            self.comments_before(key.span().start);
            self.reading.token(&string::encode(key.get_ref()), key.span(), Role::Key);
            self.reading.push(": ");
            self.value(value);
        }
        self.reading.push("}");
    }

    fn array(&mut self, array: &DeArray<'_>) {
        self.reading.push("[");
        for (index, item) in array.iter().enumerate() {
            self.reading.push(if index > 0 { ",\n" } else { "\n" });
            self.comments_before(item.span().start);
            self.value(item);
        }
        self.reading.push("]");
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) {
        let span = value.span();
        let token = match value.get_ref() {
            DeValue::String(text) => string::encode(text),
            DeValue::Boolean(is_so) => is_so.to_string(),
            DeValue::Integer(integer) => {
                let number = i128::from_str_radix(integer.as_str(), integer.radix());
                number.map_or_else(|_| self.bare(&span), |number| number.to_string())
            }
            DeValue::Float(float) => {
                let number = float.as_str().trim_start_matches('+');
                let is_number = Document::parse(number.as_bytes()).is_ok();
                if is_number { number.to_owned() } else { self.bare(&span) }
            }
            DeValue::Datetime(_) => self.bare(&span),
            DeValue::Table(table) => {
                let start = self.reading.begin();
                self.table(table);
                return self.end(start, span, "{");
            }
            DeValue::Array(array) => {
                let start = self.reading.begin();
                self.array(array);
                // Those whose items have headers are in as many pieces.
                let is_spread = array.first().is_some_and(|item| {
                    matches!(item.get_ref(), DeValue::Table(_)) && !self.starts_with(&item.span(), "{")
                });
                if !is_spread {
                    self.end(start, span, "[");
                }
                return;
            }
        };
        self.reading.token(&token, span, Role::Value);
    }

    /// What JSON has no word for, as it is written.
    fn bare(&self, span: &Span) -> String {
        string::encode(&format!("{BARE}{}", self.text.get(span.clone()).unwrap_or_default()))
    }

    fn starts_with(&self, span: &Span, bracket: &str) -> bool {
        self.text.get(span.start..).is_some_and(|rest| rest.starts_with(bracket))
    }

    /// A container is in one piece if it is written with brackets of its own.
    fn end(&mut self, start: usize, span: Span, bracket: &str) {
        if self.starts_with(&span, bracket) {
            self.reading.end(start, span);
        }
    }
}
