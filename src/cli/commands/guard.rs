//! `keystencil guard`: the detached process that waits for holders to die. Started by `exec` and by the hooks, not by a
//! person, and so not a verb of the command line: it is recognised before that is parsed, which keeps it small.

use crate::cli::environment;
use crate::cli::exit::Exit;
use crate::host::guard::{detach, start};
use crate::host::process::Process;
use crate::session::{Session, State};
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The first argument of a guard.
const VERB: &str = "guard";

/// What a guard was asked to do.
#[derive(Debug)]
pub(in crate::cli) struct Watch {
    state: PathBuf,
    target: PathBuf,
    starter: Option<Process>,
}

impl Watch {
    /// Reads the command line that [`watch`] makes: the state folder, the live file, and who is about to render it.
    pub(in crate::cli) fn asked_for(arguments: &[OsString]) -> Option<Self> {
        let [verb, state, target, starter] = arguments else { return None };
        let starter = Process::find(starter.to_str()?.parse().ok()?);
        (verb == VERB).then(|| Self { state: state.into(), target: target.into(), starter })
    }

    /// Waits. Needs no environment, no config and no store.
    pub(in crate::cli) fn run(&self) -> Exit {
        detach();
        let starter = self.starter.as_ref().map(|process| process.lease(None, Timestamp::now()));
        let session = Session::closing(State::new(self.state.clone()));
        // There is nobody to tell of a failure; the next command recovers, and says so.
        session.guard(&self.target, starter.as_ref()).map_or(Exit::Failed, |()| Exit::Done)
    }
}

/// Starts the guard of a target, which ends at once if there is one. Without it the next command recovers, so that a
/// machine on which it can't be started is no reason to stop.
pub(in crate::cli) fn watch(state: &Path, target: &Path) {
    let Some(program) = environment::own_program() else { return };
    let Ok(target) = std::path::absolute(target) else { return };
    let starter = std::process::id().to_string();
    let arguments: [OsString; 4] = [VERB.into(), state.into(), target.into(), starter.into()];
    let _ = start(&program, arguments.iter().map(OsString::as_os_str));
}
