//! Asks the stores once for all secrets of all targets of a command, over one connection.

use crate::secret::{Query, Secret};
use crate::store::{LookupError, Stores, Unresolved};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The stores of a command, and what they answered.
pub(super) struct Lookup {
    /// The stores themselves.
    pub(super) stores: Stores,
    limit: Option<Duration>,
    found: RefCell<BTreeMap<Query, Secret>>,
    missing: RefCell<Vec<Unresolved>>,
}

impl Lookup {
    pub(super) fn new(stores: Stores, limit: Option<Duration>) -> Self {
        Self { stores, limit, found: RefCell::default(), missing: RefCell::default() }
    }

    /// Asks for everything at once; answers come from [`Self::resolve`].
    pub(super) fn fetch(&self, queries: &[Query]) {
        if queries.is_empty() {
            return;
        }
        match self.stores.resolve(queries, self.limit) {
            Ok(all) => self.found.borrow_mut().extend(all),
            Err(LookupError::Missing(absent)) => self.missing.borrow_mut().extend(absent),
        }
    }

    /// Whether a secret was asked for and is not to be had.
    pub(super) fn is_missing(&self, query: &Query) -> bool {
        self.missing.borrow().iter().any(|missing| missing.query == *query)
    }

    /// The secrets of all queries, or all that are missing.
    ///
    /// # Errors
    /// [`LookupError`].
    pub(super) fn resolve(&self, queries: &[Query]) -> Result<BTreeMap<Query, Secret>, LookupError> {
        let known = |query: &Query| self.found.borrow().contains_key(query) || self.is_missing(query);
        let new: Vec<Query> = queries.iter().filter(|query| !known(query)).cloned().collect();
        self.fetch(&new);
        let missing: Vec<Unresolved> =
            self.missing.borrow().iter().filter(|missing| queries.contains(&missing.query)).cloned().collect();
        if !missing.is_empty() {
            return Err(LookupError::Missing(missing));
        }
        let found = self.found.borrow();
        Ok(queries.iter().filter_map(|query| Some((query.clone(), found.get(query)?.clone()))).collect())
    }
}
