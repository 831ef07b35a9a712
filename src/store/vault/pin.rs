//! What this machine takes for its vault, so that another file in its place is noticed before a secret is sealed to whom
//! that one names.
//!
//! A public key is public: anybody who can write to the vault's place (a synced folder, a pull request) can seal a vault of
//! their own making to it, and name themselves as a reader. So a vault has a mark inside that only its readers know. It
//! stays the same until somebody must not read any more, and every write counts. What was seen last is kept on this
//! machine, in a folder that is not synced, without anything secret: a hash of the mark, the count, the public keys.

use super::super::StoreError;
use super::document::Document;
use super::{Vault, file, follow};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    /// Hashes of the mark: of the new one too while a write changes it, which may be killed.
    marks: Vec<String>,
    count: u64,
    readers: Vec<String>,
}

/// Who reads a vault that is not the one this machine knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// Why it is not trusted.
    pub error: StoreError,
    /// The public keys that can read it, and whether this machine knew each.
    pub readers: Vec<(String, bool)>,
    /// How many secrets are in it.
    pub secrets: usize,
}

impl Pin {
    fn of(document: &Document) -> Self {
        Self {
            marks: vec![hex::encode(blake3::derive_key(
                "keystencil 2026 mark of a vault v1",
                document.mark.as_bytes(),
            ))],
            count: document.count,
            readers: document.recipients.iter().map(|reader| reader.recipient.clone()).collect(),
        }
    }
}

impl Vault {
    /// With the folder in which this machine remembers which vault it knows; without one it remembers nothing.
    #[must_use]
    pub fn pinned_in(mut self, folder: Option<PathBuf>) -> Self {
        self.pins = folder;
        self
    }

    /// Why the vault that is there is not written to; `None` if it is the one that this machine knows, or the first.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn untrusted(&self) -> Result<Option<Untrusted>, StoreError> {
        let Some(document) = self.open()? else { return Ok(None) };
        let Err(error) = self.check(&document) else { return Ok(None) };
        let known = self.pin().unwrap_or_default().readers;
        let own: Vec<String> =
            self.identity()?.map(|identity| identity.own_texts()).into_iter().flatten().flatten().collect();
        let readers = document.recipients.iter().map(|reader| {
            let key = reader.recipient.clone();
            let is_known = known.contains(&key) || own.contains(&key);
            (key, is_known)
        });
        Ok(Some(Untrusted { error, readers: readers.collect(), secrets: document.entries.len() }))
    }

    /// Takes the vault that is there for this machine's from now on.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn trust(&self) -> Result<(), StoreError> {
        let _held = self.lock()?;
        let document = self.open()?;
        document.map_or(Ok(()), |document| self.keep(&Pin::of(&document)))
    }

    /// Before a write that changes the mark: either of the two may be found afterwards.
    pub(super) fn announce(&self, document: &Document) {
        let Some(mut known) = self.pin() else { return };
        let new = Pin::of(document).marks;
        if new.iter().any(|mark| !known.marks.contains(mark)) {
            known.marks.extend(new);
            // A first vault in the place of one that was deleted counts from the start.
            known.count = known.count.min(document.count);
            self.try_to_keep(&known);
        }
    }

    /// Refuses a vault that is not the one that this machine knows.
    pub(super) fn check(&self, document: &Document) -> Result<(), StoreError> {
        let Some(known) = self.pin() else { return Ok(()) };
        let (vault, found) = (self.paths.vault.clone(), Pin::of(document));
        if !found.marks.iter().all(|mark| known.marks.contains(mark)) {
            return Err(StoreError::VaultReplaced { vault });
        }
        if found.count < known.count {
            return Err(StoreError::VaultOlder { vault });
        }
        Ok(())
    }

    /// Removes what writers that were killed left of this. The vault's lock has to be held.
    pub(super) fn sweep_pin(&self) {
        if let Some(path) = self.pin_path() {
            file::sweep_own(&path);
        }
    }

    /// Remembers the vault as it was written.
    pub(super) fn remember(&self, document: &Document) {
        self.try_to_keep(&Pin::of(document));
    }

    /// What was to be done with the vault is done, or can be: at worst the user is asked to look at it once more.
    fn try_to_keep(&self, pin: &Pin) {
        if let Err(error) = self.keep(pin) {
            log::debug!("can't remember the vault: {error}");
        }
    }

    fn keep(&self, pin: &Pin) -> Result<(), StoreError> {
        let Some(path) = self.pin_path() else { return Ok(()) };
        let pin = serde_json::to_vec(pin).unwrap_or_default();
        match path.try_exists() {
            Ok(true) => file::replace(&path, &pin, "remember the vault"),
            _ => file::create(&path, &pin, "remember the vault"),
        }
    }

    /// `None` as well if it can't be read: whoever can damage it can remove it too.
    fn pin(&self) -> Option<Pin> {
        let bytes = file::read_private(&self.pin_path()?, "read what is known of the vault").ok().flatten()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn pin_path(&self) -> Option<PathBuf> {
        let vault = std::path::absolute(follow(&self.paths.vault)).ok()?;
        let hash = blake3::hash(vault.as_os_str().as_encoded_bytes()).to_hex();
        Some(self.pins.as_ref()?.join(format!("{}.vault.json", hash.get(..16)?)))
    }
}
