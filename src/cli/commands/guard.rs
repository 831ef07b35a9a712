//! `keystencil guard`: the detached process that waits for holders to die. Started by `exec` and by the hooks, not by a
//! person, and so not a verb of the command line: it is recognised before that is parsed, which keeps it small.

use crate::cli::exit::Exit;
use crate::cli::helper;
use crate::host::guard::{detach, start};
use crate::host::process::Process;
use crate::session::{Release, Session, State};
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The first argument of a guard, …
const VERB: &str = "guard";
/// … and that of its helper, which takes out what dead holders left.
const CLOSE: &str = "guard-close";

/// What a guard, or its helper, was asked to do.
#[derive(Debug)]
pub(in crate::cli) struct Watch {
    state: PathBuf,
    target: PathBuf,
    /// Who is about to render; of a guard only.
    starter: Option<Process>,
    is_helper: bool,
}

impl Watch {
    /// Reads the command line that [`watch`] makes, the state folder, the live file, and who is about to render it; or
    /// that of the guard's helper.
    pub(in crate::cli) fn asked_for(arguments: &[OsString]) -> Option<Self> {
        let (state, target, starter) = match arguments {
            [verb, state, target, starter] if verb == VERB => (state, target, Some(starter)),
            [verb, state, target] if verb == CLOSE => (state, target, None),
            _ => return None,
        };
        let is_helper = starter.is_none();
        let starter = starter.and_then(|starter| Process::find(helper::number(starter)?));
        Some(Self { state: state.into(), target: target.into(), starter, is_helper })
    }

    /// Waits, or does the helper's work. Needs no environment, no config and no store.
    pub(in crate::cli) fn run(&self) -> Exit {
        helper::show_name();
        let session = Session::closing(State::new(self.state.clone()));
        let take_out = || session.unrender(&self.target, &Release::Dead).is_ok();
        if self.is_helper {
            return if take_out() { Exit::Done } else { Exit::Failed };
        }
        detach();
        let starter = self.starter.as_ref().map(|process| process.lease(None, Timestamp::now()));
        let by_child = || self.by_child().unwrap_or_else(&take_out);
        // Nobody would see a failure; the next command recovers, and reports it.
        session.guard(&self.target, starter.as_ref(), &by_child).map_or(Exit::Failed, |()| Exit::Done)
    }

    /// Has a child read the live file, for this process lives on. `None` if that can't be started or was killed.
    fn by_child(&self) -> Option<bool> {
        let mut command = helper::start(CLOSE).ok()?;
        command.args([&self.state, &self.target]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok()?.code().map(|code| code == 0)
    }
}

/// Starts the guard of a target, which ends at once if there is one. Without it the next command recovers, so that a
/// machine on which it can't be started is no reason to stop.
pub(in crate::cli) fn watch(state: &Path, target: &Path) {
    let Ok(target) = std::path::absolute(target) else { return };
    let Ok(mut command) = helper::start(VERB) else { return };
    command.args([state, &target]).arg(std::process::id().to_string());
    let _ = start(&mut command);
}
