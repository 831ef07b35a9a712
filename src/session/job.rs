//! One target, opened once for a command: what is compiled from its template, and what was allowed for it.
//!
//! A template is compiled once however often the target is planned, and the grants are read once, but for the reading
//! under the lock before something is filled: they may have been taken back meanwhile. Links are followed at every
//! look, since a person may be asked in between. Plans made here look at no store and hold no secret.

use super::grants::{Kept, Standing};
use super::sealing::references;
use super::template_file::read_include;
use super::{Session, SessionError, Target};
use crate::consent::{Flow, Grants};
use crate::document::{Document, Pointer};
use crate::error::Place;
use crate::host::{Resolved, read};
use crate::journal::Key;
use crate::plan::render::Inputs;
use crate::plan::wrap::wrapped;
use crate::plan::{Applied, OnConflict, PlanError, RenderPlan, plan_render};
use crate::secret::Secret;
use crate::template::{Blueprint, Reference, Slot, Template, compile};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// What stands where there is no target yet.
pub(super) const NEW_TARGET: &str = "{\n}\n";

/// A target that a session works on.
pub struct Job<'s> {
    pub(super) session: &'s Session<'s>,
    /// The target.
    pub target: &'s Target,
    /// What its template says.
    pub blueprint: Blueprint,
    /// What was allowed, once it was read.
    kept: RefCell<Option<Option<Rc<Kept>>>>,
}

impl Session<'_> {
    /// Opens a target: its template is compiled, and nothing else is looked at yet.
    ///
    /// # Errors
    /// [`SessionError::NoTemplate`] and [`SessionError::Template`].
    pub fn open<'s>(&'s self, target: &'s Target) -> Result<Job<'s>, SessionError> {
        Ok(self.open_with(target, self.blueprint(target)?))
    }

    /// The same with a template that is compiled already.
    pub fn open_with<'s>(&'s self, target: &'s Target, blueprint: Blueprint) -> Job<'s> {
        Job { session: self, target, blueprint, kept: RefCell::default() }
    }

    /// Compiles a target's template.
    ///
    /// # Errors
    /// [`SessionError::NoTemplate`] and [`SessionError::Template`].
    pub fn blueprint(&self, target: &Target) -> Result<Blueprint, SessionError> {
        let path = &target.template;
        let failed = |source| SessionError::NoTemplate { path: path.clone(), source };
        self.blueprint_of(target, read::regular(path).map_err(failed)?)
    }

    /// Compiles another text in the place of a target's template: what is staged, say. Includes are read as they are.
    ///
    /// # Errors
    /// [`SessionError::NoTemplate`] if it is no text, and [`SessionError::Template`].
    pub fn blueprint_of(&self, target: &Target, text: Vec<u8>) -> Result<Blueprint, SessionError> {
        let path = &target.template;
        let text = &read::into_text(text).map_err(|source| SessionError::NoTemplate { path: path.clone(), source })?;
        let template = Template { name: path, text };
        let blueprint = compile(template, self.variables, &|name| read_include(path, name))?;
        match wrapped_server(path, &blueprint) {
            None => Ok(blueprint),
            Some(place) => Err(SessionError::WrappedTemplate(place)),
        }
    }
}

/// Where a template has a server in its wrapped form. Its own would be read from the live file, and never be the same.
fn wrapped_server(template: &Path, blueprint: &Blueprint) -> Option<Place> {
    let document = Document::parse(blueprint.document.as_bytes()).ok()?;
    let at = wrapped(&document).into_iter().next()?.pointer;
    let slot = blueprint.slots.iter().find(|slot| slot.pointer.is_within(&at));
    Some(slot.map_or_else(|| Place::file(template), |slot| slot.place.clone()).slot(at.as_str()))
}

