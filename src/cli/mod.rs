//! The commands. All printing, all reading of the environment, and the exit status are here and nowhere else.
//!
//! [`run`] is a whole program: it closes itself to core dumps, reads the command line, runs a verb of `commands`, and
//! reports. A verb gets a `Context` and answers with an `Exit` or an error; it never ends the process itself.

mod agents;
mod args;
mod commands;
mod config;
mod context;
mod delivering;
mod environment;
mod error;
mod exit;
mod exposed;
mod global;
mod granting;
mod harden;
mod helper;
mod hints;
mod holder;
mod logging;
mod lookup;
mod naming;
mod outcome;
mod progress;
mod protected;
mod recording;
mod recovery;
mod report;
mod revocation;
mod rotation;
mod suggest;
mod targets;
mod terminal_prompt;
mod typed;
mod usage;

use args::{Cli, Command, EarlyArgs};
use clap::CommandFactory as _;
use commands::{
    absorb, allow, check, completions, demo, diff, doctor, exec, git, guard, headers, hook, import, init, install, log,
    man, purge, recover, render, secret, status, unlock, unrender, vault,
};
use context::Context;
use environment::Environment;
use error::CommandError;
use exit::Exit;
use report::Report;
use std::process::ExitCode;

/// Runs the command line, and returns the exit status.
pub fn run() -> ExitCode {
    let hardened = harden::core_dumps_off();
    logging::start();
    let arguments = environment::arguments();
    if let Some(watch) = guard::Watch::asked_for(&arguments) {
        return watch.run().into();
    }
    let (helper, arguments) = exec::Helper::split(arguments);
    let early = EarlyArgs::of(&arguments);
    let failed = if early.is_exec { Exit::BEFORE_CMD } else { Exit::Failed };
    let environment = Environment::read();
    let home = environment.as_ref().map(|environment| environment.home.clone());
    let report = Report::new(early.color.into(), home, environment::working_folder());
    let owner = match (helper, &environment) {
        (None, _) => None,
        (Some(exec::Helper::Fill(owner, without_grants)), _) => Some((owner, without_grants)),
        (Some(exec::Helper::Close(close)), Some(environment)) => return close.run(report, &environment.state).into(),
        #[cfg(unix)]
        (Some(exec::Helper::Start(start)), Some(environment)) => {
            return start.run(report, &environment.state, &hardened).into();
        }
        (Some(_), None) => return Exit::Failed.into(),
    };
    if let Some(done) = demo::child::run(&report, &arguments) {
        return done.unwrap_or_else(|error| complain(&report, &error, failed)).into();
    }
    let cli = match Cli::parse_line(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && early.must_hide(&error) => {
            return complain(&report, &secret::ValueError::Argument.into(), failed).into();
        }
        Err(error) => {
            let said = report.clap(&error);
            let exit = if error.use_stderr() { failed } else { Exit::Done };
            return said.map_or_else(|error| complain(&report, &error, failed), |()| exit).into();
        }
    };
    let report = report.asked(&cli.global);
    let Some(environment) = environment else {
        return complain(
            &report,
            &CommandError::new("cannot find the home directory").hint("set HOME to the folder that holds your files"),
            failed,
        )
        .into();
    };
    let context = Context::new(report, environment, hardened, cli.global);
    let done = match (&owner, &cli.command) {
        (Some((owner, without_grants)), Command::Exec(args)) => exec::fill(&context, args, owner, *without_grants),
        (_, command) => dispatch(&context, command),
    };
    done.unwrap_or_else(|error| complain(&context.report, &error, failed)).into()
}

fn dispatch(context: &Context, command: &Command) -> Result<Exit, CommandError> {
    match command {
        Command::Exec(args) => exec::run(context, args),
        Command::Run(args) => commands::run::run(context, args),
        Command::Headers(args) => headers::run(context, args),
        Command::Render(args) => render::run(context, args),
        Command::Unrender(args) => unrender::run(context, args),
        Command::Diff(args) => diff::run(context, args),
        Command::Absorb(args) => absorb::run(context, args),
        Command::Check(args) => check::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Recover(args) => recover::run(context, args),
        Command::Log(args) => log::run(context, args),
        Command::Secret(args) => secret::run(context, args),
        Command::Import(args) => import::run(context, args),
        Command::Allow(args) => allow::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Purge(args) => purge::run(context, args),
        Command::Vault(args) => vault::run(context, args),
        Command::Unlock(args) => unlock::unlock(context, args),
        Command::Lock(args) => unlock::lock(context, args),
        Command::Init(args) => init::run(context, args),
        Command::Install(args) => install::install(context, args),
        Command::Uninstall(args) => install::uninstall(context, args),
        Command::Hook(args) => hook::run(context, args),
        Command::Git(args) => git::run(context, args),
        Command::Demo(args) => demo::run(context, args),
        Command::Completions(args) => completions::run(context, args, Cli::command()),
        Command::Man(args) => man::run(context, args, Cli::command()),
    }
}

fn complain(report: &Report, error: &CommandError, failed: Exit) -> Exit {
    if error.is_broken_pipe() {
        return Exit::BROKEN_PIPE;
    }
    report.error(error);
    failed
}
