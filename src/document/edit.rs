//! RFC 6902 operations as splices of the text: only the bytes that must change do.
//!
//! [`apply`] takes the short way where it can: a patch that only replaces and tests is one pass to find and one to
//! write. Everything else works on a tree (`tree.rs`) of untouched pieces of the text, of which only the containers on the
//! way to a change are taken apart. How new text is laid out is decided in
//! `layout.rs`.
//!
//! Values may be secrets, which this layer cannot know: `Debug` shows only their length, errors only paths.

mod comments;
mod convert;
mod layout;
mod operate;
mod quick;
mod tree;
mod wire;

pub use convert::UnfitValue;

use super::{Document, Pointer, Span, SyntaxError};
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
        /// What must be there, in whatever notation; see [`Node::same_value`](super::Node::same_value).
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

/// The replacement of a span by a text, of which `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Splice {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

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
    #[error("there is nothing at {path}")]
    NotFound {
        /// The path that leads nowhere.
        path: Pointer,
    },
    /// The parent of a path is neither an object nor an array.
    #[error("nothing can be put at {path}: what is above it is neither an object nor an array")]
    NoContainer {
        /// The operation's path.
        path: Pointer,
    },
    /// The last token of a path is no index of the array it leads to.
    #[error("{path} is no place in that array")]
    BadIndex {
        /// The operation's path.
        path: Pointer,
    },
    /// The whole document cannot be removed.
    #[error("the whole document cannot be removed")]
    WholeDocument,
    /// A value cannot be moved into a part of itself.
    #[error("{from} cannot be moved into itself, to {path}")]
    IntoItself {
        /// What should be moved.
        from: Pointer,
        /// Where to.
        path: Pointer,
    },
    /// A test found another value.
    #[error("the value at {path} is not the expected one")]
    TestFailed {
        /// The operation's path.
        path: Pointer,
    },
}

impl Explain for EditError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax(error) => error.place(),
            Self::WholeDocument => None,
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
            Self::NotFound { .. } | Self::NoContainer { .. } | Self::IntoItself { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Applies a patch to a text, changing only the bytes it must: all operations or, on an error, none.
///
/// A new member or item takes over indentation, line ending, separators and comma of its neighbours, and a new
/// container is laid out like the document; numbers and strings stay as written. Of duplicate keys the last is
/// meant, since parsers see that one; `remove` takes all of them.
///
/// ```
/// use keystencil::document::{edit::apply, Patch};
/// let patch: Patch = serde_json::from_str(r#"[{"op":"add","path":"/env/KEY","value":"x"}]"#)?;
/// let text = "{\n\t\"env\": {\n\t\t\"A\": 1.0\n\t}\n}";
/// assert_eq!(apply(text, &patch)?, "{\n\t\"env\": {\n\t\t\"A\": 1.0,\n\t\t\"KEY\": \"x\"\n\t}\n}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EditError`] for the first operation that cannot be done, as RFC 6902 says; or if the text or a value is no JSON.
pub fn apply(text: &str, patch: &Patch) -> Result<String, EditError> {
    let document = Document::parse_relaxed(text.as_bytes())?;
    for operation in &patch.0 {
        operation.check()?;
    }
    match quick::apply(&document, patch) {
        Some(result) => result,
        None => operate::apply(&document, patch),
    }
}

/// Replaces spans, which must be in bounds and must not overlap; any order. Splices at the same place keep theirs.
///
/// A span that breaks these rules, or that cuts a character, is left out.
///
/// ```
/// use keystencil::document::{edit::splice, Splice};
/// let splices = vec![Splice { span: 4..5, text: "c".into() }, Splice { span: 1..1, text: "b".into() }];
/// assert_eq!(splice("a12345", splices), "ab123c5");
/// ```
#[must_use]
#[allow(clippy::needless_pass_by_value)] // the splices are used up
pub fn splice(text: &str, splices: Vec<Splice>) -> String {
    splice_borrowed(text, splices.iter().map(|splice| (splice.span.clone(), splice.text.as_str())).collect())
}

/// The same for a text that need not be UTF-8: a torn copy, which is kept as it is but for the spans.
///
/// ```
/// use keystencil::document::{edit::splice_bytes, Splice};
/// assert_eq!(splice_bytes(b"a\xff1", &[Splice { span: 2..3, text: "b".into() }]), b"a\xffb");
/// ```
#[must_use]
pub fn splice_bytes(text: &[u8], splices: &[Splice]) -> Vec<u8> {
    let mut splices: Vec<&Splice> = splices.iter().collect();
    splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
    let come: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = Vec::with_capacity(text.len() + come);
    let mut at = 0;
    for splice in splices {
        if splice.span.start >= at && text.get(splice.span.clone()).is_some() {
            out.extend_from_slice(text.get(at..splice.span.start).unwrap_or_default());
            out.extend_from_slice(splice.text.as_bytes());
            at = splice.span.end;
        }
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// The same for texts that someone else owns; it makes no copy but the one in the result.
fn splice_borrowed(text: &str, mut splices: Vec<(Span, &str)>) -> String {
    splices.sort_by_key(|(span, _)| (span.start, span.end));
    let mut at = 0;
    splices.retain(|(span, _)| {
        let fits = span.start >= at && text.get(span.clone()).is_some();
        at = if fits { span.end } else { at };
        fits
    });
    let gone: usize = splices.iter().map(|(span, _)| span.len()).sum();
    let come: usize = splices.iter().map(|(_, new)| new.len()).sum();
    let mut out = String::with_capacity(text.len() - gone + come);
    let mut at = 0;
    for (span, new) in splices {
        out.push_str(text.get(at..span.start).unwrap_or(""));
        out.push_str(new);
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
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
    fn check(&self) -> Result<(), EditError> {
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

impl fmt::Debug for Splice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format_args!("[{} bytes]", self.text.len());
        f.debug_struct("Splice").field("span", &self.span).field("text", &text).finish()
    }
}

/// A checked value without the white space (and BOM) around it.
fn trim(value: &str) -> &str {
    value.trim_start_matches('\u{feff}').trim_matches([' ', '\t', '\n', '\r'])
}
