//! The whole way of a render as one value: from the text that is there to the text that shall be.
//!
//! [`crate::session`] writes it, `--dry-run` and `diff` show it.

use super::grants::{Flow, Grants, IsState, bare_flows, flows};
use super::insert::{Filling, insert, render};
use super::journal::{Filled, Journal, undo_patch};
use super::sync::{Applied, Conflict, OnConflict, sync};
use super::undo::{Undo, undo};
use super::{Fingerprint, Key};
use crate::json::{self, Document, EditError, Kind, Patch, Pointer, SyntaxError};
use crate::secret::Secret;
use crate::template::{Blueprint, Reference};
use std::borrow::Cow;
use std::collections::HashSet;

/// What a render is planned from.
pub struct Inputs<'a, V> {
    /// The template's outcome.
    pub blueprint: &'a Blueprint,
    /// What the target owes, if it is rendered now.
    pub journal: Option<&'a Journal>,
    /// What the last render merged.
    pub earlier: Option<&'a Applied>,
    /// What to do with literals.
    pub on_conflict: OnConflict,
    /// Key of the fingerprints to come; the journal's own key if there is one.
    pub key: &'a Key,
    /// What a person allowed; a slot whose flow is not among it stays closed. `None`: every slot may be filled.
    pub grants: Option<&'a Grants>,
    /// What the host notes for itself.
    pub is_state: IsState<'a>,
    /// The secret of a reference; without it a slot stays closed.
    pub value: V,
}

/// A render, thought through.
#[derive(Debug)]
pub struct RenderPlan {
    /// The target now, in placeholder form.
    pub at_rest: String,
    /// The target with the template merged in, in placeholder form.
    pub placeholder_form: String,
    /// From `at_rest` to `placeholder_form`.
    pub patch: Patch,
    /// The target with its slots filled.
    pub rendered: String,
    /// What was filled.
    pub filling: Filling,
    /// Where values go, of all slots that hold their placeholder; not described if all of them are allowed.
    pub flows: Vec<Flow>,
    /// Those of them that nobody allowed.
    pub refused: Vec<Flow>,
    /// Literals that stay.
    pub conflicts: Vec<Conflict>,
    /// What to remember.
    pub applied: Applied,
    /// What the undoing of an earlier render found.
    pub undone: Undo,
}

/// Why a target can't take a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing in it.
    #[error("the target is empty")]
    Empty,
    /// Not JSON.
    #[error("the target is not JSON: {}", .0.what)]
    Syntax(SyntaxError),
    /// JSON, but no object.
    #[error("the target holds no JSON object")]
    NotAnObject,
    /// The merge failed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Plans a render of `text`.
///
/// # Errors
/// [`PlanError`] if the text is no JSON object.
pub fn plan_render<'s, V>(text: &[u8], inputs: &Inputs<'_, V>) -> Result<RenderPlan, PlanError>
where
    V: Fn(&Reference) -> Option<&'s Secret>,
{
    let document = target(text)?;
    let undone = inputs.journal.map(|journal| undo(&document, journal)).unwrap_or_default();
    let at_rest = match undone.splices.is_empty() {
        true => Cow::Borrowed(document.text()),
        false => Cow::Owned(json::edit::splice(document.text(), undone.splices.clone())),
    };
    let resting = target(at_rest.as_bytes())?;
    let merge = sync(&resting, inputs.blueprint, inputs.earlier, inputs.on_conflict, |slot, literal| {
        render(slot, &inputs.value).is_some_and(|rendered| *rendered == literal)
    });
    let placeholder_form = match merge.patch.0.is_empty() {
        true => at_rest.clone().into_owned(),
        false => json::edit::apply(&at_rest, &merge.patch)?,
    };
    let merged = target(placeholder_form.as_bytes())?;
    // Described only if a person may read them.
    let bare = inputs.grants.map(|grants| (grants, bare_flows(&merged, inputs.blueprint, inputs.is_state)));
    let flows = match bare {
        Some((grants, bare)) if bare.iter().all(|flow| grants.allow(flow)) => bare,
        _ => flows(&merged, inputs.blueprint, inputs.is_state),
    };
    let is_refused = |flow: &&Flow| inputs.grants.is_some_and(|grants| !grants.allow(flow));
    let refused: Vec<Flow> = flows.iter().filter(is_refused).cloned().collect();
    let closed: HashSet<&Pointer> = refused.iter().map(|flow| &flow.pointer).collect();
    let open = inputs.blueprint.slots.iter().filter(|slot| !closed.contains(&slot.pointer));
    let filling = insert(&merged, open, inputs.key, &inputs.value);
    let rendered = json::edit::splice(&placeholder_form, filling.splices.clone());
    Ok(RenderPlan {
        at_rest: at_rest.into_owned(),
        placeholder_form,
        patch: merge.patch,
        rendered,
        filling,
        flows,
        refused,
        conflicts: merge.conflicts,
        applied: merge.applied,
        undone,
    })
}

/// Checks that a text can be a target: a JSON object, in which comments and trailing commas are left where they are.
///
/// # Errors
/// [`PlanError`] if it is empty, not JSON, or no object.
pub fn target(text: &[u8]) -> Result<Document<'_>, PlanError> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(PlanError::Empty);
    }
    let document = Document::parse_relaxed(text).map_err(PlanError::Syntax)?;
    match document.root().kind() {
        Kind::Object => Ok(document),
        _ => Err(PlanError::NotAnObject),
    }
}

impl RenderPlan {
    /// Enters the filling into a journal: what is filled now is owed, what was filled before may be in copies.
    pub fn enter_into(&self, journal: &mut Journal) {
        let old = std::mem::replace(&mut journal.slots, self.filling.slots.clone());
        journal.undo = undo_patch(&journal.slots);
        journal.foreign.clone_from(&self.filling.foreign);
        let known: Vec<Fingerprint> = journal.secrets().map(|(_, print)| print.clone()).collect();
        let is_new = |slot: &Filled| slot.secrets().any(|(_, print)| !known.contains(print));
        journal.retired.extend(old.into_iter().filter(is_new));
    }
}
