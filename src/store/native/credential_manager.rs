//! The Credential Manager of Windows, for [`platform`](super::platform).
//!
//! A credential is found by its target alone; [`targets`](super::targets) says which are looked up. Ours has
//! `keystencil` as its comment, and no other is changed. Values are read as bytes and told apart by
//! [`decode`](super::decode): the store's own `get_password` makes mojibake of UTF-8.

use super::super::{Entry, StoreError, StoreKind};
pub(super) use super::decode::credential as decode;
use super::{platform::meaning, targets};
use crate::secret::{Secret, SecretName};
use keyring::api::CredentialStoreApi;
use std::collections::HashMap;
use windows_native_keyring_store as windows;

const COMMENT: (&str, &str) = ("comment", "keystencil");

/// What it means that there is no Credential Manager: a service account has none.
pub(super) const NO_ACCESS: StoreError = StoreError::NoService;

/// The credential of a name, if there is one.
pub(super) fn find(name: &SecretName) -> keyring::Result<Option<keyring::Entry>> {
    let user_of = |target: &str| match entry(name, Some(target))?.get_attributes() {
        Ok(mut attributes) => Ok(Some(attributes.remove("username").unwrap_or_default())),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    };
    targets::find(name, user_of)?.map(|target| entry(name, Some(&target))).transpose()
}

fn entry(name: &SecretName, target: Option<&str>) -> keyring::Result<keyring::Entry> {
    let modifiers = target.map(|target| HashMap::from([("target", target)]));
    windows::Store::new()?.build(name.service(), name.account(), modifiers.as_ref())
}

/// The target of a credential that another program made.
pub(super) fn foreign_label(entry: &keyring::Entry) -> keyring::Result<Option<String>> {
    let mut attributes = entry.get_attributes()?;
    let is_ours = attributes.get(COMMENT.0).is_some_and(|comment| comment == COMMENT.1);
    Ok((!is_ours).then(|| attributes.remove("target_name").unwrap_or_default()))
}

/// As UTF-16, as Windows programs have it; the comment stays.
pub(super) fn change(entry: &keyring::Entry, secret: &Secret) -> keyring::Result<()> {
    entry.set_password(secret.expose())
}

pub(super) fn create(name: &SecretName, secret: &Secret) -> keyring::Result<()> {
    let entry = entry(name, None)?;
    change(&entry, secret)?;
    entry.update_attributes(&HashMap::from([COMMENT]))
}

pub(super) fn describe(name: &SecretName) -> Result<Vec<Entry>, StoreError> {
    let found = find(name).and_then(|found| found.map(|entry| foreign_label(&entry)).transpose());
    let described = found.map_err(|error| meaning(error, name))?.map(|label| Entry {
        name: name.clone(),
        store: StoreKind::Native,
        writer: label.is_none().then(|| COMMENT.1.to_owned()),
        is_foreign: label.is_some(),
        change: None,
        label,
        created: None,
        modified: None,
    });
    Ok(described.into_iter().collect())
}
