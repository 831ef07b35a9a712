//! Where an import keeps what it found.

use crate::secret::{Secret, SecretName};
use crate::store::{LookupError, StoreError, StoreKind};
use std::path::Path;

/// Where an import keeps what it takes out of a file.
pub trait Keeper {
    /// The value stored under a name, if there is one.
    ///
    /// # Errors
    /// [`LookupError`] if a store that may have it does not answer.
    fn stored(&self, name: &SecretName) -> Result<Option<Secret>, LookupError>;

    /// Stores a value under a name that is free, and says where.
    ///
    /// # Errors
    /// [`StoreError`].
    fn store(&self, name: &SecretName, secret: &Secret) -> Result<StoreKind, StoreError>;

    /// Takes back a [`store`](Self::store).
    ///
    /// # Errors
    /// [`StoreError`].
    fn forget(&self, name: &SecretName) -> Result<(), StoreError>;

    /// Keeps the file as it is now, encrypted, and says what the backup is called.
    ///
    /// # Errors
    /// [`StoreError`].
    fn back_up(&self, path: &Path, text: &[u8]) -> Result<String, StoreError>;

    /// Takes back a [`back_up`](Self::back_up).
    ///
    /// # Errors
    /// [`StoreError`].
    fn forget_backup(&self, name: &str) -> Result<(), StoreError>;
}
