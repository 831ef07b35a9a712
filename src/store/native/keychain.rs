//! The login keychain of macOS, for [`platform`](super::platform).
//!
//! A generic password is unique by service and account there, so there is one place to look and no ambiguity: what
//! `security`, Python keyring, go-keyring and the `keyring` crate store under a name is one and the same entry. It
//! keeps no word on who wrote it. The Keychain asks the user by itself, and waits for them.

use super::super::{Entry, StoreError};
pub(super) use super::decode::keychain as decode;
use crate::secret::{Secret, SecretName};
use apple_native_keyring_store::keychain;
use keyring::api::CredentialStoreApi;

/// What it means that the keychain can't be used.
pub(super) const NO_ACCESS: StoreError = StoreError::Locked;

/// The entry of a name, whether it is there or not: looking would ask the user.
pub(super) fn find(name: &SecretName) -> keyring::Result<Option<keyring::Entry>> {
    keychain::Store::new()?.build(name.service(), name.account(), None).map(Some)
}

/// Nothing tells an entry of another program from ours.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn foreign_label(_: &keyring::Entry) -> keyring::Result<Option<String>> {
    Ok(None)
}

pub(super) fn change(entry: &keyring::Entry, secret: &Secret) -> keyring::Result<()> {
    entry.set_secret(secret.expose().as_bytes())
}

pub(super) fn create(name: &SecretName, secret: &Secret) -> keyring::Result<()> {
    find(name)?.map_or(Ok(()), |entry| change(&entry, secret))
}

/// Asking whether an entry is there reads it, and the Keychain would ask the user whether we may.
pub(super) fn describe(_: &SecretName) -> Result<Vec<Entry>, StoreError> {
    Err(StoreError::CannotList)
}
