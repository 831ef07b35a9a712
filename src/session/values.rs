//! The values of a blueprint's references, asked for all at once, and what is missing.
//!
//! Used by render and refill before anything is locked or written. What is not allowed is not looked up. The keys of
//! the stores come with the values, and say which of the records hold.

use super::grants::Kept;
use super::{Missing, MissingSecret, Session, SessionError};
use crate::consent::Grants;
use crate::error::Place;
use crate::secret::{Provided, Query, Secret};
use crate::store::{Answers, Keys, Request, Unresolved};
use crate::template::{Blueprint, Part, Reference, Slot, Source};
use std::collections::{HashMap, HashSet};

/// The values of a render, and what of the grants holds for where they came from.
#[derive(Default)]
pub(super) struct Values {
    pub(super) of: HashMap<Reference, Secret>,
    /// `None` if nothing has to be allowed.
    pub(super) grants: Option<Grants>,
}

impl Session<'_> {
    /// The values of all references that are wanted, or all that are missing; `starts` says whether the grants of what
    /// is started are needed too.
    pub(super) fn values(
        &self,
        blueprint: &Blueprint,
        kept: Option<&Kept>,
        starts: bool,
    ) -> Result<Values, SessionError> {
        let references = wanted(blueprint, kept.map(Kept::claimed).as_ref());
        let asked: Vec<Reference> = references.into_iter().cloned().collect();
        let answers = self.ask_with(&asked, starts, &|provided, keys| {
            kept.is_none_or(|kept| self.may_run(keys) && kept.wants(provided, keys))
        });
        let mut missing: Vec<MissingSecret> = answers.missing.iter().map(|one| absent(blueprint, one)).collect();
        if kept.is_some() {
            missing.extend(asked.iter().filter_map(|reference| untold(blueprint, reference, &answers)));
        }
        let grants = kept.map(|kept| kept.verified(&answers));
        let mut values = HashMap::new();
        // What is not allowed is not read from the environment either.
        for reference in wanted(blueprint, grants.as_ref()) {
            let value = match &reference.source {
                Source::Secret(query) => answers.values.get(query).map(|(_, secret)| secret.clone()),
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
        if missing.is_empty() { Ok(Values { of: values, grants }) } else { Err(SessionError::Missing(missing)) }
    }

    /// Asks the stores about references, for values and keys at once, and with `starts` for what says whether a start
    /// was allowed.
    pub(super) fn ask_with(
        &self,
        references: &[Reference],
        starts: bool,
        permit: &dyn Fn(&Provided, &Keys) -> bool,
    ) -> Answers {
        let mut queries: Vec<Query> = references.iter().filter_map(|one| one.source.query()).cloned().collect();
        queries.sort();
        queries.dedup();
        let is_elsewhere = |one: &Reference| matches!(one.source, Source::Env(_) | Source::Secret(Query::Command(_)));
        // Without grants no key is needed.
        let usual = self.guarded && (starts || references.iter().any(is_elsewhere));
        if queries.is_empty() && !usual {
            return Answers::default();
        }
        self.sources.look_up(&Request { queries: &queries, usual, permit })
    }

    /// Asks for nothing but the keys of the store that a new secret would go to.
    pub(super) fn ask_usual(&self, permit: &dyn Fn(&Provided, &Keys) -> bool) -> Answers {
        self.sources.look_up(&Request { queries: &[], usual: true, permit })
    }
}

/// What is in no store.
fn absent(blueprint: &Blueprint, one: &Unresolved) -> MissingSecret {
    MissingSecret {
        place: place_of(blueprint, |reference| reference.source.query() == Some(&one.query)),
        why: Missing::Unresolved(one.clone()),
    }
}

/// A variable of the environment that a template asks for and that is not set.
fn unset(blueprint: &Blueprint, name: &str) -> MissingSecret {
    MissingSecret {
        place: place_of(blueprint, |reference| reference.source == Source::Env(name.to_owned())),
        why: Missing::Unset(name.to_owned()),
    }
}

/// What no store keeps, while the store whose key says whether it was allowed does not answer.
fn untold(blueprint: &Blueprint, reference: &Reference, answers: &Answers) -> Option<MissingSecret> {
    if !matches!(reference.source, Source::Env(_) | Source::Secret(Query::Command(_))) {
        return None;
    }
    let usual = answers.keys.usual()?;
    let (kind, error) = answers.silent.iter().find(|(kind, _)| *kind == usual)?;
    Some(MissingSecret {
        place: place_of(blueprint, |other| other == reference),
        why: Missing::Untold(*kind, error.clone()),
    })
}

/// The distinct references of the slots that may be filled, wherever their values go.
pub(super) fn wanted<'b>(blueprint: &'b Blueprint, grants: Option<&Grants>) -> Vec<&'b Reference> {
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
