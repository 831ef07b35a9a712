//! The native keyring of macOS and Windows as a [`Store`], over keyring-core's stores: all that is the same on both.
//!
//! Where an entry is, who made it, and what its bytes mean is the platform's: `keychain` and `credential_manager`.

use super::super::{Entry, SealKeys, Store, StoreError, StoreKind};
#[cfg(windows)]
use super::credential_manager as system;
#[cfg(target_os = "macos")]
use super::keychain as system;
use super::{Bus, Notice, by_name};
use crate::secret::{Query, SealKey, Secret, SecretName};
use std::time::Duration;
use zeroize::Zeroize;

/// The native keyring. Nothing is opened before the first question.
#[derive(Debug, Clone)]
pub struct Native;

impl Native {
    /// The system's keyring; it needs no bus, and what it asks the user can't be limited from here.
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

    fn get(name: &SecretName) -> Result<Secret, StoreError> {
        let entry = system::find(name).map_err(|error| meaning(error, name))?.ok_or(keyring::Error::NoEntry);
        let bytes = entry.and_then(|entry| entry.get_secret()).map_err(|error| meaning(error, name))?;
        let text = system::decode(bytes)
            .ok_or_else(|| StoreError::NotText { query: name.clone().into(), store: StoreKind::Native })?;
        if text.is_empty() {
            return Err(StoreError::Empty { query: name.clone().into(), store: StoreKind::Native });
        }
        Ok(Secret::new(text))
    }

    /// The entry of a name, once it is clear that no other program made it.
    fn own(name: &SecretName) -> Result<Option<keyring::Entry>, StoreError> {
        let Some(entry) = system::find(name).map_err(|error| meaning(error, name))? else { return Ok(None) };
        match system::foreign_label(&entry).map_err(|error| meaning(error, name))? {
            Some(label) => Err(StoreError::Foreign { name: name.clone(), label, change: None }),
            None => Ok(Some(entry)),
        }
    }
}

impl Store for Native {
    fn kind(&self) -> StoreKind {
        StoreKind::Native
    }

    fn get_many(&self, queries: &[Query]) -> Vec<Result<Secret, StoreError>> {
        queries.iter().map(|query| Self::get(by_name(query)?)).collect()
    }

    fn get_sealing(&self, queries: &[Query]) -> (Vec<Result<Secret, StoreError>>, SealKeys) {
        let key = match Self::get(&SecretName::of_seal_key()) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            key => key.map(|key| SealKey::parse(key.expose().as_bytes()).into_iter().collect()),
        };
        (self.get_many(queries), key)
    }

    fn make_seal_key(&self) -> Result<SealKey, StoreError> {
        let (_, keys) = self.get_sealing(&[]);
        if let Some(key) = keys?.into_iter().next() {
            return Ok(key);
        }
        let no_random = |_| StoreError::Unavailable {
            store: StoreKind::Native,
            reason: "the system has no random numbers".to_owned(),
        };
        let new = SealKey::generate().map_err(no_random)?;
        self.set(&SecretName::of_seal_key(), &new.to_secret())?;
        // Another process may have been faster, and then its key counts.
        Ok(self.get_sealing(&[]).1?.into_iter().next().unwrap_or(new))
    }

    fn replace_seal_key(&self, new: Option<&SealKey>) -> Result<bool, StoreError> {
        let name = SecretName::of_seal_key();
        let was_there = self.get_sealing(&[]).1.is_ok_and(|keys| !keys.is_empty());
        match new {
            Some(new) => self.set(&name, &new.to_secret()).map(|()| was_there),
            None => self.remove(&name),
        }
    }

    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError> {
        if secret.expose().is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() });
        }
        let written = match Self::own(name)? {
            Some(entry) => system::change(&entry, secret),
            None => system::create(name, secret),
        };
        written.map_err(|error| meaning(error, name))
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        match Self::own(name)?.map(|entry| entry.delete_credential()) {
            Some(Ok(())) => Ok(true),
            None | Some(Err(keyring::Error::NoEntry)) => Ok(false),
            Some(Err(error)) => Err(meaning(error, name)),
        }
    }

    /// Neither system can be searched for what one program wrote.
    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::CannotList)
    }

    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>> {
        names.iter().map(system::describe).collect()
    }
}

/// What an error means; the value that some carry is wiped.
pub(super) fn meaning(error: keyring::Error, name: &SecretName) -> StoreError {
    let unavailable = |reason: &str| StoreError::Unavailable { store: StoreKind::Native, reason: reason.to_owned() };
    match error {
        keyring::Error::NoEntry => StoreError::NotFound { query: name.clone().into(), store: StoreKind::Native },
        keyring::Error::NoStorageAccess(_) => system::NO_ACCESS,
        keyring::Error::BadEncoding(mut bytes) | keyring::Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            StoreError::NotText { query: name.clone().into(), store: StoreKind::Native }
        }
        keyring::Error::Ambiguous(_) => {
            StoreError::Ambiguous { query: name.clone().into(), labels: Vec::new(), with_own: false }
        }
        keyring::Error::TooLong(..) => unavailable("the name or the value is too long"),
        keyring::Error::Invalid(..) => unavailable("it does not accept this name"),
        _ => unavailable("the system call failed"),
    }
}
