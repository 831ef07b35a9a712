//! Refill: a secret has a new value, and what is rendered now gets it. No holder joins or leaves: the leases stay
//! as they are.
//!
//! It works from the journal and not from the template, so it is not a render: a template that was edited meanwhile
//! waits for the next one, and a target that is in no config is served as well.

use super::scrub::{put_backup, scrub};
use super::values::Values;
use super::write::{PATIENCE, Written, replace};
use super::{Closed, Event, Record, Session, SessionError};
use crate::consent::Grants;
use crate::document::Pointer;
use crate::error::Place;
use crate::host::{Profile, Resolved, profile};
use crate::journal::{Filled, FilledPart, Journal};
use crate::plan::insert::filled_with_another;
use crate::plan::render::{Inputs, open};
use crate::plan::{OnConflict, PlanError, RenderPlan, plan_render};
use crate::secret::{Secret, SecretName};
use crate::template::{Blueprint, Part, Reference, Slot};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a refill did.
#[derive(Debug, Default)]
pub struct Refilled {
    /// How many slots are filled now.
    pub slots: usize,
    /// Slots that are not filled any more: somebody moved or changed them, so they have no place to be filled in.
    pub lost: Vec<Pointer>,
    /// How many hold the rendered form.
    pub holders: usize,
    /// Copies that hold an old value and could not be cleaned; it is tried again when the last holder leaves.
    pub unscrubbed: Vec<PathBuf>,
    /// The host's lock was held too long and was ignored.
    pub lock_ignored: bool,
}

impl Session<'_> {
    /// Whether a rendered target was filled with another value of a secret than this one: a rotation was stopped half
    /// way.
    ///
    /// # Errors
    /// [`SessionError`] if the journal can't be read.
    pub fn is_behind(&self, path: &Path, name: &SecretName, value: &Secret) -> Result<bool, SessionError> {
        let journal = self.state_of(path, &Resolved::follow(path)?)?.journal()?;
        Ok(journal.is_some_and(|journal| filled_with_another(&journal, name, value)))
    }

    /// Asks for the secrets of a rendered target again, and puts what they are now in the place of what they were.
    /// `None` if the target is not rendered, or no holder is left: then the secrets are removed.
    ///
    /// # Errors
    /// [`SessionError`]; then the target contains the old values, and the journal still has them.
    pub fn refill(&self, path: &Path) -> Result<Option<Refilled>, SessionError> {
        let file = Resolved::follow(path)?;
        let state = self.state_of(path, &file)?;
        let Some(known) = state.journal()? else { return Ok(None) };
        // The stores are asked before the lock is taken, as always: a keyring may be waiting for the user.
        let kept = self.kept(path)?;
        let mut values = self.values(&blueprint_of(&known), kept.as_ref(), false)?;
        let _lock = state.lock()?;
        let Some(old) = self.settle(&state)? else { return Ok(None) };
        let blueprint = blueprint_of(&old);
        if blueprint.references().iter().any(|reference| !values.of.contains_key(*reference)) {
            // Somebody rendered in between, with another template.
            values = self.values(&blueprint, kept.as_ref(), false)?;
        }
        let Values { of: values, grants } = values;
        let mut journal = old.clone();
        let profile = profile_of(&old);
        let mut written = Written::default();
        let result = replace(&file, profile, PATIENCE, &mut written, |text| {
            let Some(text) = text else { return Ok(None) };
            let plan =
                plan(text, &blueprint, &old, &values, grants.as_ref()).map_err(|error| target_error(path, error))?;
            plan.enter_into(&mut journal);
            state.write_journal(&journal)?;
            put_backup(profile, &file, &plan.resting, (self.now)(), self.env);
            Ok((text != plan.rendered.as_bytes()).then(|| plan.rendered.into_bytes()))
        });
        if let Err(error) = result {
            self.take_back(&state, &file, Some(old), journal, written.committed);
            return Err(error);
        }
        let mut copies = Closed::default();
        scrub(profile, &file, &old, &mut copies);
        let record = Record::new((self.now)(), Event::Render, &journal, &journal.leases, journal.leases.len());
        self.state.log(&record);
        let is_filled = |slot: &&Filled| journal.slots.iter().any(|filled| filled.pointer == slot.pointer);
        Ok(Some(Refilled {
            slots: journal.slots.len(),
            lost: old.slots.iter().filter(|slot| !is_filled(slot)).map(|slot| slot.pointer.clone()).collect(),
            holders: journal.leases.len(),
            unscrubbed: copies.unscrubbed,
            lock_ignored: written.lock_ignored,
        }))
    }
}

fn plan(
    text: &[u8],
    blueprint: &Blueprint,
    old: &Journal,
    values: &HashMap<Reference, Secret>,
    grants: Option<&Grants>,
) -> Result<RenderPlan, PlanError> {
    let profile = profile_of(old);
    let inputs = Inputs {
        blueprint,
        journal: Some(old),
        earlier: None,
        on_conflict: OnConflict::Keep,
        key: &old.key,
        grants,
        merges_starts: false,
        wrapping: None,
        is_state: &|member, kind| profile.is_state(member, kind),
        value: |reference: &Reference| values.get(reference),
    };
    open(&old.named, text)?;
    plan_render(text, &inputs)
}

fn profile_of(journal: &Journal) -> &'static dyn Profile {
    profile::named(&journal.profile).unwrap_or(&profile::Plain)
}

fn target_error(path: &Path, error: PlanError) -> SessionError {
    SessionError::Target { path: path.to_owned(), error }
}

/// The slots of a journal as a template would have them, and nothing to merge.
fn blueprint_of(journal: &Journal) -> Blueprint {
    let part = |part: &FilledPart| match part {
        FilledPart::Literal(text) => Some(Part::Literal(text.clone())),
        FilledPart::Secret { placeholder, .. } => Reference::parse(placeholder).map(Part::Secret),
    };
    let slot = |filled: &Filled| {
        let parts: Option<Vec<Part>> = filled.parts.iter().map(part).collect();
        Some(Slot {
            pointer: filled.pointer.clone(),
            parts: parts?,
            place: Place::file(&journal.named).slot(filled.pointer.as_str()),
        })
    };
    Blueprint { document: "{}".to_owned(), slots: journal.slots.iter().filter_map(slot).collect() }
}
