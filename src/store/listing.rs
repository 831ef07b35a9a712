//! What is stored, without a value: all that keystencil keeps, and what a lookup would find of another program's.

use super::LIMIT;
use super::lookup::Stores;
use super::{Entry, StoreError, StoreKind};
use crate::secret::SecretName;

/// What [`Stores::list`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The entries of all stores that answered, sorted by name.
    pub entries: Vec<Entry>,
    /// Whether any store answered.
    pub answered: bool,
    /// The stores that did not, and why. A machine without a keyring has [`StoreError::NoService`] here.
    pub silent: Vec<(StoreKind, StoreError)>,
}

impl Stores {
    /// What keystencil has stored, and the stores that did not answer.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut listing = Listing::default();
        for &kind in self.kinds() {
            match self.within(kind, Some(LIMIT), |store| store.list()) {
                Ok(Ok(entries)) => {
                    listing.answered = true;
                    listing.entries.extend(entries);
                }
                Ok(Err(error)) | Err(error) => listing.silent.push((kind, error)),
            }
        }
        listing.entries.sort_by(|a, b| (&a.name, a.store).cmp(&(&b.name, b.store)));
        listing
    }

    /// What keystencil has stored, and what the lookup of `names` finds besides, never with a value. Also the stores
    /// that did not answer.
    #[must_use]
    pub fn survey(&self, names: &[SecretName]) -> Listing {
        let mut listing = self.list();
        for &kind in self.kinds() {
            // One that is silent is so for every name.
            let is_silent =
                listing.silent.iter().any(|(silent, error)| *silent == kind && *error != StoreError::CannotList);
            if is_silent || names.is_empty() {
                continue;
            }
            let asked = names.to_vec();
            let described = self
                .within(kind, Some(LIMIT), move |store| store.describe(&asked))
                .unwrap_or_else(|error| vec![Err(error)]);
            for answer in described {
                match answer {
                    Ok(entries) => {
                        listing.answered = true;
                        let new: Vec<_> =
                            entries.into_iter().filter(|entry| !listing.entries.contains(entry)).collect();
                        listing.entries.extend(new);
                    }
                    Err(error) if listing.silent.iter().any(|(silent, _)| *silent == kind) => drop(error),
                    Err(error) => listing.silent.push((kind, error)),
                }
            }
        }
        listing.entries.sort_by(|a, b| (&a.name, a.store).cmp(&(&b.name, b.store)));
        listing
    }
}
