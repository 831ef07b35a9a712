//! Values as JSON text. The engine's own notation is Python's (`True`, `None`, `['a']`), which no config reads.

use super::error::{Limit, TemplateError};
use super::marks::{Begin, Piece};
use super::run::Run;
use super::token::Token;
use crate::document::string;
use minijinja::value::{ObjectRepr, ValueKind};
use minijinja::{Error, Value};

/// How deep a value may be nested: more than a config needs, less than a stack holds.
pub(crate) const MAX_DEPTH: usize = 100;
/// Bytes of one printed value; a small template can build a value that prints as gigabytes.
const MAX_BYTES: usize = 8 << 20;

/// Writes one value.
pub(crate) struct Writer<'a> {
    run: &'a Run,
    number: usize,
    out: String,
    references: bool,
}

impl<'a> Writer<'a> {
    /// `number` is that of the place where the value is printed.
    pub(crate) fn new(run: &'a Run, number: usize) -> Self {
        Self { run, number, out: String::new(), references: false }
    }

    /// The text, and whether it holds marks of references.
    pub(crate) fn finish(self) -> (String, bool) {
        (self.out, self.references)
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.out.push_str(&string::encode(text));
    }

    /// A value; a string inside a list or map is quoted, and one with references is left to be quoted later.
    pub(crate) fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH || self.out.len() > MAX_BYTES {
            return Err(self.run.fail(|place| TemplateError::Exceeded { limit: Limit::Value, place }));
        }
        if let Some(text) = value.as_str() {
            return self.nested_string(text);
        }
        match value.kind() {
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Number => {
                let text = value.to_string();
                if !text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit()) {
                    return Err(self
                        .run
                        .fail(|place| TemplateError::Unprintable { what: "an infinite or undefined number", place }));
                }
                self.out.push_str(&text);
            }
            _ => self.object(value, depth)?,
        }
        Ok(())
    }

    fn nested_string(&mut self, text: &str) -> Result<(), Error> {
        let (mut plain, mut whole, mut forged) = (true, true, false);
        for piece in self.run.marks.pieces(text) {
            plain &= matches!(piece, Piece::Text(_));
            forged |= piece == Piece::Forged;
            whole &= matches!(piece, Piece::Text(_) | Piece::Token(_));
        }
        if plain {
            self.string(text);
        } else if forged {
            return Err(self.run.fail(|place| TemplateError::Reserved { place }));
        } else if whole {
            self.references = true;
            self.mark(Piece::Begin(Begin::Value, self.number));
            self.out.push_str(text);
            self.mark(Piece::End);
        } else {
            return Err(self.run.fail(|place| TemplateError::Unprintable {
                what: "a list or map that holds what a macro or a block printed",
                place,
            }));
        }
        Ok(())
    }

    fn mark(&mut self, piece: Piece<'_>) {
        self.run.marks.write(&mut self.out, piece);
    }

    fn object(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let unprintable =
            |place| TemplateError::Unprintable { what: "a function, a macro or an undefined value", place };
        let Some(object) = value.as_object() else { return Err(self.run.fail(unprintable)) };
        if object.downcast_ref::<Token>().is_some() {
            return self.nested_string(&value.to_string());
        }
        // Macros, modules and `loop` look like maps.
        if object.type_name().starts_with("minijinja::vm::") {
            return Err(self.run.fail(unprintable));
        }
        let mut separator = "";
        match object.repr() {
            ObjectRepr::Map => {
                let Some(pairs) = object.try_iter_pairs() else { return Err(self.run.fail(unprintable)) };
                self.out.push('{');
                for (key, value) in pairs {
                    self.out.push_str(separator);
                    separator = ", ";
                    match key.as_str() {
                        Some(key) if self.run.marks.pieces(key).all(|piece| matches!(piece, Piece::Text(_))) => {
                            self.string(key);
                        }
                        None if key.is_integer() => self.string(&key.to_string()),
                        _ => {
                            let what = "a map with other keys than plain strings";
                            return Err(self.run.fail(move |place| TemplateError::Unprintable { what, place }));
                        }
                    }
                    self.out.push_str(": ");
                    self.value(&value, depth + 1)?;
                }
                self.out.push('}');
            }
            ObjectRepr::Seq | ObjectRepr::Iterable => {
                let Some(items) = object.try_iter() else { return Err(self.run.fail(unprintable)) };
                self.out.push('[');
                for value in items {
                    self.out.push_str(separator);
                    separator = ", ";
                    self.value(&value, depth + 1)?;
                }
                self.out.push(']');
            }
            _ => return Err(self.run.fail(unprintable)),
        }
        Ok(())
    }
}
