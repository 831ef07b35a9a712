//! The syntaxes that config files are written in, by name, and what is said of a text that isn't in one.

use crate::error::{Explain, Place};
use std::fmt;
use std::path::Path;

/// What a config file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON (RFC 8259) and nothing else, for a file whose host reads nothing else.
    Json,
    /// JSON in which comments may stand, and commas before closing brackets. A host that doesn't read these has none in its
    /// file, so this is how a file is read whose host isn't known.
    JsonWithComments,
    /// TOML 1.1 when it is read, 1.0 when it is written.
    Toml,
}

impl Syntax {
    /// The syntax of a file, by its name.
    ///
    /// ```
    /// use keystencil::document::Syntax;
    /// use std::path::Path;
    /// assert_eq!(Syntax::of(Path::new(".codex/config.toml")), Syntax::Toml);
    /// assert_eq!(Syntax::of(Path::new(".vscode/mcp.json")), Syntax::JsonWithComments);
    /// ```
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("toml") => Self::Toml,
            _ => Self::JsonWithComments,
        }
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json | Self::JsonWithComments => "JSON",
            Self::Toml => "TOML",
        })
    }
}

/// Text that isn't in its syntax, with the place of the first fault.
///
/// ```
/// use keystencil::document::Document;
/// let error = Document::parse(b"{\r\n  \"a\": 01\r\n}").unwrap_err();
/// assert_eq!((error.offset, error.line, error.column), (11, 2, 9));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {syntax}: {what}")]
pub struct SyntaxError {
    /// What it was read as.
    pub syntax: Syntax,
    /// Byte offset, BOM included in the count.
    pub offset: usize,
    /// Line, from 1; `\n`, `\r\n` and a lone `\r` end one.
    pub line: usize,
    /// Column in characters, from 1; a BOM is no character.
    pub column: usize,
    /// What was expected or found, without quoting the text.
    pub what: &'static str,
}

impl Explain for SyntaxError {
    fn place(&self) -> Option<Place> {
        Some(Place { position: Some((self.line, self.column)), ..Place::default() })
    }
}
