//! One target, opened once for a command: what is compiled from its template, and what was allowed for it.
//!
//! A template is compiled once however often the target is planned, and the grants are read once, but for the reading
//! under the lock before something is filled: they may have been taken back meanwhile. Links are followed at every
//! look, since a person may be asked in between. Plans made here look at no store and hold no secret; one is made for
//! each text.

use super::grants::{Kept, Standing};
use super::sealing::references;
use super::template_file::read_include;
use super::{Session, SessionError, Target};
use crate::consent::{Flow, Grants};
use crate::document::{Document, Pointer, Syntax};
use crate::error::Place;
use crate::host::{Resolved, read};
use crate::journal::{Journal, Key};
use crate::plan::render::{Inputs, open};
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
    kept: RefCell<Option<Rc<Kept>>>,
    /// The last plan, and what it was made from.
    plan: RefCell<Option<(Basis, Rc<RenderPlan>)>>,
}

/// What a plan without secrets depends on, besides the template.
#[derive(PartialEq)]
struct Basis {
    text: Option<Vec<u8>>,
    journal: Option<Journal>,
    earlier: Option<Applied>,
    on_conflict: OnConflict,
    grants: Option<Grants>,
    merges_starts: bool,
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
        Job { session: self, target, blueprint, kept: RefCell::default(), plan: RefCell::default() }
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
        log::debug!("compiling {}", path.display());
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
        if self.session.guarded { self.kept_anyway().map(Some) } else { Ok(None) }
    }

    /// The same, whether anything has to be allowed or not.
    pub(super) fn kept_anyway(&self) -> Result<Rc<Kept>, SessionError> {
        if let Some(kept) = &*self.kept.borrow() {
            return Ok(Rc::clone(kept));
        }
        let kept = Rc::new(self.session.kept_anyway(&self.target.path)?);
        *self.kept.borrow_mut() = Some(Rc::clone(&kept));
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
    pub fn preview(&self, on_conflict: OnConflict) -> Result<Rc<RenderPlan>, SessionError> {
        // No store is asked, so what the records claim has to do.
        let grants = self.kept()?.map(|kept| kept.claimed());
        Ok(self.planned(on_conflict, grants.as_ref(), true)?.0)
    }

    /// The same once nothing is allowed to be started, but all that is allowed to get secrets: what [`Self::flows`] tells of.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub fn preview_flows(&self, on_conflict: OnConflict) -> Result<Rc<RenderPlan>, SessionError> {
        let grants = self.kept()?.map(|kept| kept.claimed_flows());
        Ok(self.planned(on_conflict, grants.as_ref(), true)?.0)
    }

    /// The same of a render now: what nobody allowed to be started is not merged in it.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub fn preview_now(&self, on_conflict: OnConflict) -> Result<Rc<RenderPlan>, SessionError> {
        let grants = self.kept()?.map(|kept| kept.claimed());
        Ok(self.planned(on_conflict, grants.as_ref(), false)?.0)
    }

    /// A plan for the target as it stands, and what the last render merged. The same plan is not made twice.
    pub(super) fn planned(
        &self,
        on_conflict: OnConflict,
        grants: Option<&Grants>,
        merges_starts: bool,
    ) -> Result<(Rc<RenderPlan>, Option<Applied>), SessionError> {
        let file = Resolved::follow(&self.target.path)?;
        let state = self.session.state.of(&file);
        let (text, journal, earlier) = (file.read()?, state.journal()?, state.applied()?);
        let basis = Basis { text, journal, earlier, on_conflict, grants: grants.cloned(), merges_starts };
        if let Some((known, plan)) = &*self.plan.borrow()
            && *known == basis
        {
            return Ok((Rc::clone(plan), basis.earlier));
        }
        let inputs = Inputs {
            blueprint: &self.blueprint,
            journal: basis.journal.as_ref(),
            earlier: basis.earlier.as_ref(),
            on_conflict,
            key: &Key::new([0; 32]),
            grants,
            merges_starts,
            wrapping: self.session.wrapping(self.target),
            is_state: &|member, kind| self.target.profile.is_state(member, kind),
            value: |_: &Reference| None::<&Secret>,
        };
        let plan = Rc::new(self.plan(basis.text.as_deref(), &inputs)?);
        let earlier = basis.earlier.clone();
        *self.plan.borrow_mut() = Some((basis, Rc::clone(&plan)));
        Ok((plan, earlier))
    }

    /// Plans a render of a text, or of a target that is not there yet.
    pub(super) fn plan<'v, V>(&self, text: Option<&[u8]>, inputs: &Inputs<'_, V>) -> Result<RenderPlan, SessionError>
    where
        V: Fn(&Reference) -> Option<&'v Secret>,
    {
        log::debug!("planning {}", self.target.path.display());
        // JSON is read by the plan itself.
        if let (Syntax::Toml, Some(text)) = (Syntax::of(&self.target.path), text) {
            open(&self.target.path, text).map_err(|error| self.failed(error))?;
        }
        plan_render(text.unwrap_or(NEW_TARGET.as_bytes()), inputs).map_err(|error| self.failed(error))
    }

    /// Whether a plan was made of this text, which therefore can be a target.
    pub(super) fn has_planned(&self, text: &[u8]) -> bool {
        self.plan.borrow().as_ref().is_some_and(|(basis, _)| basis.text.as_deref() == Some(text))
    }

    /// The last plan with values, if it was made of this text and of what stands beside it; it is let go of in any case,
    /// since that of a large target is several times as large.
    pub(super) fn plan_with_values<'v, V>(&self, text: Option<&[u8]>, inputs: &Inputs<'_, V>) -> Option<RenderPlan>
    where
        V: Fn(&Reference) -> Option<&'v Secret>,
    {
        let (basis, plan) = self.plan.take()?;
        let is_same = basis.text.as_deref() == text
            && basis.journal.as_ref() == inputs.journal
            && basis.earlier.as_ref() == inputs.earlier
            && basis.on_conflict == inputs.on_conflict;
        drop(basis);
        Rc::into_inner(plan).filter(|_| is_same)?.with_values(inputs)
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
        let plan = self.preview_flows(on_conflict)?;
        // One in the server of a secret is shown and allowed with that.
        let covered = |start: &Flow| plan.flows.iter().any(|flow| flow.covers(start));
        let mut flows: Vec<Flow> = plan.withheld.iter().filter(|start| !covered(start)).cloned().collect();
        flows.extend(plan.flows.iter().cloned());
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
