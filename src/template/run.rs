//! One run of the engine: the references it met, and the checks and printing that the template it runs asks for.

use super::blueprint::{Encoding, Reference};
use super::error::{Limit, NameKind, TemplateError, Use};
use super::marks::{Begin, MARK, Marks, Piece};
use super::names::{self, Depth, Look};
use super::sources::Sources;
use super::token::Token;
use super::values;
use crate::error::Place;
use minijinja::value::ObjectRepr;
use minijinja::{Error, ErrorKind, Value};
use std::sync::atomic::{self, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many values all checks of a run may look at; a value can hold itself or the same list a billion times.
const MAX_VISITS: usize = 4_000_000;

/// A reference met in a run, and where it is written.
#[derive(Debug, Clone)]
pub(crate) struct ReferenceUse {
    pub(crate) reference: Reference,
    pub(crate) place: Place,
}

/// The error that a run ends with, as soon as it is known where.
type Failure = Box<dyn FnOnce(Place) -> TemplateError + Send>;

/// The state of one run.
pub(crate) struct Run {
    pub(crate) sources: Arc<Sources>,
    pub(crate) marks: Marks,
    met: Mutex<Vec<ReferenceUse>>,
    failure: Mutex<Option<Failure>>,
    wanted: Mutex<Option<String>>,
    visits: AtomicUsize,
    /// A reference that was looked at behind the checks' back.
    looked_at: Mutex<Option<usize>>,
}

/// A mutex that a panic elsewhere can't make unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a string turns out to hold.
enum Held {
    /// Text, marks of chunks and printed values resolved.
    Plain(String),
    /// References, and nothing else but text.
    Tokens,
    /// References inside of what a macro printed.
    Printed,
    /// Text with the private-use character in it, which only printing must not see.
    Forged(String),
}

impl Run {
    pub(crate) fn new(sources: Arc<Sources>, marks: Marks) -> Arc<Self> {
        Arc::new(Self {
            sources,
            marks,
            met: Mutex::default(),
            failure: Mutex::default(),
            wanted: Mutex::default(),
            visits: AtomicUsize::new(0),
            looked_at: Mutex::default(),
        })
    }

    /// Notes the error that the run ends with; the engine's own says only that there is one, and where.
    pub(crate) fn fail(&self, error: impl FnOnce(Place) -> TemplateError + Send + 'static) -> Error {
        lock(&self.failure).get_or_insert_with(|| Box::new(error));
        Error::new(ErrorKind::InvalidOperation, "see the noted error")
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).take()
    }

    /// Notes that a file must be read before the run can be repeated.
    pub(crate) fn want(&self, name: &str) -> Error {
        lock(&self.wanted).get_or_insert_with(|| name.to_owned());
        Error::new(ErrorKind::InvalidOperation, "not read yet")
    }

    pub(crate) fn wanted(&self) -> Option<String> {
        lock(&self.wanted).take()
    }

    /// A reference's hooks were asked for more than to print it.
    pub(crate) fn look_at(&self, index: usize) {
        lock(&self.looked_at).get_or_insert(index);
    }

    pub(crate) fn looked_at(&self) -> Option<ReferenceUse> {
        let index = (*lock(&self.looked_at))?;
        lock(&self.met).get(index).cloned()
    }

    pub(crate) fn met(&self) -> Vec<ReferenceUse> {
        lock(&self.met).clone()
    }

    /// A new reference as a value.
    pub(crate) fn token(self: &Arc<Self>, met: ReferenceUse) -> Value {
        let mut all = lock(&self.met);
        all.push(met);
        Value::from_object(Token { index: all.len() - 1, run: Arc::clone(self) })
    }

    fn held(&self, text: &str) -> Held {
        let (mut plain, mut tokens, mut printed, mut forged) = (String::new(), false, false, false);
        for piece in self.marks.pieces(text) {
            match piece {
                Piece::Text(text) => plain.push_str(text),
                Piece::Chunk(index) => {
                    plain.push_str(self.sources.chunks.get(index).map_or("", |chunk| &chunk.text));
                    printed = true;
                }
                Piece::Token(_) => tokens = true,
                Piece::Begin(..) | Piece::End => printed = true,
                Piece::Forged => {
                    plain.push(MARK);
                    forged = true;
                }
            }
        }
        match (tokens, printed) {
            (false, _) if forged => Held::Forged(plain),
            (false, _) => Held::Plain(plain),
            (true, false) => Held::Tokens,
            (true, true) => Held::Printed,
        }
    }

    fn needs_value(&self, what: Use) -> Error {
        self.fail(|place| TemplateError::NeedsValue { what, place })
    }

    /// A value that is undefined, called so in the template, by itself or as an attribute.
    fn undefined(&self, name: Option<&str>, is_attribute: bool) -> Error {
        let Some(name) = name.map(str::to_owned) else {
            return self.fail(|place| TemplateError::Unprintable { what: "a value that is undefined", place });
        };
        let kind = if is_attribute { NameKind::Attribute } else { NameKind::Variable };
        let similar = names::similar(&name, self.sources.variables.iter().map(String::as_str));
        self.fail(move |place| TemplateError::Unknown { kind, name, similar, place })
    }

    /// The filter behind every operand: hands the value on, or ends the run.
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

    /// The filter behind everything that is printed.
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