impl Job<'_> {
    /// What is kept for the target; `None` if nothing has to be allowed.
    pub(super) fn kept(&self) -> Result<Option<Rc<Kept>>, SessionError> {
        if let Some(kept) = &*self.kept.borrow() {
            return Ok(kept.clone());
        }
        let kept = self.session.kept(&self.target.path)?.map(Rc::new);
        *self.kept.borrow_mut() = Some(kept.clone());
        Ok(kept)
    }

    /// Allows these flows, as [`Session::allow`] does.
    ///
    /// # Errors
    /// As [`Session::allow`].
    pub fn allow(&self, flows: &[Flow]) -> Result<(), SessionError> {
        let done = self.session.allow(&self.target.path, flows);
        self.forget_grants();
        done
    }

    /// Has the grants read anew when they are next needed: a person was asked, and may have taken some back meanwhile.
    pub fn forget_grants(&self) {
        *self.kept.borrow_mut() = None;
    }

    /// What the host profile has against where the template puts secrets.
    #[must_use]
    pub fn warnings(&self) -> Vec<(Pointer, String)> {
        let warning = |slot: &Slot| Some((slot.pointer.clone(), self.target.profile.warning(slot)?));
        self.blueprint.slots.iter().filter_map(warning).collect()
    }

    /// What a render would do once all is allowed that the template starts, without secrets, locks or writes: slots
    /// stay closed in it.
    ///
    /// # Errors
    /// [`SessionError`] as for a render, but no secret is looked up.
    pub fn preview(&self, on_conflict: OnConflict) -> Result<RenderPlan, SessionError> {
        // No store is asked, so what the records claim has to do.
        let grants = self.kept()?.map(|kept| kept.claimed());
        Ok(self.planned(on_conflict, grants.as_ref(), true)?.0)
    }

    /// The same of a render now: what nobody allowed to be started is not merged in it.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub fn preview_now(&self, on_conflict: OnConflict) -> Result<RenderPlan, SessionError> {
        let grants = self.kept()?.map(|kept| kept.claimed());
        Ok(self.planned(on_conflict, grants.as_ref(), false)?.0)
    }

    /// A plan for the target as it stands, and what the last render merged.
    pub(super) fn planned(
        &self,
        on_conflict: OnConflict,
        grants: Option<&Grants>,
        merges_starts: bool,
    ) -> Result<(RenderPlan, Option<Applied>), SessionError> {
        let file = Resolved::follow(&self.target.path)?;
        let state = self.session.state.of(&file);
        let (text, journal, earlier) = (file.read()?, state.journal()?, state.applied()?);
        let inputs = Inputs {
            blueprint: &self.blueprint,
            journal: journal.as_ref(),
            earlier: earlier.as_ref(),
            on_conflict,
            key: &Key::new([0; 32]),
            grants,
            merges_starts,
            wrapping: self.session.wrapping(self.target),
            is_state: &|member, kind| self.target.profile.is_state(member, kind),
            value: |_: &Reference| None::<&Secret>,
        };
        let plan = plan_render(text.as_deref().unwrap_or(NEW_TARGET.as_bytes()), &inputs);
        Ok((plan.map_err(|error| self.failed(error))?, earlier))
    }

    pub(super) fn failed(&self, error: PlanError) -> SessionError {
        SessionError::Target { path: self.target.path.clone(), error }
    }

    /// What the template starts anew, and where the values of its slots would go now, each with whether that is
    /// allowed: of those that a literal of the user's leaves room for. Asks the stores, since only they tell which
    /// records hold.
    ///
    /// # Errors
    /// [`SessionError`] as for a preview, and [`SessionError::Grants`].
    pub fn flows(&self, on_conflict: OnConflict) -> Result<Vec<(Flow, Standing)>, SessionError> {
        let kept = self.kept()?.unwrap_or_default();
        let grants = self.session.guarded.then(|| kept.claimed_flows());
        let (plan, _) = self.planned(on_conflict, grants.as_ref(), true)?;
        // One in the server of a secret is shown and allowed with that.
        let covered = |start: &Flow| plan.flows.iter().any(|flow| flow.covers(start));
        let mut flows: Vec<Flow> = plan.withheld.iter().filter(|start| !covered(start)).cloned().collect();
        flows.extend(plan.flows);
        let (all, claimed) = (kept.all(), kept.claimed());
        if !flows.iter().any(|flow| all.allow(flow)) {
            return Ok(flows.into_iter().map(|flow| (flow, Standing::New)).collect());
        }
        let asked = flows.iter().filter(|flow| claimed.allow(flow));
        let asked: Vec<Reference> = asked.flat_map(|flow| references(&flow.text)).collect();
        let starts = flows.iter().any(|flow| flow.is_start() && claimed.allow(flow));
        let verified = match asked.is_empty() && !starts {
            true => Grants::default(),
            false => kept.verified(&self.session.ask_with(&asked, starts, &|_, _| false).unbarred()),
        };
        let standing = |flow: &Flow| match (verified.allow(flow), all.allow(flow)) {
            (true, _) => Standing::Allowed,
            (false, true) => Standing::Unsealed,
            (false, false) => Standing::New,
        };
        Ok(flows.into_iter().map(|flow| (flow.clone(), standing(&flow))).collect())
    }
}
