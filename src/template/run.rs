//! One run of the engine: the references it met, and the checks and printing that the template it runs asks for.

use super::blueprint::Reference;
use super::error::{NameKind, TemplateError, Use};
use super::marks::{MARK, Marks, Piece};
use super::names::{self};
use super::sources::Sources;
use crate::error::Place;
use minijinja::{Error, ErrorKind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many values all checks of a run may look at; a value can hold itself or the same list a billion times.
pub(super) const MAX_VISITS: usize = 4_000_000;

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
    pub(super) met: Mutex<Vec<ReferenceUse>>,
    failure: Mutex<Option<Failure>>,
    wanted: Mutex<Option<String>>,
    pub(super) visits: AtomicUsize,
    /// A reference that was looked at behind the checks' back.
    looked_at: Mutex<Option<usize>>,
}

/// A mutex that a panic elsewhere can't make unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a string turns out to hold.
pub(super) enum Held {
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

    pub(super) fn held(&self, text: &str) -> Held {
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

    pub(super) fn needs_value(&self, what: Use) -> Error {
        self.fail(|place| TemplateError::NeedsValue { what, place })
    }

    /// A value that is undefined, called so in the template, by itself or as an attribute.
    pub(super) fn undefined(&self, name: Option<&str>, is_attribute: bool) -> Error {
        let Some(name) = name.map(str::to_owned) else {
            return self.fail(|place| TemplateError::Unprintable { what: "a value that is undefined", place });
        };
        let kind = if is_attribute { NameKind::Attribute } else { NameKind::Variable };
        let similar = names::similar(&name, self.sources.variables.iter().map(String::as_str));
        self.fail(move |place| TemplateError::Unknown { kind, name, similar, place })
    }
}
