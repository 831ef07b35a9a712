//! The values of a blueprint's references, asked for all at once, and what is missing.
//!
//! Asked by render and refill before anything is locked or written. What nobody allowed is not looked up.

use super::{MissingSecret, Session, SessionError, Target};
use crate::error::{Explain as _, Place};
use crate::plan::grants::Grants;
use crate::secret::{Query, Secret};
use crate::store::LookupError;
use crate::template::{Blueprint, Part, Reference, Slot, Source};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Session<'_> {
    /// The references whose values a render of this blueprint would look up: those of slots that somebody allowed.
    ///
    /// # Errors
    /// [`SessionError::Grants`].
    pub fn wanted<'b>(&self, target: &Target, blueprint: &'b Blueprint) -> Result<Vec<&'b Reference>, SessionError> {
        Ok(wanted(blueprint, self.grants(&target.path)?.as_ref()))
    }

    /// The values of all references that are wanted, or all that are missing.
    pub(super) fn values(
        &self,
        blueprint: &Blueprint,
        grants: Option<&Grants>,
    ) -> Result<HashMap<Reference, Secret>, SessionError> {
        let references = wanted(blueprint, grants);
        let (found, mut missing) = self.stored(blueprint, &references);
        let mut values = HashMap::new();
        for reference in references {
            let value = match &reference.source {
                Source::Secret(query) => found.get(query).cloned(),
                Source::Env(name) => {
                    let value = (self.env)(name).filter(|value| !value.is_empty()).map(Secret::new);
                    if value.is_none() {
                        missing.push(unset(blueprint, name));
                    }
                    value
                }
            };
            values.extend(value.map(|value| (reference.clone(), value)));
        }
        if missing.is_empty() { Ok(values) } else { Err(SessionError::Missing(missing)) }
    }

    /// What the stores have, and what they do not.
    fn stored(
        &self,
        blueprint: &Blueprint,
        references: &[&Reference],
    ) -> (BTreeMap<Query, Secret>, Vec<MissingSecret>) {
        let mut queries: Vec<Query> = references.iter().filter_map(|one| one.source.query()).cloned().collect();
        queries.sort();
        queries.dedup();
        if queries.is_empty() {
            return (BTreeMap::new(), Vec::new());
        }
        match (self.resolve)(&queries) {
            Ok(all) => (all, Vec::new()),
            Err(LookupError::Missing(absent)) => {
                let missing = absent.iter().map(|one| MissingSecret {
                    message: one.to_string(),
                    place: place_of(blueprint, |reference| reference.source.query() == Some(&one.query)),
                    cure: one.hint().unwrap_or_default(),
                });
                (BTreeMap::new(), missing.collect())
            }
        }
    }
}

/// A variable of the environment that a template asks for and nobody set.
fn unset(blueprint: &Blueprint, name: &str) -> MissingSecret {
    MissingSecret {
        message: format!("the environment variable `{name}` is not set"),
        place: place_of(blueprint, |reference| reference.source == Source::Env(name.to_owned())),
        cure: format!("set it, or store its value and write `<< keyring('{}') >>`", name.to_lowercase()),
    }
}

/// The distinct references of the slots that may be filled, wherever their values go.
fn wanted<'b>(blueprint: &'b Blueprint, grants: Option<&Grants>) -> Vec<&'b Reference> {
    let mut seen = HashSet::new();
    let may_fill = |slot: &&Slot| grants.is_none_or(|grants| grants.know(slot));
    let slots = blueprint.slots.iter().filter(may_fill);
    slots.flat_map(Slot::references).filter(|reference| seen.insert(*reference)).collect()
}

/// Where the template first asks for a reference.
fn place_of(blueprint: &Blueprint, wanted: impl Fn(&Reference) -> bool) -> Place {
    let asks =
        |slot: &&Slot| slot.parts.iter().any(|part| matches!(part, Part::Secret(reference) if wanted(reference)));
    let slot = blueprint.slots.iter().find(asks);
    slot.map(|slot| slot.place.clone().slot(slot.pointer.as_str())).unwrap_or_default()
}
