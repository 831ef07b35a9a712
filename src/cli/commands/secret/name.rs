//! The name of a secret on the command line.

use crate::secret::{DEFAULT_ACCOUNT, NameError, SecretName};
use crate::store::{Entry, StoreError};
use clap::Args;

/// The name of one secret.
#[derive(Debug, Args)]
pub(super) struct NameArgs {
    /// The service that the secret is for, as a template refers to it
    pub(super) name: String,
    /// Which of your accounts with that service
    #[arg(long, default_value = DEFAULT_ACCOUNT)]
    pub(super) account: String,
}

impl NameArgs {
    pub(super) fn name(&self) -> Result<SecretName, NameError> {
        SecretName::new(&self.name, &self.account)
    }
}

/// An entry of another program can't be given a new value: better known before a person is asked for it.
pub(super) fn refuse_foreign(entries: &[Entry]) -> Result<(), StoreError> {
    match entries.iter().find(|entry| entry.is_foreign) {
        Some(entry) => {
            let label = entry.label.clone().unwrap_or_default();
            Err(StoreError::Foreign { name: entry.name.clone(), label, change: entry.change.clone() })
        }
        None => Ok(()),
    }
}
