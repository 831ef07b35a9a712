//! RFC 6901 pointers in their textual form: `/a~1b/0`. What they are is `jsonptr`'s; here is what a document asks of them.

use json_patch::jsonptr::{self, ParseError, PointerBuf};
use std::borrow::Cow;
use std::fmt;

/// A JSON pointer (RFC 6901), kept in its textual form; a `jsonptr::PointerBuf` that converts both ways.
///
/// ```
/// use keystencil::document::Pointer;
/// let pointer = Pointer::root().child("mcpServers").child("a/b").index(0);
/// assert_eq!(pointer.as_str(), "/mcpServers/a~1b/0");
/// assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["mcpServers", "a/b", "0"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Pointer(PointerBuf);

impl Pointer {
    /// The pointer to the whole document: the empty string.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads the textual form.
    ///
    /// # Errors
    /// [`PointerError`] if it is not empty and does not start with `/`, or holds a `~` that is not `~0` or `~1`.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        match jsonptr::Pointer::parse(text) {
            Ok(pointer) => Ok(Self(pointer.to_buf())),
            Err(ParseError::NoLeadingSlash) => Err(PointerError::NoSlash),
            Err(ParseError::InvalidEncoding { .. }) => Err(PointerError::BadEscape),
        }
    }

    /// Goes one member or item down, escaping the token.
    pub fn push(&mut self, token: &str) {
        self.0.push_back(token);
    }

    /// The pointer to a member of what this one points to.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        let mut child = self.clone();
        child.push(token);
        child
    }

    /// The pointer to an item of what this one points to.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.child(&index.to_string())
    }

    /// The pointer to what contains this one's target; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.to_buf()))
    }

    /// The last token, unescaped; `None` for the root.
    #[must_use]
    pub fn last(&self) -> Option<Cow<'_, str>> {
        self.tokens().last()
    }

    /// All tokens, unescaped, from the root down.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        // A token of `jsonptr` lends its text no longer than it lives, which would copy each.
        self.as_str().split('/').skip(1).map(|token| {
            if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            }
        })
    }

    /// Whether this pointer is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The textual form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<PointerBuf> for Pointer {
    fn from(pointer: PointerBuf) -> Self {
        Self(pointer)
    }
}

impl From<Pointer> for PointerBuf {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

/// A text that is no pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Neither empty nor starting with `/`.
    #[error("a JSON pointer starts with `/`")]
    NoSlash,
    /// `~` followed by something else than `0` or `1`.
    #[error("in a JSON pointer `~` is written `~0` and `/` is written `~1`")]
    BadEscape,
}
