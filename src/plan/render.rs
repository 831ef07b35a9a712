//! The whole way of a render as one value: from the text that is there to the text that should be.
//!
//! [`crate::session`] writes it, `--dry-run` and `diff` show it.

use crate::consent::{Flow, Grants, IsState, bare_flows, flows, put_back, started, without};
use crate::document::{self, Document, EditError, Kind, Opened, Patch, Pointer, Splice, Syntax, SyntaxError};
use crate::journal::undo::{Undo, undo};
use crate::journal::{Filled, Fingerprint, Journal, Key, undo_patch};
use crate::plan::insert::{Filling, insert, render};
use crate::plan::sync::{Applied, Conflict, OnConflict, sync};
use crate::plan::wrap::{Delivered, Stood, Wrapping, deliver, wrapped};
use crate::secret::Secret;
use crate::template::{Blueprint, Reference, Slot};
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

/// What a render is planned from.
pub struct Inputs<'a, V> {
    /// The template's outcome.
    pub blueprint: &'a Blueprint,
    /// The target's journal, if it is rendered now.
    pub journal: Option<&'a Journal>,
    /// What the last render merged.
    pub earlier: Option<&'a Applied>,
    /// What to do with literals.
    pub on_conflict: OnConflict,
    /// Key of the fingerprints to come; the journal's own key if there is one.
    pub key: &'a Key,
    /// What the user allowed; a slot whose flow is not among it stays closed. `None`: every slot may be filled.
    pub grants: Option<&'a Grants>,
    /// Whether what may not be started yet is merged anyway, for showing. Never for what is written.
    pub merges_starts: bool,
    /// What the host notes for itself.
    pub is_state: IsState<'a>,
    /// Which servers get their secrets without the file; `None`: none.
    pub wrapping: Option<Wrapping<'a>>,
    /// The secret of a reference; without it a slot stays closed.
    pub value: V,
}

/// A render, thought through.
#[derive(Debug)]
pub struct RenderPlan {
    /// The target now, in placeholder form, with every server as a plain one.
    pub at_rest: String,
    /// The target with the template merged in, in the same form.
    pub placeholder_form: String,
    /// From `at_rest` to `placeholder_form`.
    pub patch: Patch,
    /// What the file holds once its slots are closed: the placeholder form with servers wrapped.
    pub resting: String,
    /// The same with its slots filled.
    pub rendered: String,
    /// How the slots are delivered.
    pub delivered: Delivered,
    /// What was filled.
    pub filling: Filling,
    /// Where values go, of all slots that hold their placeholder; not described if all of them are allowed.
    pub flows: Vec<Flow>,
    /// Those of them that nobody allowed.
    pub refused: Vec<Flow>,
    /// What the template would start and nobody allowed: it is not merged.
    pub withheld: Vec<Flow>,
    /// Literals that stay.
    pub conflicts: Vec<Conflict>,
    /// Where values of the user's went, since that was asked for.
    pub replaced: Vec<Pointer>,
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
    #[error("the target is {}", .0)]
    Syntax(SyntaxError),
    /// In a syntax that no template can be merged into.
    #[error("the target is {0}, which cannot be filled yet")]
    Unfillable(Syntax),
    /// JSON, but no object.
    #[error("the target is not a JSON object")]
    NotAnObject,
    /// The merge failed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Plans a render of `text`.
///
/// # Errors
/// [`PlanError`] if the text is not a JSON object.
pub fn plan_render<'s, V>(text: &[u8], inputs: &Inputs<'_, V>) -> Result<RenderPlan, PlanError>
where
    V: Fn(&Reference) -> Option<&'s Secret>,
{
    let document = target(text)?;
    let undone = inputs.journal.map(|journal| undo(&document, journal)).unwrap_or_default();
    // Reading a large text takes longest, so one that is still the same is not read again.
    let spliced = |from: &Document<'_>, splices: Vec<Splice>| {
        (!splices.is_empty()).then(|| document::edit::splice(from.text(), splices))
    };
    let text = spliced(&document, undone.splices.clone());
    let read = self::read(text.as_deref())?;
    let stood = read.as_ref().unwrap_or(&document);
    let wrapped = wrapped(stood);
    let text = spliced(stood, wrapped.iter().flat_map(|server| server.splices.clone()).collect());
    let read = self::read(text.as_deref())?;
    let resting = read.as_ref().unwrap_or(stood);
    let Merged { changed, patch, conflicts, replaced, applied, withheld, slots, without_server } =
        merged(resting, inputs)?;
    let read = self::read(changed.as_deref())?;
    let merged = read.as_ref().unwrap_or(resting);
    let blueprint = &Blueprint { document: inputs.blueprint.document.clone(), slots };
    // Described only if the user may read them.
    let bare = inputs.grants.map(|grants| (grants, bare_flows(merged, blueprint, inputs.is_state)));
    let flows = match bare {
        Some((grants, bare)) if bare.iter().all(|flow| grants.allow(flow)) => bare,
        _ => flows(merged, blueprint, inputs.is_state),
    };
    let is_refused = |flow: &&Flow| inputs.grants.is_some_and(|grants| !grants.allow(flow));
    let mut refused: Vec<Flow> = flows.iter().filter(is_refused).cloned().collect();
    refused.extend(without_server);
    let closed: HashSet<&Pointer> = refused.iter().map(|flow| &flow.pointer).collect();
    let slots: Vec<Pointer> = flows.iter().map(|flow| flow.pointer.clone()).collect();
    let stood = Stood { document: stood, wrapped: &wrapped };
    let delivered = deliver(merged, &slots, &stood, inputs.wrapping.as_ref());
    let is_open = |slot: &&Slot| !closed.contains(&slot.pointer) && delivered.is_file(&slot.pointer);
    let filling = insert(merged, blueprint.slots.iter().filter(is_open), inputs.key, &inputs.value);
    let with = |splices: &[Splice]| document::edit::splice(merged.text(), [&delivered.splices, splices].concat());
    let (at_rest, placeholder_form) = (resting.text().to_owned(), merged.text().to_owned());
    let (resting, rendered) = (with(&[]), with(&filling.splices));
    Ok(RenderPlan {
        at_rest,
        placeholder_form,
        patch,
        resting,
        rendered,
        delivered,
        filling,
        flows,
        refused,
        withheld,
        conflicts,
        replaced,
        applied,
        undone,
    })
}

