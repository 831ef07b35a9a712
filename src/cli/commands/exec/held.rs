//! The hold of `exec`, which ends whichever way `exec` does.

use crate::cli::outcome::closed_warnings;
use crate::cli::report::{GOOD, Report, Text, count};
use crate::plan::{Journal, Lease};
use crate::session::{Outcome, Release, Session, Target};

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
        for target in self.targets {
            let shown = self.report.path(&target.path);
            match self.session.unrender(&target.path, &Release::Holder(self.lease.clone())) {
                Ok(done) => match done.outcome {
                    Outcome::Closed(closed) => {
                        let rest = format!(" {shown}: {} taken out", count(closed.removed, "secret"));
                        self.report.detail(Text::new().styled(GOOD, "unrendered").plain(rest));
                        closed_warnings(self.report, &done.path, &closed);
                    }
                    Outcome::Held(others) => {
                        let others = count(others.len(), "other");
                        self.report.detail(Text::new().plain(format_args!("{shown} stays rendered for {others}")));
                    }
                    Outcome::NotRendered => {}
                },
                Err(error) => self.report.error(&error),
            }
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
