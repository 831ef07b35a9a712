//! Which AI tools this state knows, and whether a person lets them do what is asked of a person.
//!
//! A tool is known if it holds a target, or was started by what holds one, if something was delivered to a server of it,
//! or if a hook noted its session. A note goes with its process. That a config lets tools do more counts only with a
//! sealed record of that config, as its commands do: a config can come from anywhere.

use super::sealing::{Renewal, Sealable, Sealed};
use super::state::{State, make_private};
use super::{Session, SessionError};
use crate::host::process::{Process, is_alive};
use crate::journal::Lease;
use crate::secret::Kind;
use crate::store::{Keys, Origin};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// How the name of a note of a session ends, after the id of its process.
const NOTE: &str = "session";
/// The file of configs that let tools do more.
const LET: &str = "agents.json";
/// It is about no target.
const NOWHERE: &str = "";

/// A config that lets AI tools do what is asked of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Let {
    /// The config, every link resolved.
    pub config: String,
}

impl Sealable for Let {
    const KIND: Kind = Kind::Agents;

    fn fields(&self) -> Vec<&[u8]> {
        vec![self.config.as_bytes()]
    }
}

impl State {
    /// Notes the process of a host's session, for as long as it runs; a failure is let go.
    pub fn note_session(&self, process: &Lease) {
        let Some(pid) = process.pid else { return };
        // Those of sessions that have ended go.
        drop(self.sessions());
        let path = self.folder().join(format!("{pid}.{NOTE}"));
        let written = make_private(self.folder())
            .and_then(|()| fs::write(path, serde_json::to_string(process).unwrap_or_default()));
        if let Err(error) = written {
            log::debug!("the note of the session can't be written: {error}");
        }
    }

    /// The processes of sessions that were noted and run. Notes of others are removed.
    fn sessions(&self) -> Vec<Lease> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().filter_map(Result::ok);
        let notes = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == NOTE));
        let living = notes.filter_map(|path| {
            let lease: Lease = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            let lives = is_alive(&lease);
            if !lives {
                let _ = fs::remove_file(&path);
            }
            lives.then_some(lease)
        });
        living.collect()
    }

    /// Whether an AI tool is one that this state knows: by what it holds, what was delivered to it, or its session.
    #[must_use]
    pub fn knows(&self, tool: &Process) -> bool {
        let is_it = |lease: &Lease| lease.pid == Some(tool.pid) && lease.started == tool.started && is_alive(lease);
        let family: Vec<Process> = std::iter::once(tool.clone()).chain(tool.ancestors()).collect();
        let is_above = |lease: &Lease| {
            family.iter().any(|one| lease.pid == Some(one.pid) && lease.started == one.started) && is_alive(lease)
        };
        let journals = self.owing().unwrap_or_default().into_iter().filter_map(|state| state.journal().ok()?);
        self.sessions().iter().any(is_it)
            || journals.flat_map(|journal| journal.leases).any(|lease| is_above(&lease))
            || self.deliveries().iter().filter_map(|note| note.agent.as_ref()).any(is_it)
    }

    fn let_agents(&self) -> Vec<Sealed<Let>> {
        self.note(LET)
    }

    /// Seals what holds under new keys as well.
    pub(super) fn renew_agents(&self, renewals: &[Renewal]) -> Result<(), SessionError> {
        let mut all = self.let_agents();
        if all.is_empty() {
            return Ok(());
        }
        all.iter_mut().for_each(|sealed| sealed.renew(Path::new(NOWHERE), renewals));
        self.write_note(LET, &all)
    }

    /// Forgets every config that let tools do more.
    pub(super) fn forget_agents(&self) -> Result<(), SessionError> {
        self.remove_note(LET)
    }
}

impl Session<'_> {
    /// Whether the config lets AI tools do what is asked of a person, and a person said yes to that. Asks the stores.
    #[must_use]
    pub fn lets_agents(&self) -> bool {
        let Some(config) = &self.agents else { return false };
        let all = self.state.let_agents();
        if all.iter().all(|sealed| sealed.what.config != *config) {
            return false;
        }
        let answers = self.ask_usual(&|_, _: &Keys| false);
        let keys = answers.keys.of(Origin::Elsewhere);
        all.iter().any(|sealed| sealed.what.config == *config && sealed.verifies(Path::new(NOWHERE), keys))
    }

    /// Lets AI tools do what is asked of a person, for as long as the config says so.
    ///
    /// # Errors
    /// [`SessionError::Store`] if it can't be sealed, and [`SessionError::File`].
    pub fn let_agents(&self) -> Result<(), SessionError> {
        let Some(config) = self.agents.clone() else { return Ok(()) };
        let key = self.usual_key()?;
        let mut all = self.state.let_agents();
        all.retain(|sealed| sealed.what.config != config);
        all.push(Sealed::new(Let { config }, Path::new(NOWHERE), [&key]));
        self.state.write_note(LET, &all)
    }

    /// Forgets the yes of a person to a config that no longer says so: if somebody writes it again, it is asked again.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn forget_agents(&self, config: &Path) -> Result<(), SessionError> {
        let mut all = self.state.let_agents();
        let before = all.len();
        all.retain(|sealed| Path::new(&sealed.what.config) != config);
        if all.len() < before { self.state.write_note(LET, &all) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::journal::Journal;
    use jiff::Timestamp;

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().join("state"));
        (folder, state)
    }

    #[test]
    fn a_tool_is_known_by_the_session_that_a_hook_noted_until_its_process_ends() {
        let (_folder, state) = state();
        let own = Process::current();
        assert!(!state.knows(&own));
        state.note_session(&own.lease(None, Timestamp::now()));
        assert!(state.knows(&own));
        let note = state.folder().join(format!("{}.session", own.pid));
        let mut later = own.lease(None, Timestamp::now());
        later.started += 1;
        state.note_session(&later);
        assert!(note.exists() && !state.knows(&own) && !note.exists());
        fs::write(&note, "{").unwrap();
        assert!(!state.knows(&own));
    }

    #[test]
    fn a_tool_that_was_started_by_a_holder_is_known_and_others_are_not() {
        let (_folder, state) = state();
        let own = Process::current();
        let parent = own.ancestors().into_iter().next().unwrap();
        make_private(state.folder()).unwrap();
        let held = |holder: Lease| {
            let journal = serde_json::json!({
                "version": 1, "target": "/h/.claude.json", "named": "/h/.claude.json", "profile": "plain",
                "since": Timestamp::now().to_string(), "undo": [], "key": "00".repeat(32), "slots": [], "leases": [holder],
            });
            assert!(Journal::read(journal.to_string().as_bytes()).is_ok());
            fs::write(state.folder().join("0123456789abcdef.journal.json"), journal.to_string()).unwrap();
            state.knows(&own)
        };
        assert!(held(parent.lease(None, Timestamp::now())));
        assert!(held(own.lease(None, Timestamp::now())));
        assert!(!held(crate::host::process::manual_lease(None, Timestamp::now())));
        let mut earlier = parent.lease(None, Timestamp::now());
        earlier.started += 1;
        assert!(!held(earlier));
    }
}
