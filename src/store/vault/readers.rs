//! Who else reads the vault: public keys of other machines, kept inside the encrypted document.
//!
//! Inside, because a list beside the vault could be changed by anyone who writes to a synced folder, and the next write
//! would seal the secrets to them. From the second reader on the list names the writer too, so that the other machine
//! seals to it when it writes.

use super::super::StoreError;
use super::Vault;
use super::document::Reader;
use super::recipient::Key;

/// One public key that the vault is encrypted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// As `age -r` takes it; `None` for a plugin identity that does not name its public key.
    pub key: Option<String>,
    /// What the user calls its owner.
    pub name: Option<String>,
    /// Whether it belongs to the identity on this machine.
    pub is_own: bool,
}

impl Vault {
    /// Everybody who can read the vault; empty if there is no vault.
    ///
    /// # Errors
    /// Every way the vault may not answer.
    pub fn recipients(&self) -> Result<Vec<Recipient>, StoreError> {
        let Some(document) = self.open()? else { return Ok(Vec::new()) };
        let own = self.identity()?.map(|identity| identity.own_texts()).unwrap_or_default();
        let mut all: Vec<Recipient> = document
            .recipients
            .into_iter()
            .map(|reader| Recipient {
                is_own: own.iter().flatten().any(|text| *text == reader.recipient),
                key: Some(reader.recipient),
                name: reader.name,
            })
            .collect();
        for key in own {
            if key.is_none() || all.iter().all(|recipient| recipient.key != key) {
                all.insert(0, Recipient { key, name: None, is_own: true });
            }
        }
        Ok(all)
    }

    /// Lets the owner of a public key read the vault from now on; `false` if they could already.
    ///
    /// # Errors
    /// [`StoreError::VaultRecipient`] if nothing can be encrypted to it, [`StoreError::NoPublicKey`] if the own
    /// identity does not name its public key, and every way the vault may not answer.
    pub fn add_recipient(&self, text: &str, name: Option<&str>) -> Result<bool, StoreError> {
        let refused = |reason| StoreError::VaultRecipient { recipient: shown(text), reason };
        let key = Key::parse(text, &self.opener.talk()).map_err(refused)?;
        let recipient = key.text.ok_or_else(|| refused("it has no text"))?;
        let held = self.lock()?;
        let (mut document, identity) = held.read_or_begin()?;
        if document.recipients.is_empty() {
            for own in identity.own_texts() {
                let recipient = own.ok_or(StoreError::NoPublicKey)?;
                document.recipients.push(Reader { recipient, name: None });
            }
        }
        if document.recipients.iter().any(|reader| reader.recipient == recipient) {
            return Ok(false);
        }
        let comment = text.starts_with("ssh-").then(|| text.split_whitespace().nth(2)).flatten();
        let name = name.or(comment).map(ToOwned::to_owned);
        document.recipients.push(Reader { recipient, name });
        held.write(&document, &identity)?;
        Ok(true)
    }

    /// Encrypts the vault again without the recipient of that key or name; `false` if there is none.
    ///
    /// # Errors
    /// [`StoreError::OwnRecipient`] for the identity on this machine, and every way the vault may not answer.
    pub fn remove_recipient(&self, key_or_name: &str) -> Result<bool, StoreError> {
        if !self.exists()? {
            return Ok(false);
        }
        let held = self.lock()?;
        let Some((mut document, identity)) = held.read()? else { return Ok(false) };
        let wanted = Key::parse(key_or_name, &self.opener.talk()).ok().and_then(|key| key.text);
        let wanted = wanted.unwrap_or_else(|| key_or_name.trim().to_owned());
        let own = identity.own_texts();
        let is_own = |recipient: &String| own.iter().flatten().any(|text| text == recipient);
        let is_meant = |reader: &Reader| reader.recipient == wanted || reader.name.as_ref() == Some(&wanted);
        if is_own(&wanted) || document.recipients.iter().any(|reader| is_meant(reader) && is_own(&reader.recipient)) {
            return Err(StoreError::OwnRecipient);
        }
        let before = document.recipients.len();
        document.recipients.retain(|reader| !is_meant(reader));
        if document.recipients.len() == before {
            return Ok(false);
        }
        if document.recipients.iter().all(|reader| is_own(&reader.recipient)) {
            document.recipients.clear();
        }
        // They know it.
        document.mark = zeroize::Zeroizing::default();
        held.write(&document, &identity)?;
        Ok(true)
    }
}

/// What was given, if it looks like a public key: it may be a secret one by mistake.
pub(super) fn shown(text: &str) -> String {
    let text = text.trim();
    let is_public = ["age1", "ssh-", "ecdsa-"].iter().any(|start| text.starts_with(start));
    if is_public && !text.contains('\n') && text.len() < 2000 { text.to_owned() } else { "[not shown]".to_owned() }
}
