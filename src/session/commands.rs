//! Which declared commands the user let run: those of a config whose digest is in a sealed record.
//!
//! A config can come from anywhere, by an option or a variable of the environment, and its commands are programs. So
//! they run only if the user has seen them: `allow`, `render` and `exec` ask at a terminal. The record is about no
//! target.

use super::sealing::{Renewal, Sealable, Sealed};
use super::state::State;
use super::{Session, SessionError};
use crate::secret::{Kind, Provided};
use crate::store::{Keys, Origin};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The commands of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// A hash over every declared command, and over where its program is found.
    pub digest: String,
}

impl Sealable for Commands {
    const KIND: Kind = Kind::Commands;

    fn fields(&self) -> Vec<&[u8]> {
        vec![self.digest.as_bytes()]
    }
}

/// It is about no target.
const NOWHERE: &str = "";

impl Session<'_> {
    /// Whether the commands of this config may run.
    pub(super) fn may_run(&self, keys: &Keys) -> bool {
        let keys = keys.of(Origin::Elsewhere);
        let is_it = |sealed: &Sealed<Commands>| self.commands.as_ref() == Some(&sealed.what.digest);
        let records = self.state.commands();
        !self.guarded || records.iter().any(|sealed| is_it(sealed) && sealed.verifies(Path::new(NOWHERE), keys))
    }

    /// Whether nobody has let the commands of this config run. Asks the stores.
    #[must_use]
    pub fn are_commands_new(&self) -> bool {
        let nothing: &dyn Fn(&Provided, &Keys) -> bool = &|_, _| false;
        self.commands.is_some() && self.guarded && !self.may_run(&self.ask_usual(nothing).keys)
    }

    /// Whether nobody ever let any declared command run.
    #[must_use]
    pub fn are_commands_undecided(&self) -> bool {
        self.state.commands().is_empty()
    }

    /// Lets the commands of this config run.
    ///
    /// # Errors
    /// [`SessionError::Store`] if they can't be sealed, and [`SessionError::File`].
    pub fn allow_commands(&self) -> Result<(), SessionError> {
        let Some(digest) = self.commands.clone() else { return Ok(()) };
        let key = self.usual_key()?;
        let mut all = self.state.commands();
        all.retain(|sealed| sealed.what.digest != digest);
        all.push(Sealed::new(Commands { digest }, Path::new(NOWHERE), [&key]));
        self.state.write_commands(&all)
    }
}

impl State {
    /// Seals what holds under new keys as well.
    pub(super) fn renew_commands(&self, renewals: &[Renewal]) -> Result<(), SessionError> {
        let mut all = self.commands();
        if all.is_empty() {
            return Ok(());
        }
        all.iter_mut().for_each(|sealed| sealed.renew(Path::new(NOWHERE), renewals));
        self.write_commands(&all)
    }

    /// The records; none if they can't be read, and then the user is asked again.
    fn commands(&self) -> Vec<Sealed<Commands>> {
        self.note(COMMANDS)
    }

    fn write_commands(&self, all: &[Sealed<Commands>]) -> Result<(), SessionError> {
        self.write_note(COMMANDS, &all)
    }

    /// The names of targets that were set up without a question.
    pub(super) fn set_up(&self) -> Vec<String> {
        self.note(SET_UP)
    }

    pub(super) fn note_set_up(&self, name: &str) -> Result<(), SessionError> {
        let mut names = self.set_up();
        if names.iter().any(|known| known == name) {
            return Ok(());
        }
        names.push(name.to_owned());
        self.write_note(SET_UP, &names)
    }

    /// Forgets which targets were set up, and which commands may run.
    pub(super) fn forget_set_up(&self) -> Result<(), SessionError> {
        self.remove_note(SET_UP)?;
        self.remove_note(COMMANDS)
    }
}

/// The files of all this in the state folder.
const COMMANDS: &str = "commands.json";
const SET_UP: &str = "set-up.json";
