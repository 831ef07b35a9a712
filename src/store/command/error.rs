//! Why a declared command gave no secret. What a program printed gets here only masked.

use crate::error::{Explain, Place};
use crate::secret::Provided;
use std::time::Duration;

/// One reference without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct CommandError {
    /// What was asked for.
    pub asked: Provided,
    /// The program that was to be asked.
    pub program: String,
    /// Where the config declares it.
    pub declared: Option<Place>,
    /// What went wrong.
    pub failure: Failure,
}

/// What went wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The config declares no such provider.
    Undeclared,
    /// The reference begins with a dash where an option could be.
    Option,
    /// There is no such program.
    Absent,
    /// It can't be started; what the system said.
    NotStarted(String),
    /// It took too long and was ended.
    TimedOut(Duration),
    /// It ended with another status than 0; its standard error, masked.
    Status(i32, String),
    /// A signal ended it; its standard error, masked.
    Signal(String),
    /// It printed nothing.
    Empty,
    /// It printed more than a secret can be.
    TooLong,
    /// It printed bytes that are not UTF-8 text, or a NUL.
    NotText,
}

impl Failure {
    /// Whether every other reference would fail in the same way.
    pub(super) fn is_of_provider(&self) -> bool {
        matches!(self, Self::Absent | Self::NotStarted(_) | Self::TimedOut(_))
    }
}

impl CommandError {
    fn message(&self) -> String {
        let (name, reference) = (self.asked.provider(), self.asked.reference().escape_debug());
        let program = self.program.escape_debug();
        let printed = |text: &str| if text.is_empty() { String::new() } else { format!(": {text}") };
        match &self.failure {
            Failure::Undeclared => format!("no provider `{name}` is declared to look up `{reference}`"),
            Failure::Option => format!("`{program}` would take `{reference}` as an option"),
            Failure::Absent => format!("provider `{name}`: program `{program}` not found"),
            Failure::NotStarted(reason) => format!("provider `{name}`: cannot run `{program}`: {reason}"),
            Failure::TimedOut(limit) => {
                format!("provider `{name}` did not answer `{reference}` within {} s", limit.as_secs_f32())
            }
            Failure::Status(code, text) => {
                format!("provider `{name}` has no value for `{reference}` (status {code}){}", printed(text))
            }
            Failure::Signal(text) => {
                format!("provider `{name}` was killed by a signal while it looked up `{reference}`{}", printed(text))
            }
            Failure::Empty => format!("provider `{name}` printed nothing for `{reference}`"),
            Failure::TooLong => format!("provider `{name}` printed more than a megabyte for `{reference}`"),
            Failure::NotText => format!("the output of provider `{name}` for `{reference}` is not UTF-8 text"),
        }
    }

    fn declaration(&self) -> String {
        let at = self.declared.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
        format!("`[providers.{}]`{at}", self.asked.provider())
    }
}

impl Explain for CommandError {
    fn hint(&self) -> Option<String> {
        let declaration = self.declaration();
        Some(match &self.failure {
            Failure::Undeclared => {
                format!("declare it in config.toml: `[providers.{}]` with its `command`", self.asked.provider())
            }
            Failure::Option => {
                format!("a reference may begin with `-` only if {declaration} has `--` or some text before `{{ref}}`")
            }
            Failure::Absent => format!("install it, put it on PATH, or change {declaration}"),
            Failure::NotStarted(_) => format!("make it executable for yourself, or change {declaration}"),
            Failure::TimedOut(_) => {
                format!("is it waiting for a password? Unlock it, or give it a longer `timeout` in {declaration}")
            }
            Failure::Status(..) | Failure::Signal(_) => {
                format!("run the command of {declaration} by hand; is it unlocked and signed in?")
            }
            Failure::Empty => format!("is the entry empty, or is {declaration} wrong?"),
            Failure::TooLong | Failure::NotText => format!("check what it prints, and change {declaration}"),
        })
    }
}
