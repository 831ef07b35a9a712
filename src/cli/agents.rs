//! What is asked of a person, and refused below an AI tool that this state knows.
//!
//! A tool that runs commands by itself should not print keys, or say yes, in passing. This is friction and no fence: a
//! program that runs as the person can start where nothing is seen above it, or with another state. What decides is
//! `session/agents.rs`.

use super::context::Workplace;
use super::environment;
use super::error::CommandError;
use super::hints;
use super::report::{Text, Warning, warning};
use crate::host::agents::{above, agent};
use crate::host::process::Process;
use crate::session::{Event, Record, Session, Via};
use jiff::Timestamp;
use std::path::PathBuf;

/// An AI tool, and its name.
pub(super) type Tool = (Process, &'static str);

/// Every AI tool above this process, and the client that Claude Code says called it.
fn tools() -> Vec<Tool> {
    let found = above(&Process::current()).into_iter().filter_map(|above| Some((above.process, above.agent?)));
    let client = environment::claude_pid().and_then(|pid| pid.parse().ok()).and_then(Process::find);
    let client = client.and_then(|client| Some((agent(&client)?, client)));
    found.chain(client.map(|(name, client)| (client, name))).collect()
}

/// The AI tool above this process that this state knows, unless a person lets tools do what is asked of a person.
pub(super) fn barring(session: &Session<'_>) -> Option<Tool> {
    let known = tools().into_iter().find(|(tool, _)| session.state.knows(tool))?;
    (!session.lets_agents()).then_some(known)
}

/// Refuses what is for a person if an AI tool asks for it.
///
/// # Errors
/// [`CommandError`] that names the tool, and what to do instead.
pub(super) fn refuse(session: &Session<'_>, what: &str) -> Result<(), CommandError> {
    let Some((tool, name)) = barring(session) else { return Ok(()) };
    let error = CommandError::new(format!("`{what}` is for a person, and {name} (process {}) runs it", tool.pid));
    Err(error.hint(hints::agents::for_a_person()))
}

/// The same for a verb that needs no session otherwise.
///
/// # Errors
/// As [`refuse`].
pub(super) fn for_a_person(workplace: &Workplace<'_>, what: &str) -> Result<(), CommandError> {
    workplace.session(|session| refuse(session, what))
}

/// Whether a person can be asked: at a terminal, and not below an AI tool, which may have one.
pub(super) fn may_ask(workplace: &Workplace<'_>, session: &Session<'_>) -> bool {
    if !environment::is_interactive() {
        return false;
    }
    let Some((tool, name)) = barring(session) else { return true };
    workplace.report().warning(&Warning {
        hint: Some(hints::agents::not_asked()),
        ..warning(format!("nobody is asked, since {name} (process {}) runs this", tool.pid))
    });
    false
}

/// Asks whether AI tools may do what is asked of a person, if the config says so and nobody said yes to that. A yes to a
/// config that does not say so any more is forgotten.
///
/// # Errors
/// [`CommandError`] if the terminal can't be read, or the yes not kept.
pub(super) fn settle(workplace: &Workplace<'_>, session: &Session<'_>) -> Result<(), CommandError> {
    let config = workplace.context.real_config();
    if !workplace.config.lets_agents {
        return Ok(session.forget_agents(&config)?);
    }
    if session.lets_agents() {
        return Ok(());
    }
    let report = workplace.report();
    let shown = report.path(&config);
    if !environment::is_interactive() {
        let text =
            format!("{shown} lets AI tools read secrets and say yes; that counts once you allow it at a terminal");
        report.note(Text::new().plain(text));
        return Ok(());
    }
    let question = format!("{shown} lets AI tools read secrets, and say yes in your place. Allow this?");
    if report.ask_yes(&Text::new().plain(question))? {
        session.let_agents()?;
        log(session, Event::Allow, config, Vec::new());
    }
    Ok(())
}

/// Notes that a verb shows secrets to whoever called it.
pub(super) fn log_reading(workplace: &Workplace<'_>, event: Event, target: PathBuf, secrets: Vec<String>) {
    workplace.session(|session| log(session, event, target, secrets));
}

/// Notes a reading or a yes, with the programs that led to it.
pub(super) fn log(session: &Session<'_>, event: Event, target: PathBuf, secrets: Vec<String>) {
    let via = Via::of(&above(&Process::current()));
    session.state.log(&Record::plain(Timestamp::now(), event, target, secrets, via));
}
