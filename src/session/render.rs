//! Render: the template's settings are merged into the target and its slots are filled, in one replacement.

use super::grants::Kept;
use super::scrub::put_backup;
use super::state::{StagedApplied, TargetState};
use super::values::Values;
use super::write::{PATIENCE, PATIENCE_WITH_THE_DEAD, Written, read_whole, replace};
use super::{Event, Record, Session, SessionError, Target, living};
use crate::consent::{Flow, Grants};
use crate::host::Resolved;
use crate::host::replace::leftovers;
use crate::journal::account::Shape;
use crate::journal::{Filled, Journal, Key, Lease, VERSION};
use crate::plan::render::{Inputs, target as check_target};
use crate::plan::wrap::Unwrappable;
use crate::plan::{Conflict, OnConflict, RenderPlan, plan_render};
use crate::secret::Secret;
use crate::template::{Blueprint, Reference, Slot, Template, compile};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
    /// What nobody allowed: slots stay closed, and what the template would start is not merged.
    pub refused: Vec<Flow>,
    /// The host's lock was held too long and was ignored.
    pub lock_ignored: bool,
    /// Work trees in which git now ignores and filters the target whatever is checked out.
    pub protected: Vec<PathBuf>,
}

/// What stands where there is no target yet.
pub(super) const NEW_TARGET: &str = "{\n}\n";

