//! Layer 3: where secrets live: the native keyring and the vault, and the order in which they are asked.
//!
//! A [`Store`] is asked for all secrets of a run in one call, so that it can open one connection (or decrypt one
//! file) for all of them. [`Stores`] knows the order, the time limits and which store a new secret
//! goes to. Nothing here reads the environment, prints, or touches a target.

mod answers;
pub mod command;
pub mod error;
mod kind;
pub mod listing;
pub mod lookup;
pub mod native;
mod relocate;
mod request;
pub mod unresolved;
pub mod vault;

pub use command::Providers;
pub use error::{StoreError, quoted};
pub use kind::StoreKind;
pub use listing::Listing;
pub use lookup::{Choice, Stores};
pub use native::{Bus, Native, Notice};
pub use relocate::{Moved, relocate};
pub use unresolved::{LookupError, Unresolved};
pub use vault::{Ask, Backup, KeptIn, Vault, VaultPaths, VaultStore};

use crate::secret::{Query, SealKey, Secret, SecretName};
use jiff::Timestamp;
pub use request::{Answers, Keys, Origin, Request};
use std::time::Duration;

/// How long a store gets when no user is at a terminal to unlock it.
pub const LIMIT: Duration = Duration::from_secs(3);

/// The keys of seals that a store has.
pub type SealKeys = Result<Vec<SealKey>, StoreError>;

/// A place that keeps secrets by name.
pub trait Store {
    /// Which of the two kinds this is.
    fn kind(&self) -> StoreKind;

    /// The answers to all `queries`, in their order, over one connection.
    ///
    /// What is not there is a [`StoreError::NotFound`] of its own; if the store does not answer at all, each query has
    /// that error.
    fn get_many(&self, queries: &[Query]) -> Vec<Result<Secret, StoreError>>;

    /// As [`get_many`](Self::get_many), and over the same connection the keys of seals that are kept here: none if
    /// nothing was sealed yet. There may be several if two processes made the first at once; each counts.
    fn get_sealing(&self, queries: &[Query]) -> (Vec<Result<Secret, StoreError>>, SealKeys);

    /// A key of seals, made if there is none yet.
    ///
    /// # Errors
    /// Every way a store may not answer.
    fn make_seal_key(&self) -> Result<SealKey, StoreError>;

    /// Keeps this key of seals in the place of all there are, or none any more. Whether there was one.
    ///
    /// # Errors
    /// Every way a store may not answer.
    fn replace_seal_key(&self, new: Option<&SealKey>) -> Result<bool, StoreError>;

    /// Stores a secret; the value of an entry that `get_many` finds is replaced.
    ///
    /// # Errors
    /// [`StoreError::EmptyValue`] for an empty secret, [`StoreError::Foreign`] if the name belongs to an entry of
    /// another program, and every way a store may not answer.
    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError>;

    /// Removes the entry that `get_many` finds; `false` if there is none.
    ///
    /// # Errors
    /// As [`set`](Store::set).
    fn remove(&self, name: &SecretName) -> Result<bool, StoreError>;

    /// Removes whatever `get_many` finds for a name, no matter who wrote it; `false` if there is nothing. Only for the
    /// user who was shown what it is and said so.
    ///
    /// # Errors
    /// Every way a store may not answer.
    fn erase(&self, name: &SecretName) -> Result<bool, StoreError> {
        self.remove(name)
    }

    /// What keystencil has stored here, sorted by name, never with a value.
    ///
    /// # Errors
    /// Every way a store may not answer.
    fn list(&self) -> Result<Vec<Entry>, StoreError>;

    /// For each name, in their order, the entries that `get_many` reads, no matter who wrote them; never a value. None
    /// if there are none, several if several match equally well.
    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>>;
}

/// One stored secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the secret is filed under.
    pub name: SecretName,
    /// The store that has it.
    pub store: StoreKind,
    /// The label a keyring's own user interface shows.
    pub label: Option<String>,
    /// The program that wrote it, where the store tells.
    pub writer: Option<String>,
    /// Whether another program made it: it is neither changed nor removed then.
    pub is_foreign: bool,
    /// The command line that gives an entry of another program a new value, where that is known.
    pub change: Option<String>,
    /// When it was first stored.
    pub created: Option<Timestamp>,
    /// When its value last changed; what `rotate_after` counts from.
    pub modified: Option<Timestamp>,
}
