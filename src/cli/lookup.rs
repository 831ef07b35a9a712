//! Asks the stores once for all secrets of all targets of a command, over one connection.

use crate::secret::{Secret, SecretName};
use crate::store::{LookupError, Stores, Unresolved};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The stores of a command, and what they answered.
pub(super) struct Lookup {
    /// The stores themselves.
    pub(super) stores: Stores,
    limit: Option<Duration>,
    found: RefCell<BTreeMap<SecretName, Secret>>,
    missing: RefCell<Vec<Unresolved>>,
}

impl Lookup {
    pub(super) fn new(stores: Stores, limit: Option<Duration>) -> Self {
        Self { stores, limit, found: RefCell::default(), missing: RefCell::default() }
    }

    /// Asks for all names at once; answers come from [`Self::resolve`].
    pub(super) fn fetch(&self, names: &[SecretName]) {
        if names.is_empty() {
            return;
        }
        match self.stores.resolve(names, self.limit) {
            Ok(all) => self.found.borrow_mut().extend(all),
            Err(LookupError::Missing(absent)) => self.missing.borrow_mut().extend(absent),
        }
    }

    /// Whether a name was asked for and is not to be had.
    pub(super) fn is_missing(&self, name: &SecretName) -> bool {
        self.missing.borrow().iter().any(|missing| missing.name == *name)
    }

    /// The secrets of all names, or all that are missing.
    ///
    /// # Errors
    /// [`LookupError`].
    pub(super) fn resolve(&self, names: &[SecretName]) -> Result<BTreeMap<SecretName, Secret>, LookupError> {
        let known = |name: &SecretName| self.found.borrow().contains_key(name) || self.is_missing(name);
        let new: Vec<SecretName> = names.iter().filter(|name| !known(name)).cloned().collect();
        self.fetch(&new);
        let missing: Vec<Unresolved> =
            self.missing.borrow().iter().filter(|missing| names.contains(&missing.name)).cloned().collect();
        if !missing.is_empty() {
            return Err(LookupError::Missing(missing));
        }
        let found = self.found.borrow();
        Ok(names.iter().filter_map(|name| Some((name.clone(), found.get(name)?.clone()))).collect())
    }
}
