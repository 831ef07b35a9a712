//! The hold of `exec`, which ends whichever way `exec` does.

use crate::cli::outcome::closed_warnings;
use crate::cli::report::{GOOD, Report, Text, count};
use crate::plan::Lease;
use crate::session::{Outcome, Release, Session, Target};

/// Unrenders when dropped, unless that was done.
#[must_use = "dropping it ends the hold"]
pub(super) struct Held<'a> {
    report: &'a Report,
    session: &'a Session<'a>,
    targets: &'a [Target],
    lease: Lease,
    released: bool,
}

impl<'a> Held<'a> {
    pub(super) fn new(report: &'a Report, session: &'a Session<'a>, targets: &'a [Target], lease: Lease) -> Self {
        Self { report, session, targets, lease, released: false }
    }

    /// Ends the hold of every target, one's failure or no.
    pub(super) fn release(&mut self) {
        self.released = true;
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
