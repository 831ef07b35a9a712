//! What one lookup of a run answers: values, where each came from, and the keys of seals of the stores that were asked.
//!
//! The session asks; [`Stores`] answers over one connection to each store. Which record a key verifies is the session's.

use super::lookup::Stores;
use super::unresolved::{Unresolved, passes_on};
use super::{StoreError, StoreKind};
use crate::secret::{Provided, Query, SealKey, Secret};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run wants to know.
pub struct Request<'a> {
    /// The questions, each once.
    pub queries: &'a [Query],
    /// Whether the keys of the usual store are wanted too, though no question goes there: for values that no store keeps.
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
    of: BTreeMap<StoreKind, Vec<SealKey>>,
    usual: Option<StoreKind>,
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

impl Stores {
    /// Asks each store once for all that it may have and for its keys, then the declared commands that are permitted.
    ///
    /// Each store gets `limit`; with `None` the vault is waited for as long as it takes, and the native keyring for as
    /// long as a person is at its dialog.
    #[must_use]
    pub fn look_up(&self, request: &Request<'_>, limit: Option<Duration>) -> Answers {
        let queries = request.queries;
        let wants_usual = request.usual;
        let mut answers = Answers::default();
        let mut open: BTreeMap<Query, Vec<StoreError>> =
            queries.iter().map(|query| (query.clone(), Vec::new())).collect();
        let mut usual = None;
        for kind in [StoreKind::Native, StoreKind::Vault] {
            // An entry that is there and can't be used is for a person to mend, not for the next store to hide.
            let asked: Vec<_> = open
                .iter()
                .filter(|(query, _)| self.kinds_for(query).contains(&kind))
                .filter(|(_, answers)| answers.iter().all(passes_on))
                .map(|(query, _)| query.clone())
                .collect();
            let may_be_usual = usual.is_none() && self.kinds().contains(&kind);
            if asked.is_empty() && !(wants_usual && may_be_usual) {
                continue;
            }
            let (found, keys) = self.ask_sealing(kind, &asked, limit);
            for (query, answer) in asked.iter().zip(found) {
                match answer {
                    Ok(secret) => {
                        open.remove(query);
                        answers.values.insert(query.clone(), (Origin::Store(kind), secret));
                    }
                    Err(error) => open.entry(query.clone()).or_default().push(error),
                }
            }
            match keys {
                Ok(keys) => answers.keys.put(kind, keys),
                Err(error) if error.is_absent() => continue,
                Err(error) => answers.silent.push((kind, error)),
            }
            if may_be_usual {
                usual = Some(kind);
            }
        }
        answers.keys.usual = usual.filter(|_| wants_usual);
        self.ask_commands(request, &mut answers, &mut open);
        answers.missing = if open.is_empty() { Vec::new() } else { self.missing(open) };
        answers
    }

    /// Last, so that nobody is asked for a fingerprint before everything else was tried, and no message shows a value.
    fn ask_commands(&self, request: &Request<'_>, answers: &mut Answers, open: &mut BTreeMap<Query, Vec<StoreError>>) {
        let all = request.queries.iter().filter_map(Query::provided);
        let (asked, barred): (Vec<_>, Vec<_>) =
            all.cloned().partition(|provided| (request.permit)(provided, &answers.keys));
        for query in barred.into_iter().map(Query::Command) {
            open.remove(&query);
            answers.barred.push(query);
        }
        if asked.is_empty() {
            return;
        }
        let known: Vec<&Secret> = answers.values.values().map(|(_, secret)| secret).collect();
        let said = self.providers.resolve(&asked, self.interactive, &known);
        for (provided, answer) in asked.into_iter().zip(said) {
            let query = Query::Command(provided);
            match answer {
                Ok(secret) => {
                    open.remove(&query);
                    answers.values.insert(query, (Origin::Elsewhere, secret));
                }
                Err(error) => open.entry(query).or_default().push(error),
            }
        }
    }
}
