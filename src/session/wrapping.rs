//! Delivery without a file, as far as files know of it: how a target's servers are wrapped, which slots that leaves to
//! a render, and what is in the file now. What is put into a process is not decided here.

use super::job::{Job, NEW_TARGET};
use super::write::{PATIENCE, Written, replace_by};
use super::{Session, SessionError, Target};
use crate::consent::record::{Machine, Server as Record, Unfit};
use crate::document::{Document, Pointer};
use crate::host::Resolved;
use crate::host::servers::HostReferences;
use crate::plan::OnConflict;
use crate::plan::render::open;
use crate::plan::wrap::{Unwrappable, Wrapper, Wrapping, unwrap, wrapped};
use crate::template::Blueprint;
use std::path::Path;

/// How one slot gets to its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotDelivery {
    /// It is filled in the file.
    File,
    /// Its server is wrapped: the file never holds it.
    Wrapped,
    /// The same, and there is no record of the server as it is now, so it would not start: what keeps it from having one,
    /// or nothing if a yes makes one.
    Unrecorded(Option<Unfit>),
    /// Its server should be wrapped, and is in the file as a plain one, or for another program or place: any render
    /// mends that.
    NotWrapped,
    /// Its server is wrapped by a program that is not there any more; any render mends that.
    ProgramGone(String),
    /// Its server should be wrapped and can't be: the slot stays closed.
    Refused(Unwrappable),
}

impl Session<'_> {
    /// How the servers of a target are wrapped, if any is. One without a name has no call that could name it.
    pub(super) fn wrapping<'t>(&'t self, target: &'t Target) -> Option<Wrapping<'t>> {
        if target.deliveries.are_files() {
            return None;
        }
        let wrapper = Wrapper {
            program: &self.program,
            target: target.name.as_deref()?,
            helper: target.profile.headers_helper(),
            references: HostReferences::of(&target.path),
        };
        Some(Wrapping { wrapper, deliveries: &target.deliveries })
    }

    /// Brings the servers of a target at rest into the form that the config wants, and changes nothing else. `false` if
    /// there was nothing to do.
    ///
    /// # Errors
    /// [`SessionError`]; the target is as it was then.
    pub fn wrap_at_rest(&self, target: &Target) -> Result<bool, SessionError> {
        let file = Resolved::follow(&target.path)?;
        let state = self.state.of(&file);
        let _lock = state.lock()?;
        let job = self.open(target)?;
        let mut changed = false;
        replace_by(&file, target.profile, PATIENCE, Resolved::stage_plainly, &mut Written::default(), |text| {
            let Some(text) = text.filter(|_| !state.is_owing().unwrap_or(true)) else { return Ok(None) };
            let plan = job.preview_now(OnConflict::Keep)?;
            let live = open(&target.path, text).map_err(|error| job.failed(error))?;
            let is_merged = plan.patch.0.is_empty() && *unwrap(&live.document()) == plan.at_rest;
            let new = (is_merged && plan.resting.as_bytes() != text).then(|| plan.resting.clone().into_bytes());
            changed = new.is_some();
            Ok(new)
        })?;
        Ok(changed)
    }
}

impl Job<'_> {
    /// What of the template a render fills in the file, and what it needs values for: not the slots of servers that are
    /// wrapped, unless the template changes such a server, since it counts then whether that was allowed.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub(super) fn filled(&self) -> Result<Blueprint, SessionError> {
        if self.target.deliveries.are_files() || self.target.name.is_none() {
            return Ok(self.blueprint.clone());
        }
        let plan = self.preview(OnConflict::Keep)?;
        let changes: Vec<&Pointer> = plan.patch.0.iter().map(crate::document::Operation::path).collect();
        let is_changed = |slot: &Pointer| {
            let server = crate::host::servers::find::Server::around(slot);
            server.is_some_and(|server| changes.iter().any(|at| at.is_within(&server) || server.is_within(at)))
        };
        let mut blueprint = self.blueprint.clone();
        blueprint.slots.retain(|slot| plan.delivered.is_file(&slot.pointer) || is_changed(&slot.pointer));
        Ok(blueprint)
    }

    /// How each slot is delivered that is in it, or will once the template is merged. No store is asked, so a record
    /// counts here that none of them may have sealed.
    ///
    /// # Errors
    /// As [`Self::preview`], and [`SessionError::Grants`].
    pub fn deliveries(&self, machine: &Machine<'_>) -> Result<Vec<(Pointer, SlotDelivery)>, SessionError> {
        let plan = self.preview(OnConflict::Keep)?;
        let plain = Document::parse_relaxed(plan.placeholder_form.as_bytes()).ok();
        let file = Resolved::follow(&self.target.path)?;
        let records = self.kept_anyway()?;
        let recorded = |server: &Pointer| {
            let node = plain.as_ref().and_then(|plain| plain.find(server));
            let is_asked = plan.asked().any(|flow| flow.pointer.is_within(server));
            match node.map(|node| Record::read(server, node, machine)) {
                Some(Err(why)) => SlotDelivery::Unrecorded(Some(why)),
                // What nobody allowed is told as that.
                Some(Ok(Some(server)))
                    if !is_asked && !records.servers().iter().any(|one| one.is_sealed() && one.what.is_as(&server)) =>
                {
                    SlotDelivery::Unrecorded(None)
                }
                _ => SlotDelivery::Wrapped,
            }
        };
        let text = file.read()?.unwrap_or_else(|| NEW_TARGET.as_bytes().to_vec());
        let live = Document::open(&self.target.path, &text).ok();
        let servers = live.map(|live| wrapped(&live.document())).unwrap_or_default();
        let of = |slot: &Pointer| {
            if let Some(why) = plan.delivered.refused.get(slot) {
                return SlotDelivery::Refused(why.clone());
            }
            if !plan.delivered.wrapped.contains(slot) {
                return SlotDelivery::File;
            }
            let server = crate::host::servers::find::Server::around(slot).unwrap_or_default();
            let program = servers.iter().find(|one| one.pointer.is_within(&server)).map(|one| &one.program);
            match program {
                Some(program) if is_gone(program) => SlotDelivery::ProgramGone(program.clone()),
                _ => match recorded(&server) {
                    unfit @ SlotDelivery::Unrecorded(Some(_)) => unfit,
                    _ if plan.delivered.unwrapped.contains(slot) => SlotDelivery::NotWrapped,
                    how => how,
                },
            }
        };
        Ok(plan.flows.iter().map(|flow| (flow.pointer.clone(), of(&flow.pointer))).collect())
    }
}

/// Whether a program that is named by its path is not there. One that is named without is looked for by the host.
fn is_gone(program: &str) -> bool {
    Path::new(program).is_absolute() && !Path::new(program).exists()
}
