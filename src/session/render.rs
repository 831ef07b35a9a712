//! Render: the template's settings are merged into the target and its slots are filled, in one replacement.

use super::grants::Kept;
use super::job::Job;
use super::scrub::put_backup;
use super::state::{StagedApplied, TargetState};
use super::values::Values;
use super::write::{PATIENCE, PATIENCE_WITH_THE_DEAD, Written, read_whole, replace};
use super::{Event, Record, Session, SessionError, Target, living};
use crate::consent::Flow;
use crate::host::replace::leftovers;
use crate::host::{Resolved, mode};
use crate::journal::account::Shape;
use crate::journal::{Filled, Journal, Key, Lease, VERSION};
use crate::plan::render::{Inputs, open};
use crate::plan::wrap::Unwrappable;
use crate::plan::{Conflict, OnConflict, RenderPlan};
use crate::template::{Blueprint, Reference};
use std::path::PathBuf;
use std::rc::Rc;

/// How a render is done.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// Who holds the rendered form.
    pub holder: Lease,
    /// What to do with a literal where the template has a reference; `None`: it is an error.
    pub on_conflict: Option<OnConflict>,
    /// Whether all that a living holder filled stays, whatever the template and the grants say now: a hook joins.
    pub joins: bool,
}

/// What a render did.
#[derive(Debug)]
pub struct Rendered {
    /// How many slots are filled.
    pub slots: usize,
    /// Whether the target was written (it was not if it stood as wanted already).
    pub changed: bool,
    /// Literals of the user's that stay where the template has a reference.
    pub conflicts: Vec<Conflict>,
    /// Values of the user's that were replaced, as was asked for, and the backup in the vault that has them.
    pub replaced: Vec<crate::document::Pointer>,
    /// Its name; `None` if nothing was replaced.
    pub backup: Option<String>,
    /// Values of the user's that hold one of the secrets and are no slot.
    pub foreign: Vec<crate::document::Pointer>,
    /// Slots whose value somebody changed while an earlier render held.
    pub drifted: Vec<crate::document::Pointer>,
    /// Slots where a secret is a bad idea with this host: pointer and reason.
    pub warnings: Vec<(crate::document::Pointer, String)>,
    /// How many slots are in servers that are wrapped: they are never filled in the file.
    pub wrapped: usize,
    /// Slots whose servers should be wrapped and can't be, and why: they stay closed.
    pub unwrappable: Vec<(crate::document::Pointer, Unwrappable)>,
    /// How many hold the rendered form now.
    pub holders: usize,
    /// Whether the holder held nothing before.
    pub(super) is_new_holder: bool,
    /// What nobody allowed: slots stay closed, and what the template would start is not merged.
    pub refused: Vec<Flow>,
    /// The host's lock was held too long and was ignored.
    pub lock_ignored: bool,
    /// Work trees in which git now ignores and filters the target whatever is checked out.
    pub protected: Vec<PathBuf>,
}

/// A target that can be rendered, as far as can be told before a store is asked.
pub(super) struct Looked {
    /// What of the template is filled in the file.
    pub(super) in_file: Blueprint,
    pub(super) kept: Option<Rc<Kept>>,
    /// Whether the grants of what is started are needed.
    pub(super) starts: bool,
    /// The work trees that changed; `None` if git was asked and nothing written.
    protected: Option<Vec<PathBuf>>,
}

/// The same with all that is filled in.
pub(super) struct Filling {
    looked: Looked,
    values: Values,
}

