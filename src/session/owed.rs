//! What was filled in and not found again: its target was moved away with its keys, or another file is in its place.
//! The journal is kept, apart from the one of a later render, until the keys are found or the user says that they are
//! gone.
//!
//! Every `recover` searches again. The git filter knows these keys for as long.

use super::closed::{Closed, Lost, Outcome, Unrendered};
use super::state::{SHAPE, TargetState};
use super::write::PATIENCE_WITH_THE_DEAD;
use super::{Session, SessionError, State};
use crate::host::Resolved;
use crate::host::replace::ReplaceError;
use crate::journal::Journal;
use crate::journal::account::Shape;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the file of a target is called after its id.
const OWED: &str = "owed.json";
/// This many journals of one target are kept; then the oldest is dropped. Arbitrary.
const MOST: usize = 8;

/// A journal of which nothing was found again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Owed {
    /// What was filled in. Nobody holds it.
    pub journal: Journal,
    /// What the target was like.
    pub(super) shape: Shape,
    /// The folders that were searched.
    looked: Vec<String>,
}

impl Owed {
    pub(super) fn new(journal: Journal, shape: Shape, lost: &Lost) -> Self {
        let looked = lost.looked.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        Self { journal: Journal { leases: Vec::new(), ..journal }, shape, looked }
    }

    /// The folders that were searched.
    pub fn looked(&self) -> impl Iterator<Item = &Path> {
        self.looked.iter().map(Path::new)
    }

    /// How many secrets it is about.
    #[must_use]
    pub fn secrets(&self) -> usize {
        self.journal.slots.iter().flat_map(crate::journal::Filled::secrets).count()
    }

    /// Whether it is about the target at that path.
    #[must_use]
    pub fn is_of(&self, path: &Path) -> bool {
        let given = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let real = Resolved::follow(path).ok().map(|file| file.path().to_owned());
        [&self.journal.target, &self.journal.named, &self.shape.given]
            .into_iter()
            .any(|own| *own == given || Some(own) == real.as_ref())
    }
}

impl State {
    /// Everything that was filled in and not found again.
    ///
    /// # Errors
    /// [`SessionError::File`], and [`SessionError::Journal`] for a file that is damaged.
    pub fn owed(&self) -> Result<Vec<Owed>, SessionError> {
        let mut all = Vec::new();
        for state in self.targets_with(OWED)? {
            all.extend(state.owed()?);
        }
        Ok(all)
    }
}

impl TargetState {
    /// What the target was like when the journal's secrets had been put in; `None` before that. Not synced: without it
    /// a closing does not ask whether the target is still the same.
    pub(super) fn shape(&self) -> Option<Shape> {
        serde_json::from_slice(&fs::read(self.path(SHAPE)).ok()?).ok()
    }

    /// Notes what the target is like now. It is no harm if that fails.
    pub(super) fn note_shape(&self, shape: &Shape) {
        let staged = self.stage(&serde_json::to_string(shape).unwrap_or_default(), false);
        let _ = staged.map(|staged| staged.persist(self.path(SHAPE)));
    }

    /// The target is about to be rendered again: nothing is in it yet.
    pub(super) fn forget_shape(&self) {
        let _ = self.remove(SHAPE);
    }

    fn owed(&self) -> Result<Vec<Owed>, SessionError> {
        let path = self.path(OWED);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|_| SessionError::Journal { path, error: crate::journal::JournalError::Unreadable }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(ReplaceError::Io { step: "read it", path, source }.into()),
        }
    }

    fn write_owed(&self, all: &[Owed]) -> Result<(), SessionError> {
        if all.is_empty() {
            return self.remove(OWED);
        }
        let failed = |source| ReplaceError::Io { step: "write into the state folder", path: self.path(OWED), source };
        let staged = self.stage(&serde_json::to_string(all).unwrap_or_default(), true)?;
        Ok(staged.persist(self.path(OWED)).map_err(|error| failed(error.error))?)
    }

    /// Keeps a journal besides the one there may be. Under our own lock.
    pub(super) fn keep_owed(&self, owed: Owed) -> Result<(), SessionError> {
        let mut all = self.owed().unwrap_or_default();
        all.retain(|known| known.journal.key != owed.journal.key);
        all.push(owed);
        let surplus = all.len().saturating_sub(MOST);
        self.write_owed(all.get(surplus..).unwrap_or_default())
    }
}

impl Session<'_> {
    /// Searches again for what was not found.
    pub(super) fn search_again(&self) -> Vec<Result<Unrendered, SessionError>> {
        let search = |state: TargetState| -> Result<Vec<Unrendered>, SessionError> {
            let _lock = state.lock()?;
            let (mut left, mut done) = (Vec::new(), Vec::new());
            for owed in state.owed()? {
                let mut closed = Closed::default();
                // Where it is rendered now, the journal of that render closes what was moved back.
                if !state.is_owing()? {
                    self.close_target(&owed.journal, Some(&owed.shape), PATIENCE_WITH_THE_DEAD, &mut closed)?;
                }
                self.search(&state, &owed.journal, &owed.shape, closed.removed == 0, &mut closed)?;
                let path = owed.journal.target.clone();
                if closed.lost.is_some() {
                    left.push(owed);
                }
                if closed.removed > 0 || !closed.elsewhere.is_empty() {
                    closed.lost = None;
                    done.push(Unrendered { path, outcome: Outcome::Closed(closed) });
                }
            }
            if !done.is_empty() {
                state.write_owed(&left)?;
            }
            Ok(done)
        };
        let all = match self.state.targets_with(OWED) {
            Ok(all) => all,
            Err(error) => return vec![Err(error)],
        };
        let flat = |searched: Result<Vec<Unrendered>, SessionError>| match searched {
            Ok(done) => done.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        all.into_iter().flat_map(|state| flat(search(state))).collect()
    }

    /// Forgets what was filled into a target and not found again: the user says that it is gone. `None` means every
    /// target.
    ///
    /// # Errors
    /// [`SessionError`] if the state folder can't be read or written. A damaged record is removed.
    pub fn forget_owed(&self, path: Option<&Path>) -> Result<Vec<PathBuf>, SessionError> {
        let mut forgotten = Vec::new();
        for state in self.state.targets_with(OWED)? {
            let _lock = state.lock()?;
            let all = state.owed().unwrap_or_default();
            let (gone, left): (Vec<Owed>, Vec<Owed>) =
                all.into_iter().partition(|owed| path.is_none_or(|path| owed.is_of(path)));
            if path.is_none() || !gone.is_empty() {
                state.write_owed(&left)?;
            }
            forgotten.extend(gone.into_iter().map(|owed| owed.journal.target));
        }
        let _ = self.state.attend();
        forgotten.sort();
        forgotten.dedup();
        Ok(forgotten)
    }
}
