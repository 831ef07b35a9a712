//! A patch as a value: its operations, and why one can't be applied.

use crate::document::{Document, Pointer, Syntax, SyntaxError};
use crate::error::{Explain, Place};
use std::fmt;

/// One RFC 6902 operation; values are JSON text, of which `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub enum Operation {
    /// Puts a new member or item in, or takes the place of the member that is there.
    Add {
        /// Where; `-` as the last token is the place behind the last item of an array.
        path: Pointer,
        /// The new value.
        value: String,
    },
    /// Takes a member or item out.
    Remove {
        /// Which.
        path: Pointer,
    },
    /// Puts a value in the place of another.
    Replace {
        /// Where; something must be there.
        path: Pointer,
        /// The new value.
        value: String,
    },
    /// Takes a value out and adds it elsewhere.
    Move {
        /// Where it is.
        from: Pointer,
        /// Where it goes, seen after it was taken out; not below `from`.
        path: Pointer,
    },
    /// Adds a value that is already elsewhere.
    Copy {
        /// Where it is.
        from: Pointer,
        /// Where the copy goes.
        path: Pointer,
    },
    /// Stops the whole patch unless that value is there.
    Test {
        /// Where.
        path: Pointer,
        /// What must be there, in whatever notation; see [`Node::same_value`](crate::document::Node::same_value).
        value: String,
    },
}

/// A list of operations, applied in order. As JSON (serde) it is a patch document of RFC 6902, with the values
/// exactly as written; members of other names are ignored.
///
/// ```
/// use keystencil::document::Patch;
/// let text = r#"[{"op":"replace","path":"/a","value":1e400}]"#;
/// let patch: Patch = serde_json::from_str(text)?;
/// assert_eq!(serde_json::to_string(&patch)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// It converts from and to a [`json_patch::Patch`]. So a difference that was found between two values can be made in the
/// text, which keeps its comments and its layout:
///
/// ```
/// use keystencil::document::{Patch, edit::apply, json_patch};
/// let text = "{\n  // chosen at random\n  \"port\": 8080, \"hosts\": [\"a\"]\n}\n";
/// let before = serde_json::json!({ "port": 8080, "hosts": ["a"] });
/// let after = serde_json::json!({ "port": 8081, "hosts": ["a", "b"] });
/// let patch = Patch::from(json_patch::diff(&before, &after));
/// let edited = apply(text, &patch)?;
/// assert_eq!(edited, "{\n  // chosen at random\n  \"port\": 8081, \"hosts\": [\"a\", \"b\"]\n}\n");
///
/// let mut value = before;
/// json_patch::patch(&mut value, &json_patch::Patch::try_from(&patch)?)?;
/// assert_eq!(value, after);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch(pub Vec<Operation>);

/// Why a patch could not be applied. Nothing of it was, then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text to be edited is not JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The value of an operation is not JSON.
    #[error("the value for {path} is {error}")]
    Value {
        /// The operation's path.
        path: Pointer,
        /// What is wrong with the value.
        error: SyntaxError,
    },
    /// Nothing stands at a path, or nothing that could hold what should be added.
    #[error("nothing found at {path}")]
    NotFound {
        /// The path that leads nowhere.
        path: Pointer,
    },
    /// The parent of a path is neither an object nor an array.
    #[error("cannot add {path}: its parent is neither an object nor an array")]
    NoContainer {
        /// The operation's path.
        path: Pointer,
    },
    /// The last token of a path is no index of the array it leads to.
    #[error("{path} is not a valid index of that array")]
    BadIndex {
        /// The operation's path.
        path: Pointer,
    },
    /// The whole document cannot be removed.
    #[error("cannot remove the whole document")]
    WholeDocument,
    /// A value cannot be moved into a part of itself.
    #[error("{from} cannot be moved into itself, to {path}")]
    IntoItself {
        /// What should be moved.
        from: Pointer,
        /// Where to.
        path: Pointer,
    },
    /// The syntax of the file has no way to say it, or none that is known here.
    #[error("the change cannot be written in {syntax}")]
    Unwritable {
        /// What the file is written in.
        syntax: Syntax,
    },
    /// A test found another value.
    #[error("unexpected value at {path}")]
    TestFailed {
        /// The operation's path.
        path: Pointer,
    },
}

impl Explain for EditError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax(error) => error.place(),
            Self::WholeDocument | Self::Unwritable { .. } => None,
            Self::Value { path, .. }
            | Self::NotFound { path }
            | Self::NoContainer { path }
            | Self::BadIndex { path }
            | Self::IntoItself { from: path, .. }
            | Self::TestFailed { path } => Some(Place::default().slot(path.as_str())),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Syntax(error) => return error.hint(),
            Self::Value { error, .. } => {
                return Some(format!("line {}, column {} of the value", error.line, error.column));
            }
            Self::BadIndex { .. } => "an index has no leading zeros and is at most the length; `-` appends",
            Self::TestFailed { .. } => "the document has changed since the patch was made",
            Self::WholeDocument => "replace it by `null` or `{}` instead",
            Self::NotFound { .. } | Self::NoContainer { .. } | Self::IntoItself { .. } | Self::Unwritable { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

impl Operation {
    /// The place the operation works on.
    #[must_use]
    pub fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Move { path, .. }
            | Self::Copy { path, .. }
            | Self::Test { path, .. } => path,
        }
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } | Self::Test { value, .. } => Some(value),
            Self::Remove { .. } | Self::Move { .. } | Self::Copy { .. } => None,
        }
    }

    /// Whether its value is JSON.
    pub(in crate::document) fn check(&self) -> Result<(), EditError> {
        let Some(value) = self.value() else { return Ok(()) };
        match Document::parse(value.as_bytes()) {
            Ok(_) => Ok(()),
            Err(error) => Err(EditError::Value { path: self.path().clone(), error }),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, from) = match self {
            Self::Add { .. } => ("Add", None),
            Self::Remove { .. } => ("Remove", None),
            Self::Replace { .. } => ("Replace", None),
            Self::Move { from, .. } => ("Move", Some(from)),
            Self::Copy { from, .. } => ("Copy", Some(from)),
            Self::Test { .. } => ("Test", None),
        };
        let mut shown = f.debug_struct(name);
        if let Some(from) = from {
            shown.field("from", from);
        }
        shown.field("path", self.path());
        if let Some(value) = self.value() {
            shown.field("value", &format_args!("[{} bytes]", value.len()));
        }
        shown.finish()
    }
}

/// A checked value without the white space (and BOM) around it.
pub(in crate::document) fn trim(value: &str) -> &str {
    value.trim_start_matches('\u{feff}').trim_matches([' ', '\t', '\n', '\r'])
}
