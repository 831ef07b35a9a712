//! What a session asks the stores, and what they answer.

use crate::secret::{Provided, Query, SealKey, Secret};
use crate::store::unresolved::Unresolved;
use crate::store::{StoreError, StoreKind};
use std::collections::BTreeMap;

/// What a run asks the stores.
pub struct Request<'a> {
    /// The questions, each once.
    pub queries: &'a [Query],
    /// Whether the keys of the usual store are needed too, though no question goes there: for values that no store
    /// keeps.
    pub usual: bool,
    /// Whether a declared command may be run for that; asked when the stores have answered.
    pub permit: &'a dyn Fn(&Provided, &Keys) -> bool,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a store.
    Store(StoreKind),
    /// From a declared command or the environment.
    Elsewhere,
}

/// The keys of seals of the stores that answered.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub(super) of: BTreeMap<StoreKind, Vec<SealKey>>,
    pub(super) usual: Option<StoreKind>,
}

/// What came of a lookup.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The values that were found.
    pub values: BTreeMap<Query, (Origin, Secret)>,
    /// What is in no store, and what a store did not say.
    pub missing: Vec<Unresolved>,
    /// What a declared command was not permitted to be asked for.
    pub barred: Vec<Query>,
    /// The keys of the stores that were asked.
    pub keys: Keys,
    /// Stores that did not say which keys they have.
    pub silent: Vec<(StoreKind, StoreError)>,
}

impl Keys {
    /// The keys that seal where a value of that origin may go: its store's, or those of the store that a new secret
    /// would go to.
    #[must_use]
    pub fn of(&self, origin: Origin) -> &[SealKey] {
        let kind = match origin {
            Origin::Store(kind) => Some(kind),
            Origin::Elsewhere => self.usual,
        };
        kind.and_then(|kind| self.of.get(&kind)).map_or(&[], Vec::as_slice)
    }

    /// The store that a new secret would go to, if it was asked for its keys.
    #[must_use]
    pub fn usual(&self) -> Option<StoreKind> {
        self.usual
    }

    /// Whether that store said which keys it has.
    #[must_use]
    pub fn know(&self, kind: StoreKind) -> bool {
        self.of.contains_key(&kind)
    }

    /// Every key, and the store that keeps it.
    pub fn iter(&self) -> impl Iterator<Item = (StoreKind, &SealKey)> {
        self.of.iter().flat_map(|(kind, keys)| keys.iter().map(|key| (*kind, key)))
    }

    /// Notes what a store has.
    pub fn put(&mut self, kind: StoreKind, keys: Vec<SealKey>) {
        self.of.insert(kind, keys);
    }

    /// Nothing counts any more that is sealed for values that no store keeps.
    pub fn forget_usual(&mut self) {
        self.usual = None;
    }

    /// Takes over what another lookup learned.
    pub fn extend(&mut self, other: Self) {
        self.of.extend(other.of);
        self.usual = other.usual.or(self.usual);
    }
}

impl Answers {
    /// The same, as if the declared commands had been permitted: for what is only to be compared.
    #[must_use]
    pub fn unbarred(mut self) -> Self {
        self.barred.clear();
        self
    }
}
