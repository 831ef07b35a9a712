//! The Credential Manager of Windows, through keyring-core's store.
//!
//! A credential is found by its target name alone, and every program makes target names its own way; so a secret is
//! looked up under each of them, in a fixed order. Values are read as bytes and told apart by [`decode`]: the store's
//! own `get_password` makes mojibake of UTF-8.

use super::super::{Entry, Store, StoreError, StoreKind};
use super::{Bus, Notice, by_name, decode};
use crate::secret::{Query, Secret, SecretName};
use keyring::api::CredentialStoreApi;
use std::collections::HashMap;
use std::time::Duration;
use windows_native_keyring_store as windows;
use zeroize::Zeroize;

/// The native keyring. Nothing is opened before the first question.
#[derive(Debug, Clone)]
pub struct Native;

impl Native {
    /// The Credential Manager; it needs no bus and never prompts.
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

    /// The credential that has the secret, if any: keyring's `user.service`, Python keyring's `service` (if the user
    /// is the right one) and `user@service`, go-keyring's `service:user`.
    fn find(name: &SecretName) -> Result<Option<keyring::Entry>, StoreError> {
        let (service, account) = (name.service(), name.account());
        let targets = [
            format!("{account}.{service}"),
            service.to_owned(),
            format!("{account}@{service}"),
            format!("{service}:{account}"),
        ];
        for target in &targets {
            let entry = Self::entry(name, Some(target))?;
            match entry.get_attributes() {
                Ok(attributes) => {
                    // Only a bare service needs its user name; in the others the target has said it already.
                    let user = attributes.get("username").map(String::as_str);
                    if target != service || user == Some(account) {
                        return Ok(Some(entry));
                    }
                }
                Err(keyring::Error::NoEntry) => {}
                Err(error) => return Err(meaning(error, name)),
            }
        }
        Ok(None)
    }

    fn entry(name: &SecretName, target: Option<&str>) -> Result<keyring::Entry, StoreError> {
        let store = windows::Store::new().map_err(|error| meaning(error, name))?;
        let modifiers = target.map(|target| HashMap::from([("target", target)]));
        store.build(name.service(), name.account(), modifiers.as_ref()).map_err(|error| meaning(error, name))
    }

    fn get(name: &SecretName) -> Result<Secret, StoreError> {
        let entry = Self::find(name)?
            .ok_or_else(|| StoreError::NotFound { query: name.clone().into(), store: StoreKind::Native })?;
        let bytes = entry.get_secret().map_err(|error| meaning(error, name))?;
        let text = decode::credential(bytes)
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
        let entry = match Self::find(name)? {
            Some(entry) => entry,
            None => Self::entry(name, None)?,
        };
        entry.set_password(secret.expose()).map_err(|error| meaning(error, name))
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        let Some(entry) = Self::find(name)? else { return Ok(false) };
        entry.delete_credential().map(|()| true).map_err(|error| meaning(error, name))
    }

    /// A credential says its user and not its program.
    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::CannotList)
    }

    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>> {
        let entries = |name: &SecretName, found: Option<keyring::Entry>| {
            found.map(|_| Entry::undated(name.clone(), StoreKind::Native)).into_iter().collect()
        };
        names.iter().map(|name| Ok(entries(name, Self::find(name)?))).collect()
    }
}

/// What an error means; the value that some carry is wiped.
fn meaning(error: keyring::Error, name: &SecretName) -> StoreError {
    let unavailable = |reason: &str| StoreError::Unavailable { store: StoreKind::Native, reason: reason.to_owned() };
    match error {
        keyring::Error::NoEntry => StoreError::NotFound { query: name.clone().into(), store: StoreKind::Native },
        keyring::Error::NoStorageAccess(_) => StoreError::NoService,
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
