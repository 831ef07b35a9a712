//! The key of the vault: a file as `age-keygen` writes it, an age plugin's, or an ssh key.
//!
//! It is made at the first `secret set` and changed by `rekey` alone: a new identity beside an old vault would lock the
//! person out. What a passphrase protects is opened by `opener` before it gets here.

use super::super::StoreError;
use super::ask::Talk;
use super::passphrase::is_ssh;
use super::recipient::Key;
use age::secrecy::ExposeSecret;
use age::{plugin, ssh, x25519};
use jiff::Timestamp;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) struct Identity {
    keys: Vec<Box<dyn age::Identity + Send + Sync>>,
    /// What the vault is encrypted to for this identity.
    own: Vec<Key>,
    /// The plugins it needs.
    plugins: Vec<String>,
}

/// The text of a new identity file, as `age-keygen` writes it.
pub(super) fn generate() -> Zeroizing<Vec<u8>> {
    let key = x25519::Identity::generate();
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let (public, secret) = (key.to_public(), key.to_string());
    let mut text = Zeroizing::new(Vec::with_capacity(256));
    text.extend(format!("# created: {now}\n# public key: {public}\n").as_bytes());
    text.extend(secret.expose_secret().as_bytes());
    text.push(b'\n');
    text
}

impl Identity {
    /// The identity that is in an open file; `path` is named in errors.
    pub(super) fn parse(bytes: &[u8], path: &Path, talk: &Talk) -> Result<Self, StoreError> {
        let unreadable = |reason| StoreError::VaultIdentityUnreadable { identity: path.to_owned(), reason };
        if is_ssh(bytes) {
            return Self::parse_ssh(bytes).map_err(unreadable);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| unreadable(NO_IDENTITIES))?;
        let mut identity = Self { keys: Vec::new(), own: Vec::new(), plugins: Vec::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Ok(key) = line.parse::<x25519::Identity>() {
                identity.own.push(Key::known(key.to_public()));
                identity.keys.push(Box::new(key));
            } else if let Ok(key) = line.parse::<plugin::Identity>() {
                identity.add_plugin(&key, text, path, talk)?;
            } else {
                return Err(unreadable(NO_IDENTITIES));
            }
        }
        if identity.keys.is_empty() { Err(unreadable("it contains no identity")) } else { Ok(identity) }
    }

    fn add_plugin(&mut self, key: &plugin::Identity, text: &str, path: &Path, talk: &Talk) -> Result<(), StoreError> {
        let name = key.plugin().to_owned();
        let missing =
            |_| StoreError::VaultPlugin { identity: path.to_owned(), plugin: name.clone(), reason: "is not installed" };
        let one = std::slice::from_ref(key);
        let opener = plugin::IdentityPluginV1::new(&name, one, talk.clone()).map_err(missing)?;
        let sealer = plugin::RecipientPluginV1::new(&name, &[], one, talk.clone()).map_err(missing)?;
        self.keys.push(Box::new(opener));
        self.own.push(Key { text: commented(text, &name), recipient: Box::new(sealer) });
        self.plugins.push(name);
        Ok(())
    }

    fn parse_ssh(bytes: &[u8]) -> Result<Self, &'static str> {
        let key = ssh::Identity::from_buffer(bytes, None).map_err(|_| "it is not an ssh key")?;
        match key {
            ssh::Identity::Unencrypted(_) => {}
            ssh::Identity::Encrypted(_) => return Err("it is an ssh key with a passphrase"),
            ssh::Identity::Unsupported(_) => return Err("age does not support this kind of ssh key"),
        }
        let public = ssh::Recipient::try_from(key.clone()).map_err(|_| "nothing can be encrypted to this ssh key")?;
        Ok(Self { keys: vec![Box::new(key)], own: vec![Key::known(public)], plugins: Vec::new() })
    }

    /// What opens the vault.
    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(|key| &**key as &dyn age::Identity)
    }

    /// What the vault is encrypted to.
    pub(super) fn own(&self) -> &[Key] {
        &self.own
    }

    /// Their texts, as far as they are known.
    pub(super) fn own_texts(&self) -> Vec<Option<String>> {
        self.own.iter().map(|key| key.text.clone()).collect()
    }

    /// The names of the plugins it needs.
    pub(super) fn plugins(&self) -> String {
        self.plugins.join("`, `age-plugin-")
    }
}

const NO_IDENTITIES: &str = "it contains something other than age identities";

/// The public key that a comment names: `age-keygen` and the plugins write it beside the identity.
fn commented(text: &str, plugin: &str) -> Option<String> {
    let comments = text.lines().filter(|line| line.trim_start().starts_with('#'));
    let words = comments.flat_map(str::split_whitespace);
    words
        .filter_map(|word| word.parse::<plugin::Recipient>().ok())
        .find(|recipient| recipient.plugin() == plugin)
        .map(|recipient| recipient.to_string())
}
