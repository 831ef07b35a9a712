//! What stands inside the vault: a versioned list of secrets, as JSON.
//!
//! ```json
//! {"version":1,"entries":[{"service":"github","account":"api-key","secret":"…","created":"…","modified":"…"}]}
//! ```
//!
//! Its buffers are wiped. A parser's message is never handed on: it may quote a secret.

use super::super::{Entry, StoreError, StoreKind};
use crate::secret::{Secret, SecretName};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;
use zeroize::Zeroizing;

/// The format this keystencil writes.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    version: u64,
    entries: Vec<Record>,
}

/// One secret of the vault.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    service: String,
    account: String,
    #[serde(serialize_with = "open", deserialize_with = "seal")]
    secret: Zeroizing<String>,
    created: Timestamp,
    modified: Timestamp,
}

#[derive(Deserialize)]
struct Head {
    version: u64,
}

impl Default for Document {
    fn default() -> Self {
        Self { version: VERSION, entries: Vec::new() }
    }
}

impl Document {
    pub(super) fn parse(plain: &[u8], vault: &Path) -> Result<Self, StoreError> {
        let damaged = |reason| StoreError::VaultDamaged { vault: vault.to_owned(), reason };
        let head: Head = serde_json::from_slice(plain).map_err(|_| damaged("its content is not keystencil's"))?;
        if head.version > VERSION {
            return Err(StoreError::VaultNewer { vault: vault.to_owned(), version: head.version });
        }
        serde_json::from_slice(plain).map_err(|_| damaged("its content is not keystencil's"))
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        // An escape takes at most six bytes for one; a vector that grows leaves copies of secrets behind.
        let room = self.entries.iter().map(|r| 6 * (r.service.len() + r.account.len() + r.secret.len()) + 256);
        let mut plain = Zeroizing::new(Vec::with_capacity(64 + room.sum::<usize>()));
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

    pub(super) fn put(&mut self, name: &SecretName, secret: &Secret, now: Timestamp) {
        let value = Zeroizing::new(secret.expose().to_owned());
        match self.entries.iter_mut().find(|record| record.is(name)) {
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
            }),
        }
        self.entries.sort_by(|a, b| (&a.service, &a.account).cmp(&(&b.service, &b.account)));
    }

    pub(super) fn remove(&mut self, name: &SecretName) -> bool {
        let before = self.entries.len();
        self.entries.retain(|record| !record.is(name));
        self.entries.len() < before
    }

    /// The entries without their values. A name that [`SecretName`] refuses can't be asked for and is not shown.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |record: &Record| {
            Some(Entry {
                name: SecretName::new(&record.service, &record.account).ok()?,
                store: StoreKind::Vault,
                label: None,
                writer: Some("keystencil".to_owned()),
                created: Some(record.created),
                modified: Some(record.modified),
            })
        };
        self.entries.iter().filter_map(entry).collect()
    }
}

impl Record {
    fn is(&self, name: &SecretName) -> bool {
        self.service == name.service() && self.account == name.account()
    }

    pub(super) fn to_secret(&self) -> Secret {
        Secret::new(String::clone(&self.secret))
    }
}

fn open<S: Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

fn seal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}
