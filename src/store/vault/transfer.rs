//! The secrets of a vault as a document to be carried elsewhere, and back in.
//!
//! The document is the vault's own JSON with the entries alone: no backups, no recipients, no keys. It is sealed as
//! armored text, to public keys or with a passphrase, and the `age` tool opens it.

use super::super::{StoreError, StoreKind};
use super::document::{Document, Record};
use super::passphrase::{self, Protected};
use super::recipient::Key;
use super::seal::Unopened;
use super::{Vault, file, readers, seal};
use crate::secret::{Secret, SecretName};
use jiff::Timestamp;
use std::path::Path;
use zeroize::Zeroizing;

/// How an export is sealed.
pub enum Sealing {
    /// To these public keys.
    Recipients(Vec<String>),
    /// With a passphrase.
    Passphrase(Zeroizing<String>),
    /// Not at all.
    Plaintext,
}

/// What becomes of a secret that is in the vault with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It stays.
    Keep,
    /// The import's takes its place.
    Replace,
    /// It is an error.
    Fail,
}

/// What an import did, or would do, with one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It was not in the vault.
    Added,
    /// It was, with the same value.
    Same,
    /// It was with another value, which stayed.
    Kept,
    /// It was with another value, which was replaced.
    Replaced,
}

impl Vault {
    /// The secrets of the vault and `others`, which count where the vault has another value, sealed again; and their names.
    ///
    /// # Errors
    /// [`StoreError::VaultRecipient`] if nothing can be sealed to one, and every way the vault may not answer.
    pub fn export(
        &self,
        sealing: &Sealing,
        others: &[(SecretName, Secret)],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<SecretName>), StoreError> {
        let mut document = self.open()?.unwrap_or_default();
        for (name, secret) in others {
            if document.find(name).is_none_or(|record| record.to_secret() != *secret) {
                document.put(name, secret, Timestamp::now());
            }
        }
        (document.backups, document.recipients) = (Vec::new(), Vec::new());
        document.put_seal_key(None);
        let names = document.entries().into_iter().map(|entry| entry.name).collect();
        (document.mark, document.count) = (Zeroizing::default(), 0);
        let plain = document.to_json()?;
        let unsealed =
            |_| StoreError::Unavailable { store: StoreKind::Vault, reason: "the export can't be encrypted".to_owned() };
        let sealed = match sealing {
            Sealing::Plaintext => return Ok((plain, names)),
            Sealing::Passphrase(typed) => passphrase::protect(&plain, typed).map_err(unsealed)?,
            Sealing::Recipients(texts) => {
                let mut keys = Vec::with_capacity(texts.len());
                for text in texts {
                    let refused = |reason| StoreError::VaultRecipient { recipient: readers::shown(text), reason };
                    keys.push(Key::parse(text, &self.opener.talk()).map_err(refused)?);
                }
                let recipients = keys.iter().map(|key| &*key.recipient as &dyn age::Recipient);
                let sealed = seal::seal(&plain, recipients).map_err(unsealed)?;
                seal::armor(&sealed).map_err(|_| unsealed(seal::Unsealed::Recipients))?
            }
        };
        Ok((Zeroizing::new(sealed), names))
    }

    /// Merges an export into the vault, all of it or, on an error, nothing. `source` names it in errors. It is opened
    /// with the identity in a file, with the vault's own without one, or with a passphrase that is asked for.
    ///
    /// # Errors
    /// [`StoreError::BadExport`] if it can't be read, [`StoreError::ImportConflict`] with [`Merge::Fail`], and
    /// every way the vault may not answer.
    pub fn import(
        &self,
        bytes: &[u8],
        source: &Path,
        identity: Option<&Path>,
        on_conflict: Merge,
        is_trial: bool,
    ) -> Result<Vec<(SecretName, Imported)>, StoreError> {
        let bad = |reason| StoreError::BadExport { path: source.to_owned(), reason };
        let plain = if seal::is_age(bytes) { Some(self.unpack(bytes, source, identity)?) } else { None };
        let content = plain.as_ref().map_or(bytes, |plain| plain.as_slice());
        let export = Document::parse(content, source).map_err(|error| match error {
            StoreError::VaultNewer { .. } => bad("it was written by a newer keystencil"),
            _ => bad("it is not a vault export"),
        })?;
        if is_trial {
            let mut document = self.open()?.unwrap_or_default();
            return merge(&mut document, export, on_conflict, source);
        }
        let held = self.lock()?;
        let (mut document, own) = held.read_or_begin()?;
        let done = merge(&mut document, export, on_conflict, source)?;
        if done.iter().any(|(_, what)| matches!(what, Imported::Added | Imported::Replaced)) {
            held.write(&document, &own)?;
        }
        Ok(done)
    }

    fn unpack(&self, sealed: &[u8], source: &Path, identity: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let bad = |reason| StoreError::BadExport { path: source.to_owned(), reason };
        if seal::is_by_passphrase(sealed) {
            return self.opener.ask(&Protected::Age(Zeroizing::new(sealed.to_vec())), sealed, source).map_err(
                |error| match error {
                    StoreError::VaultLocked { .. } => {
                        bad("it needs a passphrase, and there is no terminal to type it at")
                    }
                    StoreError::VaultPassphrase { .. } => bad("the passphrase is wrong"),
                    StoreError::VaultIdentityUnreadable { reason, .. } => bad(reason),
                    other => other,
                },
            );
        }
        let path = identity.unwrap_or(&self.paths.identity);
        let key_file = match identity {
            None => file::read_private(path, "read the identity")?.ok_or_else(|| self.without_identity())?,
            Some(path) => {
                let missing = || StoreError::NoSuchIdentity { identity: path.to_owned() };
                file::read_given(path, "read the identity")?.ok_or_else(missing)?
            }
        };
        let key = self.opener.identity(&key_file, path)?;
        seal::open(sealed, key.keys()).map_err(|error| match error {
            Unopened::WrongKey | Unopened::Passphrase => bad("it is encrypted to another identity"),
            Unopened::Plugin => StoreError::VaultPlugin {
                identity: path.to_owned(),
                plugin: key.plugins(),
                reason: "failed or was refused",
            },
            Unopened::Damaged(reason) => bad(reason),
        })
    }
}

fn merge(
    document: &mut Document,
    export: Document,
    on_conflict: Merge,
    source: &Path,
) -> Result<Vec<(SecretName, Imported)>, StoreError> {
    let mut done = Vec::with_capacity(export.entries.len());
    let mut conflicts = Vec::new();
    for record in export.entries {
        let unnamed = || StoreError::BadExport { path: source.to_owned(), reason: "it has an entry without a name" };
        let name = record.name().ok_or_else(unnamed)?;
        let what = place(document, &name, record, on_conflict);
        if what == Imported::Kept {
            conflicts.push(name.clone());
        }
        done.push((name, what));
    }
    document.sort();
    if on_conflict == Merge::Fail && !conflicts.is_empty() {
        return Err(StoreError::ImportConflict { names: conflicts });
    }
    Ok(done)
}

fn place(document: &mut Document, name: &SecretName, record: Record, on_conflict: Merge) -> Imported {
    match document.find_mut(name) {
        None => {
            document.entries.push(record);
            Imported::Added
        }
        Some(old) if old.secret == record.secret => Imported::Same,
        Some(old) if on_conflict == Merge::Replace => {
            *old = record;
            Imported::Replaced
        }
        Some(_) => Imported::Kept,
    }
}
