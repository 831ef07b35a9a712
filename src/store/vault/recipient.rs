//! A public key that the vault is encrypted to: of age, of ssh, or of an age plugin.

use super::ask::Talk;
use age::{plugin, ssh, tag, x25519};
use std::fmt::Display;

/// A public key, and its text as `age -r` takes it where that is known.
pub(super) struct Key {
    pub(super) text: Option<String>,
    pub(super) recipient: Box<dyn age::Recipient + Send>,
}

impl Key {
    pub(super) fn known(recipient: impl age::Recipient + Display + Send + 'static) -> Self {
        Self { text: Some(recipient.to_string()), recipient: Box::new(recipient) }
    }

    /// Reads a public key.
    ///
    /// # Errors
    /// A reason that holds nothing of `text`.
    pub(super) fn parse(text: &str, talk: &Talk) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.to_ascii_uppercase().starts_with("AGE-") || text.starts_with("-----BEGIN") {
            return Err("this is a private key; give the public key that belongs to it");
        }
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
            return text.parse::<ssh::Recipient>().map(Self::known).map_err(|_| "age can't encrypt to this ssh key");
        }
        if let Ok(key) = text.parse::<x25519::Recipient>() {
            return Ok(Self::known(key));
        }
        if let Ok(key) = text.parse::<tag::Recipient>() {
            return Ok(Self { text: Some(text.to_owned()), recipient: Box::new(key) });
        }
        let key: plugin::Recipient = text.parse().map_err(|_| "it is neither an age nor an ssh public key")?;
        let sealer = plugin::RecipientPluginV1::new(key.plugin(), std::slice::from_ref(&key), &[], talk.clone());
        let recipient = sealer.map_err(|_| "its age plugin is not installed")?;
        Ok(Self { text: Some(key.to_string()), recipient: Box::new(recipient) })
    }
}
