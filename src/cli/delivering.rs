//! What `run`, `headers` and `allow` share: the name of a server, what the machine adds to its record, and how a failure is
//! told to a host in one line.

use super::context::{Context, Workplace};
use super::environment::{own_program, search_path, variables, working_folder};
use super::error::CommandError;
use super::hints::delivery;
use super::report::{GOOD, Report, Text, count};
use super::targets::of_config;
use crate::consent::record::{Differs, Entry, Machine, Server, Unfit};
use crate::document::Pointer;
use crate::error::Explain as _;
use crate::host::agents::above;
use crate::host::process::Process;
use crate::host::program::find_all;
use crate::host::servers::HostReferences;
use crate::journal::Lease;
use crate::plan::wrap::For;
use crate::session::{DeliverError, Delivery, Event, Job, Receiver, Record, Recorded, Session, SessionError, Via, Who};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What a host runs a helper's command line by.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ash", "busybox"];

/// The record of a server.
///
/// # Errors
/// [`CommandError`] if the config has no such target, or nobody allowed the server.
pub(super) fn recorded(
    server: &For,
    workplace: &Workplace<'_>,
    session: &Session<'_>,
) -> Result<Recorded, CommandError> {
    let targets = of_config(&workplace.config, std::slice::from_ref(&server.target))?;
    let target = targets.first().ok_or_else(|| CommandError::new("there is no such target"))?;
    session.recorded(target, &server.pointer).map_err(|error| explained(server, error))
}

/// An error with what helps for this server.
pub(super) fn explained(server: &For, error: DeliverError) -> CommandError {
    let hint = delivery::deliver(&server.target, &error);
    let error = match error {
        DeliverError::Missing(error) => error.into(),
        DeliverError::Session(error) => error.into(),
        error => CommandError::of(error),
    };
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What is there now is not what was allowed.
pub(super) fn differs(server: &For, differs: &Differs) -> CommandError {
    CommandError::new(differs.to_string()).hint(delivery::differs(&server.target, differs))
}

/// What is noted of a delivery.
pub(super) struct Delivered<'a> {
    /// The target of the server, or the program.
    pub(super) target: &'a Path,
    /// The server in the target.
    pub(super) server: Option<&'a Pointer>,
    /// The program that gets the values; `None` if they are printed for whoever called.
    pub(super) program: Option<&'a Path>,
    pub(super) delivery: &'a Delivery,
    pub(super) dropped: Vec<String>,
}

/// Notes a delivery that is about to be made, in the log and for as long as it counts; failures are let go.
pub(super) fn note(session: &Session<'_>, event: Event, delivered: Delivered<'_>) {
    let (own, now) = (Process::current(), Timestamp::now());
    let named = delivered.program.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    // What is printed counts for the program that asked; a program that is started keeps this process's id.
    let counts = if delivered.program.is_some() { own.clone() } else { caller(&own).unwrap_or_else(|| own.clone()) };
    let mut process = counts.lease(None, now);
    process.program = if delivered.program.is_some() { named.clone() } else { process.program };
    let above = above(&own);
    let nearest = above.iter().find_map(|above| Some((&above.process, above.agent?)));
    let agent = nearest.map(|(tool, name)| Lease { program: Some(name.to_owned()), ..tool.lease(None, now) });
    let receiver = Receiver { target: delivered.target, server: delivered.server, process, agent };
    session.state.note_delivery(delivered.delivery, receiver);
    let (target, secrets) = (delivered.target.to_owned(), delivered.delivery.placeholders());
    session.state.log(&Record {
        holders: vec![Who { pid: Some(own.pid), program: named.or(Some(own.program)), session: None }],
        dropped: delivered.dropped,
        ..Record::plain(now, event, target, secrets, Via::of(&above))
    });
}

/// The program that called this one: the nearest above it that is no shell, since a host runs its helper by one.
fn caller(own: &Process) -> Option<Process> {
    own.ancestors().into_iter().find(|process| !SHELLS.contains(&process.program.as_str()))
}

