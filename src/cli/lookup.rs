//! Asks the stores once for all secrets of all targets of a command, over one connection, and for the keys of seals
//! with them.

use crate::secret::{Provided, Query, SealKey, Secret};
use crate::session::Sources;
use crate::store::{Answers, Keys, LIMIT, Origin, Request, SealKeys, StoreError, StoreKind, Stores, Unresolved};
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

/// The stores of a command, and what they answered.
pub(super) struct Lookup {
    /// The stores themselves.
    pub(super) stores: Stores,
    limit: Option<Duration>,
    answers: RefCell<Answers>,
    /// The store that answers for what no store keeps, whether it has keys or not, once that was asked.
    knows_usual: RefCell<bool>,
    /// Whether the vault's key counts for nothing about declared commands and the environment: no user is there, and
    /// the environment says which vault it is.
    is_vault_foreign: bool,
}

impl Lookup {
    pub(super) fn new(stores: Stores, limit: Option<Duration>) -> Self {
        let (answers, knows_usual) = (RefCell::default(), RefCell::default());
        Self { stores, limit, answers, knows_usual, is_vault_foreign: false }
    }

    /// The same, for a vault that an environment may have chosen.
    pub(super) fn with_foreign_vault(self, is_vault_foreign: bool) -> Self {
        Self { is_vault_foreign, ..self }
    }

    /// The same for a command that only looks.
    pub(super) fn looking(self) -> Self {
        Self { stores: self.stores.looking(), limit: Some(LIMIT), ..self }
    }

    /// How long a store may take; without a limit while somebody may be asked.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    fn is_missing(&self, query: &Query) -> bool {
        self.answers.borrow().missing.iter().any(|missing| missing.query == *query)
    }

    /// What the stores have said about keys so far, with what they say now.
    fn keys(&self, new: &Keys) -> Keys {
        let mut keys = self.answers.borrow().keys.clone();
        keys.extend(new.clone());
        if self.is_vault_foreign && keys.usual() == Some(StoreKind::Vault) {
            keys.forget_usual();
        }
        keys
    }
}

impl Sources for Lookup {
    fn look_up(&self, request: &Request<'_>) -> Answers {
        let is_known = |query: &Query| self.answers.borrow().values.contains_key(query) || self.is_missing(query);
        let new: Vec<Query> = request.queries.iter().filter(|query| !is_known(query)).cloned().collect();
        let usual = request.usual && !*self.knows_usual.borrow();
        let permit = |provided: &Provided, keys: &Keys| (request.permit)(provided, &self.keys(keys));
        let said = self.stores.look_up(&Request { queries: &new, usual, permit: &permit }, self.limit);
        *self.knows_usual.borrow_mut() |= usual;
        let keys = self.keys(&said.keys);
        {
            let mut known = self.answers.borrow_mut();
            let as_filled = |(query, (origin, secret)): (Query, (Origin, Secret))| match origin {
                // An entry that another program made may end as its file did, and no header may hold that.
                Origin::Store(StoreKind::Native) => (query, (origin, secret.without_line_break())),
                _ => (query, (origin, secret)),
            };
            known.values.extend(said.values.into_iter().map(as_filled));
            known.missing.extend(said.missing);
            known.silent.extend(said.silent);
            known.keys = keys;
        }
        let known = self.answers.borrow();
        let missing: Vec<Unresolved> =
            known.missing.iter().filter(|missing| request.queries.contains(&missing.query)).cloned().collect();
        let found = |query: &Query| Some((query.clone(), known.values.get(query)?.clone()));
        Answers {
            values: request.queries.iter().filter_map(found).collect(),
            missing,
            barred: said.barred,
            keys: known.keys.clone(),
            silent: known.silent.clone(),
        }
    }

    fn make_seal_key(&self, kind: StoreKind) -> Result<SealKey, StoreError> {
        let key = self.stores.make_seal_key(kind)?;
        self.answers.borrow_mut().keys.put(kind, vec![key.clone()]);
        Ok(key)
    }

    fn replace_seal_key(&self, kind: StoreKind, new: Option<&SealKey>) -> Result<bool, StoreError> {
        let was_there = self.stores.replace_seal_key(kind, new)?;
        self.answers.borrow_mut().keys.put(kind, new.cloned().into_iter().collect());
        Ok(was_there)
    }

    fn seal_keys(&self) -> Vec<(StoreKind, SealKeys)> {
        self.stores.seal_keys()
    }

    fn back_up(&self, path: &Path, text: &[u8]) -> Result<String, StoreError> {
        self.stores.vault().back_up(path, text)
    }
}
