//! The filters that look at a value before the engine does: they pass it on, print it, or end the run.

use super::run::{Held, MAX_VISITS, Run, lock};
use crate::template::blueprint::Encoding;
use crate::template::error::{Limit, TemplateError, Use};
use crate::template::marks::{Begin, Piece};
use crate::template::names::{Depth, Look};
use crate::template::token::Token;
use crate::template::values;
use minijinja::value::ObjectRepr;
use minijinja::{Error, Value};
use std::sync::Arc;
use std::sync::atomic::{self};

impl Run {
    /// The filter after every operand: passes the value on, or ends the run.
    pub(crate) fn look(
        &self,
        value: Value,
        look: &str,
        name: Option<&str>,
        is_attribute: bool,
    ) -> Result<Value, Error> {
        let Look { depth, what, undefined } = Look::named(look);
        if value.is_undefined() {
            return if undefined { Ok(value) } else { Err(self.undefined(name, is_attribute)) };
        }
        if depth == Depth::None {
            return Ok(value);
        }
        if value.downcast_object_ref::<Token>().is_some() {
            return if depth == Depth::Join { Ok(value) } else { Err(self.needs_value(what)) };
        }
        if let Some(text) = value.as_str() {
            return match self.held(text) {
                Held::Plain(plain) | Held::Forged(plain) => Ok(Value::from(plain)),
                Held::Tokens if depth == Depth::Join => Ok(Value::from(text)),
                Held::Tokens | Held::Printed => Err(self.needs_value(what)),
            };
        }
        match depth {
            Depth::Join => match self.text(&value, usize::MAX)? {
                (_, true) => Err(self.needs_value(what)),
                (text, false) => Ok(Value::from(text)),
            },
            Depth::Deep => self.search(&value, &what, 0).map(|()| value),
            Depth::Keys if value.as_object().is_some_and(|object| object.repr() != ObjectRepr::Map) => {
                self.search(&value, &what, 0).map(|()| value)
            }
            _ => Ok(value),
        }
    }

    /// Looks for references in a list or map.
    fn search(&self, value: &Value, what: &Use, depth: usize) -> Result<(), Error> {
        if self.visits.fetch_add(1, atomic::Ordering::Relaxed) > MAX_VISITS || depth > values::MAX_DEPTH {
            return Err(self.fail(|place| TemplateError::Exceeded { limit: Limit::Value, place }));
        }
        if let Some(text) = value.as_str() {
            return match self.held(text) {
                // Marks in a nested string can't be resolved in place, so even harmless ones count.
                Held::Plain(plain) | Held::Forged(plain) if plain.len() == text.len() => Ok(()),
                _ => Err(self.needs_value(what.clone())),
            };
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        if object.downcast_ref::<Token>().is_some() {
            return Err(self.needs_value(what.clone()));
        }
        match object.repr() {
            ObjectRepr::Plain => Ok(()),
            ObjectRepr::Map => object
                .try_iter_pairs()
                .into_iter()
                .flatten()
                .try_for_each(|(_, value)| self.search(&value, what, depth + 1)),
            _ => object.try_iter().into_iter().flatten().try_for_each(|value| self.search(&value, what, depth + 1)),
        }
    }

    /// A value as the text that is printed for it (JSON for lists and maps), and whether it holds references.
    fn text(&self, value: &Value, number: usize) -> Result<(String, bool), Error> {
        let mut writer = values::Writer::new(self, number);
        writer.value(value, 0)?;
        Ok(writer.finish())
    }

    /// The filter after everything that is printed.
    pub(crate) fn print(
        &self,
        value: &Value,
        number: usize,
        name: Option<&str>,
        is_attribute: bool,
    ) -> Result<Value, Error> {
        if value.is_undefined() {
            return Err(self.undefined(name, is_attribute));
        }
        let (kind, text) = match value.as_str() {
            Some(text) => match self.held(text) {
                Held::Forged(_) => {
                    return Err(self.fail(|place| TemplateError::Reserved { place }));
                }
                // What a macro, a block or an include printed.
                Held::Printed => return Ok(Value::from_safe_string(text.to_owned())),
                Held::Plain(plain) if plain.len() != text.len() => {
                    return Ok(Value::from_safe_string(text.to_owned()));
                }
                _ if value.is_safe() => (Begin::Raw, text.to_owned()),
                _ => (Begin::Value, text.to_owned()),
            },
            None if value.downcast_object_ref::<Token>().is_some() => (Begin::Value, value.to_string()),
            None => match self.text(value, number)? {
                (text, true) => (Begin::Json, text),
                (text, false) => (Begin::Value, text),
            },
        };
        let mut printed = String::new();
        self.marks.write(&mut printed, Piece::Begin(kind, number));
        printed.push_str(&text);
        self.marks.write(&mut printed, Piece::End);
        Ok(Value::from_safe_string(printed))
    }

    /// The filter `tojson`; its input has been checked.
    pub(crate) fn to_json(&self, value: &Value) -> Result<Value, Error> {
        let mut writer = values::Writer::new(self, usize::MAX);
        match value.as_str() {
            Some(text) => writer.string(text),
            None => writer.value(value, 0)?,
        }
        Ok(Value::from(writer.finish().0))
    }

    /// The filters `b64encode` and `urlencode`.
    pub(crate) fn encode(self: &Arc<Self>, value: &Value, encoding: Encoding) -> Result<Value, Error> {
        if value.is_undefined() {
            return Err(self.undefined(None, false));
        }
        if let Some(token) = value.downcast_object_ref::<Token>() {
            let before = lock(&self.met).get(token.index).cloned();
            let Some(mut met) = before else { return Err(self.needs_value(Use::Encoding)) };
            met.reference.encodings.push(encoding);
            return Ok(self.token(met));
        }
        let text = match value.as_str().map(|text| self.held(text)) {
            Some(Held::Plain(plain) | Held::Forged(plain)) => plain,
            Some(Held::Tokens | Held::Printed) => return Err(self.needs_value(Use::Encoding)),
            None => match self.text(value, usize::MAX)? {
                (_, true) => return Err(self.needs_value(Use::Encoding)),
                (text, false) => text,
            },
        };
        Ok(Value::from(encoding.apply(&text)))
    }
}
