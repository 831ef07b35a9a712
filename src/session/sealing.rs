//! Records that are sealed: each with a mark for every store whose values it is about.
//!
//! A record counts if the key of the store that a value comes from made one of its marks, over the kind of the record,
//! the target, and all that it says. So no folder that an environment or an option names can bring a record of its own.
//! Which records there are is `grants`' and `commands`'; a new kind implements [`Sealable`].

use super::{Session, SessionError};
use crate::consent::Grant;
use crate::consent::record::{self, Run, Server};
use crate::secret::{Kind, Query, Seal, SealKey};
use crate::store::{Answers, Keys, Origin, Request, StoreError, StoreKind};
use crate::template::{Reference, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// What can be sealed.
pub trait Sealable {
    /// What kind of record it is.
    const KIND: Kind;

    /// All that it says.
    fn fields(&self) -> Vec<&[u8]>;
}

impl Sealable for Grant {
    const KIND: Kind = Kind::Flow;

    fn fields(&self) -> Vec<&[u8]> {
        [self.pointer.as_str(), &self.text, &self.address, &self.hash].map(str::as_bytes).to_vec()
    }
}

impl Sealable for Server {
    const KIND: Kind = Kind::Server;

    fn fields(&self) -> Vec<&[u8]> {
        Self::fields(self)
    }
}

impl Sealable for Run {
    const KIND: Kind = Kind::Run;

    fn fields(&self) -> Vec<&[u8]> {
        Self::fields(self)
    }
}

/// A record with its marks; without any it is from before there were seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed<T> {
    /// The record.
    #[serde(flatten)]
    pub what: T,
    #[serde(default)]
    seals: Vec<Seal>,
}

impl<T: Sealable> Sealed<T> {
    /// Seals a record about a target (every symlink resolved) with each of these keys.
    pub fn new<'k>(what: T, target: &Path, keys: impl IntoIterator<Item = &'k SealKey>) -> Self {
        let seals = keys.into_iter().map(|key| key.seal(T::KIND, &fields(&what, target))).collect();
        Self { what, seals }
    }

    /// Seals it with one more key.
    pub(super) fn add(&mut self, target: &Path, key: &SealKey) {
        let seal = key.seal(T::KIND, &fields(&self.what, target));
        self.seals.push(seal);
    }

    /// Takes its marks off.
    pub(super) fn strip(&mut self) {
        self.seals.clear();
    }

    /// Whether it was ever sealed, with whichever key.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        !self.seals.is_empty()
    }

    /// Whether one of these keys, all of one store, sealed it for this target.
    #[must_use]
    pub fn verifies(&self, target: &Path, keys: &[SealKey]) -> bool {
        let fields = fields(&self.what, target);
        keys.iter().any(|key| self.seals.iter().any(|seal| key.verifies(seal, T::KIND, &fields)))
    }

    /// Seals it once more for every store whose old keys verify it; marks of keys that are no more go.
    pub(super) fn renew(&mut self, target: &Path, renewals: &[Renewal]) {
        let fields = fields(&self.what, target);
        let made = |keys: &[SealKey], seal: &Seal| keys.iter().any(|key| key.verifies(seal, T::KIND, &fields));
        let new: Vec<Seal> = renewals
            .iter()
            .filter(|one| self.seals.iter().any(|seal| made(&one.old, seal)))
            .map(|one| one.new.seal(T::KIND, &fields))
            .collect();
        // The old ones count until the new key is in its store: a kill in between must take nothing that was allowed.
        self.seals.retain(|seal| renewals.iter().any(|one| made(&one.old, seal)));
        self.seals.extend(new);
    }
}

fn fields<'f>(what: &'f impl Sealable, target: &'f Path) -> Vec<&'f [u8]> {
    std::iter::once(target.as_os_str().as_encoded_bytes()).chain(what.fields()).collect()
}

/// A new key of a store in the place of its old ones.
pub(super) struct Renewal {
    pub(super) kind: StoreKind,
    pub(super) old: Vec<SealKey>,
    pub(super) new: SealKey,
}

/// The references in the text of a slot at rest.
pub(super) fn references(text: &str) -> Vec<Reference> {
    record::references(text)
}

