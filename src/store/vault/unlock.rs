//! `unlock` and `lock`: an identity with a passphrase is opened once for some hours, and forgotten at once.

use super::super::StoreError;
use super::unlocked::{self, KeptIn};
use super::{Vault, file, opener};
use std::time::Duration;

/// The longest that an identity may stay open, a week: for longer there are identities without a passphrase.
pub const LONGEST_UNLOCK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Vault {
    /// Asks for the passphrase of the identity and keeps what it opens for `limit`, at most [`LONGEST_UNLOCK`].
    /// `None` if it has no passphrase.
    ///
    /// # Errors
    /// [`StoreError::VaultLocked`] if no user is there to be asked, [`StoreError::VaultPassphrase`] if they don't know
    /// it, [`StoreError::NoRuntimeFolder`] or [`StoreError::RuntimeFolder`] if there is no place to keep it in, and
    /// whatever keeps the vault from being opened with it.
    pub fn unlock(&self, limit: Duration) -> Result<Option<KeptIn>, StoreError> {
        let path = &self.paths.identity;
        let bytes = file::read_private(path, "read the vault's identity")?.ok_or_else(|| self.without_identity())?;
        let Some(closed) = opener::protected(&bytes, path)? else { return Ok(None) };
        let text = self.opener.ask(&closed, &bytes, path)?;
        self.open()?;
        let limit = limit.min(LONGEST_UNLOCK);
        unlocked::keep(path, blake3::hash(&bytes), &text, limit, self.opener.runtime.as_deref()).map(Some)
    }

    /// Forgets the opened identity; `false` if there was none.
    ///
    /// # Errors
    /// [`StoreError::Io`] if its file can't be removed.
    pub fn forget(&self) -> Result<bool, StoreError> {
        self.opener.forget();
        unlocked::forget(&self.paths.identity, self.opener.runtime.as_deref())
    }
}
