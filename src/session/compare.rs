//! What a render would change and who changed what since the last one. Reads only: no store, no lock.

use super::SessionError;
use super::job::Job;
use crate::document::Pointer;
use crate::plan::threeway::{Change, changes};
use crate::plan::{OnConflict, RenderPlan};
use std::rc::Rc;

/// A target beside its template and the record of the last render.
#[derive(Debug)]
pub struct Compared {
    /// What a render would do.
    pub plan: Rc<RenderPlan>,
    /// Where template and live file differ, and whose doing it is.
    pub changes: Vec<Change>,
    /// Whether there is a record of a last render: without one nobody knows who changed what.
    pub is_recorded: bool,
}

impl Job<'_> {
    /// Compares a target with its template and with what the last render merged. What is new beside the template's
    /// settings counts where the host does not keep things of its own, or where `wants` says so.
    ///
    /// # Errors
    /// As [`Self::preview`].
    pub fn compare(&self, wants: &dyn Fn(&Pointer) -> bool) -> Result<Compared, SessionError> {
        let grants = self.kept()?.map(|kept| kept.claimed());
        let (plan, earlier) = self.planned(OnConflict::Keep, grants.as_ref(), true)?;
        let is_shared =
            |object: &Pointer, member: &Pointer| !self.target.profile.keeps_state_in(object) || wants(member);
        let changes = changes(earlier.as_ref().map(|applied| applied.document.as_str()), &plan, &is_shared);
        Ok(Compared { plan, changes, is_recorded: earlier.is_some() })
    }
}
