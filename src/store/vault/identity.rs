//! The key of the vault: a file as `age-keygen` writes it, an age plugin's, or an ssh key.
//!
//! It is made at the first `secret set` and never changed or replaced afterwards: a new identity beside an old vault
//! would lock the person out.

use super::super::StoreError;
use super::file;
use age::secrecy::ExposeSecret;
use age::{IdentityFile, ssh, x25519};
use jiff::Timestamp;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) struct Identity {
    keys: Vec<Box<dyn age::Identity + Send + Sync>>,
    recipients: Vec<Box<dyn age::Recipient + Send>>,
}

impl Identity {
    /// The identity in a file; `None` if there is no file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = file::read_private(path, "read the vault's identity")? else { return Ok(None) };
        Self::parse(&bytes)
            .map(Some)
            .map_err(|reason| StoreError::VaultIdentityUnreadable { identity: path.to_owned(), reason })
    }

    /// Makes a new identity and stores it for its owner alone.
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let key = x25519::Identity::generate();
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let public = key.to_public();
        let text =
            Zeroizing::new(format!("# created: {now}\n# public key: {public}\n{}\n", key.to_string().expose_secret()));
        file::create(path, text.as_bytes(), "write the vault's identity")?;
        Ok(Self { keys: vec![Box::new(key)], recipients: vec![Box::new(public)] })
    }

    fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.starts_with(b"age-encryption.org/") || bytes.starts_with(b"-----BEGIN AGE") {
            return Err("it is protected by a passphrase, which is not supported yet");
        }
        if bytes.starts_with(b"-----BEGIN") {
            return Self::parse_ssh(bytes);
        }
        let file = IdentityFile::from_buffer(bytes).map_err(|_| "it holds something else than age identities")?;
        let recipients = file.to_recipients().map_err(|_| "its age plugin is not installed")?;
        let keys = file.into_identities().map_err(|_| "its age plugin is not installed")?;
        if keys.is_empty() {
            return Err("it holds no identity");
        }
        Ok(Self { keys, recipients })
    }

    fn parse_ssh(bytes: &[u8]) -> Result<Self, &'static str> {
        let key = ssh::Identity::from_buffer(bytes, None).map_err(|_| "it is no ssh key")?;
        match key {
            ssh::Identity::Unencrypted(_) => {}
            ssh::Identity::Encrypted(_) => return Err("it is an ssh key with a passphrase"),
            ssh::Identity::Unsupported(_) => return Err("it is an ssh key of a kind that age does not support"),
        }
        let public = ssh::Recipient::try_from(key.clone()).map_err(|_| "nothing can be encrypted to this ssh key")?;
        Ok(Self { keys: vec![Box::new(key)], recipients: vec![Box::new(public)] })
    }

    /// What opens the vault.
    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(|key| &**key as &dyn age::Identity)
    }

    /// What the vault is encrypted to.
    pub(super) fn recipients(&self) -> &[Box<dyn age::Recipient + Send>] {
        &self.recipients
    }
}
