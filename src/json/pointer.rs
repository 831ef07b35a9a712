//! RFC 6901 pointers in their textual form: `/a~1b/0`.

use std::borrow::Cow;
use std::fmt;

/// A JSON pointer (RFC 6901), kept in its textual form.
///
/// ```
/// use keystencil::json::Pointer;
/// let pointer = Pointer::root().child("mcpServers").child("a/b").index(0);
/// assert_eq!(pointer.as_str(), "/mcpServers/a~1b/0");
/// assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["mcpServers", "a/b", "0"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

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
        if !text.is_empty() && !text.starts_with('/') {
            return Err(PointerError::NoSlash);
        }
        if text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            return Err(PointerError::BadEscape);
        }
        Ok(Self(text.to_owned()))
    }

    /// Goes one member or item down, escaping the token.
    pub fn push(&mut self, token: &str) {
        self.0.push('/');
        if token.contains(['~', '/']) {
            self.0.push_str(&token.replace('~', "~0").replace('/', "~1"));
        } else {
            self.0.push_str(token);
        }
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
        self.0.rfind('/').and_then(|slash| self.0.get(..slash)).map(|parent| Self(parent.to_owned()))
    }

    /// The last token, unescaped; `None` for the root.
    #[must_use]
    pub fn last(&self) -> Option<Cow<'_, str>> {
        self.tokens().last()
    }

    /// All tokens, unescaped, from the root down.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|token| {
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
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The textual form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;
    fn try_from(text: String) -> Result<Self, PointerError> {
        Self::parse(&text)
    }
}

impl From<Pointer> for String {
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
