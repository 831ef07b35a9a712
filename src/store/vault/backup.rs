//! Backups in the vault: documents of any size, such as a config as it was before `import` took its keys out.
//!
//! Each is an age file of its own in `vault.d` beside the vault, sealed to a key that is made for it and kept in the
//! vault. So a lookup of secrets decrypts none of them, and a new identity or another recipient is a change of the
//! vault alone. They are in another list than the secrets: no lookup of a secret finds one.
//!
//! A new one is written under a temporary name, then entered into the vault, then renamed. A process killed in between
//! leaves a file that the next change of the vault finishes or removes.

use super::super::StoreError;
use super::document::{BackupRecord, Document};
use super::{Vault, file, seal};
use age::secrecy::ExposeSecret as _;
use age::x25519;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// One backup, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What it was stored as.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was stored.
    pub created: Timestamp,
}

/// Backups; none of these names is ever looked up as a secret.
///
/// ```
/// use keystencil::store::{Vault, VaultPaths};
/// let home = tempfile::tempdir()?;
/// let vault = Vault::new(VaultPaths { vault: home.path().join("vault.age"), identity: home.path().join("id.txt") });
/// vault.put_backup("claude.json before import", b"{}", jiff::Timestamp::now())?;
/// let backup = vault.get_backup("claude.json before import")?;
/// assert_eq!(backup.as_deref().map(Vec::as_slice), Some(&b"{}"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Vault {
    /// Stores a document of up to some hundred megabytes under a name that is not taken.
    ///
    /// # Errors
    /// [`StoreError::BackupExists`] if the name is taken: a backup is never replaced; and every way the vault may not
    /// answer.
    pub fn put_backup(&self, name: &str, bytes: &[u8], now: Timestamp) -> Result<(), StoreError> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(StoreError::BackupName { name: name.escape_debug().to_string() });
        }
        let held = self.lock()?;
        let (mut document, identity) = held.read_or_begin()?;
        if document.backups.iter().any(|backup| backup.name == name) {
            return Err(StoreError::BackupExists { name: name.to_owned() });
        }
        let key = x25519::Identity::generate();
        let sealed = seal::seal(bytes, std::iter::once(&key.to_public() as &dyn age::Recipient))
            .map_err(|_| self.damaged("a backup can't be encrypted"))?;
        let record = BackupRecord {
            name: name.to_owned(),
            file: file_name(&sealed),
            key: Zeroizing::new(key.to_string().expose_secret().to_owned()),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            created: now,
        };
        let place = place(held.file(), &record);
        let staged = staged(&place);
        file::create(&staged, &sealed, "write a backup")?;
        document.backups.push(record);
        if let Err(error) = held.write(&document, &identity) {
            let _ = fs::remove_file(staged);
            return Err(error);
        }
        file::rename(&staged, &place, "write a backup")
    }

    /// Stores a copy of a file under its name and the time, and says under which.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn back_up(&self, path: &Path, bytes: &[u8]) -> Result<String, StoreError> {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let file: String = file.chars().filter(|char| !char.is_control()).collect();
        let now = Timestamp::now();
        let base = format!("{file}-{}", now.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let mut name = base.clone();
        for number in 2.. {
            match self.put_backup(&name, bytes, now) {
                Err(StoreError::BackupExists { .. }) => name = format!("{base}-{number}"),
                other => return other.map(|()| name),
            }
        }
        Ok(name)
    }

    /// What is backed up, oldest first.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn list_backups(&self) -> Result<Vec<Backup>, StoreError> {
        let document = self.open()?.unwrap_or_default();
        let mut all: Vec<Backup> = document
            .backups
            .into_iter()
            .map(|record| Backup { name: record.name, size: record.size, created: record.created })
            .collect();
        all.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Ok(all)
    }

    /// The content of a backup; `None` if there is none of that name.
    ///
    /// # Errors
    /// [`StoreError::VaultDamaged`] with the backup's own file if that is missing or changed, and every way the vault
    /// may not answer.
    pub fn get_backup(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let document = self.open()?.unwrap_or_default();
        let Some(record) = document.backups.iter().find(|backup| backup.name == name) else { return Ok(None) };
        let place = place(&super::follow(&self.paths.vault), record);
        let damaged = |reason| StoreError::BackupDamaged { path: place.clone(), reason };
        let sealed = match file::read_private(&place, "read a backup")? {
            Some(sealed) => sealed,
            // Its writer was killed between the vault and the rename.
            None => {
                file::read_private(&staged(&place), "read a backup")?.ok_or_else(|| damaged("its file is missing"))?
            }
        };
        let key: x25519::Identity = record.key.parse().map_err(|_| damaged("its key was changed"))?;
        match seal::open(&sealed, std::iter::once(&key as &dyn age::Identity)) {
            Ok(plain) => Ok(Some(plain)),
            Err(seal::Unopened::Damaged(reason)) => Err(damaged(reason)),
            Err(_) => Err(damaged("it is not the file that was written")),
        }
    }

    /// Removes a backup for good; `false` if there is none of that name.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn remove_backup(&self, name: &str) -> Result<bool, StoreError> {
        if !self.exists()? {
            return Ok(false);
        }
        let held = self.lock()?;
        let Some((mut document, identity)) = held.read()? else { return Ok(false) };
        let Some(index) = document.backups.iter().position(|backup| backup.name == name) else { return Ok(false) };
        let record = document.backups.remove(index);
        held.write(&document, &identity)?;
        // Without its key the file is noise; a failure to remove it is not worth an error.
        let place = place(held.file(), &record);
        let _ = fs::remove_file(staged(&place));
        let _ = fs::remove_file(place);
        Ok(true)
    }
}

/// Finishes what a killed process began: renames what is entered in the vault, removes what is not.
pub(super) fn settle(vault: &Path, document: &Document) {
    let entries = fs::read_dir(folder(vault)).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(file::MARK) else { continue };
        let known = document.backups.iter().map(|record| place(vault, record)).find(|place| place.ends_with(rest));
        let _ = match known {
            Some(place) => fs::rename(path, place),
            None => fs::remove_file(path),
        };
    }
}

fn folder(vault: &Path) -> PathBuf {
    vault.with_extension("d")
}

fn place(vault: &Path, record: &BackupRecord) -> PathBuf {
    // The vault is ours alone, but what it names must not lead out of its folder.
    let plain: String = record.file.chars().filter(char::is_ascii_alphanumeric).collect();
    folder(vault).join(format!("{plain}.age"))
}

fn staged(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!("{}{name}", file::MARK))
}

/// A name that says nothing about the content: the hash of the sealed bytes, which no two backups share.
fn file_name(sealed: &[u8]) -> String {
    blake3::hash(sealed).to_hex().chars().take(20).collect()
}
