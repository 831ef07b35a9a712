//! Records of servers, for delivery without a file: what this machine adds to one, which are missing, and how a person is
//! asked for them. Used by whatever allows, and by `status` and `doctor`; [`super::delivering`] reads them.

use super::agents::log;
use super::environment::{own_program, search_path, variables, working_folder};
use super::error::CommandError;
use super::exit::Exit;
use super::hints::delivery::unfit;
use super::report::{GOOD, Report, Text, Warning, count};
use crate::consent::record::{Entry, Machine, Server, Unfit};
use crate::document::Pointer;
use crate::error::Place;
use crate::host::program::find_all;
use crate::host::servers::HostReferences;
use crate::host::servers::find::Server as Around;
use crate::session::{Event, Job, Session, SessionError, SlotDelivery, placeholders};
use std::path::{Path, PathBuf};

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
    with_machine(job, |machine| job.unrecorded(job.servers(machine)?))
}

/// How each slot of a target is delivered; nothing if all are filled in the file, or the template can't be used.
pub(super) fn deliveries(job: &Job<'_>) -> Vec<(Pointer, SlotDelivery)> {
    if job.target.deliveries.are_files() {
        return Vec::new();
    }
    with_machine(job, |machine| job.deliveries(machine)).unwrap_or_default()
}

/// What this machine has that a record is made of.
fn with_machine<T>(job: &Job<'_>, work: impl FnOnce(&Machine<'_>) -> T) -> T {
    let found = |command: &str, path: Option<&str>| match found(command, path) {
        found if found.first().is_some_and(|program| is_own(program)) => Err(Unfit::Itself),
        found if found.is_empty() => Err(Unfit::NotFound),
        found => Ok(found),
    };
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: Vec<(String, String)> = variables().into_iter().filter_map(text).collect();
    work(&Machine { found: &found, variables: &variables, references: HostReferences::of(&job.target.path) })
}

/// Says which wrapped servers of a target would not start, and why: there can be no record of them, or none says what they
/// are now (a program moved, say).
pub(super) fn tell_unfit(report: &Report, job: &Job<'_>) -> Exit {
    let name = job.target.name.as_deref().unwrap_or_default();
    let mut exit = Exit::Done;
    let mut told = Vec::new();
    for (pointer, delivery) in deliveries(job) {
        let (why, hint) = match delivery {
            SlotDelivery::Unrecorded(Some(why)) => (why.to_string(), unfit(name, &why)),
            SlotDelivery::Unrecorded(None) => {
                ("it is not allowed as it is now".to_owned(), "`keystencil allow`".to_owned())
            }
            _ => continue,
        };
        exit = Exit::Attention;
        // Once for all slots of a server.
        let one = (Around::around(&pointer), why.clone());
        if told.contains(&one) {
            continue;
        }
        told.push(one);
        report.warning(&Warning {
            message: format!("its server is wrapped and would not start: {why}"),
            place: Some(Place::file(&job.target.path).slot(pointer.as_str())),
            hint: Some(hint),
        });
    }
    exit
}

/// Servers that would be recorded, as a person is shown them.
pub(super) fn shown_servers(report: &Report, job: &Job<'_>, servers: &[Server]) -> Text {
    let head = Text::new()
        .plain(report.path(&job.target.path))
        .plain(": started by `keystencil run`, these get their secrets")
        .end();
    servers
        .iter()
        .fold(head, |text, server| text.plain("  ").plain(&server.pointer).plain(" ").plain(leads_to(server)).end())
}

/// What a server starts, or where it is.
pub(super) fn leads_to(server: &Server) -> String {
    match &server.entry {
        Entry::Started(started) => {
            started.found.iter().map(|at| at.display().to_string()).collect::<Vec<_>>().join(" ")
        }
        Entry::Reached(reached) => reached.origin.clone(),
    }
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
        report.tell(&shown_servers(report, job, &servers));
        if report.ask_yes(&Text::new().plain("Allow this?"))? {
            let number = servers.len();
            let texts: Vec<&str> = servers.iter().flat_map(Server::texts).collect();
            let secrets = placeholders(&texts);
            job.record_servers(servers)?;
            log(session, Event::Allow, job.target.path.clone(), secrets);
            report.note(Text::new().styled(GOOD, "allowed").plain(format_args!(" {}", count(number, "server"))));
        }
    }
    Ok(())
}
