//! `keystencil exec`.

mod close;
mod held;
mod helpers;
#[cfg(unix)]
pub(in crate::cli) mod signals;
#[cfg(unix)]
mod start;
mod window;

pub(in crate::cli) use helpers::Helper;

use super::guard::watch;
use super::install::real_program;
use super::render::ConflictArgs;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::{AllowNewArgs, ensure};
use crate::cli::helper;
use crate::cli::holder::goes_without_grants;
use crate::cli::outcome::render_warnings;
use crate::cli::recording::tell_unfit;
use crate::cli::recovery::recover;
use crate::cli::report::{GOOD, Report, Text, count};
use crate::cli::targets::{PairArgs, select};
use crate::host::process::{Process, is_alive};
use crate::journal::Lease;
use crate::session::{RenderOptions, Rendered, Session, Target};
use clap::{Args, ValueEnum};
use close::not_started;
use held::Held;
use jiff::Timestamp;
use std::ffi::{OsStr, OsString};
use std::io;
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};

/// The values of `--window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Window {
    /// Until CMD ends: programs that it starts later get the secrets too
    Session,
    /// Until CMD has started its servers: about half a second of plain text. A server that is reconnected by hand later
    /// gets a placeholder
    Start,
}

/// First arguments with which a program starts no session, and needs no secret.
const WITHOUT_SESSION: [&str; 4] = ["--version", "-v", "--help", "-h"];

