//! `keystencil hook`: what a host's hooks call. Never fails the host: the exit status is 0 whatever happens, and what a
//! person should know is one `systemMessage` line on standard output.

mod input;
mod named;
mod post;
mod pre;
mod whole;

use super::guard::watch;
use crate::cli::context::{Context, Workplace};
use crate::cli::environment::{self, variable_os};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::things;
use crate::cli::hints;
use crate::cli::naming;
use crate::cli::outcome::seen_warning;
use crate::cli::report::{clean, count, sentence};
use crate::cli::rotation::changed;
use crate::cli::usage::Usage;
use crate::consent::Flow;
use crate::error::Explain;
use crate::host::Resolved;
use crate::host::process::Process;
use crate::host::profile::{ClaudeCode, Profile};
use crate::journal::{Journal, Lease};
use crate::plan::OnConflict;
use crate::secret::SecretName;
use crate::session::{Outcome, Release, RenderOptions, Rendered, Session, SessionError, Target};
use crate::store::Entry;
use clap::{Args, Subcommand};
use input::{BadInput, Input};
use jiff::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Called by Claude Code's hooks, which `keystencil install claude-code` sets up
///
/// Reads the hook's JSON from standard input and answers on standard output. Always
/// exits with 0, so that it never blocks the program.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct HookArgs {
    #[command(subcommand)]
    event: Event,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum Event {
    /// A session started: its secrets stay in the file until it ends
    SessionStart,
    /// A session ended: with the last one, the secrets are removed
    SessionEnd,
    /// A tool is about to run: refuse it if it would read keys
    PreToolUse,
    /// A tool ran: replace keys in its output before the model sees it
    PostToolUse,
}

/// So many old keys are called by name.
const SHOWN: usize = 5;

/// How long the client takes to see that its config was changed, with something to spare.
const UNTIL_SEEN: Duration = Duration::from_millis(700);

pub(in crate::cli) fn run(context: &Context, args: &HookArgs) -> Result<Exit, CommandError> {
    log::debug!("the {:?} hook", args.event);
    let answered = match args.event {
        Event::SessionStart => answer(context, args.event, "SessionStart"),
        Event::SessionEnd => answer(context, args.event, "SessionEnd"),
        // What can't be looked at is passed on as it is.
        Event::PreToolUse | Event::PostToolUse => {
            let _ = if args.event == Event::PreToolUse { pre::run(context) } else { post::run(context) };
            return Ok(Exit::Done);
        }
    };
    let message = match answered {
        Ok(message) => message,
        Err(error) => Some(told(&error)),
    };
    if let Some(message) = message {
        let line = json!({ "systemMessage": format!("keystencil: {message}") });
        context.report.raw(format!("{line}\n").as_bytes())?;
    }
    Ok(Exit::Done)
}

/// What to tell the person of a session that begins or ends, if anything.
fn answer(context: &Context, event: Event, name: &str) -> Result<Option<String>, CommandError> {
    let input = match Input::read(name) {
        Ok(input) => input,
        Err(BadInput::OtherEvent(other)) => {
            return Ok(Some(format!("the {name} hook was called for {other}; nothing was done")));
        }
        Err(BadInput::Unreadable) => {
            return Ok(Some(format!("the {name} hook could not read its JSON; nothing was done")));
        }
        Err(BadInput::Late) => {
            return Ok(Some(format!("the {name} hook did not receive its JSON in time; nothing was done")));
        }
    };
    log::debug!("its input is read");
    let client = environment::claude_pid().and_then(|pid| pid.parse().ok()).and_then(Process::find);
    let Some(client) = client else {
        return Ok(Some(format!(
            "the {name} hook was called without a CLAUDE_PID of a running program; nothing was done"
        )));
    };
    let workplace = context.open_anyhow().unattended();
    let workplace = if matches!(event, Event::SessionStart) { workplace } else { workplace.looking() };
    workplace.session(|session| {
        let family = std::iter::once(client.pid).chain(client.ancestors().iter().map(|process| process.pid)).collect();
        let lease = client.lease(input.session_id.clone(), Timestamp::now());
        let call = Call { workplace: &workplace, session, lease, family };
        match event {
            Event::SessionStart => {
                session.state.note_session(&call.lease);
                let told = call.start()?;
                let all: Vec<String> = told.into_iter().chain(reminder(&workplace, session)).collect();
                Ok((!all.is_empty()).then(|| all.join(" ")))
            }
            _ if input.goes_on() => call.reopen(),
            _ => call.end(),
        }
    })
}

