//! What is inside the vault: a versioned list of secrets, of who else may read it, and of backups, as JSON.
//!
//! ```json
//! {"version":1,"entries":[{"service":"github","account":"api-key","secret":"…","created":"…","modified":"…"}],
//!  "recipients":[{"recipient":"age1…","name":"laptop"}],
//!  "backups":[{"name":"…","file":"…","key":"AGE-SECRET-KEY-1…","size":1,"created":"…"}],
//!  "seal":"00…","mark":"00…","count":7}
//! ```
//!
//! Its buffers are wiped. A parser's message is never handed on: it may quote a secret.

use super::super::{Entry, StoreError, StoreKind};
use crate::secret::{SealKey, Secret, SecretName};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

/// The format this keystencil writes.
const VERSION: u64 = 1;

const FOREIGN: &str = "its content is not keystencil's";

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Document {
    version: u64,
    pub(super) entries: Vec<Record>,
    /// Who reads it besides the identity that writes; the writer is among them as soon as there is another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) recipients: Vec<Reader>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) backups: Vec<BackupRecord>,
    /// The key of seals, which no lookup, list or export of secrets finds; empty if there is none.
    #[serde(default, skip_serializing_if = "is_empty", serialize_with = "open", deserialize_with = "seal")]
    pub(super) seal: Zeroizing<String>,
    /// What only its readers know; see `pin`. Empty until the first write.
    #[serde(default, skip_serializing_if = "is_empty", serialize_with = "open", deserialize_with = "seal")]
    pub(super) mark: Zeroizing<String>,
    /// How many times it was written.
    #[serde(default)]
    pub(super) count: u64,
}

/// One secret of the vault.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) service: String,
    pub(super) account: String,
    #[serde(serialize_with = "open", deserialize_with = "seal")]
    pub(super) secret: Zeroizing<String>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// What other programs that use the vault wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
}

/// A public key that the vault is encrypted to.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Reader {
    /// As `age -r` takes it.
    pub(super) recipient: String,
    /// What the user calls its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// One backup; its content is an age file of its own, whose key is here.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct BackupRecord {
    pub(super) name: String,
    pub(super) file: String,
    #[serde(serialize_with = "open", deserialize_with = "seal")]
    pub(super) key: Zeroizing<String>,
    pub(super) size: u64,
    pub(super) created: Timestamp,
}

#[derive(Deserialize)]
struct Head {
    version: u64,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            version: VERSION,
            entries: Vec::new(),
            recipients: Vec::new(),
            backups: Vec::new(),
            seal: Zeroizing::default(),
            mark: Zeroizing::default(),
            count: 0,
        }
    }
}

impl Document {
    pub(super) fn parse(plain: &[u8], vault: &Path) -> Result<Self, StoreError> {
        let damaged = |reason| StoreError::VaultDamaged { vault: vault.to_owned(), reason };
        let head: Head = serde_json::from_slice(plain).map_err(|_| damaged(FOREIGN))?;
        match head.version {
            VERSION => {}
            0 => return Err(damaged(FOREIGN)),
            version => return Err(StoreError::VaultNewer { vault: vault.to_owned(), version }),
        }
        let document: Self = serde_json::from_slice(plain).map_err(|_| damaged(FOREIGN))?;
        let mut names = BTreeSet::new();
        // That can only be done by hand, and only the user can say which of the two is right.
        if !document.entries.iter().all(|record| names.insert((&record.service, &record.account))) {
            return Err(damaged("it has two entries with the same name"));
        }
        Ok(document)
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        // An escape takes at most six bytes for one; a vector that grows leaves copies of secrets behind.
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let entry = |r: &Record| r.service.len() + r.account.len() + r.secret.len() + length(&r.comment);
        let entries = self.entries.iter().map(|record| 6 * entry(record) + 256);
        let readers = self.recipients.iter().map(|r| 6 * (r.recipient.len() + length(&r.name)) + 64);
        let backups = self.backups.iter().map(|b| 6 * (b.name.len() + b.file.len()) + b.key.len() + 256);
        let room = entries.chain(readers).chain(backups).sum::<usize>() + self.seal.len() + self.mark.len() + 192;
        let mut plain = Zeroizing::new(Vec::with_capacity(room));
        match serde_json::to_writer(&mut *plain, self) {
            Ok(()) => Ok(plain),
            Err(_) => {
                Err(StoreError::Unavailable { store: StoreKind::Vault, reason: "its content can't be written".into() })
            }
        }
    }

    pub(super) fn find(&self, name: &SecretName) -> Option<&Record> {
        self.entries.iter().find(|record| record.is(name))
    }

    pub(super) fn find_mut(&mut self, name: &SecretName) -> Option<&mut Record> {
        self.entries.iter_mut().find(|record| record.is(name))
    }

    pub(super) fn put(&mut self, name: &SecretName, secret: &Secret, now: Timestamp) {
        let value = Zeroizing::new(secret.expose().to_owned());
        match self.find_mut(name) {
            Some(record) => {
                record.secret = value;
                record.modified = now;
            }
            None => self.entries.push(Record {
                service: name.service().to_owned(),
                account: name.account().to_owned(),
                secret: value,
                created: now,
                modified: now,
                comment: None,
            }),
        }
        self.sort();
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by(|a, b| (&a.service, &a.account).cmp(&(&b.service, &b.account)));
    }

    pub(super) fn remove(&mut self, name: &SecretName) -> bool {
        let before = self.entries.len();
        self.entries.retain(|record| !record.is(name));
        self.entries.len() < before
    }

    pub(super) fn seal_key(&self) -> Option<SealKey> {
        SealKey::parse(self.seal.as_bytes())
    }

    pub(super) fn put_seal_key(&mut self, key: Option<&SealKey>) {
        self.seal = key.map(|key| Zeroizing::new(key.to_secret().expose().to_owned())).unwrap_or_default();
    }

    /// The entries without their values. A name that [`SecretName`] refuses can't be asked for and is not shown.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |record: &Record| {
            Some(Entry {
                name: record.name()?,
                store: StoreKind::Vault,
                label: None,
                writer: Some("keystencil".to_owned()),
                is_foreign: false,
                change: None,
                created: Some(record.created),
                modified: Some(record.modified),
            })
        };
        self.entries.iter().filter_map(entry).collect()
    }
}

impl Record {
    pub(super) fn name(&self) -> Option<SecretName> {
        SecretName::new(&self.service, &self.account).ok()
    }

    fn is(&self, name: &SecretName) -> bool {
        self.service == name.service() && self.account == name.account()
    }

    pub(super) fn to_secret(&self) -> Secret {
        Secret::new(String::clone(&self.secret))
    }
}

// The signature is serde's.
#[allow(clippy::ptr_arg)]
fn is_empty(text: &Zeroizing<String>) -> bool {
    text.is_empty()
}

fn open<S: Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

fn seal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}