impl Job<'_> {
    /// Renders the target. One render at a time; the secrets are asked for once, before anything is locked or written.
    ///
    /// # Errors
    /// [`SessionError`]; the target is as it was then.
    pub fn render(&self, options: &RenderOptions) -> Result<Rendered, SessionError> {
        self.fill(self.filling(self.look(true)?)?, options)
    }

    /// Whether the target can be rendered, before anybody is asked to unlock a keyring for it. One that is rendered `alone`
    /// is kept from git at once; of several nothing is written before all were looked at, so each is planned here.
    pub(super) fn look(&self, alone: bool) -> Result<Looked, SessionError> {
        if let Some(text) = read_whole(&Resolved::follow(&self.target.path)?)?
            && !self.has_planned(&text)
        {
            open(&self.target.path, &text).map_err(|error| self.failed(error))?;
        }
        let in_file = self.filled()?;
        let protected = match (in_file.slots.is_empty(), alone) {
            (true, _) => Some(Vec::new()),
            (false, true) => Some(self.session.protect(self.target)?),
            (false, false) => self.session.refuse_committable(self.target).map(|()| None)?,
        };
        let kept = self.kept()?;
        let has_starts = kept.as_ref().is_some_and(|kept| kept.has_starts());
        let mut starts = false;
        if has_starts || !alone {
            let plan = self.preview_flows(OnConflict::Keep)?;
            starts = has_starts && !plan.withheld.is_empty();
        }
        Ok(Looked { in_file, kept, starts, protected })
    }

    /// Asks the stores for the values.
    pub(super) fn filling(&self, looked: Looked) -> Result<Filling, SessionError> {
        let values = self.session.values(&looked.in_file, looked.kept.as_deref(), looked.starts)?;
        Ok(Filling { looked, values })
    }

    /// Writes the rendered form.
    pub(super) fn fill(&self, filling: Filling, options: &RenderOptions) -> Result<Rendered, SessionError> {
        let (session, target, blueprint) = (self.session, self.target, &self.blueprint);
        let Filling { looked, values } = filling;
        let protected = looked.protected.map_or_else(|| session.protect(target), Ok)?;
        let file = Resolved::follow(&target.path)?;
        let state = session.state.of(&file);
        let _lock = state.lock()?;
        let still = session.kept(&target.path)?;
        let Values { of: values, grants } = match still.as_ref() == looked.kept.as_deref() {
            true => values,
            // Something was taken back, or allowed, while the stores or a person were asked.
            false => session.values(&looked.in_file, still.as_ref(), looked.starts)?,
        };
        let old = session.settle(&state)?;
        let mut journal = match &old {
            Some(journal) => journal.clone(),
            None => session.new_journal(target, &file)?,
        };
        let is_new_holder = !journal.leases.iter().any(|lease| lease.same_holder(&options.holder));
        journal.leases.retain(|lease| !lease.same_holder(&options.holder));
        journal.leases.push(options.holder.clone());
        let key = journal.key;
        let earlier = state.applied()?;
        if old.is_none() {
            state.forget_shape();
        }
        let mut last: Option<RenderPlan> = None;
        let mut changed = false;
        let mut backed_up = false;
        let mut written = Written::default();
        let (mut applied, mut backup) = (None, None);
        let result = replace(&file, target.profile, PATIENCE, &mut written, |text| {
            let inputs = Inputs {
                blueprint,
                journal: old.as_ref(),
                earlier: earlier.as_ref(),
                on_conflict: options.on_conflict.unwrap_or_default(),
                key: &key,
                grants: grants.as_ref(),
                merges_starts: false,
                wrapping: session.wrapping(target),
                is_state: &|member, kind| target.profile.is_state(member, kind),
                value: |reference: &Reference| values.get(reference),
            };
            let mut plan = match self.plan_with_values(text, &inputs) {
                Some(plan) => plan,
                None => self.plan(text, &inputs)?,
            };
            if let (None, Some(first)) = (options.on_conflict, plan.conflicts.first()) {
                let (path, pointer) = (target.path.clone(), first.pointer.to_string());
                return Err(SessionError::Conflict { path, pointer });
            }
            // They may be the only copies of keys.
            if !plan.replaced.is_empty() && backup.is_none() {
                backup = Some(session.sources.back_up(&target.path, plan.at_rest.as_bytes())?);
            }
            let stays = |slot: &Filled| plan.filling.slots.iter().any(|filled| filled.pointer == slot.pointer);
            if options.joins && !journal.slots.iter().all(stays) {
                state.write_journal(&journal)?;
                last = Some(plan);
                return Ok(None);
            }
            let new_text =
                (text != Some(plan.rendered.as_bytes())).then(|| std::mem::take(&mut plan.rendered).into_bytes());
            plan.enter_into(&mut journal);
            if !journal.slots.is_empty() || old.is_some() {
                state.write_journal(&journal)?;
                session.state.attend()?;
            }
            applied = match earlier.as_ref() == Some(&plan.applied) {
                true => None,
                false => Some(state.stage_applied(&plan.applied)?),
            };
            if text.is_some() && !journal.slots.is_empty() && !std::mem::replace(&mut backed_up, true) {
                put_backup(target.profile, &file, &plan.resting, (session.now)(), session.env);
            }
            changed |= new_text.is_some();
            last = Some(plan);
            Ok(new_text)
        });
        let is_merged = result.is_ok() || written.committed;
        let recorded = applied.filter(|_| is_merged).map_or(Ok(()), StagedApplied::commit);
        if let Err(error) = result.and(recorded) {
            session.take_back(&state, &file, old, journal, written.committed);
            return Err(error);
        }
        if changed {
            session.look_again(&file);
        }
        let Some(plan) = last else { return Err(SessionError::Raced { path: target.path.clone() }) };
        if !journal.slots.is_empty() {
            let given = std::path::absolute(&target.path).unwrap_or_else(|_| target.path.clone());
            state.note_shape(&Shape::of(given, plan.resting.as_bytes(), &key));
            let record = Record::new(
                (session.now)(),
                Event::Render,
                &journal,
                std::slice::from_ref(&options.holder),
                journal.leases.len(),
            );
            session.state.log(&record);
        }
        // No key was asked for about what is not filled in here, so what the records claim has to do.
        let claimed = still.as_ref().map(Kept::claimed);
        let is_claimed = |flow: &Flow| claimed.as_ref().is_none_or(|claimed| claimed.allow(flow));
        let is_settled = |flow: &&Flow| plan.delivered.wrapped.contains(&flow.pointer) && is_claimed(flow);
        let refused = plan.asked().filter(|flow| !is_settled(flow)).cloned().collect();
        let holders = if journal.slots.is_empty() && old.is_none() { 0 } else { journal.leases.len() };
        Ok(Rendered {
            slots: plan.filling.slots.len(),
            wrapped: plan.delivered.wrapped.len(),
            unwrappable: plan.delivered.refused.into_iter().collect(),
            changed,
            warnings: self.warnings(),
            conflicts: plan.conflicts,
            replaced: plan.replaced,
            backup,
            foreign: plan.filling.foreign,
            drifted: plan.undone.changed,
            holders,
            is_new_holder,
            refused,
            lock_ignored: written.lock_ignored,
            protected,
        })
    }
}

