//! Takes out what crashed holders left: `recover`, and what `render`, `unrender` and `exec` do first.

use super::error::CommandError;
use super::exit::Exit;
use super::outcome::closed_warnings;
use super::report::{GOOD, Report, Text, Warning, count, warning};
use crate::cli::hints;
use crate::error::Explain as _;
use crate::session::{Closed, Outcome, Session, SessionError, Unrendered};
use std::path::Path;

/// What came of it.
#[must_use = "its failures are to be told"]
pub(super) struct Recovery {
    /// Whether anything is left to the user.
    pub(super) exit: Exit,
    /// Whether any secret was taken out.
    pub(super) did_any: bool,
    /// What could not be recovered.
    pub(super) errors: Vec<SessionError>,
}

/// Recovers every target, and says what was done.
pub(super) fn recover(report: &Report, session: &Session<'_>) -> Recovery {
    let mut recovery = Recovery { exit: Exit::Done, did_any: false, errors: Vec::new() };
    for recovered in session.recover() {
        match recovered {
            Ok(Unrendered { path, outcome: Outcome::Closed(closed) }) => {
                recovery.did_any = true;
                recovery.exit = recovery.exit.and(say(report, &path, &closed));
            }
            Ok(_) => {}
            Err(error) => recovery.errors.push(error),
        }
    }
    recovery
}

impl Recovery {
    /// Warns of the failures: a command's own work does not fail because of what another program left.
    pub(super) fn warn(&self, report: &Report) {
        self.warn_unless(report, |_| false);
    }

    /// Ends a command that recovered first: warns, except of what the command itself failed with.
    pub(super) fn then(self, report: &Report, result: Result<Exit, CommandError>) -> Result<Exit, CommandError> {
        let same = |error: &SessionError| {
            let is_told = |told: &CommandError| told.to_string() == error.to_string() && told.place() == error.place();
            result.as_ref().err().is_some_and(is_told)
        };
        self.warn_unless(report, same);
        result.map(|exit| exit.and(self.exit))
    }

    fn warn_unless(&self, report: &Report, is_told: impl Fn(&SessionError) -> bool) {
        for error in self.errors.iter().filter(|error| !is_told(error)) {
            let message = format!("cannot remove what a crashed program left behind: {error}");
            report.warning(&Warning { place: error.place(), hint: hints::of(error), ..warning(message) });
        }
    }
}

fn say(report: &Report, path: &Path, closed: &Closed) -> Exit {
    let (shown, secrets) = (report.path(path), count(closed.removed, "secret"));
    // What had been moved away is reported with its place.
    if closed.removed > 0 || closed.elsewhere.is_empty() {
        let rest = format!(" {shown}: {secrets} taken out, left behind by a program that is gone");
        report.note(Text::new().styled(GOOD, "recovered").plain(rest));
    }
    closed_warnings(report, path, closed)
}
