//! RFC 6902 operations as splices of the text: only the bytes that must change do.
//!
//! [`apply`] takes the short way where it can: a patch that only replaces and tests is one pass to find and one to
//! write. Everything else works on a tree (`tree.rs`) of untouched pieces of the text, of which only the containers on the
//! way to a change are taken apart. How new text is laid out is decided in
//! `layout.rs`.
//!
//! Values may be secrets, which this layer cannot know: `Debug` shows only their length, errors only paths.

mod comments;
mod layout;
mod operate;
mod quick;
mod tree;

pub(in crate::document) use quick::replacements;

use crate::document::{Document, EditError, Patch};

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
    apply_to(&Document::parse_relaxed(text.as_bytes())?, patch)
}

/// The same for a text that was read already.
///
/// # Errors
/// As [`apply`].
pub fn apply_to(document: &Document<'_>, patch: &Patch) -> Result<String, EditError> {
    for operation in &patch.0 {
        operation.check()?;
    }
    match quick::apply(document, patch) {
        Some(result) => result,
        None => operate::apply(document, patch),
    }
}