/// A hook's call, and the client that made it.
struct Call<'a> {
    workplace: &'a Workplace<'a>,
    session: &'a Session<'a>,
    /// The client as a holder.
    lease: Lease,
    /// The client and whoever started it.
    family: Vec<u32>,
}

impl Call<'_> {
    fn start(&self) -> Result<Option<String>, CommandError> {
        drop(self.session.recover());
        if self.has_window() {
            // `exec --window start` lets go by itself when the servers have what they need.
            return Ok(None);
        }
        let holds = |held: &Lease| held.pid.is_some_and(|pid| self.family.contains(&pid));
        let mut messages = Vec::new();
        for path in self.paths()? {
            let journal = self.session.journal(&path)?;
            if journal.is_some_and(|journal| journal.leases.iter().any(holds)) {
                // Started by `exec`: delivered. From now on the client holds for itself.
                self.session.hold(&path, self.lease.clone())?;
                self.watch(&path);
            } else if let Some(target) = self.own_target(&path) {
                self.watch(&path);
                messages.extend(self.late(&target));
            }
        }
        Ok((!messages.is_empty()).then(|| messages.join(" ")))
    }

    /// The client was started without `exec`: what its servers got can only be repaired.
    fn late(&self, target: &Target) -> Option<String> {
        let (filled, refused) = match self.render(target) {
            Ok(rendered) => (if rendered.changed { rendered.slots } else { 0 }, rendered.refused),
            Err(error) => return Some(told(&error)),
        };
        let refused = (!refused.is_empty()).then(|| {
            let (things, are) = (things(&refused), if refused.len() == 1 { "is" } else { "are" });
            let not = if refused.iter().any(Flow::is_start) { "allowed" } else { "filled" };
            format!("{things} of {} {are} not {not}: run `keystencil allow` in a terminal.", target.path.display())
        });
        let keys = match filled {
            0 => return refused,
            1 => "1 key is".to_owned(),
            slots => format!("{slots} keys are"),
        };
        let filled = format!(
            "Claude Code was started without keystencil, so its MCP servers got placeholders. {keys} filled in now: \
             reconnect the servers with /mcp. Next time start it with `keystencil exec -- claude`, or once and for all: \
             `keystencil install shim claude`."
        );
        Some(refused.map_or(filled.clone(), |refused| format!("{filled} {refused}")))
    }

    fn end(&self) -> Result<Option<String>, CommandError> {
        let mut told = Vec::new();
        for path in self.paths()? {
            // A process that holds nothing (`claude mcp list` ends a session it never began) takes nothing away.
            let holds = |journal: &Journal| journal.leases.iter().any(|held| held.same_holder(&self.lease));
            if self.session.journal(&path)?.as_ref().is_some_and(holds) {
                let done = self.session.unrender(&path, &Release::Holder(self.lease.clone()))?;
                if let Outcome::Closed(closed) = &done.outcome {
                    told.extend(seen_warning(self.workplace.report(), &closed.seen));
                }
            }
        }
        drop(self.session.recover());
        let folders = ClaudeCode.folders(&variable_os);
        told.extend(seen_warning(self.workplace.report(), &self.session.seen_of_deliveries(&folders)));
        let told = told.into_iter().map(|warning| {
            let hint = warning.hint.map(|hint| format!(" {}", sentence(&hint))).unwrap_or_default();
            format!("{}{hint}", sentence(&warning.message))
        });
        Ok(Some(told.collect::<Vec<_>>().join(" ")).filter(|told| !told.is_empty()))
    }

    /// Before the client reads its config again: under `exec --window start` that holds placeholders now, and the client
    /// would reconnect its servers with them. It takes a moment to see a change (measured: not at once, after half a
    /// second).
    fn reopen(&self) -> Result<Option<String>, CommandError> {
        if !self.has_window() {
            return Ok(None);
        }
        let mut trouble = None;
        for path in self.paths()? {
            if let Some(target) = self.own_target(&path) {
                self.watch(&path);
                trouble = self.render(&target).err().map(|error| told(&error)).or(trouble);
            }
        }
        std::thread::sleep(UNTIL_SEEN * Process::slowness());
        Ok(trouble)
    }

    /// Renders for the client. Nothing is changed if the slots stood filled already: another holder filled them, and the
    /// client's servers got that.
    fn render(&self, target: &Target) -> Result<Rendered, SessionError> {
        let options = RenderOptions { holder: self.lease.clone(), on_conflict: Some(OnConflict::Keep), joins: true };
        self.session.open(target)?.render(&options)
    }

    fn watch(&self, path: &Path) {
        watch(&self.workplace.context.environment.state, path);
    }

    /// Whether the client was started by `exec --window start`.
    fn has_window(&self) -> bool {
        let is_ours = |window: &Lease| window.pid.is_some_and(|pid| self.family.contains(&pid));
        self.session.state.windows().iter().any(is_ours)
    }

    /// The files that may be the client's: those of the config, and whatever is rendered now.
    fn paths(&self) -> Result<Vec<PathBuf>, CommandError> {
        let all = self.session.status(&self.workplace.config.targets)?;
        Ok(all.into_iter().map(|status| status.path).collect())
    }

    /// The target of the config at that path, if it is the config file of the client that called.
    fn own_target(&self, path: &Path) -> Option<Target> {
        let own = ClaudeCode.default_target(&self.workplace.context.environment.home, &variable_os)?;
        let own = Resolved::follow(&own).ok()?;
        let target = self.workplace.config.targets.iter().find(|target| target.path == *path)?;
        let is_own = Resolved::follow(&target.path).is_ok_and(|file| file.path() == own.path());
        (target.profile.name() == ClaudeCode.name() && is_own).then(|| target.clone())
    }
}

