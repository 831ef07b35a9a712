//! Where a session gets values from: the stores, or nothing.

use crate::secret::SealKey;
use crate::store::{Answers, Request, SealKeys, StoreError, StoreKind};
use std::path::Path;

/// What asks the stores for a session: for values and keys of seals at once, each thing once for all of a command.
pub trait Sources {
    /// The values of these questions, and the keys of the stores that were asked.
    fn look_up(&self, request: &Request<'_>) -> Answers;

    /// A key of seals of that store, made if there is none yet.
    ///
    /// # Errors
    /// What the store says.
    fn make_seal_key(&self, kind: StoreKind) -> Result<SealKey, StoreError>;

    /// Keeps another key of seals in that store, or none.
    ///
    /// # Errors
    /// What the store says.
    fn replace_seal_key(&self, kind: StoreKind, new: Option<&SealKey>) -> Result<bool, StoreError>;

    /// The keys of seals of every store there is.
    fn seal_keys(&self) -> Vec<(StoreKind, SealKeys)>;

    /// Keeps a copy of a file that may hold keys, encrypted, and says under which name.
    ///
    /// # Errors
    /// What the vault says.
    fn back_up(&self, path: &Path, text: &[u8]) -> Result<String, StoreError>;
}

/// No store at all.
pub(super) struct Nothing;

impl Sources for Nothing {
    fn look_up(&self, _: &Request<'_>) -> Answers {
        Answers::default()
    }

    fn make_seal_key(&self, _: StoreKind) -> Result<SealKey, StoreError> {
        Err(StoreError::NoService)
    }

    fn replace_seal_key(&self, _: StoreKind, _: Option<&SealKey>) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn seal_keys(&self) -> Vec<(StoreKind, SealKeys)> {
        Vec::new()
    }

    fn back_up(&self, _: &Path, _: &[u8]) -> Result<String, StoreError> {
        Err(StoreError::NoService)
    }
}
