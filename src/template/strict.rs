//! From the rendered text to a [`Blueprint`]: JSON with comments and trailing commas in, strict JSON out, laid out as
//! `JSON.stringify(…, null, 2)` does, with each number and string as the template writes it.
//!
//! Its own reader, because it must know where the references are; the crate `json-strip-comments` also takes `#`
//! for a comment and an unclosed `/*` for none, and `jsonc-parser` refuses a lone surrogate.

use super::assemble::{Rendered, Standing};
use super::blueprint::{Blueprint, Part, Slot};
use super::error::{Limit, TemplateError};
use super::placeholder;
use super::run::ReferenceUse;
use super::sources::Sources;
use crate::document::escape::Escape;
use crate::document::{Pointer, string};
use crate::error::Place;
use std::collections::HashSet;
use std::ops::Range;

const MAX_DEPTH: usize = 256;

/// A member or item, by offsets in the rendered text.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) pointer: Pointer,
    /// Where its name starts, or its value if it has no name.
    pub(crate) start: usize,
    pub(crate) value: Range<usize>,
    /// The comma after it.
    pub(crate) comma: Option<usize>,
}

/// Reads the rendered text; with `trace` it notes where every element is.
pub(crate) fn read(
    rendered: &Rendered,
    sources: &Sources,
    met: &[ReferenceUse],
    trace: bool,
) -> Result<(Blueprint, Vec<Element>), TemplateError> {
    let mut reader = Reader {
        elements: trace.then(Vec::new),
        comma: None,
        rendered,
        sources,
        met,
        at: 0,
        pointer: Pointer::root(),
        blueprint: Blueprint { document: String::new(), slots: Vec::new() },
    };
    reader.space()?;
    let found = match reader.peek() {
        None => return Err(TemplateError::Empty { place: reader.place() }),
        Some(b'{') => None,
        Some(b'[') => Some("an array"),
        Some(b'"') => Some("a string"),
        Some(b'-' | b'0'..=b'9') => Some("a number"),
        Some(b't' | b'f' | b'n') => Some("a word"),
        Some(_) => return Err(reader.not_json("expected `{`")),
    };
    if let Some(found) = found {
        return Err(TemplateError::NotObject { found, place: reader.place() });
    }
    let start = reader.at;
    reader.value(0)?;
    reader.comma = None;
    reader.note(start, start..reader.at);
    reader.space()?;
    if reader.peek().is_some() {
        return Err(reader.not_json("there is more text after the end of the object"));
    }
    Ok((reader.blueprint, reader.elements.unwrap_or_default()))
}

