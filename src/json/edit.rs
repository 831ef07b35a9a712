//! RFC 6902 operations as splices of the text: only the bytes that must change do.

use super::{Pointer, Span, SyntaxError};

/// One RFC 6902 operation; values are JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    Add { path: Pointer, value: String },
    Remove { path: Pointer },
    Replace { path: Pointer, value: String },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: String },
}

/// A list of operations, applied in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch(pub Vec<Operation>);

/// The replacement of a span by a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// Why a patch could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum EditError {
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error("there is nothing at {path}")]
    NotFound { path: Pointer },
}

/// Applies a patch to a text, changing only the bytes it must.
pub fn apply(_text: &str, _patch: &Patch) -> Result<String, EditError> {
    todo!()
}

/// Replaces spans, which must be in bounds and must not overlap; any order.
pub fn splice(_text: &str, _splices: Vec<Splice>) -> String {
    todo!()
}