impl Session<'_> {
    pub(super) fn new_journal(&self, target: &Target, file: &Resolved) -> Result<Journal, SessionError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| SessionError::Random)?;
        Ok(Journal {
            version: VERSION,
            target: file.path().to_owned(),
            named: file.named().to_owned(),
            name: target.name.clone(),
            profile: target.profile.name().to_owned(),
            since: (self.now)(),
            undo: crate::document::Patch::default(),
            key: Key::new(random),
            slots: Vec::new(),
            retired: Vec::new(),
            foreign: Vec::new(),
            leases: Vec::new(),
            folders: target.profile.folders(&|name| (self.env)(name).map(Into::into)),
            mode: mode::own(file.path()),
            earlier: Vec::new(),
        })
    }

    /// The journal with its dead leases gone; closed first if all of them are: the holder crashed.
    pub(super) fn settle(&self, state: &TargetState) -> Result<Option<Journal>, SessionError> {
        let Some(mut journal) = state.journal()? else { return Ok(None) };
        journal.leases = living(&journal.leases);
        if journal.leases.is_empty() {
            let closed = self.close(state, &journal, PATIENCE_WITH_THE_DEAD)?;
            // A copy that could not be cleaned is owed on.
            return Ok((!closed.unscrubbed.is_empty()).then_some(journal));
        }
        Ok(Some(journal))
    }

    /// After a failure: what of the secrets got into the target, or into a file beside it, leaves again. What can't be
    /// taken out now stays owed, and the next command tries again.
    pub(super) fn take_back(
        &self,
        state: &TargetState,
        file: &Resolved,
        old: Option<Journal>,
        new: Journal,
        committed: bool,
    ) {
        match old {
            None if new.slots.is_empty() => {}
            None => {
                let nobodys = Journal { leases: Vec::new(), ..new };
                let _ = state.write_journal(&nobodys);
                let _ = self.close(state, &nobodys, PATIENCE_WITH_THE_DEAD);
            }
            Some(old) => {
                let is_clean = !committed && leftovers(file.path()).is_ok_and(|left| left.is_empty());
                let owed = if is_clean { old } else { Journal { leases: old.leases, ..new } };
                let _ = state.write_journal(&owed);
            }
        }
    }
}
