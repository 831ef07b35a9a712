//! The vault: an age-encrypted file, for machines where no keyring answers.
//!
//! The store of a Secret Service-less machine, asked by [`Stores`](super::Stores), and through [`VaultStore`] by any
//! program that speaks `keyring-core`. This file owns the file and its lock; the key to it is `identity`'s, and what is
//! written inside is `document`'s. It guards copies and backups of the disk, not the account: anyone who can read the
//! identity file can open it. The `age` tool reads it: `age -d -i identity.txt vault.age`.
//!
//! It must never write over a vault that it could not open.

mod ask;
mod backup;
mod credential;
mod document;
mod file;
mod held;
mod identity;
mod opener;
mod passphrase;
mod pin;
mod readers;
mod recipient;
mod rekey;
mod seal;
mod transfer;
mod unlock;
mod unlocked;

pub use ask::Ask;
pub use backup::Backup;
pub use credential::{VaultCredential, VaultStore};
pub use pin::Untrusted;
pub use readers::Recipient;
pub use rekey::{NewIdentity, Rekeyed};
pub use transfer::{Imported, Merge, Sealing};
pub use unlock::LONGEST_UNLOCK;
pub use unlocked::KeptIn;

use super::{Entry, SealKeys, Store, StoreError, StoreKind};
use crate::secret::{Query, SealKey, Secret, SecretName};
use document::{Document, Record};
use identity::Identity;
use jiff::Timestamp;
use opener::Opener;
use seal::Unopened;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
/// assert_eq!(vault.get_many(&[name.into()])[0].as_ref().map(Secret::expose), Ok("sk-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vault {
    paths: VaultPaths,
    opener: Opener,
    /// Where this machine remembers which vault it knows.
    pins: Option<PathBuf>,
}

impl Vault {
    /// The vault at these paths; neither file needs to be there.
    #[must_use]
    pub fn new(paths: VaultPaths) -> Self {
        Self { paths, opener: Opener::default(), pins: None }
    }

    /// With a user who can be asked for a passphrase; `None`, the default, for no user.
    #[must_use]
    pub fn asking(mut self, person: Option<Arc<dyn Ask>>) -> Self {
        self.opener.person = person;
        self
    }

    /// An identity of an age plugin stays closed.
    #[must_use]
    pub fn looking(mut self) -> Self {
        self.opener.looks = true;
        self
    }

    /// With the folder (`$XDG_RUNTIME_DIR`) that `unlock` may keep an opened identity in.
    #[must_use]
    pub fn with_runtime_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.opener.runtime = folder;
        self
    }

    /// The decrypted content; `None` if no vault yet.
    fn open(&self) -> Result<Option<Document>, StoreError> {
        let Some(sealed) = file::read_private(&self.paths.vault, "read the vault")? else { return Ok(None) };
        let identity = self.identity()?.ok_or_else(|| self.without_identity())?;
        self.unseal(&sealed, &identity).map(Some)
    }

    fn identity(&self) -> Result<Option<Identity>, StoreError> {
        self.opener.read(&self.paths.identity)
    }

    fn without_identity(&self) -> StoreError {
        StoreError::VaultIdentityMissing { identity: self.paths.identity.clone() }
    }

    fn damaged(&self, reason: &'static str) -> StoreError {
        StoreError::VaultDamaged { vault: self.paths.vault.clone(), reason }
    }

    fn exists(&self) -> Result<bool, StoreError> {
        let path = &self.paths.vault;
        path.try_exists().map_err(|error| StoreError::io("read the vault", path, &error))
    }

    fn unseal(&self, sealed: &[u8], identity: &Identity) -> Result<Document, StoreError> {
        self.opener.content(sealed, identity, || {
            let (vault, key) = (self.paths.vault.clone(), self.paths.identity.clone());
            let plain = seal::open(sealed, identity.keys()).map_err(|error| match error {
                Unopened::WrongKey | Unopened::Passphrase => StoreError::VaultWrongKey { vault, identity: key },
                Unopened::Plugin => StoreError::VaultPlugin {
                    identity: key,
                    plugin: identity.plugins(),
                    reason: "failed or was refused",
                },
                Unopened::Damaged(reason) => StoreError::VaultDamaged { vault, reason },
            })?;
            Document::parse(&plain, &self.paths.vault)
        })
    }

    /// Changes the content under the lock. `change` says whether there is anything to write.
    fn update(&self, create: bool, change: impl FnOnce(&mut Document) -> bool) -> Result<bool, StoreError> {
        let held = self.lock()?;
        let found = if create { Some(held.read_or_begin()?) } else { held.read()? };
        let Some((mut document, identity)) = found else { return Ok(false) };
        if !change(&mut document) {
            return Ok(false);
        }
        held.write(&document, &identity)?;
        Ok(true)
    }
}

impl Store for Vault {
    fn kind(&self) -> StoreKind {
        StoreKind::Vault
    }

    fn get_many(&self, queries: &[Query]) -> Vec<Result<Secret, StoreError>> {
        self.get_sealing(queries).0
    }

    fn get_sealing(&self, queries: &[Query]) -> (Vec<Result<Secret, StoreError>>, SealKeys) {
        let store = StoreKind::Vault;
        let document = match self.open() {
            Err(error) => return (queries.iter().map(|_| Err(error.clone())).collect(), Err(error)),
            Ok(document) => document.unwrap_or_default(),
        };
        let find = |query: &Query| document.find(query.name()?).map(Record::to_secret);
        let get = |query: &Query| match find(query) {
            None => Err(StoreError::NotFound { query: query.clone(), store }),
            Some(secret) if secret.expose().is_empty() => Err(StoreError::Empty { query: query.clone(), store }),
            Some(secret) => Ok(secret),
        };
        (queries.iter().map(get).collect(), Ok(document.seal_key().into_iter().collect()))
    }

    fn make_seal_key(&self) -> Result<SealKey, StoreError> {
        let new = SealKey::generate().map_err(|_| no_random())?;
        let mut key = None;
        self.update(true, |document| {
            key = document.seal_key();
            if key.is_none() {
                document.put_seal_key(Some(&new));
            }
            key.is_none()
        })?;
        Ok(key.unwrap_or(new))
    }

    fn replace_seal_key(&self, new: Option<&SealKey>) -> Result<bool, StoreError> {
        let mut was_there = false;
        let change = |document: &mut Document| {
            was_there = document.seal_key().is_some();
            document.put_seal_key(new);
            was_there || new.is_some()
        };
        if new.is_some() || self.exists()? {
            self.update(new.is_some(), change)?;
        }
        Ok(was_there)
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
        Ok(self.exists()? && self.update(false, |document| document.remove(name))?)
    }

    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.open()?.map(|document| document.entries()).unwrap_or_default())
    }

    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>> {
        let all = self.list();
        let of = |name: &SecretName, all: Vec<Entry>| all.into_iter().filter(|entry| entry.name == *name).collect();
        names.iter().map(|name| all.clone().map(|all| of(name, all))).collect()
    }
}

fn no_random() -> StoreError {
    StoreError::Unavailable { store: StoreKind::Vault, reason: "the system has no random numbers".to_owned() }
}

/// The file after symlinks: dotfile managers keep `vault.age` elsewhere, and a rename would cut the link.
fn follow(path: &Path) -> PathBuf {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        other => other.unwrap_or_else(|_| path.to_owned()),
    }
}
