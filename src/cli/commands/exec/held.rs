//! The hold of `exec`, which ends whichever way `exec` does.

use super::close;
use crate::cli::report::Report;
use crate::host::guard::Watch;
use crate::host::process::is_alive;
use crate::journal::{Journal, Lease};
use crate::session::{Memory, Session, State, Target};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// How often to look again where the system does not report changes. Arbitrary.
const PAUSE: Duration = Duration::from_millis(500);

/// Unrenders when dropped, unless that was done.
#[must_use = "dropping it ends the hold"]
pub(super) struct Held<'a> {
    report: &'a Report,
    session: &'a Session<'a>,
    targets: &'a [Target],
    lease: Lease,
    owed: Mutex<Vec<Memory>>,
    released: bool,
}

impl<'a> Held<'a> {
    pub(super) fn new(report: &'a Report, session: &'a Session<'a>, targets: &'a [Target], lease: Lease) -> Self {
        Self { report, session, targets, lease, owed: Mutex::default(), released: false }
    }

    /// Remembers the targets' journals, in case the state folder is deleted meanwhile.
    pub(super) fn remember(&self) {
        let owed = self.targets.iter().filter_map(|target| self.session.remember(&target.path).ok());
        *lock(&self.owed) = owed.collect();
    }

    /// The targets' journals, for a thread that remembers them while the program runs.
    pub(super) fn owed(&self) -> &Mutex<Vec<Memory>> {
        &self.owed
    }

    /// Ends the hold of every target, one's failure or no.
    pub(super) fn release(&mut self) {
        self.released = true;
        for mut memory in lock(&self.owed).drain(..) {
            if let Err(error) = memory.look() {
                self.report.error(&error);
            }
        }
        let owes = |journal: Journal| {
            // One without leases is being closed, and the process that was closing it may be gone.
            journal.leases.is_empty() || journal.leases.iter().any(|held| held.same_holder(&self.lease))
        };
        // Why a journal can't be read is found out and reported by whatever reads it.
        let is_due = |target: &Target| self.session.journal(&target.path).map_or(true, |found| found.is_some_and(owes));
        let is_due = self.targets.iter().any(is_due) || !self.session.state.delivered().is_empty();
        if is_due && !close::by_child(Some(self.report), self.targets, &self.lease, None) {
            let paths: Vec<PathBuf> = self.targets.iter().map(|target| target.path.clone()).collect();
            close::here(self.report, self.session, &paths, &self.lease);
        }
    }
}

/// Looks again whenever something changes in the state folder, until the program has ended.
pub(super) fn keep_in_mind(owed: &Mutex<Vec<Memory>>, state: &State, child: &Lease) {
    while is_alive(child) {
        let watch = Watch::on(state.folder());
        // What can't be put back now is tried again, at the end at the latest.
        lock(owed).iter_mut().for_each(|memory| drop(memory.look_in_time()));
        if watch.sleep(std::slice::from_ref(child)).is_err() {
            sleep(PAUSE);
        }
    }
}

fn lock(owed: &Mutex<Vec<Memory>>) -> MutexGuard<'_, Vec<Memory>> {
    owed.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.released {
            self.release();
        }
    }
}
