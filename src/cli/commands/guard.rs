//! `keystencil guard`: the detached process that waits for holders to die. Started by `exec` and by the hooks.

use crate::cli::environment;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::host::guard::{detach, start};
use crate::host::process::{self, Process};
use crate::session::{Session, State};
use crate::template::Variables;
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Wait until nobody holds a target any more, then take the secrets out
#[derive(Debug, Args)]
#[command(hide = true)]
pub(in crate::cli) struct GuardArgs {
    /// The state folder
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) state: PathBuf,
    /// The live file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) target: PathBuf,
    /// The process that is about to render
    #[arg(long, value_name = "PID")]
    pub(in crate::cli) starter: Option<u32>,
}

/// Needs no environment, no config and no store.
pub(in crate::cli) fn run(args: &GuardArgs) -> Result<Exit, CliError> {
    detach();
    let starter = args.starter.and_then(Process::find).map(|process| process.lease(None, Timestamp::now()));
    let session = Session {
        state: State::new(args.state.clone()),
        variables: &Variables::default(),
        resolve: &|_| Ok(BTreeMap::new()),
        env: &|_| None,
        now: Timestamp::now,
    };
    session.guard(&args.target, starter.as_ref())?;
    Ok(Exit::Done)
}

/// Starts the guard of a target, which ends at once if there is one. Without it the next command recovers, so that a
/// machine on which it can't be started is no reason to stop.
pub(in crate::cli) fn watch(state: &Path, target: &Path) {
    let Some(program) = environment::own_program() else { return };
    let Ok(target) = std::path::absolute(target) else { return };
    let starter = process::Process::current().pid.to_string();
    let arguments: [OsString; 7] = [
        "guard".into(),
        "--state".into(),
        state.into(),
        "--target".into(),
        target.into(),
        "--starter".into(),
        starter.into(),
    ];
    let _ = start(&program, arguments.iter().map(OsString::as_os_str));
}
