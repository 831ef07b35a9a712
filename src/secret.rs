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

    /// A value of one line without the line break at its end: editors and `echo` put it there, and no header may have
    /// it. A value of several lines, such as a private key, ends as it does.
    #[must_use]
    pub fn without_line_break(self) -> Self {
        match self.0.strip_suffix('\n') {
            Some(line) if !line.contains('\n') => Self::new(line.strip_suffix('\r').unwrap_or(line).to_owned()),
            _ => self,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_of_one_line_loses_its_line_break() {
        for (value, expected) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a", "a"),
            ("a\n\n", "a\n\n"),
            ("-----BEGIN\nx\n-----END\n", "-----BEGIN\nx\n-----END\n"),
            ("a ", "a "),
        ] {
            assert_eq!(Secret::new(value.to_owned()).without_line_break().expose(), expected);
        }
    }
}