/// The merge, as far as its starts were allowed.
struct Merged {
    /// The placeholder form, unless it is the text as it was.
    changed: Option<String>,
    patch: Patch,
    conflicts: Vec<Conflict>,
    replaced: Vec<Pointer>,
    applied: Applied,
    withheld: Vec<Flow>,
    /// The slots of what was merged.
    slots: Vec<Slot>,
    /// Where the values of the others would go, if that is not allowed yet.
    without_server: Vec<Flow>,
}

fn merged<'s, V>(resting: &Document<'_>, inputs: &Inputs<'_, V>) -> Result<Merged, PlanError>
where
    V: Fn(&Reference) -> Option<&'s Secret>,
{
    let is_secret =
        |slot: &Slot, literal: &str| render(slot, &inputs.value).is_some_and(|rendered| *rendered == literal);
    let mut withheld: Vec<Flow> = Vec::new();
    let mut frozen: Vec<Pointer> = Vec::new();
    let mut refused: Vec<Flow> = Vec::new();
    loop {
        let blueprint = match frozen.is_empty() {
            true => Cow::Borrowed(inputs.blueprint),
            false => Cow::Owned(without(inputs.blueprint, &frozen, resting)),
        };
        let merge = sync(resting, &blueprint, inputs.earlier, inputs.on_conflict, is_secret);
        let changed = match merge.patch.0.is_empty() {
            true => None,
            false => Some(document::edit::apply(resting.text(), &merge.patch)?),
        };
        let new = match &changed {
            None => Vec::new(),
            Some(outcome) => refused_starts(resting, &target(outcome.as_bytes())?, &merge.patch, inputs),
        };
        if !new.is_empty() && !inputs.merges_starts {
            if frozen.is_empty() {
                let outcome = read(changed.as_deref())?;
                let all = flows(outcome.as_ref().unwrap_or(resting), inputs.blueprint, inputs.is_state);
                refused.extend(all.into_iter().filter(|flow| inputs.grants.is_some_and(|grants| !grants.allow(flow))));
            }
            for start in new {
                // One that would be started all the same stays out with all around it.
                let at = frozen.iter().filter(|at| start.pointer.is_within(at)).min_by_key(|at| at.as_str().len());
                frozen.push(at.map_or_else(|| start.pointer.clone(), |at| at.parent().unwrap_or_default()));
                if !withheld.iter().any(|known| known.pointer == start.pointer) {
                    withheld.push(start);
                }
            }
            continue;
        }
        withheld.extend(new);
        let mut applied = merge.applied;
        if !frozen.is_empty() {
            // Nothing of the user's that is there is remembered as the template's.
            let earlier = inputs.earlier.and_then(|earlier| Document::parse(earlier.document.as_bytes()).ok());
            applied.document = put_back(&inputs.blueprint.document, &frozen, earlier.as_ref());
        }
        refused.retain(|flow| frozen.iter().any(|at| flow.pointer.is_within(at)));
        let (patch, conflicts, replaced) = (merge.patch, merge.conflicts, merge.replaced);
        let slots = blueprint.into_owned().slots;
        return Ok(Merged { changed, patch, conflicts, replaced, applied, withheld, slots, without_server: refused });
    }
}

