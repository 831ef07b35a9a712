//! Questions to the user at the terminal. Asked on standard error, so that a pipe holds data alone.

use super::{Report, Text};
use crate::cli::error::CommandError;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use zeroize::Zeroizing;

impl Report {
    /// Asks for something that is not shown while it is typed.
    ///
    /// # Errors
    /// [`CommandError`] if the terminal can't be read.
    pub(in crate::cli) fn ask_hidden(&self, question: &str) -> Result<Zeroizing<String>, CommandError> {
        self.ask_all_hidden(|ask| ask(question))
    }

    /// The same for several questions, between which nothing is shown either.
    ///
    /// # Errors
    /// What `questions` says, and [`CommandError`] if the terminal can't be read.
    pub(in crate::cli) fn ask_all_hidden<T>(
        &self,
        questions: impl FnOnce(&dyn Fn(&str) -> Result<Zeroizing<String>, CommandError>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        #[cfg(unix)]
        let hidden = super::hidden::Hidden::start().map_err(CommandError::input)?;
        #[cfg(unix)]
        let ask = |question: &str| hidden.read(question);
        #[cfg(not(unix))]
        let ask = |question: &str| rpassword::prompt_password(question).map(Zeroizing::new);
        questions(&|question| ask(question).map_err(CommandError::input))
    }

    /// Asks the user for a yes; anything else is a no.
    ///
    /// # Errors
    /// [`CommandError`] if the terminal can't be read.
    pub(in crate::cli) fn ask_yes(&self, question: &Text) -> Result<bool, CommandError> {
        forget_typed();
        self.say(&question.clone().plain(" [y/N] "));
        let mut answer = String::new();
        io::stdin().lock().take(64).read_line(&mut answer).map_err(CommandError::input)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Says what a question is about, `--quiet` or not.
    pub(in crate::cli) fn tell(&self, text: &Text) {
        self.say(text);
    }

    /// Asks for something that is shown while it is typed.
    ///
    /// # Errors
    /// [`CommandError`] if the terminal can't be read.
    pub(in crate::cli) fn ask(&self, question: &str) -> Result<String, CommandError> {
        forget_typed();
        self.say(&Text::new().plain(question));
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(CommandError::input)?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The same; `None` if the input is over.
    ///
    /// # Errors
    /// [`CommandError`] if the terminal can't be read.
    pub(in crate::cli) fn ask_line(&self, question: &str) -> Result<Option<String>, CommandError> {
        self.say(&Text::new().plain(question));
        let mut line = String::new();
        let read = io::stdin().lock().take(4096).read_line(&mut line).map_err(CommandError::input)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// Drops what was typed before a question was asked: it is no answer to it.
fn forget_typed() {
    #[cfg(unix)]
    if io::stdin().is_terminal() {
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}
