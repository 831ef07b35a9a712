//! Which syntax a file is in, and the one way into it and back: [`Document::open`].
//!
//! Whatever a file is written in, it is read as JSON with comments: templates, patches and journals speak no other language, so
//! nothing above this room has to know a second one. Of JSON that reading is the file's own text, and nothing is copied. A
//! syntax is asked once for a file, never for a byte of it.

use super::edit::{self, EditError, Patch, Splice};
use super::json::text::{Document, SyntaxError};
use super::place::Span;
use std::path::Path;

/// What a config file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON (RFC 8259) and nothing else, for a file whose host reads nothing else.
    Json,
    /// JSON in which comments may stand, and commas before closing brackets. A host that doesn't read these has none in its
    /// file, so this is how a file is read whose host isn't known.
    JsonWithComments,
}

impl Syntax {
    /// The syntax of a file, by its name.
    ///
    /// ```
    /// use keystencil::document::Syntax;
    /// use std::path::Path;
    /// assert_eq!(Syntax::of(Path::new(".vscode/mcp.json")), Syntax::JsonWithComments);
    /// ```
    #[must_use]
    pub fn of(_path: &Path) -> Self {
        Self::JsonWithComments
    }

    /// Reads a file that is known to be in this syntax: a copy, whose own name says nothing.
    ///
    /// # Errors
    /// [`SyntaxError`] at the first byte that can't stand where it does.
    pub fn open(self, bytes: &[u8]) -> Result<Opened<'_>, SyntaxError> {
        let document = match self {
            Self::Json => Document::parse(bytes)?,
            Self::JsonWithComments => Document::parse_relaxed(bytes)?,
        };
        Ok(Opened { syntax: self, document })
    }
}

impl Document<'_> {
    /// Reads a file in its own syntax, which its name tells.
    ///
    /// ```
    /// use keystencil::document::{Document, Patch, Pointer};
    /// use std::path::Path;
    /// let text = b"{\n  // one a day\n  \"env\": { \"KEY\": \"x\", },\n}";
    /// let file = Document::open(Path::new("settings.json"), text)?;
    /// let node = file.document().find(&Pointer::parse("/env/KEY")?).unwrap();
    /// assert_eq!(&text[file.place(node.span()).unwrap()], b"\"x\"");
    /// let patch: Patch = serde_json::from_str(r#"[{"op":"remove","path":"/env/KEY"}]"#)?;
    /// assert_eq!(file.apply(&patch)?, "{\n  // one a day\n  \"env\": {},\n}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SyntaxError`] at the first byte that can't stand where it does.
    pub fn open<'b>(path: &Path, bytes: &'b [u8]) -> Result<Opened<'b>, SyntaxError> {
        Syntax::of(path).open(bytes)
    }
}

/// A file's text and what it says.
#[derive(Debug)]
pub struct Opened<'a> {
    syntax: Syntax,
    document: Document<'a>,
}

impl Opened<'_> {
    /// What the file is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// What it says: values by pointer, strings, comments. Its tokens are JSON's in any syntax.
    #[must_use]
    pub fn document(&self) -> &Document<'_> {
        &self.document
    }

    /// Where a token, value or comment of [`Self::document`] stands in the file's own text; `None` if it stands there in no
    /// one piece.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Span> {
        Some(span)
    }

    /// The file's text with other tokens, values and comments in the place of some of [`Self::document`]'s, given as JSON and
    /// put in as its syntax writes them, in the style of what they replace.
    ///
    /// # Errors
    /// [`EditError`] if the syntax has no way to write one.
    pub fn splice(&self, splices: Vec<Splice>) -> Result<String, EditError> {
        Ok(edit::splice(self.document.text(), splices))
    }

    /// The file's text with a patch applied: all operations or, on an error, none.
    ///
    /// # Errors
    /// [`EditError`] as [`edit::apply`], and if the syntax has no way to write a value.
    pub fn apply(&self, patch: &Patch) -> Result<String, EditError> {
        edit::apply_to(&self.document, patch)
    }
}