/// What a merge starts and nobody allowed: neither it, nor a secret that goes to it.
fn refused_starts<V>(
    resting: &Document<'_>,
    outcome: &Document<'_>,
    patch: &Patch,
    inputs: &Inputs<'_, V>,
) -> Vec<Flow> {
    let Some(grants) = inputs.grants else { return Vec::new() };
    let mut starts = started(resting, outcome, patch, inputs.blueprint);
    if !starts.is_empty() {
        let flows = bare_flows(outcome, inputs.blueprint, inputs.is_state);
        let allowed: Vec<&Flow> = flows.iter().filter(|flow| grants.allow(flow)).collect();
        starts.retain(|start| !grants.allow(start) && !allowed.iter().any(|flow| flow.covers(start)));
    }
    starts
}

/// Reads a text that took the place of another.
fn read(text: Option<&str>) -> Result<Option<Document<'_>>, PlanError> {
    text.map(|text| target(text.as_bytes())).transpose()
}

/// Reads a file as a target: an object in the syntax that its name tells.
///
/// # Errors
/// [`PlanError`] if it is empty, not in its syntax, or no object; or if no template can be merged into that syntax.
pub fn open<'t>(path: &Path, text: &'t [u8]) -> Result<Opened<'t>, PlanError> {
    not_empty(text)?;
    let file = Document::open(path, text).map_err(PlanError::Syntax)?;
    object(&file.document())?;
    match file.syntax() {
        Syntax::Json | Syntax::JsonWithComments => Ok(file),
        syntax @ Syntax::Toml => Err(PlanError::Unfillable(syntax)),
    }
}

/// Checks that a text of ours can be a target: a JSON object, in which comments and trailing commas are left where they
/// are.
///
/// # Errors
/// [`PlanError`] if it is empty, not JSON, or no object.
pub fn target(text: &[u8]) -> Result<Document<'_>, PlanError> {
    not_empty(text)?;
    let document = Document::parse_relaxed(text).map_err(PlanError::Syntax)?;
    object(&document)?;
    Ok(document)
}

fn not_empty(text: &[u8]) -> Result<(), PlanError> {
    if text.iter().all(u8::is_ascii_whitespace) { Err(PlanError::Empty) } else { Ok(()) }
}

fn object(document: &Document<'_>) -> Result<(), PlanError> {
    if document.root().kind() == Kind::Object { Ok(()) } else { Err(PlanError::NotAnObject) }
}

impl RenderPlan {
    /// The plan with the values of `inputs`, made from one that had none, of the same text and for the same template. `None`
    /// if a value may change more than its slot, or something is not allowed: then all of it has to be planned.
    pub fn with_values<'s, V>(self, inputs: &Inputs<'_, V>) -> Option<Self>
    where
        V: Fn(&Reference) -> Option<&'s Secret>,
    {
        // A literal that is the value of its slot is no conflict.
        let is_whole = self.conflicts.is_empty() && self.replaced.is_empty() && self.withheld.is_empty();
        if !is_whole || !self.flows.iter().all(|flow| inputs.grants.is_none_or(|grants| grants.allow(flow))) {
            return None;
        }
        let merged = target(self.placeholder_form.as_bytes()).ok()?;
        let is_open = |slot: &&Slot| self.delivered.is_file(&slot.pointer);
        let filling = insert(&merged, inputs.blueprint.slots.iter().filter(is_open), inputs.key, &inputs.value);
        let splices = [self.delivered.splices.as_slice(), &filling.splices].concat();
        let rendered = document::edit::splice(&self.placeholder_form, splices);
        Some(Self { rendered, filling, refused: Vec::new(), ..self })
    }

    /// What has to be allowed: what the template starts, and where secrets go. A start in the server of a secret is
    /// shown and allowed with that.
    pub fn asked(&self) -> impl Iterator<Item = &Flow> {
        let alone = self.withheld.iter().filter(|start| !self.refused.iter().any(|flow| flow.covers(start)));
        alone.chain(&self.refused)
    }

    /// Records the filling in a journal: what is filled now has to be removed, what was filled before may be in copies.
    pub fn enter_into(&self, journal: &mut Journal) {
        let old = std::mem::replace(&mut journal.slots, self.filling.slots.clone());
        journal.undo = undo_patch(&journal.slots);
        journal.foreign.clone_from(&self.filling.foreign);
        let known: Vec<Fingerprint> = journal.secrets().map(|(_, print)| print.clone()).collect();
        let is_new = |slot: &Filled| slot.secrets().any(|(_, print)| !known.contains(print));
        journal.retired.extend(old.into_iter().filter(is_new));
    }
}
