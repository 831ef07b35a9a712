//! Another identity for the vault.
//!
//! At every moment the identity in its place opens the vault: first the vault is sealed to both, and read back with the
//! new one; then the new identity takes the place of the old; then the vault is sealed to the new one alone. Killed in
//! between, the old identity or the new one is in its place and opens it, and `rekey` can be run again.
//!
//! The old identity is kept beside the new one: it may be the only copy of somebody's key, and it is what opens older
//! copies of the vault.

use super::super::StoreError;
use super::document::{Document, Reader};
use super::held::Held;
use super::identity::{Identity, generate};
use super::{Vault, file, passphrase, unlocked};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The identity that a vault is to have.
pub enum NewIdentity {
    /// A new one.
    Fresh,
    /// A new one in a file that this passphrase protects, as `age -p` does.
    Protected(Zeroizing<String>),
    /// A copy of that in a file: of age, of an age plugin, or an ssh key; with a passphrase or without.
    File(PathBuf),
}

/// What [`Vault::rekey`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// Where the old identity is now; `None` if there was none.
    pub old: Option<PathBuf>,
    /// Whether there was a vault to be encrypted again.
    pub had_vault: bool,
}

impl Vault {
    /// Gives the vault another identity, and takes its own one off the list of those who read it.
    ///
    /// # Errors
    /// Every way the vault, or the new identity, may not open. Nothing is changed then, but that the vault may be
    /// readable with both identities if the disk fails in the middle.
    pub fn rekey(&self, new: &NewIdentity) -> Result<Rekeyed, StoreError> {
        let (bytes, source) = self.new_bytes(new)?;
        let identity = self.opener.identity(&bytes, &source).map_err(|error| match error {
            // It is not the vault that is locked: `unlock` would not help.
            StoreError::VaultLocked { identity } => StoreError::NewIdentityLocked { identity },
            StoreError::VaultIdentityUnreadable { identity, .. } if is_public(&bytes) => {
                StoreError::NewIdentityPublic { identity }
            }
            other => other,
        })?;
        let held = self.lock()?;
        let found = held.read()?;
        let had_vault = found.is_some();
        if let Some((document, old)) = &found {
            let next = replaced(document, &old.own_texts(), &identity.own_texts())?;
            held.write_for(document, old, identity.own())?;
            held.verify(document, &identity)?;
            let kept = self.put_identity(&bytes)?;
            held.write(&next, &identity)?;
            held.verify(&next, &identity)?;
            return Ok(Rekeyed { old: kept, had_vault });
        }
        Ok(Rekeyed { old: self.put_identity(&bytes)?, had_vault })
    }

    /// The content of the new identity file, and the name it has in errors.
    fn new_bytes(&self, new: &NewIdentity) -> Result<(Zeroizing<Vec<u8>>, PathBuf), StoreError> {
        let own = self.paths.identity.clone();
        Ok(match new {
            NewIdentity::Fresh => (generate(), own),
            NewIdentity::Protected(typed) => {
                let text = generate();
                let sealed = passphrase::protect(&text, typed).map_err(|_| StoreError::VaultIdentityUnreadable {
                    identity: own.clone(),
                    reason: "it can't be encrypted",
                })?;
                // Nobody is asked for what they have just typed.
                self.opener.remember(&sealed, &text);
                (Zeroizing::new(sealed), own)
            }
            NewIdentity::File(path) => {
                let missing = || StoreError::NoSuchIdentity { identity: path.clone() };
                (file::read_given(path, "read the identity")?.ok_or_else(missing)?, path.clone())
            }
        })
    }

    /// Puts the new identity in its place; says where the old one is.
    fn put_identity(&self, bytes: &[u8]) -> Result<Option<PathBuf>, StoreError> {
        const DOING: &str = "write the vault's identity";
        let path = &self.paths.identity;
        let Some(old) = file::read_private(path, DOING)? else {
            file::create(path, bytes, DOING)?;
            return Ok(None);
        };
        let kept = match std::fs::read_link(path) {
            // What a link leads to is not ours to replace: it may be the user's key for other things.
            Ok(_) => super::follow(path),
            Err(_) => keep(path, &old)?,
        };
        unlocked::forget(path, self.opener.runtime.as_deref())?;
        file::replace(path, bytes, DOING)?;
        Ok(Some(kept))
    }
}

impl Held<'_> {
    /// Reads the vault back: the secrets and backups that were written must be there.
    fn verify(&self, document: &Document, identity: &Identity) -> Result<(), StoreError> {
        let sealed = file::read_private(self.file(), "read the vault")?;
        let found = sealed.map(|sealed| self.vault.unseal(&sealed, identity)).transpose()?;
        let content = |document: &Document| {
            let mut content = document.clone();
            content.recipients.clear();
            (content.mark, content.count) = (Zeroizing::default(), 0);
            content.to_json()
        };
        let is_same = match found {
            Some(found) => *content(&found)? == *content(document)?,
            None => false,
        };
        if is_same { Ok(()) } else { Err(self.vault.damaged("it does not match what was just written")) }
    }
}

/// Whether a file that holds no identity holds a public key.
fn is_public(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| ["age1", "ssh-", "ecdsa-", "sk-"].iter().any(|start| line.starts_with(start)))
}

/// The content with the new identity's public keys in the place of the old one's.
fn replaced(document: &Document, old: &[Option<String>], new: &[Option<String>]) -> Result<Document, StoreError> {
    let mut document = document.clone();
    // Whoever has the old identity must not make a vault that passes for this one.
    document.mark = Zeroizing::default();
    if document.recipients.is_empty() {
        return Ok(document);
    }
    document.recipients.retain(|reader| !old.iter().flatten().any(|text| *text == reader.recipient));
    for text in new {
        let recipient = text.clone().ok_or(StoreError::NoPublicKey)?;
        if !document.recipients.iter().any(|reader| reader.recipient == recipient) {
            document.recipients.push(Reader { recipient, name: None });
        }
    }
    Ok(document)
}

/// Copies the old identity to a name that is free.
fn keep(path: &Path, old: &[u8]) -> Result<PathBuf, StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 1;
    loop {
        let end = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = path.with_file_name(format!("{name}.old{end}"));
        match kept.symlink_metadata() {
            // Killed half way, the same identity was kept already.
            Ok(_) if file::read_private(&kept, "read").is_ok_and(|found| found.is_some_and(|bytes| *bytes == *old)) => {
                return Ok(kept);
            }
            Ok(_) => number += 1,
            Err(_) => {
                file::create(&kept, old, "keep the old identity")?;
                return Ok(kept);
            }
        }
    }
}