struct Reader<'a> {
    rendered: &'a Rendered,
    sources: &'a Sources,
    met: &'a [ReferenceUse],
    at: usize,
    pointer: Pointer,
    blueprint: Blueprint,
    elements: Option<Vec<Element>>,
    /// Where the comma is that was read last, if one was after the last element.
    comma: Option<usize>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.rendered.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn place(&self) -> Place {
        self.rendered.place(self.sources, self.at).0
    }

    fn not_json(&self, what: &'static str) -> TemplateError {
        let (place, printed) = self.rendered.place(self.sources, self.at);
        TemplateError::NotJson { what, printed, place }
    }

    fn push(&mut self, text: &str) {
        self.blueprint.document.push_str(text);
    }

    fn note(&mut self, start: usize, value: Range<usize>) {
        let (pointer, comma) = (self.pointer.clone(), self.comma);
        if let Some(elements) = &mut self.elements {
            elements.push(Element { pointer, start, value, comma });
        }
    }

    fn line(&mut self, depth: usize) {
        self.push("\n");
        self.push(&"  ".repeat(depth));
    }

    /// Skips white space and comments.
    fn space(&mut self) -> Result<(), TemplateError> {
        loop {
            let rest = self.rest();
            let length = match rest.as_bytes() {
                [b' ' | b'\t' | b'\n' | b'\r', ..] => 1,
                [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
                [b'/', b'*', ..] => match rest.get(2..).and_then(|rest| rest.find("*/")) {
                    Some(length) => length + 4,
                    None => return Err(self.not_json("a comment is not closed")),
                },
                _ => return Ok(()),
            };
            self.at += length;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), TemplateError> {
        match self.peek() {
            Some(b'{') => self.members(depth + 1),
            Some(b'[') => self.items(depth + 1),
            Some(b'"') => self.string_value(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let Some(word) = ["true", "false", "null"].into_iter().find(|word| self.rest().starts_with(word))
                else {
                    return Err(self.not_json("expected a value"));
                };
                self.push(word);
                self.at += word.len();
                if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Err(self.not_json("expected a value"));
                }
                Ok(())
            }
            None => Err(self.not_json("it ends before the object is closed")),
        }
    }

    fn too_deep(&self, depth: usize) -> Result<(), TemplateError> {
        if depth > MAX_DEPTH {
            return Err(TemplateError::Exceeded { limit: Limit::Nesting, place: self.place() });
        }
        Ok(())
    }

    /// After an item: `true` if another one follows. A trailing comma is dropped.
    fn another(&mut self, close: u8, expected: &'static str) -> Result<bool, TemplateError> {
        self.space()?;
        self.comma = None;
        if self.peek() == Some(b',') {
            self.comma = Some(self.at);
            self.at += 1;
            self.space()?;
            return match self.peek() {
                Some(byte) => Ok(byte != close),
                None => Err(self.not_json("it ends before the object is closed")),
            };
        }
        match self.peek() {
            Some(byte) if byte == close => Ok(false),
            None => Err(self.not_json("it ends before the object is closed")),
            Some(_) => Err(self.not_json(expected)),
        }
    }

    fn members(&mut self, depth: usize) -> Result<(), TemplateError> {
        self.too_deep(depth)?;
        self.push("{");
        self.at += 1;
        self.space()?;
        let parent = self.pointer.clone();
        let mut names = HashSet::new();
        let mut more = self.peek() != Some(b'}');
        while more {
            if !names.is_empty() {
                self.push(",");
            }
            self.line(depth);
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.not_json("expected the name of a member in double quotes"));
            }
            let (token, references) = self.string()?;
            let name = string::decode_lossy(token);
            if let Some((_, index)) = references.first() {
                let place = self.met.get(*index).map_or_else(|| self.place(), |met| met.place.clone());
                return Err(TemplateError::ReferenceInKey { place });
            }
            if placeholder::is_placeholder(&name) {
                return Err(TemplateError::LooksLikeReference { place: self.rendered.place(self.sources, start).0 });
            }
            let here = parent.child(&name);
            self.pointer = here.clone();
            let name = string::decode(token).map_or_else(|| token.to_owned(), std::borrow::Cow::into_owned);
            if !names.insert(name.clone()) {
                return Err(TemplateError::DuplicateKey {
                    key: name,
                    place: self.rendered.place(self.sources, start).0,
                });
            }
            self.push(token);
            self.space()?;
            if self.peek() != Some(b':') {
                return Err(self.not_json("expected `:`"));
            }
            self.at += 1;
            self.push(": ");
            self.space()?;
            let from = self.at;
            self.value(depth)?;
            let value = from..self.at;
            more = self.another(b'}', "expected `,` or `}`")?;
            self.pointer = here;
            self.note(start, value);
        }
        self.pointer = parent;
        self.at += 1;
        if !names.is_empty() {
            self.line(depth - 1);
        }
        self.push("}");
        Ok(())
    }

    fn items(&mut self, depth: usize) -> Result<(), TemplateError> {
        self.too_deep(depth)?;
        self.push("[");
        self.at += 1;
        self.space()?;
        let parent = self.pointer.clone();
        let mut index = 0;
        let mut more = self.peek() != Some(b']');
        while more {
            if index > 0 {
                self.push(",");
            }
            self.line(depth);
            self.pointer = parent.index(index);
            let from = self.at;
            self.value(depth)?;
            let value = from..self.at;
            more = self.another(b']', "expected `,` or `]`")?;
            self.pointer = parent.index(index);
            self.note(from, value);
            index += 1;
        }
        self.pointer = parent;
        self.at += 1;
        if index > 0 {
            self.line(depth - 1);
        }
        self.push("]");
        Ok(())
    }

    fn number(&mut self) -> Result<(), TemplateError> {
        let rest = self.rest();
        let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
        let mut length = usize::from(rest.starts_with('-'));
        let whole = digits(length);
        if whole == 0 || (whole > 1 && rest.as_bytes().get(length) == Some(&b'0')) {
            return Err(self.not_json("a number needs a digit, and none may be a leading zero"));
        }
        length += whole;
        if rest.as_bytes().get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            if fraction == 0 {
                return Err(self.not_json("a number needs a digit after its point"));
            }
            length += 1 + fraction;
        }
        if let Some(b'e' | b'E') = rest.as_bytes().get(length) {
            let sign = usize::from(matches!(rest.as_bytes().get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent == 0 {
                return Err(self.not_json("a number needs a digit in its exponent"));
            }
            length += 1 + sign + exponent;
        }
        self.push(rest.get(..length).unwrap_or_default());
        self.at += length;
        Ok(())
    }

    /// A string token, checked, and the references in it, by offset and index.
    fn string(&mut self) -> Result<(&'a str, &'a [Standing]), TemplateError> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.rest();
            match rest.as_bytes() {
                [b'"', ..] => break,
                [b'\\', ..] => match Escape::at(rest.as_bytes()) {
                    Some(escape) => self.at += escape.length,
                    None => return Err(self.not_json("an unknown escape in a string")),
                },
                [b'\n' | b'\r', ..] => return Err(self.not_json("a line break in a string")),
                [0..=0x1f, ..] => return Err(self.not_json("a control character in a string")),
                [_, ..] => self.at += rest.chars().next().map_or(1, char::len_utf8),
                [] => return Err(self.not_json("a string is not closed")),
            }
        }
        self.at += 1;
        let tokens = &self.rendered.tokens;
        let from = tokens.partition_point(|(at, _)| *at <= start);
        let to = tokens.partition_point(|(at, _)| *at < self.at);
        let token = self.rendered.text.get(start..self.at).unwrap_or_default();
        Ok((token, tokens.get(from..to).unwrap_or_default()))
    }

    fn string_value(&mut self) -> Result<(), TemplateError> {
        let start = self.at;
        let (token, references) = self.string()?;
        if references.is_empty() {
            if token.contains("<<") || token.contains('\\') {
                let plain = string::decode_lossy(token);
                if placeholder::is_placeholder(&plain) {
                    return Err(TemplateError::LooksLikeReference {
                        place: self.rendered.place(self.sources, start).0,
                    });
                }
            }
            self.push(token);
            return Ok(());
        }
        self.slot(start, token, references)
    }

    fn slot(&mut self, start: usize, token: &str, references: &[Standing]) -> Result<(), TemplateError> {
        let place = references.first().and_then(|(_, index)| self.met.get(*index)).map(|met| met.place.clone());
        let place = place.unwrap_or_else(|| self.rendered.place(self.sources, start).0);
        let (mut written, mut parts) = (String::from("\""), Vec::new());
        let mut from = 1;
        for (at, index) in references {
            let Some(met) = self.met.get(*index) else { continue };
            let literal = token.get(from..at - start).unwrap_or_default();
            written.push_str(literal);
            parts.extend(part(literal, &place)?);
            let encoded = string::encode(&met.reference.to_string());
            written.push_str(encoded.get(1..encoded.len() - 1).unwrap_or_default());
            parts.push(Part::Secret(met.reference.clone()));
            from = at - start;
        }
        let literal = token.get(from..token.len() - 1).unwrap_or_default();
        written.push_str(literal);
        written.push('"');
        parts.extend(part(literal, &place)?);
        let slot = Slot { pointer: self.pointer.clone(), parts, place };
        // What is in the target must read as what is meant, whatever the literals around it are.
        if placeholder::parse_parts(&slot.placeholder()).as_ref() != Some(&slot.parts) {
            return Err(TemplateError::LooksLikeReference { place: slot.place });
        }
        self.push(&written);
        self.blueprint.slots.push(slot);
        Ok(())
    }
}

/// A literal between references, decoded; nothing if it is empty.
fn part(literal: &str, place: &Place) -> Result<Option<Part>, TemplateError> {
    if literal.is_empty() {
        return Ok(None);
    }
    let token = format!("\"{literal}\"");
    let text = string::decode(&token).ok_or_else(|| TemplateError::LoneSurrogate { place: place.clone() })?;
    Ok(Some(Part::Literal(text.into_owned())))
}
