//! The start of the program that `exec` runs: a helper takes a hold for its own process and then becomes the program.
//!
//! So the program holds from its first instruction, under the id and the start time it has for good. If `exec` itself
//! took that hold, the program would lose its secrets should `exec` be killed between starting it and saying so.

use super::close::{self, not_started};
use crate::cli::exit::Exit;
use crate::cli::harden::Hardened;
use crate::cli::helper::{self, number, process};
use crate::cli::report::Report;
use crate::host::process::{Process, is_alive};
use crate::journal::Lease;
use crate::session::{Session, State, Target};
use jiff::Timestamp;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that is to hold targets and to be run.
#[derive(Debug)]
pub(in crate::cli) struct Start {
    tone: String,
    owner: Process,
    paths: Vec<PathBuf>,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Start {
    /// The helper that becomes the program.
    pub(super) fn command(
        report: &Report,
        own: &Lease,
        targets: &[Target],
        program: &OsStr,
        arguments: &[OsString],
    ) -> io::Result<Command> {
        let mut command = helper::become_program()?;
        command.arg(report.tone()).arg(helper::id(own)).arg(targets.len().to_string());
        command.args(targets.iter().map(|target| &target.path)).arg(program).args(arguments);
        Ok(command)
    }

    /// Reads the command line that [`Self::command`] makes.
    pub(in crate::cli) fn read(arguments: &[OsString]) -> Option<Self> {
        let [tone, owner, count, rest @ ..] = arguments else { return None };
        let (paths, command) = rest.split_at_checked(usize::try_from(number(count)?).ok()?)?;
        let (program, arguments) = command.split_first()?;
        Some(Self {
            tone: tone.to_str()?.to_owned(),
            owner: process(owner)?,
            paths: paths.iter().map(PathBuf::from).collect(),
            program: program.clone(),
            arguments: arguments.to_vec(),
        })
    }

    /// Becomes the program; returns only if that can't be.
    pub(in crate::cli) fn run(&self, report: Report, state: &Path, hardened: &Hardened) -> Exit {
        let report = report.in_tone(&self.tone);
        let session = Session::closing(State::new(state.to_owned()));
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        let own = Process { program: name.to_string_lossy().into_owned(), ..Process::current() };
        let lease = own.lease(None, Timestamp::now());
        // The hold of `exec` is enough while that lives, so a failure here is nothing to keep a program from starting
        // for.
        let holds = self.paths.iter().filter(|path| session.hold(path, lease.clone()).unwrap_or(false)).count();
        let owner = self.owner.lease(None, Timestamp::now());
        if !is_alive(&owner) && holds < self.paths.len() {
            // `exec` was killed, and the secrets may be out already.
            close::here(&report, &session, &self.paths, &lease);
            return Exit::BEFORE_CMD;
        }
        let failed = hardened.lifted(|| Command::new(&self.program).args(&self.arguments).exec());
        close::here(&report, &session, &self.paths, &lease);
        close::here(&report, &session, &self.paths, &owner);
        not_started(&report, &self.program, &failed)
    }
}
