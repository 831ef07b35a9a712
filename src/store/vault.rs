//! The vault: an age-encrypted file, for machines where no keyring answers.
//!
//! The store of a Secret Service-less machine, asked by [`Stores`](super::Stores). It owns the file and its lock; the
//! key to it is `identity`'s, and what is written inside is `document`'s. It guards copies and backups of the
//! disk, not the account: whoever can read the identity file can open it. The `age` tool reads it:
//! `age -d -i identity.txt vault.age`.
//!
//! It must never write over a vault that it could not open.

mod document;
mod file;
mod identity;

use super::{Entry, Store, StoreError, StoreKind};
use crate::secret::{Secret, SecretName};
use document::{Document, Record};
use identity::Identity;
use jiff::Timestamp;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the vault and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultPaths {
    /// `vault.age`.
    pub vault: PathBuf,
    /// `identity.txt`.
    pub identity: PathBuf,
}

/// The vault at its place; opened anew for every call, so that two processes see each other's changes.
///
/// ```
/// use keystencil::secret::{Secret, SecretName};
/// use keystencil::store::{Store, Vault, VaultPaths};
/// let home = tempfile::tempdir()?;
/// let vault = Vault::new(VaultPaths { vault: home.path().join("vault.age"), identity: home.path().join("id.txt") });
/// let name = SecretName::new("openai", "api-key")?;
/// vault.set(&name, &Secret::new("sk-1".to_owned()))?;
/// assert_eq!(vault.get_many(&[name])[0].as_ref().map(Secret::expose), Ok("sk-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vault {
    paths: VaultPaths,
}

impl Vault {
    /// The vault at these paths; neither file needs to be there.
    #[must_use]
    pub fn new(paths: VaultPaths) -> Self {
        Self { paths }
    }

    /// The decrypted content; `None` if there is no vault yet.
    fn open(&self) -> Result<Option<Document>, StoreError> {
        let Some(sealed) = file::read_private(&self.paths.vault, "read the vault")? else { return Ok(None) };
        let identity = Identity::read(&self.paths.identity)?
            .ok_or_else(|| StoreError::VaultIdentityMissing { identity: self.paths.identity.clone() })?;
        let plain = self.decrypt(&sealed, &identity)?;
        Document::parse(&plain, &self.paths.vault).map(Some)
    }

    fn decrypt(&self, sealed: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let damaged = |reason| StoreError::VaultDamaged { vault: self.paths.vault.clone(), reason };
        let decryptor = age::Decryptor::new_buffered(sealed).map_err(|_| damaged("it is not an age file"))?;
        let mut reader = decryptor.decrypt(identity.keys()).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => {
                StoreError::VaultWrongKey { vault: self.paths.vault.clone(), identity: self.paths.identity.clone() }
            }
            age::DecryptError::Plugin(_) | age::DecryptError::PluginResolve(_) => StoreError::VaultIdentityUnreadable {
                identity: self.paths.identity.clone(),
                reason: "its age plugin is missing or refused",
            },
            _ => damaged("its header was changed"),
        })?;
        // Room for all of it: a vector that grows leaves copies of secrets behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.read_to_end(&mut plain).map_err(|_| damaged("it was cut short or changed"))?;
        Ok(plain)
    }

    /// Changes the content under the lock. `change` says whether there is anything to write.
    fn update(&self, create: bool, change: impl FnOnce(&mut Document) -> bool) -> Result<bool, StoreError> {
        let vault = follow(&self.paths.vault);
        let _lock = file::lock(&vault)?;
        let mut document = match self.open()? {
            Some(document) => document,
            None if create => Document::default(),
            None => return Ok(false),
        };
        if !change(&mut document) {
            return Ok(false);
        }
        let identity = match Identity::read(&self.paths.identity)? {
            Some(identity) => identity,
            None => Identity::create(&self.paths.identity)?,
        };
        let sealed = self.encrypt(&document.to_json()?, &identity)?;
        file::replace(&vault, &sealed, "write the vault")?;
        Ok(true)
    }

    fn encrypt(&self, plain: &[u8], identity: &Identity) -> Result<Vec<u8>, StoreError> {
        let recipients = identity.recipients();
        let unusable = || StoreError::VaultIdentityUnreadable {
            identity: self.paths.identity.clone(),
            reason: "nothing can be encrypted to it",
        };
        let encryptor = age::Encryptor::with_recipients(recipients.iter().map(|r| &**r as &dyn age::Recipient))
            .map_err(|_| unusable())?;
        let mut sealed = Vec::with_capacity(plain.len() + 512);
        let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| unusable())?;
        writer.write_all(plain).and_then(|()| writer.finish().map(|_| ())).map_err(|_| unusable())?;
        Ok(sealed)
    }
}

impl Store for Vault {
    fn kind(&self) -> StoreKind {
        StoreKind::Vault
    }

    fn get_many(&self, names: &[SecretName]) -> Vec<Result<Secret, StoreError>> {
        let store = StoreKind::Vault;
        let document = match self.open() {
            Err(error) => return names.iter().map(|_| Err(error.clone())).collect(),
            Ok(document) => document.unwrap_or_default(),
        };
        let get = |name: &SecretName| match document.find(name).map(Record::to_secret) {
            None => Err(StoreError::NotFound { name: name.clone(), store }),
            Some(secret) if secret.expose().is_empty() => Err(StoreError::Empty { name: name.clone(), store }),
            Some(secret) => Ok(secret),
        };
        names.iter().map(get).collect()
    }

    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError> {
        if secret.expose().is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() });
        }
        self.update(true, |document| {
            document.put(name, secret, Timestamp::now());
            true
        })?;
        Ok(())
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        // Without a vault there is nothing to lock, and no folder to be made for it.
        match self.paths.vault.try_exists() {
            Ok(false) => Ok(false),
            _ => self.update(false, |document| document.remove(name)),
        }
    }

    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.open()?.map(|document| document.entries()).unwrap_or_default())
    }
}

/// The file behind symlinks: dotfile managers keep `vault.age` elsewhere, and a rename would cut the link.
fn follow(path: &Path) -> PathBuf {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        other => other.unwrap_or_else(|_| path.to_owned()),
    }
}
