//! The hold of `exec`, which ends whichever way `exec` does.

use super::close;
use crate::cli::report::Report;
use crate::plan::{Journal, Lease};
use crate::session::{Session, Target};
use std::path::PathBuf;

/// Unrenders when dropped, unless that was done.
#[must_use = "dropping it ends the hold"]
pub(super) struct Held<'a> {
    report: &'a Report,
    session: &'a Session<'a>,
    targets: &'a [Target],
    lease: Lease,
    owed: Vec<(&'a Target, Journal)>,
    released: bool,
}

impl<'a> Held<'a> {
    pub(super) fn new(report: &'a Report, session: &'a Session<'a>, targets: &'a [Target], lease: Lease) -> Self {
        Self { report, session, targets, lease, owed: Vec::new(), released: false }
    }

    /// Keeps in mind what the targets owe now, should the state folder be deleted meanwhile.
    pub(super) fn remember(&mut self) {
        let owed = |target: &'a Target| Some((target, self.session.journal(&target.path).ok().flatten()?));
        self.owed = self.targets.iter().filter_map(owed).collect();
    }

    /// Ends the hold of every target, one's failure or no.
    pub(super) fn release(&mut self) {
        self.released = true;
        for (target, journal) in self.owed.drain(..) {
            // If this fails, so does what follows, and says it.
            let _ = self.session.restore(&target.path, &journal);
        }
        let owes = |journal: Journal| {
            // One without leases is being closed, and whoever was at it may be gone.
            journal.leases.is_empty() || journal.leases.iter().any(|held| held.same_holder(&self.lease))
        };
        // Why a journal can't be read is found out and told by whoever tries.
        let is_due = |target: &Target| self.session.journal(&target.path).map_or(true, |found| found.is_some_and(owes));
        if self.targets.iter().any(is_due) && !close::by_child(Some(self.report), self.targets, &self.lease, None) {
            let paths: Vec<PathBuf> = self.targets.iter().map(|target| target.path.clone()).collect();
            close::here(self.report, self.session, &paths, &self.lease);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.released {
            self.release();
        }
    }
}
