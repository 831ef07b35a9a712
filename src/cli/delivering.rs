//! What `run --for` and `headers` share: the record of a server, the note of a delivery, and how a failure is told to a host
//! in one line. Which servers are recorded is [`super::recording`]'s.

use super::context::{Context, Workplace};
use super::error::CommandError;
use super::hints::delivery;
use super::targets::of_config;
use crate::consent::record::Differs;
use crate::document::Pointer;
use crate::error::Explain as _;
use crate::host::agents::above;
use crate::host::process::Process;
use crate::journal::Lease;
use crate::plan::wrap::For;
use crate::session::{DeliverError, Delivery, Event, Receiver, Record, Recorded, Session, Via, Who};
use jiff::Timestamp;
use std::path::Path;

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
    let target = targets.first().ok_or_else(|| CommandError::new("unknown target"))?;
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
    let above = above(&own);
    let nearest = above.iter().find_map(|above| Some((&above.process, above.agent?)));
    let agent = nearest.map(|(tool, name)| Lease { program: Some(name.to_owned()), ..tool.lease(None, now) });
    // What is printed counts for the program that asked; a program that is started keeps this process's id.
    let process = match (delivered.program, &agent) {
        (Some(_), _) => Lease { program: named.clone(), ..own.lease(None, now) },
        (None, Some(agent)) => agent.clone(),
        (None, None) => caller(&own).unwrap_or_else(|| own.clone()).lease(None, now),
    };
    let receiver = Receiver { target: delivered.target, server: delivered.server, process, agent };
    session.state.note_delivery(delivered.delivery, receiver);
    let (target, secrets) = (delivered.target.to_owned(), delivered.delivery.placeholders());
    session.state.log(&Record {
        holders: vec![Who { pid: Some(own.pid), program: named.or(Some(own.program)), session: None }],
        dropped: delivered.dropped,
        ..Record::plain(now, event, target, secrets, Via::of(&above))
    });
}

/// The program that called this one, where none above it is an AI tool: the nearest that is no shell, since a host runs its
/// helper by one.
fn caller(own: &Process) -> Option<Process> {
    own.ancestors().into_iter().find(|process| !SHELLS.contains(&process.program.as_str()))
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