impl Session<'_> {
    /// Renders a target. One render at a time; the secrets are asked for once, before anything is locked or written.
    ///
    /// # Errors
    /// [`SessionError`]; the target is as it was then.
    pub fn render(&self, target: &Target, options: &RenderOptions) -> Result<Rendered, SessionError> {
        let blueprint = self.blueprint(target)?;
        let file = Resolved::follow(&target.path)?;
        let checked = |text: &[u8]| check_target(text).map(drop).map_err(self.of(target));
        // Before anybody is asked to unlock a keyring for it.
        read_whole(&file)?.as_deref().map_or(Ok(()), checked)?;
        let in_file = self.filled(target, blueprint.clone())?;
        let protected = if in_file.slots.is_empty() { Vec::new() } else { self.protect(target)? };
        let kept = self.kept(&target.path)?;
        let starts = match kept.as_ref().filter(|kept| kept.has_starts()) {
            Some(kept) => {
                let plan = self.planned(target, OnConflict::Keep, Some(&kept.claimed_flows()), true)?;
                !plan.withheld.is_empty()
            }
            None => false,
        };
        let mut filling = self.values(&in_file, kept.as_ref(), starts)?;

        let state = self.state.of(&file);
        let _lock = state.lock()?;
        let still = self.kept(&target.path)?;
        if still != kept {
            // Something was taken back, or allowed, while the stores or a person were asked.
            filling = self.values(&in_file, still.as_ref(), starts)?;
        }
        let Values { of: values, grants } = filling;
        let old = self.settle(&state)?;
        let mut journal = match &old {
            Some(journal) => journal.clone(),
            None => self.new_journal(target, &file)?,
        };
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
        let mut applied = None;
        let result = replace(&file, target.profile, PATIENCE, &mut written, |text| {
            let inputs = Inputs {
                blueprint: &blueprint,
                journal: old.as_ref(),
                earlier: earlier.as_ref(),
                on_conflict: options.on_conflict.unwrap_or_default(),
                key: &key,
                grants: grants.as_ref(),
                merges_starts: false,
                wrapping: self.wrapping(target),
                is_state: &|member, kind| target.profile.is_state(member, kind),
                value: |reference: &Reference| values.get(reference),
            };
            let mut plan = plan_render(text.unwrap_or(NEW_TARGET.as_bytes()), &inputs).map_err(self.of(target))?;
            if let (None, Some(first)) = (options.on_conflict, plan.conflicts.first()) {
                let (path, pointer) = (target.path.clone(), first.pointer.to_string());
                return Err(SessionError::Conflict { path, pointer });
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
                self.state.attend()?;
            }
            applied = match earlier.as_ref() == Some(&plan.applied) {
                true => None,
                false => Some(state.stage_applied(&plan.applied)?),
            };
            if text.is_some() && !journal.slots.is_empty() && !std::mem::replace(&mut backed_up, true) {
                put_backup(target.profile, &file, &plan.resting, (self.now)(), self.env);
            }
            changed |= new_text.is_some();
            last = Some(plan);
            Ok(new_text)
        });
        let is_merged = result.is_ok() || written.committed;
        let recorded = applied.filter(|_| is_merged).map_or(Ok(()), StagedApplied::commit);
        if let Err(error) = result.and(recorded) {
            self.take_back(&state, &file, old, journal, written.committed);
            return Err(error);
        }
        if changed {
            self.look_again(&file);
        }
        let Some(plan) = last else { return Err(SessionError::Raced { path: target.path.clone() }) };
        if !journal.slots.is_empty() {
            let given = std::path::absolute(&target.path).unwrap_or_else(|_| target.path.clone());
            state.note_shape(&Shape::of(given, plan.resting.as_bytes(), &key));
            let record = Record::new(
                (self.now)(),
                Event::Render,
                &journal,
                std::slice::from_ref(&options.holder),
                journal.leases.len(),
            );
            self.state.log(&record);
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
            warnings: self.warnings(target, &blueprint),
            conflicts: plan.conflicts,
            foreign: plan.filling.foreign,
            drifted: plan.undone.changed,
            holders,
            refused,
            lock_ignored: written.lock_ignored,
            protected,
        })
    }

    /// What a render would do once all is allowed that the template starts, without secrets, locks or writes: slots stay
    /// closed in it.
    ///
    /// # Errors
    /// [`SessionError`] as for [`Self::render`], but no secret is looked up.
    pub fn preview(&self, target: &Target, on_conflict: OnConflict) -> Result<RenderPlan, SessionError> {
        // No store is asked, so what the records claim has to do.
        let grants = self.kept(&target.path)?.map(|kept| kept.claimed());
        self.planned(target, on_conflict, grants.as_ref(), true)
    }

    /// The same of a render now: what nobody allowed to be started is not merged in it.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub fn preview_now(&self, target: &Target, on_conflict: OnConflict) -> Result<RenderPlan, SessionError> {
        let grants = self.kept(&target.path)?.map(|kept| kept.claimed());
        self.planned(target, on_conflict, grants.as_ref(), false)
    }

    pub(super) fn planned(
        &self,
        target: &Target,
        on_conflict: OnConflict,
        grants: Option<&Grants>,
        merges_starts: bool,
    ) -> Result<RenderPlan, SessionError> {
        let blueprint = self.blueprint(target)?;
        let file = Resolved::follow(&target.path)?;
        let state = self.state.of(&file);
        let (text, journal, earlier) = (file.read()?, state.journal()?, state.applied()?);
        let inputs = Inputs {
            blueprint: &blueprint,
            journal: journal.as_ref(),
            earlier: earlier.as_ref(),
            on_conflict,
            key: &Key::new([0; 32]),
            grants,
            merges_starts,
            wrapping: self.wrapping(target),
            is_state: &|member, kind| target.profile.is_state(member, kind),
            value: |_: &Reference| None::<&Secret>,
        };
        plan_render(text.as_deref().unwrap_or(NEW_TARGET.as_bytes()), &inputs).map_err(self.of(target))
    }

    /// Compiles a target's template.
    ///
    /// # Errors
    /// [`SessionError::NoTemplate`] and [`SessionError::Template`].
    pub fn blueprint(&self, target: &Target) -> Result<Blueprint, SessionError> {
        let path = &target.template;
        let failed = |source| SessionError::NoTemplate { path: path.clone(), source };
        self.blueprint_of(target, fs::read(path).map_err(failed)?)
    }

    /// Compiles another text in the place of a target's template: what is staged, say. Includes are read as they are.
    ///
    /// # Errors
    /// [`SessionError::NoTemplate`] if it is no text, and [`SessionError::Template`].
    pub fn blueprint_of(&self, target: &Target, text: Vec<u8>) -> Result<Blueprint, SessionError> {
        let path = &target.template;
        let text = &into_text(text).map_err(|source| SessionError::NoTemplate { path: path.clone(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let template = Template { name: path, text };
        Ok(compile(template, self.variables, &|name| read_include(folder, name))?)
    }

    /// What the host profile has against where the template puts secrets.
    #[must_use]
    pub fn warnings(&self, target: &Target, blueprint: &Blueprint) -> Vec<(crate::document::Pointer, String)> {
        let warning = |slot: &Slot| Some((slot.pointer.clone(), target.profile.warning(slot)?));
        blueprint.slots.iter().filter_map(warning).collect()
    }

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

    fn of<'t>(&self, target: &'t Target) -> impl Fn(crate::plan::PlanError) -> SessionError + 't {
        |error| SessionError::Target { path: target.path.clone(), error }
    }
}

/// Reads an included template, which must lie inside the folder when every symlink is followed.
pub(super) fn read_include(folder: &Path, name: &str) -> io::Result<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (root, path) = (fs::canonicalize(folder)?, fs::canonicalize(folder.join(name))?);
    if !path.starts_with(&root) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the template's folder"));
    }
    into_text(fs::read(path)?)
}

pub(super) fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}
