//! The end of a hold, done by a child of ours that reads the rendered file and ends; by ourselves if it can't be
//! started or is killed, since secrets that stay in a file are worse than some in a process that is closed to others.

use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::helper::{self, number, process};
use crate::cli::outcome::{closed_warnings, seen_warning};
use crate::cli::report::{GOOD, Report, Text, count};
use crate::host::process::Process;
use crate::host::profile::{ClaudeCode, Profile as _};
use crate::journal::Lease;
use crate::session::{Outcome, Release, Session, SessionError, State, Target};
use jiff::Timestamp;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Whose holds of which targets are to end.
#[derive(Debug)]
pub(in crate::cli) struct Close {
    tone: String,
    owner: Process,
    /// The program that the owner runs: its hold and those of all that it started end too.
    program: Option<u32>,
    paths: Vec<PathBuf>,
}

impl Close {
    /// Reads the command line that [`by_child`] makes.
    pub(in crate::cli) fn read(arguments: &[OsString]) -> Option<Self> {
        let [tone, owner, program, paths @ ..] = arguments else { return None };
        let program = Some(number(program)?).filter(|program| *program > 0);
        let paths = paths.iter().map(PathBuf::from).collect();
        Some(Self { tone: tone.to_str()?.to_owned(), owner: process(owner)?, program, paths })
    }

    /// Ends the holds, and says what there is to say.
    pub(in crate::cli) fn run(&self, report: Report, state: &Path) -> Exit {
        // A Ctrl-C comes to us as well, and must not end this half done.
        #[cfg(unix)]
        let _signals = super::signals::Signals::watch();
        let report = report.in_tone(&self.tone);
        let session = Session::closing(State::new(state.to_owned()));
        let owner = self.owner.lease(None, Timestamp::now());
        let mut exit = Exit::Done;
        for path in &self.paths {
            let is_due =
                |lease: &Lease| lease.same_holder(&owner) || self.program.is_some_and(|program| is_of(lease, program));
            let all = session.journal(path).ok().flatten().map(|journal| journal.leases).unwrap_or_default();
            let mut due: Vec<Release> = all.into_iter().filter(is_due).map(Release::Holder).collect();
            if due.is_empty() {
                // The owner was killed meanwhile, or the journal can't be read: then this finds the words for it.
                due.push(Release::Holder(owner.clone()));
            }
            for release in &due {
                exit = exit.and(say(&report, path, session.unrender(path, release)));
            }
        }
        // What was delivered into servers stands in no file, but the program may have noted it all the same.
        let seen = session.seen_of_deliveries(&ClaudeCode.folders(&environment::variable_os));
        if let Some(warning) = seen_warning(&report, &seen) {
            report.warning(&warning);
        }
        exit
    }
}

/// Ends the holds of this process, and those of the program that it runs, in a child. What it has to say is shown if
/// `report` is there. Whether the child did it, or told why it can't be done.
pub(super) fn by_child(report: Option<&Report>, targets: &[Target], own: &Lease, program: Option<u32>) -> bool {
    let Ok(mut command) = helper::close() else { return false };
    command.arg(report.map(Report::tone).unwrap_or_default());
    command.arg(helper::id(own)).arg(program.unwrap_or_default().to_string());
    command.args(targets.iter().map(|target| &target.path)).stdin(Stdio::null()).stdout(Stdio::null());
    if report.is_none() {
        command.stderr(Stdio::null());
    }
    let told = [Exit::Done, Exit::Failed].map(|exit| i32::from(exit.code()));
    command.status().is_ok_and(|status| status.code().is_some_and(|code| told.contains(&code)))
}

/// Ends one holder's holds in this process.
pub(super) fn here(report: &Report, session: &Session<'_>, paths: &[PathBuf], lease: &Lease) {
    for path in paths {
        say(report, path, session.unrender(path, &Release::Holder(lease.clone())));
    }
}

fn say(report: &Report, path: &Path, done: Result<crate::session::Unrendered, SessionError>) -> Exit {
    let shown = report.path(path);
    match done {
        Ok(done) => match done.outcome {
            Outcome::Closed(closed) => {
                let rest = format!(" {shown}: {} taken out", count(closed.removed, "secret"));
                report.detail(Text::new().styled(GOOD, "unrendered").plain(rest));
                closed_warnings(report, &done.path, &closed);
            }
            Outcome::Held(others) => {
                let others = count(others.len(), "other");
                report.detail(Text::new().plain(format_args!("{shown} stays rendered for {others}")));
            }
            Outcome::NotRendered => {}
        },
        Err(error) => {
            report.error(&error);
            return Exit::Failed;
        }
    }
    Exit::Done
}

/// Whether a holder is that process or one that it started.
pub(super) fn is_of(lease: &Lease, pid: u32) -> bool {
    let Some(holder) = lease.pid.and_then(Process::find) else { return false };
    holder.pid == pid || holder.ancestors().iter().any(|process| process.pid == pid)
}

/// Says why the program does not run.
pub(super) fn not_started(report: &Report, program: &OsStr, source: &io::Error) -> Exit {
    let exit = if source.kind() == io::ErrorKind::NotFound { Exit::NOT_FOUND } else { Exit::NOT_EXECUTABLE };
    let hint = match source.kind() {
        io::ErrorKind::NotFound => "is it installed, and on PATH? The secrets were removed from the files again",
        _ => "is it an executable program? The secrets were removed from the files again",
    };
    report.error(&CommandError::new(format!("cannot run `{}`: {source}", program.to_string_lossy())).hint(hint));
    exit
}
