//! A secret, its name, and the question for it. Every layer may carry them; only the writer of targets and the stores
//! open one.
//!
//! A [`Secret`] zeroizes when dropped, prints as `[secret]`, and has no `Serialize`: it can't end up in a journal,
//! a log line or an error by accident.

mod name;
mod query;
mod seal;

pub use query::{Attributes, Pinned, Provided, Query, Wanted};
pub use seal::{Kind, Seal, SealKey};

pub use name::{DEFAULT_ACCOUNT, NameError, SecretName};
use std::fmt;
use zeroize::Zeroizing;

/// A secret value: text, because it is going to be in a JSON string.
///
/// ```
/// use keystencil::secret::Secret;
/// let secret = Secret::new("sk-live-1".to_owned());
/// assert_eq!(format!("{secret:?} {secret}"), "[secret] [secret]");
/// assert_eq!(secret.expose(), "sk-live-1");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a value; the `String` is wiped when the secret is dropped.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Anyone who calls this must not copy it into anything that is printed or kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
