//! A reference as the engine holds it: opaque. It prints as a mark and has no value to give away.

use super::marks::Piece;
use super::run::{ReferenceUse, Run, lock};
use minijinja::Value;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What `keyring()` returns: an index. It has no value to give away.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) index: usize,
    pub(crate) run: Arc<Run>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[reference]")
    }
}

/// Every hook but `render` is a second line of defence: the checks come first.
impl Object for Token {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        self.run.look_at(self.index);
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.run.look_at(self.index);
        Enumerator::NonEnumerable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.run.look_at(self.index);
        true
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        self.run.look_at(self.index);
        Some(self.index.cmp(&other.downcast_ref::<Self>()?.index))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.run.marks.mark(Piece::Token(self.index)))
    }
}

impl Run {
    /// A new reference as a value.
    pub(crate) fn token(self: &Arc<Self>, met: ReferenceUse) -> Value {
        let mut all = lock(&self.met);
        all.push(met);
        Value::from_object(Token { index: all.len() - 1, run: Arc::clone(self) })
    }
}