/// Once a day at most: which keys of the templates are older than the config allows. Asks nobody for a password.
fn reminder(workplace: &Workplace<'_>, session: &Session<'_>) -> Option<String> {
    let names = Usage::of(workplace).names();
    if names.is_empty() || !session.state.may_remind() {
        return None;
    }
    let listing = workplace.lookup.stores.clone().looking().survey(&names);
    let now = Timestamp::now();
    let is_due =
        |entry: &&Entry| names.contains(&entry.name) && workplace.config.rotate_after.is_due(changed(entry), now);
    let mut due: Vec<&SecretName> = listing.entries.iter().filter(is_due).map(|entry| &entry.name).collect();
    due.dedup();
    let is_known = listing.silent.iter().all(|(_, error)| error.is_absent());
    // A locked keyring is asked again by the next session.
    if (due.is_empty() && !is_known) || !session.state.note_reminder() {
        return None;
    }
    let shown = |name: &&SecretName| clean(&naming::of_name(name));
    let more = if due.len() > SHOWN { format!(" and {} more", due.len() - SHOWN) } else { String::new() };
    match due.as_slice() {
        [] => None,
        [one] if listing.entries.iter().any(|entry| entry.name == **one && entry.is_foreign) => Some(format!(
            "The key {} is due for a new one: get it from the provider, and store it with the program that made the entry.",
            shown(one)
        )),
        [one] => Some(format!(
            "The key {} is due for a new one: get it from the provider, and store it with `keystencil secret rotate`.",
            shown(one)
        )),
        all => Some(format!(
            "{} keys are due for new ones: {}{more}. `keystencil secret rotate` stores each.",
            all.len(),
            all.iter().take(SHOWN).map(shown).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// An error and everything found with it, in one line.
fn told(error: &(dyn Explain + 'static)) -> String {
    let others = error.others().len();
    let more = if others > 0 { format!(" (and {} more)", count(others, "such error")) } else { String::new() };
    let hint = hints::of(error).map(|hint| format!(" {}", sentence(&hint))).unwrap_or_default();
    format!("{}{more}{hint}", sentence(&error.to_string()))
}
