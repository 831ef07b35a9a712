//! The vault under its lock: what is read, changed and written back while no other process may.
//!
//! Asked by everything that changes the vault. It must never write over a vault that it could not open.

use super::super::StoreError;
use super::document::{Document, Reader};
use super::identity::{self, Identity};
use super::recipient::Key;
use super::seal::{self, Unsealed};
use super::{Vault, backup, file, follow, no_random};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

impl Vault {
    /// Holds other writers off.
    pub(super) fn lock(&self) -> Result<Held<'_>, StoreError> {
        // If somebody has to be asked, then before others are held off.
        self.identity()?;
        let file = follow(&self.paths.vault);
        let lock = file::lock(&file)?;
        file::sweep(&file);
        file::sweep(&self.paths.identity);
        self.sweep_pin();
        Ok(Held { vault: self, file, _lock: lock })
    }
}

/// The vault while no other process changes it.
pub(super) struct Held<'a> {
    pub(super) vault: &'a Vault,
    /// The vault's file after all links.
    file: PathBuf,
    _lock: file::Lock,
}

impl Held<'_> {
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The content and the key that opened it; `None` if no vault yet.
    pub(super) fn read(&self) -> Result<Option<(Document, Identity)>, StoreError> {
        let Some(sealed) = file::read_private(&self.file, "read the vault")? else { return Ok(None) };
        let identity = self.vault.identity()?.ok_or_else(|| self.vault.without_identity())?;
        let document = self.vault.unseal(&sealed, &identity)?;
        self.vault.check(&document)?;
        backup::settle(&self.file, &document);
        Ok(Some((document, identity)))
    }

    /// The same; without a vault an empty one, and without an identity a new one.
    pub(super) fn read_or_begin(&self) -> Result<(Document, Identity), StoreError> {
        if let Some(found) = self.read()? {
            return Ok(found);
        }
        let identity = match self.vault.identity()? {
            Some(identity) => identity,
            None => {
                let path = &self.vault.paths.identity;
                file::create(path, &identity::generate(), "write the vault's identity")?;
                self.vault.identity()?.ok_or_else(|| self.vault.without_identity())?
            }
        };
        Ok((Document::default(), identity))
    }

    /// Puts the content in the vault's place, sealed to the identity and to every recipient it names.
    pub(super) fn write(&self, document: &Document, identity: &Identity) -> Result<(), StoreError> {
        self.write_for(document, identity, &[])
    }

    /// The same, and to other keys as well.
    pub(super) fn write_for(&self, document: &Document, identity: &Identity, others: &[Key]) -> Result<(), StoreError> {
        // Where others read along they have to know whom to seal to: a `rekey` that was killed may not have said so.
        let mut document = Cow::Borrowed(document);
        let next = document.to_mut();
        next.count = next.count.saturating_add(1);
        if next.mark.is_empty() {
            next.mark = new_mark()?;
        }
        for recipient in identity.own_texts().into_iter().flatten() {
            let is_named = document.recipients.iter().any(|reader| reader.recipient == recipient);
            if !document.recipients.is_empty() && !is_named {
                document.to_mut().recipients.push(Reader { recipient, name: None });
            }
        }
        let talk = self.vault.opener.talk();
        let mut readers = Vec::with_capacity(document.recipients.len());
        for reader in &document.recipients {
            readers.push(
                Key::parse(&reader.recipient, &talk)
                    .map_err(|reason| StoreError::VaultRecipient { recipient: reader.recipient.clone(), reason })?,
            );
        }
        let named = |key: &&Key| {
            key.text.as_ref().is_none_or(|text| document.recipients.iter().all(|reader| reader.recipient != *text))
        };
        let all = readers.iter().chain(identity.own().iter().chain(others).filter(named));
        let recipients = all.map(|key| &*key.recipient as &dyn age::Recipient);
        let sealed = seal::seal(&document.to_json()?, recipients).map_err(|error| match error {
            Unsealed::Plugin => StoreError::VaultPlugin {
                identity: self.vault.paths.identity.clone(),
                plugin: identity.plugins(),
                reason: "failed or was refused",
            },
            Unsealed::Recipients => StoreError::VaultIdentityUnreadable {
                identity: self.vault.paths.identity.clone(),
                reason: "nothing can be encrypted to it and the other recipients together",
            },
        })?;
        self.vault.announce(&document);
        file::replace(&self.file, &sealed, "write the vault")?;
        self.vault.remember(&document);
        Ok(())
    }
}

fn new_mark() -> Result<Zeroizing<String>, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| no_random())?;
    Ok(Zeroizing::new(hex::encode(bytes)))
}
