//! The commands that the user let run by hand with secrets, sealed. They are about no target.

use super::sealing::{Renewal, Sealed};
use super::state::State;
use super::{Revoked, Session, SessionError};
use crate::consent::record::Run;
use std::path::Path;

/// They are about no target.
pub(super) const NOWHERE: &str = "";
/// The file in the state folder.
const RUNS: &str = "runs.json";
/// This many are kept, the newest last. Arbitrary: an older one is asked about again.
const MOST: usize = 500;

impl Session<'_> {
    /// Lets a command run with its secrets, from now on.
    ///
    /// # Errors
    /// [`SessionError::Store`] if it can't be sealed, and [`SessionError::File`].
    pub fn allow_run(&self, run: Run) -> Result<(), SessionError> {
        let keys = self.sealing_keys(&[&run.texts().join("\n")])?;
        let mut all = self.state.runs();
        all.retain(|sealed| sealed.what != run);
        all.push(Sealed::new(run, Path::new(NOWHERE), keys.iter().flatten()));
        let surplus = all.len().saturating_sub(MOST);
        all.drain(..surplus);
        self.state.write_runs(&all)
    }

    /// The commands that a person let run with secrets, the newest last; whether they hold, the keys of the stores say.
    #[must_use]
    pub fn allowed_runs(&self) -> Vec<Run> {
        self.state.runs().into_iter().map(|sealed| sealed.what).collect()
    }

    /// Takes those back of which `which` says so, and gives the stores new keys: an old copy of the records does not count.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn revoke_runs(&self, which: impl Fn(&Run) -> bool) -> Result<Revoked, SessionError> {
        let mut all = self.state.runs();
        let gone = all.extract_if(.., |sealed| which(&sealed.what)).count();
        if gone == 0 {
            return Ok(Revoked::default());
        }
        self.state.write_runs(&all)?;
        Ok(Revoked { gone, doubtful: self.renew_keys()? })
    }
}

impl State {
    /// The records; none if they can't be read, and then the user is asked again.
    pub(super) fn runs(&self) -> Vec<Sealed<Run>> {
        self.note(RUNS)
    }

    pub(super) fn write_runs(&self, all: &[Sealed<Run>]) -> Result<(), SessionError> {
        self.write_note(RUNS, &all)
    }

    /// Seals what holds under new keys as well.
    pub(super) fn renew_runs(&self, renewals: &[Renewal]) -> Result<(), SessionError> {
        let mut all = self.runs();
        if all.is_empty() {
            return Ok(());
        }
        all.iter_mut().for_each(|sealed| sealed.renew(Path::new(NOWHERE), renewals));
        self.write_runs(&all)
    }

    /// Takes all of them back.
    pub(super) fn forget_runs(&self) -> Result<(), SessionError> {
        self.remove_note(RUNS)
    }
}