/// Whether a program is this one, by whatever name.
pub(super) fn is_own(program: &Path) -> bool {
    let own = own_program().and_then(|own| own.canonicalize().ok());
    own.is_some() && program.canonicalize().ok() == own
}

/// Where a command is found now, with its interpreter; nothing if it is not.
pub(super) fn found(command: &str, path: Option<&str>) -> Vec<PathBuf> {
    let folders = path.map_or_else(search_path, |path| std::env::split_paths(path).collect());
    working_folder().map(|working| find_all(command, &folders, &working)).unwrap_or_default()
}

/// Records the servers of a target that a person has just allowed, for delivery without a file. What can't be delivered so
/// has no record, and is told where it is asked for.
///
/// # Errors
/// [`SessionError`] as for [`Job::record_servers`].
pub(super) fn record(job: &Job<'_>) -> Result<(), SessionError> {
    if job.is_guarded() { job.record_servers(unrecorded(job)?) } else { Ok(()) }
}

/// The servers of a target whose secrets are allowed, and that have no record which says what they are now.
///
/// # Errors
/// [`SessionError`] as for [`Job::servers`].
pub(super) fn unrecorded(job: &Job<'_>) -> Result<Vec<Server>, SessionError> {
    let found = |command: &str, path: Option<&str>| match found(command, path) {
        found if found.first().is_some_and(|program| is_own(program)) => Err(Unfit::Itself),
        found if found.is_empty() => Err(Unfit::NotFound),
        found => Ok(found),
    };
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: Vec<(String, String)> = variables().into_iter().filter_map(text).collect();
    let references = HostReferences::of(&job.target.path);
    job.unrecorded(job.servers(&Machine { found: &found, variables: &variables, references })?)
}

/// Asks at a terminal for the servers that are allowed and have no record of now: their program moved, say.
///
/// # Errors
/// [`CommandError`] if the records can't be read, sealed or written, or the terminal can't be read.
pub(super) fn ensure_recorded(report: &Report, session: &Session<'_>, jobs: &[Job<'_>]) -> Result<(), CommandError> {
    for job in jobs {
        let servers = unrecorded(job)?;
        if servers.is_empty() {
            continue;
        }
        let head = Text::new()
            .plain(report.path(&job.target.path))
            .plain(": started by `keystencil run`, these get their secrets")
            .end();
        let shown = servers.iter().fold(head, |text, server| {
            let text = text.plain("  ").plain(&server.pointer);
            match &server.entry {
                Entry::Started(started) => {
                    started.found.iter().fold(text, |text, at| text.plain(" ").plain(at.display()))
                }
                Entry::Reached(reached) => text.plain(" ").plain(&reached.origin),
            }
            .end()
        });
        report.tell(&shown);
        if report.ask_yes(&Text::new().plain("Allow this?"))? {
            let number = servers.len();
            let texts: Vec<&str> = servers.iter().flat_map(Server::texts).collect();
            let secrets = crate::session::placeholders(&texts);
            job.record_servers(servers)?;
            super::agents::log(session, Event::Allow, job.target.path.clone(), secrets);
            report.note(Text::new().styled(GOOD, "allowed").plain(format_args!(" {}", count(number, "server"))));
        }
    }
    Ok(())
}

/// Tells a host why a server gets nothing: in one line, since hosts show the last one, or cut.
pub(super) fn complain(context: &Context, server: &For, error: &CommandError) {
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!("{server}: {}", one_line(error.to_string()));
    for other in error.others() {
        text.push_str(&format!("; {}", one_line(other.to_string())));
    }
    if let Some(place) = error.place() {
        text.push_str(&format!(", at {}", one_line(place.to_string())));
    }
    let hint = error.hint().unwrap_or_else(|| "`keystencil doctor` tells more".to_owned());
    text.push_str(&format!(" (hint: {})", one_line(hint)));
    context.report.one_line(&text);
}