/// Run a program with secrets in place, and remove them when it exits
///
/// The program has the terminal to itself. Signals are passed on to it; Ctrl-Z and
/// `fg` work. However it ends, the secrets are removed afterwards. Messages of
/// keystencil go to standard error.
///
/// Exit status: that of the program, or 128 plus the number of the signal that
/// killed it; 127 if the program is not found, 126 if it can't be run, 125 if
/// keystencil failed before starting it.
///
/// Examples:
///
///     keystencil exec -- claude
///     keystencil exec --target claude -- claude --resume
///     keystencil exec --template t.json --to ~/.cursor/mcp.json -- cursor .
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ExecArgs {
    /// A target of the config; may be repeated [default: all of them]
    #[arg(long = "target", value_name = "TARGET", conflicts_with_all = ["template", "to"])]
    targets: Vec<String>,
    #[command(flatten)]
    pair: PairArgs,
    #[command(flatten)]
    conflict: ConflictArgs,
    #[command(flatten)]
    allow: AllowNewArgs,
    /// How long the secrets stay in the files
    #[arg(long, value_name = "WINDOW", default_value = "session", env = "KEYSTENCIL_WINDOW", hide_env_values = true)]
    window: Window,
    /// Pass over keystencil's own shims when CMD is looked for, and run it without secrets if they can't be had
    #[arg(long, hide = true)]
    behind_shim: bool,
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub(in crate::cli) fn run(context: &Context, args: &ExecArgs) -> Result<Exit, CommandError> {
    let Some((program, arguments)) = args.command.split_first() else { return Ok(Exit::BEFORE_CMD) };
    if !args.behind_shim {
        let done = with_secrets(context, args, program, arguments)?;
        return Ok(done.unwrap_or(Exit::BEFORE_CMD));
    }
    let Some(real) = real_program(&program.to_string_lossy()) else {
        let none = io::Error::new(io::ErrorKind::NotFound, "the only program of that name on PATH is the shim");
        return Ok(not_started(&context.report, program, &none));
    };
    if !arguments.first().is_some_and(|first| WITHOUT_SESSION.iter().any(|word| first == word)) {
        // A shim is in the way of its program if a keyring that does not answer keeps it from starting.
        match with_secrets(context, args, real.as_os_str(), arguments) {
            Ok(Some(exit)) => return Ok(exit),
            Ok(None) => {}
            Err(error) => context.report.error(&error),
        }
    }
    Ok(match context.hardened.lifted(|| Command::new(&real).args(arguments).status()) {
        Ok(status) => exit_of(status),
        Err(source) => not_started(&context.report, program, &source),
    })
}

/// This process lives as long as the program, so it has helpers touch what is secret. `None`, or an error, says that
/// the program was not started; with `None` the reason has been shown.
fn with_secrets(
    context: &Context,
    args: &ExecArgs,
    program: &OsStr,
    arguments: &[OsString],
) -> Result<Option<Exit>, CommandError> {
    let workplace = context.open()?;
    let targets = select(&workplace.config, &args.targets, &args.pair)?;
    workplace.session(|session| {
        let without_grants = goes_without_grants(&context.report, session);
        let own = Process::current().lease(None, Timestamp::now());
        #[cfg(unix)]
        let signals = signals::Signals::watch().map_err(signals_failed)?;
        let noted = match args.window {
            Window::Start => Some(session.state.open_window(&own)?),
            Window::Session => None,
        };
        // From here on secrets may be in files, and `held` takes them out on every way out, a panic included.
        let mut held = Held::new(&context.report, session, &targets, own.clone());
        let mut filling =
            helper::fill(&own, without_grants).and_then(|mut command| command.spawn()).map_err(no_filler)?;
        #[cfg(unix)]
        let filled = signals.until_end_of_helper(&mut filling);
        #[cfg(not(unix))]
        let filled = filling.wait();
        let filled = filled.map_err(no_filler)?;
        if !filled.success() {
            held.release();
            if filled.code() == Some(i32::from(Exit::BEFORE_CMD.code())) {
                return Ok(None);
            }
            #[cfg(unix)]
            if let Some(signal) = filled.signal().filter(|signal| signals::ENDING.contains(signal)) {
                // A Ctrl-C at a prompt.
                drop((held, noted));
                signals.end_by(signal);
                return Ok(Some(after_signal(signal)));
            }
            return Err(CommandError::new(format!("filling in the secrets was interrupted ({filled})")).hint(
                "the secrets were removed from the files again; was it killed, or did it run out of memory? Try again",
            ));
        }
        held.remember();
        #[cfg(unix)]
        if let Some(signal) = signals.arrived() {
            held.release();
            return Ok(Some(after_signal(signal)));
        }
        let mut child = match context.hardened.lifted(|| start(context, &own, &targets, program, arguments)) {
            Ok(child) => child,
            Err(source) => {
                held.release();
                return Ok(Some(not_started(&context.report, program, &source)));
            }
        };
        #[cfg(unix)]
        signals.forward_to(&child);
        #[cfg(not(unix))]
        share(session, &targets, &child);
        let lease = Process::find(child.id()).map(|process| process.lease(None, Timestamp::now()));
        let status = std::thread::scope(|scope| {
            if let (Window::Start, Some(lease)) = (args.window, &lease) {
                let state = session.state.clone();
                let (targets, own) = (&targets, &own);
                scope.spawn(move || window::run(&Session::closing(state), targets, own, lease));
            }
            if let Some(lease) = &lease {
                let (owed, state) = (held.owed(), session.state.clone());
                scope.spawn(move || held::keep_in_mind(owed, &state, lease));
            }
            #[cfg(unix)]
            signals.until_end_of(&child);
            child.wait()
        });
        held.release();
        drop(noted);
        Ok(Some(status.map_or(Exit::BEFORE_CMD, exit_of)))
    })
}

/// Renders for the `exec` that is process `owner`: what its helper does. The secrets go with this process.
pub(in crate::cli) fn fill(
    context: &Context,
    args: &ExecArgs,
    owner: &Process,
    without_grants: bool,
) -> Result<Exit, CommandError> {
    // A prompt must not outlive the process that waits for it.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    let workplace = context.open()?.without_grants(without_grants);
    let targets = select(&workplace.config, &args.targets, &args.pair)?;
    let holder = owner.lease(None, Timestamp::now());
    workplace.session(|session| {
        let options = RenderOptions { holder, on_conflict: args.conflict.choice(), joins: false };
        recover(&context.report, session).warn(&context.report);
        let jobs = session.open_all(&targets)?;
        ensure(&workplace, session, &jobs, options.on_conflict, args.allow)?;
        // A keyring may ask for a password here, so until this is done Ctrl-C still ends us at once.
        let ready = session.prepare(&jobs)?;
        // Then it does not: `exec` hears it as well, and decides.
        #[cfg(unix)]
        let _signals = signals::Signals::watch().map_err(signals_failed)?;
        for target in &targets {
            watch(&context.environment.state, &target.path);
        }
        say_rendered(&context.report, &targets, &ready.render(&options)?);
        for job in &jobs {
            tell_unfit(&context.report, job);
        }
        if !is_alive(&options.holder) {
            drop(session.recover());
            return Ok(Exit::BEFORE_CMD);
        }
        Ok(Exit::Done)
    })
}

/// Starts the program.
#[cfg(unix)]
fn start(
    context: &Context,
    own: &Lease,
    targets: &[Target],
    program: &OsStr,
    arguments: &[OsString],
) -> io::Result<Child> {
    start::Start::command(&context.report, own, targets, program, arguments)?.spawn()
}

/// Starts the program.
#[cfg(not(unix))]
fn start(
    _context: &Context,
    _own: &Lease,
    _targets: &[Target],
    program: &OsStr,
    arguments: &[OsString],
) -> io::Result<Child> {
    Command::new(program).args(arguments).spawn()
}

/// The child holds as well: should this process be killed, the secrets stay for as long as the child runs.
#[cfg(not(unix))]
fn share(session: &Session<'_>, targets: &[Target], child: &Child) {
    let Some(process) = Process::find(child.id()) else { return };
    let lease = process.lease(None, Timestamp::now());
    for target in targets {
        // Our own hold is enough while we live, so a failure here is nothing to interrupt a session for.
        let _ = session.hold(&target.path, lease.clone());
    }
}

fn say_rendered(report: &Report, targets: &[Target], done: &[Rendered]) {
    for (target, rendered) in targets.iter().zip(done) {
        let (shown, filled) = (report.path(&target.path), count(rendered.slots, "slot"));
        report.detail(Text::new().styled(GOOD, "rendered").plain(format_args!(" {shown}: {filled} filled")));
        render_warnings(report, target, rendered);
    }
}

pub(in crate::cli) fn exit_of(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    if let Some(signal) = status.signal() {
        return after_signal(signal);
    }
    // Unix has no wider status. Windows has, and then a failure must not become a success.
    let code = status.code().unwrap_or(1);
    Exit::Status(u8::try_from(code).unwrap_or(1))
}

#[cfg(unix)]
fn after_signal(signal: i32) -> Exit {
    Exit::Status(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

#[allow(clippy::needless_pass_by_value)]
#[cfg(unix)]
fn signals_failed(source: io::Error) -> CommandError {
    CommandError::new(format!("cannot watch signals: {source}"))
}

#[allow(clippy::needless_pass_by_value)]
fn no_filler(source: io::Error) -> CommandError {
    CommandError::new(format!("keystencil cannot start itself to fill in the secrets: {source}"))
        .hint("does keystencil's own file still exist, and is it executable?")
}
