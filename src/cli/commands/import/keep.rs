//! The stores as an import uses them.

use crate::host::Resolved;
use crate::secret::{Secret, SecretName};
use crate::session::Keeper;
use crate::store::{LookupError, StoreError, StoreKind, Stores, Unresolved};
use std::path::Path;

/// The stores of a command, as [`Keeper`].
pub(super) struct Stored<'a> {
    stores: &'a Stores,
}

impl<'a> Stored<'a> {
    pub(super) fn new(stores: &'a Stores) -> Self {
        Self { stores }
    }
}

impl Keeper for Stored<'_> {
    fn stored(&self, name: &SecretName) -> Result<Option<Secret>, LookupError> {
        match self.stores.get(name) {
            Ok((_, secret)) => Ok(Some(secret)),
            Err(error) if error.missing().iter().all(Unresolved::was_never_stored) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn store(&self, name: &SecretName, secret: &Secret) -> Result<StoreKind, StoreError> {
        self.stores.set(name, secret)
    }

    fn forget(&self, name: &SecretName) -> Result<(), StoreError> {
        self.stores.remove(name).map(drop)
    }

    fn back_up(&self, path: &Path, text: &[u8]) -> Result<String, StoreError> {
        self.stores.vault().back_up(path, text)
    }

    fn forget_backup(&self, name: &str) -> Result<(), StoreError> {
        self.stores.vault().remove_backup(name).map(drop)
    }
}

/// The path as the config should name it: absolute, every link kept.
pub(super) fn named(path: &Path) -> std::path::PathBuf {
    match Resolved::follow(path) {
        Ok(file) => file.named().to_owned(),
        Err(_) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}
