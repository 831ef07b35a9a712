//! Keeps a target's journal in memory, and puts it back if its file was deleted, damaged or replaced.
//!
//! `exec` and the guard live as long as the secrets do, and a journal holds none: so a state folder that somebody
//! cleared away is no reason to leave keys in a file. Must never read a target.

use super::state::TargetState;
use super::{Session, SessionError, living};
use crate::host::Resolved;
use crate::journal::account::Shape;
use crate::journal::{Journal, JournalError};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// Who deletes a folder, the home or ours, is through with it after this time and does not meet a new file in it.
/// Arbitrary.
const DELETING: Duration = Duration::from_millis(500);

/// A target's journal when it was last read.
#[derive(Debug)]
pub struct Memory {
    state: TargetState,
    known: Option<Journal>,
    /// What the target was like then.
    shape: Option<Shape>,
}

impl Session<'_> {
    /// Remembers the journal of the target at `path`.
    ///
    /// # Errors
    /// [`SessionError::File`] if its links lead nowhere, or the state folder can't be read.
    pub fn remember(&self, path: &Path) -> Result<Memory, SessionError> {
        let mut memory = Memory::new(self.state_of(path, &Resolved::follow(path)?)?);
        memory.look()?;
        Ok(memory)
    }
}

impl Memory {
    pub(super) fn new(state: TargetState) -> Self {
        Self { state, known: None, shape: None }
    }

    /// Reads the target's journal. One that is gone without having been completed is put back, to anyone who holds now
    /// as well.
    ///
    /// # Errors
    /// [`SessionError`] if it can't be put back.
    pub fn look(&mut self) -> Result<(), SessionError> {
        let is_other = |found: &Journal, known: &Journal| found.key != known.key && !self.state.was_paid(&known.key);
        match (self.state.journal(), &self.known) {
            (Ok(Some(found)), Some(known)) if is_other(&found, known) => self.put_back(),
            (Ok(Some(found)), _) => {
                self.known = Some(found);
                self.shape = self.state.shape();
                Ok(())
            }
            (Ok(None), Some(known)) if self.state.was_paid(&known.key) => {
                self.known = None;
                Ok(())
            }
            // What can't be read is reported by the code that needs it.
            (_, None) => Ok(()),
            (Err(SessionError::Journal { error: JournalError::Version { .. }, .. }), _) => Ok(()),
            (Ok(None) | Err(_), Some(_)) => self.put_back(),
        }
    }

    /// The same while others may be about to delete everything there is.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub fn look_in_time(&mut self) -> Result<(), SessionError> {
        if self.has_lost()? {
            sleep(DELETING);
        }
        self.look()
    }

    /// Whether there is something to remove that no journal on disk has any more.
    ///
    /// # Errors
    /// [`SessionError::File`] if the state folder can't be read.
    pub(super) fn has_lost(&self) -> Result<bool, SessionError> {
        let is_unpaid = |known: &Journal| !self.state.was_paid(&known.key);
        Ok(!self.state.is_owing()? && self.known.as_ref().is_some_and(is_unpaid))
    }

    fn put_back(&mut self) -> Result<(), SessionError> {
        let Some(known) = self.known.take() else { return Ok(()) };
        if !known.target.parent().is_some_and(Path::exists) {
            // Nothing is left that it is about.
            return Ok(());
        }
        let _lock = self.state.lock().inspect_err(|_| self.known = Some(known.clone()))?;
        let owed = match self.state.journal() {
            Ok(Some(found)) if found.key == known.key || self.state.was_paid(&known.key) => found,
            // A journal of another file does not count.
            Ok(Some(mut found)) if found.target == known.target => {
                let leases = living(&known.leases);
                found.adopt(Journal { leases, ..known });
                found
            }
            Ok(None) if self.state.was_paid(&known.key) => return Ok(()),
            Err(SessionError::Journal { error: JournalError::Version { .. }, .. }) => {
                self.known = Some(known);
                return Ok(());
            }
            Ok(_) | Err(_) => {
                self.state.clear_journal_path();
                known
            }
        };
        self.known = Some(owed.clone());
        self.state.write_journal(&owed)?;
        if let (Some(shape), None) = (&self.shape, self.state.shape()) {
            self.state.note_shape(shape);
        }
        Ok(())
    }
}
