//! Who holds the rendered form: the process named by `--owner`, or else by `$CLAUDE_PID`, or else no process.

use super::environment;
use super::error::CommandError;
use super::report::{Report, Warning, warning};
use crate::host::agents::nearest_agent;
use crate::host::process::{Process, manual_lease};
use crate::journal::Lease;
use crate::session::{Session, SessionError};
use jiff::Timestamp;

/// The process id that was given, if any.
///
/// # Errors
/// [`CommandError`] if `$CLAUDE_PID` is not one.
fn owner(named: Option<u32>) -> Result<Option<u32>, CommandError> {
    if named.is_some() {
        return Ok(named);
    }
    environment::claude_pid()
        .map(|text| {
            text.parse().map_err(|_| {
                CommandError::new(format!("`{text}` is not a process id"))
                    .hint("name a running process by its number, as `ps` shows it")
            })
        })
        .transpose()
}

/// The lease of the process that will hold.
///
/// # Errors
/// [`CommandError`], or [`SessionError::NoOwner`] if there is no such process.
pub(super) fn of_render(named: Option<u32>, session: Option<String>) -> Result<Lease, CommandError> {
    let now = Timestamp::now();
    match owner(named)? {
        None => Ok(manual_lease(session, now)),
        Some(pid) => Ok(Process::find(pid).ok_or(SessionError::NoOwner { pid })?.lease(session, now)),
    }
}

/// The lease of the process whose hold ends; `None` if that process is gone, and its hold with it.
///
/// # Errors
/// [`CommandError`].
pub(super) fn of_unrender(named: Option<u32>) -> Result<Option<Lease>, CommandError> {
    let now = Timestamp::now();
    Ok(match owner(named)? {
        None => Some(manual_lease(None, now)),
        Some(pid) => Process::find(pid).map(|process| process.lease(None, now)),
    })
}

/// Whether `KEYSTENCIL_GRANTS=off` counts: for the user's command, and not for what runs below a host application that
/// holds a target now, or below an AI tool, since that runs commands of its own.
pub(super) fn goes_without_grants(report: &Report, session: &Session<'_>) -> bool {
    if !environment::is_grants_off() {
        return false;
    }
    let client = environment::claude_pid().and_then(|pid| pid.parse().ok()).and_then(Process::find);
    let below = Process::current().ancestors().into_iter().find(|process| session.is_holding(process));
    let tool = || nearest_agent(&Process::current()).map(|(process, name)| (process.pid, name.to_owned()));
    let host = client.or(below).map(|process| (process.pid, process.program)).or_else(tool);
    let Some((pid, name)) = host else { return true };
    report.warning(&Warning {
        hint: Some(
            "look at what is new with `keystencil allow --pending`, and allow it in a terminal of your own".into(),
        ),
        ..warning(format!("KEYSTENCIL_GRANTS=off does not count below {name} (process {pid})"))
    });
    false
}
