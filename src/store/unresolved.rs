//! Why a lookup ended without all secrets: every missing name at once, with what each store said.
//!
//! The session reports it with the places of the references; nothing is written when there is one.

use super::StoreError;
use crate::error::{Explain, Place};
use crate::secret::{Query, SecretName};
use std::fmt;

/// Why a lookup ended without all secrets. Its `Display` is the first; [`Explain::others`] are the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError {
    /// These, sorted by name and never empty. Nothing may be written with one of them missing.
    Missing(Vec<Unresolved>),
}

impl LookupError {
    /// Looks for similar names, where none is known yet.
    #[must_use]
    pub fn near(self, names: &[SecretName]) -> Self {
        let Self::Missing(all) = self;
        let one = |one: Unresolved| if one.near.is_none() { one.near(names.iter()) } else { one };
        Self::Missing(all.into_iter().map(one).collect())
    }

    /// Every secret that could not be had.
    #[must_use]
    pub fn missing(&self) -> &[Unresolved] {
        let Self::Missing(all) = self;
        all
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.missing().first().map_or(Ok(()), |first| first.fmt(f))
    }
}

impl std::error::Error for LookupError {}

impl Explain for LookupError {
    fn place(&self) -> Option<Place> {
        self.missing().first().and_then(Explain::place)
    }

    fn others(&self) -> Vec<&(dyn Explain + 'static)> {
        self.missing().iter().skip(1).map(|missing| missing as &(dyn Explain + 'static)).collect()
    }
}

/// One secret that no store gave, with what each store said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// What was asked for.
    pub query: Query,
    /// The answer of each store that was asked, in that order.
    pub answers: Vec<StoreError>,
    /// A secret that is stored under a name much like it.
    pub near: Option<SecretName>,
}

impl Unresolved {
    /// Whether every store has answered, and none has it.
    #[must_use]
    pub fn was_never_stored(&self) -> bool {
        self.trouble().is_none()
    }

    /// Looks for a name much like it.
    pub(super) fn near<'n>(mut self, names: impl Iterator<Item = &'n SecretName>) -> Self {
        if self.was_never_stored()
            && let Some(wanted) = self.query.name()
        {
            let likeness = |name: &SecretName| strsim::jaro(name.service(), wanted.service());
            // As alike as a mistyped command has to be.
            let alike =
                names.map(|name| (likeness(name), name)).filter(|(likeness, name)| *likeness > 0.7 && *name != wanted);
            self.near = alike.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name.clone());
        }
        self
    }

    /// The answer that is to be mended first, if it is not simply that the secret was never stored.
    #[must_use]
    pub fn trouble(&self) -> Option<&StoreError> {
        let answers = || self.answers.iter();
        answers()
            .find(|error| !passes_on(error))
            .or_else(|| answers().find(|error| !error.is_not_found() && !error.is_absent()))
            .or_else(|| answers().find(|error| error.is_absent() && self.answers.len() == 1))
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trouble() {
            None => match &self.query {
                Query::Vault(_) => write!(f, "secret {} is not in the vault", self.query),
                Query::Keyring(_) => write!(f, "secret {} is not in the keyring", self.query),
                _ => write!(f, "secret {} is not in any store", self.query),
            },
            Some(error) if !passes_on(error) => error.fmt(f),
            Some(error) => write!(f, "secret {} can't be looked up: {error}", self.query),
        }
    }
}

impl std::error::Error for Unresolved {}

impl Explain for Unresolved {
    fn place(&self) -> Option<Place> {
        self.trouble().and_then(Explain::place)
    }
}

/// Whether the next store may be asked: not if this one has the entry and only the user can say what it is worth.
pub(super) fn passes_on(error: &StoreError) -> bool {
    !matches!(
        error,
        StoreError::Ambiguous { .. }
            | StoreError::NotText { .. }
            | StoreError::Empty { .. }
            | StoreError::NoSuchCollection { .. }
            | StoreError::CannotPin { .. }
            | StoreError::Command(_)
    )
}
