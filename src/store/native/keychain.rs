//! The login keychain of macOS, through keyring-core's store.
//!
//! A generic password is unique by service and account there, so there is one place to look and no ambiguity. The
//! Keychain asks the person by itself, and waits for them.

use super::super::{Entry, Store, StoreError, StoreKind};
use super::{Bus, Notice, by_name, decode};
use crate::secret::{Query, Secret, SecretName};
use apple_native_keyring_store::keychain;
use keyring::api::CredentialStoreApi;
use std::time::Duration;
use zeroize::Zeroize;

/// The native keyring. Nothing is opened before the first question.
#[derive(Debug, Clone)]
pub struct Native;

impl Native {
    /// The login keychain; it needs no bus, and its own prompts can't be limited from here.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)]
    pub fn new(_: Bus, _: Option<Duration>, _interactive: bool) -> Self {
        Self
    }

    /// The system's own dialogs say what they wait for.
    #[must_use]
    pub fn telling(self, _: Notice) -> Self {
        self
    }

    fn entry(name: &SecretName) -> Result<keyring::Entry, StoreError> {
        let store = keychain::Store::new().map_err(|error| meaning(error, name))?;
        store.build(name.service(), name.account(), None).map_err(|error| meaning(error, name))
    }

    fn get(name: &SecretName) -> Result<Secret, StoreError> {
        let bytes = Self::entry(name)?.get_secret().map_err(|error| meaning(error, name))?;
        let text = decode::keychain(bytes)
            .ok_or_else(|| StoreError::NotText { query: name.clone().into(), store: StoreKind::Native })?;
        if text.is_empty() {
            return Err(StoreError::Empty { query: name.clone().into(), store: StoreKind::Native });
        }
        Ok(Secret::new(text))
    }
}

impl Store for Native {
    fn kind(&self) -> StoreKind {
        StoreKind::Native
    }

    fn get_many(&self, queries: &[Query]) -> Vec<Result<Secret, StoreError>> {
        queries.iter().map(|query| Self::get(by_name(query)?)).collect()
    }

    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError> {
        if secret.expose().is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() });
        }
        Self::entry(name)?.set_secret(secret.expose().as_bytes()).map_err(|error| meaning(error, name))
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        match Self::entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::Error::NoEntry) => Ok(false),
            Err(error) => Err(meaning(error, name)),
        }
    }

    /// The Keychain keeps no word on who wrote an entry.
    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::CannotList)
    }

    /// Asking whether an entry is there reads it, and the Keychain would ask the person whether we may.
    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>> {
        names.iter().map(|_| Err(StoreError::CannotList)).collect()
    }
}

/// What an error means; the value that some carry is wiped.
fn meaning(error: keyring::Error, name: &SecretName) -> StoreError {
    let unavailable = |reason: &str| StoreError::Unavailable { store: StoreKind::Native, reason: reason.to_owned() };
    match error {
        keyring::Error::NoEntry => StoreError::NotFound { query: name.clone().into(), store: StoreKind::Native },
        keyring::Error::NoStorageAccess(_) => StoreError::Locked,
        keyring::Error::BadEncoding(mut bytes) | keyring::Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            StoreError::NotText { query: name.clone().into(), store: StoreKind::Native }
        }
        keyring::Error::Ambiguous(_) => StoreError::Ambiguous { query: name.clone().into(), labels: Vec::new() },
        keyring::Error::TooLong(..) => unavailable("the name or the value is too long for it"),
        keyring::Error::Invalid(..) => unavailable("it does not take this name"),
        _ => unavailable("the system call failed"),
    }
}