/// The placeholders of all references in these texts, each once.
#[must_use]
pub fn placeholders(texts: &[&str]) -> Vec<String> {
    let mut all: Vec<String> =
        texts.iter().flat_map(|text| references(text)).map(|reference| reference.to_string()).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether a record holds for the values of these references: for each, with a key of the store that its value comes
/// from.
pub(super) fn holds<T: Sealable>(
    sealed: &Sealed<T>,
    target: &Path,
    references: &[Reference],
    answers: &Answers,
) -> bool {
    let is_sealed = |reference: &Reference| match (origin(&reference.source, answers), reference.source.query()) {
        (_, Some(query)) if answers.barred.contains(query) => false,
        (Some(origin), _) => sealed.verifies(target, answers.keys.of(origin)),
        // What no store has goes nowhere; whatever needs it reports that it is missing.
        (None, query) => {
            let is_silent = answers.missing.iter().any(|one| Some(&one.query) == query && !one.was_never_stored());
            is_silent || answers.keys.iter().any(|(_, key)| sealed.verifies(target, std::slice::from_ref(key)))
        }
    };
    !references.is_empty() && references.iter().all(is_sealed)
}

/// Where the value of a source came from, or would come from; `None` if no store has it.
pub(super) fn origin(source: &Source, answers: &Answers) -> Option<Origin> {
    match source {
        Source::Env(_) | Source::Secret(Query::Command(_)) => Some(Origin::Elsewhere),
        Source::Secret(query) => answers.values.get(query).map(|(origin, _)| *origin),
    }
}

impl Session<'_> {
    /// The keys to seal with what the user allows for the values of these texts: those of each store that a value comes
    /// from, made where there are none. What is in no store yet will be where a new secret goes.
    ///
    /// # Errors
    /// [`SessionError::Missing`] if a store does not say what it has, and [`SessionError::Store`].
    pub(super) fn sealing_keys(&self, texts: &[&str]) -> Result<Vec<Vec<SealKey>>, SessionError> {
        let all: Vec<Vec<Reference>> = texts.iter().map(|text| references(text)).collect();
        let mut queries: Vec<Query> = all
            .iter()
            .flatten()
            .filter_map(|reference| reference.source.query())
            .filter(|query| query.provided().is_none())
            .cloned()
            .collect();
        queries.sort();
        queries.dedup();
        let answers = self.sources.look_up(&Request { queries: &queries, usual: true, permit: &|_, _| false });
        if let Some(silent) = answers.missing.iter().find(|missing| !missing.was_never_stored()) {
            return Err(SessionError::Lookup(crate::store::LookupError::Missing(vec![silent.clone()])));
        }
        let mut keys = answers.keys.clone();
        let mut sealed_with = Vec::with_capacity(all.len());
        for references in &all {
            let mut kinds: BTreeSet<StoreKind> =
                references.iter().filter_map(|reference| store_of(&reference.source, &answers)).collect();
            if references.is_empty() {
                // What is about no secret: a start.
                kinds.extend(answers.keys.usual());
            }
            if kinds.is_empty() {
                return Err(StoreError::NoService.into());
            }
            let mut with = Vec::new();
            for kind in kinds {
                with.push(self.key_of(kind, &answers, &mut keys)?);
            }
            sealed_with.push(with);
        }
        Ok(sealed_with)
    }

    /// The key of the store that a new secret would go to, for what is about no secret of a store.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn usual_key(&self) -> Result<SealKey, SessionError> {
        let answers = self.sources.look_up(&Request { queries: &[], usual: true, permit: &|_, _| false });
        let kind = answers.keys.usual().ok_or(StoreError::NoService)?;
        self.key_of(kind, &answers, &mut answers.keys.clone())
    }

    fn key_of(&self, kind: StoreKind, answers: &Answers, keys: &mut Keys) -> Result<SealKey, SessionError> {
        if let Some(key) = keys.of(Origin::Store(kind)).first() {
            return Ok(key.clone());
        }
        if let Some((_, error)) = answers.silent.iter().find(|(silent, _)| *silent == kind) {
            return Err(error.clone().into());
        }
        let key = self.sources.make_seal_key(kind)?;
        keys.put(kind, vec![key.clone()]);
        Ok(key)
    }
}

/// The store whose key counts for a source.
fn store_of(source: &Source, answers: &Answers) -> Option<StoreKind> {
    match (origin(source, answers), source) {
        (Some(Origin::Store(kind)), _) => Some(kind),
        (None, Source::Secret(Query::Vault(_))) => Some(StoreKind::Vault),
        (None, Source::Secret(Query::Keyring(_))) => Some(StoreKind::Native),
        _ => answers.keys.usual(),
    }
}
