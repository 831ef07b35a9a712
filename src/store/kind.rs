//! The kinds of store, a file of their own because the errors name them.

use std::fmt;

/// The two kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreKind {
    /// The operating system's keyring.
    Native,
    /// The age-encrypted file.
    Vault,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "keyring",
            Self::Vault => "vault",
        })
    }
}
