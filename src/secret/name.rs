//! What a secret is called.

use crate::error::Explain;
use std::fmt;

/// The account of a reference that names none.
pub const DEFAULT_ACCOUNT: &str = "api-key";

/// The service under which a keyring without attributes keeps the key of seals. No secret of a user's has that name.
const SEAL_SERVICE: &str = "keystencil-seal";

/// What a store files a secret under: a service and an account.
///
/// Neither is empty and neither holds a NUL byte: libdbus cuts a name silently at a NUL, so `u\0x` would read the
/// secret of `u` (measured), and an empty attribute matches more than it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    service: String,
    account: String,
}

impl SecretName {
    /// Checks and joins the two parts.
    ///
    /// # Errors
    /// [`NameError`] if a part is empty or holds a NUL byte, or if the name is keystencil's own.
    pub fn new(service: impl Into<String>, account: impl Into<String>) -> Result<Self, NameError> {
        let (service, account) = (service.into(), account.into());
        check("service", &service)?;
        check("account", &account)?;
        if service == SEAL_SERVICE {
            return Err(NameError::Reserved);
        }
        Ok(Self { service, account })
    }

    /// The name of the key of seals, where a keyring has nothing but names.
    #[cfg(any(target_os = "macos", windows))]
    pub(crate) fn of_seal_key() -> Self {
        Self { service: SEAL_SERVICE.to_owned(), account: DEFAULT_ACCOUNT.to_owned() }
    }

    /// The service: what the secret is for.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The account; [`DEFAULT_ACCOUNT`] where a reference names none.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (account `{}`)", self.service.escape_debug(), self.account.escape_debug())
    }
}

/// A name no store may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part is the empty string.
    #[error("the {part} of a secret can't be empty")]
    Empty {
        /// `service`, `account`, `collection` …
        part: &'static str,
    },
    /// A part holds a NUL byte.
    #[error("the {part} of a secret can't hold a NUL byte")]
    Nul {
        /// `service`, `account`, `collection` …
        part: &'static str,
    },
    /// A search without attributes, or with `xdg:schema` alone, finds everything there is.
    #[error("the attributes of a secret must say which one is meant")]
    NoAttributes,
    /// Reserved: keystencil keeps something of its own under that name.
    #[error("`keystencil-seal` is reserved: keystencil keeps its own key under that name")]
    Reserved,
}

impl Explain for NameError {
    fn hint(&self) -> Option<String> {
        let like = match self {
            Self::NoAttributes
            | Self::Empty { part: "attribute name" | "attribute value" }
            | Self::Nul { part: "attribute name" | "attribute value" } => {
                "name it as in `keyring(attributes={'Title': 'OpenAI', 'UserName': 'me'})`"
            }
            Self::Empty { part: "reference" } | Self::Nul { part: "reference" } => {
                "say what the command should look up, as in `op('op://Private/OpenAI/key')`"
            }
            Self::Reserved => "choose another name",
            _ => "name it as in `keyring('github')` or `keyring('github', account='work')`",
        };
        Some(like.to_owned())
    }
}

/// No part of a question is empty or holds a NUL byte.
pub(super) fn check(part: &'static str, text: &str) -> Result<(), NameError> {
    match text {
        "" => Err(NameError::Empty { part }),
        text if text.contains('\0') => Err(NameError::Nul { part }),
        _ => Ok(()),
    }
}
