//! From an identity file to an identity: opens what a passphrase protects, asking as rarely as can be.
//!
//! The opened text is remembered by this process, then looked for where `unlock` keeps it, and only then is the user
//! asked, if there is one. It never waits for anybody else: where there is no user, a locked vault is an error.

use super::super::StoreError;
use super::ask::{Ask, Talk};
use super::document::Document;
use super::identity::Identity;
use super::passphrase::Protected;
use super::seal::Unopened;
use super::{file, unlocked};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// How often a passphrase may be mistyped.
const ATTEMPTS: usize = 3;

/// The text of an identity file, open.
type Text = Zeroizing<Vec<u8>>;

#[derive(Clone, Default)]
pub(super) struct Opener {
    pub(super) person: Option<Arc<dyn Ask>>,
    /// Whether no plugin is to be started.
    pub(super) looks: bool,
    /// `$XDG_RUNTIME_DIR`.
    pub(super) runtime: Option<PathBuf>,
    /// What was opened last, and of which file.
    memory: Arc<Mutex<Option<(blake3::Hash, Text)>>>,
    /// What a plugin opened last, and of which file: the user touches a key once for a command.
    by_plugin: Arc<Mutex<Option<(blake3::Hash, Document)>>>,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl Opener {
    pub(super) fn talk(&self) -> Talk {
        Talk(self.person.clone())
    }

    /// The identity in a file; `None` if there is no file.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Identity>, StoreError> {
        let Some(bytes) = file::read_private(path, "read the vault's identity")? else { return Ok(None) };
        self.identity(&bytes, path).map(Some)
    }

    /// The identity in the bytes of a file.
    pub(super) fn identity(&self, bytes: &[u8], path: &Path) -> Result<Identity, StoreError> {
        let identity = match protected(bytes, path)? {
            None => Identity::parse(bytes, path, &self.talk()),
            Some(closed) => Identity::parse(&self.opened(&closed, bytes, path)?, path, &self.talk()),
        }?;
        let plugin = identity.plugins();
        if self.looks && !plugin.is_empty() {
            return Err(StoreError::VaultPlugin {
                identity: path.to_owned(),
                plugin,
                reason: "is not started just to look",
            });
        }
        Ok(identity)
    }

    /// The open text, without asking if it can be had so.
    fn opened(&self, closed: &Protected, bytes: &[u8], path: &Path) -> Result<Text, StoreError> {
        let mark = blake3::hash(bytes);
        if let Some(text) = self.remembered(mark).or_else(|| unlocked::recall(path, mark, self.runtime.as_deref())) {
            return Ok(text);
        }
        self.ask(closed, bytes, path)
    }

    /// The open text, from the user.
    pub(super) fn ask(&self, closed: &Protected, bytes: &[u8], path: &Path) -> Result<Text, StoreError> {
        let locked = || StoreError::VaultLocked { identity: path.to_owned() };
        let person = self.person.as_ref().ok_or_else(locked)?;
        for _ in 0..ATTEMPTS {
            let typed = person.passphrase(path).filter(|typed| !typed.is_empty()).ok_or_else(locked)?;
            match closed.open(&typed) {
                Ok(text) => {
                    self.remember(bytes, &text);
                    return Ok(text);
                }
                Err(Unopened::Passphrase | Unopened::WrongKey) => {}
                Err(Unopened::Damaged(reason)) => {
                    return Err(StoreError::VaultIdentityUnreadable { identity: path.to_owned(), reason });
                }
                Err(Unopened::Plugin) => return Err(locked()),
            }
        }
        Err(StoreError::VaultPassphrase { identity: path.to_owned() })
    }

    fn remembered(&self, mark: blake3::Hash) -> Option<Text> {
        let memory = self.memory.lock().ok()?;
        memory.as_ref().filter(|(of, _)| *of == mark).map(|(_, text)| text.clone())
    }

    /// The content of a sealed vault, which `open` opens unless a plugin has done so for this process.
    pub(super) fn content(
        &self,
        sealed: &[u8],
        identity: &Identity,
        open: impl FnOnce() -> Result<Document, StoreError>,
    ) -> Result<Document, StoreError> {
        if identity.plugins().is_empty() {
            return open();
        }
        let mark = blake3::hash(sealed);
        let known = self.by_plugin.lock().ok().and_then(|known| known.clone()).filter(|(of, _)| *of == mark);
        if let Some((_, document)) = known {
            return Ok(document);
        }
        let document = open()?;
        if let Ok(mut known) = self.by_plugin.lock() {
            *known = Some((mark, document.clone()));
        }
        Ok(document)
    }

    pub(super) fn forget(&self) {
        if let Ok(mut memory) = self.memory.lock() {
            *memory = None;
        }
    }

    /// So that one command asks once.
    pub(super) fn remember(&self, bytes: &[u8], text: &Text) {
        if let Ok(mut memory) = self.memory.lock() {
            *memory = Some((blake3::hash(bytes), text.clone()));
        }
    }
}

/// What a file needs a passphrase for; `None` if it is open.
pub(super) fn protected(bytes: &[u8], path: &Path) -> Result<Option<Protected>, StoreError> {
    Protected::find(bytes).map_err(|reason| StoreError::VaultIdentityUnreadable { identity: path.to_owned(), reason })
}
