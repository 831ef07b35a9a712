//! The vault as a store of `keyring-core`, for any program that speaks its `Entry`.
//!
//! An entry is a service and a user, which keystencil calls the account; there is never more than one of a name, so an
//! entry both specifies a credential and wraps it. Secrets are text and not empty, as everywhere in keystencil.

use super::super::{Store as _, StoreError};
use super::document::Record;
use super::{Vault, VaultPaths};
use crate::secret::{Secret, SecretName};
use jiff::Timestamp;
use keyring::api::{CredentialApi, CredentialPersistence, CredentialStoreApi};
use keyring::attributes::parse_attributes;
use keyring::{Credential, Entry, Error, Result};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// The one attribute of an entry that can be changed.
const COMMENT: &str = "comment";

/// The vault as a `keyring-core` credential store.
///
/// Attributes of an entry are `created` and `modified` (RFC 3339), and `comment`, which can be updated. A search takes
/// `service`, `user` and `comment`, each to be equal; without any it finds every entry. It takes no modifiers.
///
/// ```
/// # use keyring as keyring_core;
/// use keyring_core::{Entry, Error};
/// use keystencil::store::{VaultPaths, VaultStore};
/// let home = tempfile::tempdir()?;
/// let paths = VaultPaths { vault: home.path().join("vault.age"), identity: home.path().join("identity.txt") };
/// keyring_core::set_default_store(VaultStore::new(paths));
/// let entry = Entry::new("github", "api-key")?;
/// assert!(matches!(entry.get_password(), Err(Error::NoEntry)));
/// entry.set_password("ghp_1")?;
/// assert_eq!(entry.get_password()?, "ghp_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct VaultStore {
    vault: Vault,
}

/// One entry of the vault.
#[derive(Debug, Clone)]
pub struct VaultCredential {
    vault: Vault,
    name: SecretName,
}

impl VaultStore {
    /// The vault at these paths; neither file needs to be there.
    #[must_use]
    pub fn new(paths: VaultPaths) -> Arc<Self> {
        Self::of(Vault::new(paths))
    }

    /// A vault that is set up already.
    #[must_use]
    pub fn of(vault: Vault) -> Arc<Self> {
        Arc::new(Self { vault })
    }

    fn entry(&self, name: SecretName) -> Entry {
        Entry::new_with_credential(Arc::new(VaultCredential { vault: self.vault.clone(), name }))
    }
}

impl CredentialStoreApi for VaultStore {
    fn vendor(&self) -> String {
        "keystencil vault, https://crates.io/crates/keystencil".to_owned()
    }

    fn id(&self) -> String {
        format!("version {}, {}", env!("CARGO_PKG_VERSION"), self.vault.paths.vault.display())
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        parse_attributes(&[], modifiers)?;
        Ok(self.entry(name(service, user)?))
    }

    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let spec = parse_attributes(&["service", "user", COMMENT], Some(spec))?;
        let is = |key: &str, value: &str| spec.get(key).is_none_or(|wanted| wanted == value);
        let document = self.vault.open().map_err(said)?.unwrap_or_default();
        let meant = document.entries.iter().filter(|record| {
            let comment = record.comment.as_deref().unwrap_or_default();
            is("service", &record.service) && is("user", &record.account) && is(COMMENT, comment)
        });
        Ok(meant.filter_map(Record::name).map(|name| self.entry(name)).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn persistence(&self) -> CredentialPersistence {
        CredentialPersistence::UntilDelete
    }
}

impl VaultCredential {
    fn read<T>(&self, with: impl FnOnce(&Record) -> T) -> Result<T> {
        let document = self.vault.open().map_err(said)?.unwrap_or_default();
        document.find(&self.name).map(with).ok_or(Error::NoEntry)
    }
}

impl CredentialApi for VaultCredential {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(secret).map_err(|_| {
            Error::Invalid("secret".to_owned(), "the vault stores text, and this is not UTF-8".to_owned())
        })?;
        self.vault.set(&self.name, &Secret::new(text.to_owned())).map_err(said)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.read(|record| record.secret.as_bytes().to_vec())
    }

    fn get_attributes(&self) -> Result<HashMap<String, String>> {
        self.read(|record| {
            let time = |key: &str, time: Timestamp| (key.to_owned(), time.to_string());
            let times = [time("created", record.created), time("modified", record.modified)];
            let comment = record.comment.iter().map(|comment| (COMMENT.to_owned(), comment.clone()));
            times.into_iter().chain(comment).collect()
        })
    }

    fn update_attributes(&self, attributes: &HashMap<&str, &str>) -> Result<()> {
        let mut attributes = parse_attributes(&[COMMENT], Some(attributes))?;
        let comment = attributes.remove(COMMENT);
        let mut found = false;
        let change = |document: &mut super::Document| {
            let Some(record) = document.find_mut(&self.name) else { return false };
            found = true;
            let is_new = comment.is_some() && record.comment != comment;
            if is_new {
                record.comment = comment;
            }
            is_new
        };
        if self.vault.exists().map_err(said)? {
            self.vault.update(false, change).map_err(said)?;
        }
        if found { Ok(()) } else { Err(Error::NoEntry) }
    }

    fn delete_credential(&self) -> Result<()> {
        if self.vault.remove(&self.name).map_err(said)? { Ok(()) } else { Err(Error::NoEntry) }
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.read(|_| None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.name.service().to_owned(), self.name.account().to_owned()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn name(service: &str, user: &str) -> Result<SecretName> {
    SecretName::new(service, user).map_err(|error| {
        let part = if service.is_empty() || service.contains('\0') { "service" } else { "user" };
        Error::Invalid(part.to_owned(), error.to_string())
    })
}

/// The error as `keyring-core` classifies it; none of ours contains a byte of a secret.
fn said(error: StoreError) -> Error {
    match error {
        StoreError::NotFound { .. } => Error::NoEntry,
        StoreError::EmptyValue { .. } => Error::Invalid("secret".to_owned(), error.to_string()),
        StoreError::VaultDamaged { .. } | StoreError::VaultNewer { .. } => Error::BadStoreFormat(error.to_string()),
        StoreError::VaultIdentityMissing { .. }
        | StoreError::VaultIdentityUnreadable { .. }
        | StoreError::VaultLocked { .. }
        | StoreError::VaultPassphrase { .. }
        | StoreError::VaultPlugin { .. }
        | StoreError::VaultPermissions { .. }
        | StoreError::VaultWrongKey { .. }
        | StoreError::VaultBusy { .. } => Error::NoStorageAccess(Box::new(error)),
        _ => Error::PlatformFailure(Box::new(error)),
    }
}
