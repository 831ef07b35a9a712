//! Why a command failed, and what the user can do about it.
//!
//! The layers below say what happened and where, in typed variants. Which verb or flag helps is said here, in the
//! command line: by [`hints`](super::hints) for their errors, and by the code that makes the error for the rest.

use super::hints;
use crate::error::{Explain, Place};
use crate::secret::SecretName;
use crate::session::Failures;
use crate::store::StoreError;
use std::fmt;
use std::io;
use std::path::Path;

/// Why a command failed, with a hint. Nothing was changed then.
#[derive(Debug)]
pub(super) struct CommandError {
    error: Box<dyn Explain + Send + Sync>,
    hint: Option<String>,
    /// Other failures of the same run, each with its own reason.
    others: Vec<Self>,
}

/// What no layer below knows.
#[derive(Debug)]
struct Message {
    text: String,
    place: Option<Place>,
}

/// Standard output takes no more.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
struct Output(io::Error);

impl Explain for Output {}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Message {}

impl Explain for Message {
    fn place(&self) -> Option<Place> {
        self.place.clone()
    }
}

impl CommandError {
    /// An error of its own.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::of(Message { text: text.into(), place: None })
    }

    /// The same about a file.
    pub(super) fn about(path: impl AsRef<Path>, text: impl Into<String>) -> Self {
        Self::of(Message { text: text.into(), place: Some(Place::file(path)) })
    }

    /// An error of a layer below or of a verb.
    pub(super) fn of(error: impl Explain + Send + Sync + 'static) -> Self {
        Self { error: Box::new(error), hint: None, others: Vec::new() }
    }

    /// The same with what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file operation failed.
    pub(super) fn file(step: &str, path: impl AsRef<Path>, source: &io::Error) -> Self {
        Self::about(path, format!("cannot {step}: {source}"))
    }

    /// A file that would be made is there.
    pub(super) fn exists(path: impl AsRef<Path>) -> Self {
        Self::about(path, "file already exists").hint("move it away first; nothing was changed")
    }

    /// The user said no, or could not be asked.
    pub(super) fn not_confirmed(outcome: &str) -> Self {
        Self::new(outcome).hint("`--yes` does it without asking")
    }

    /// A value would be shown on a screen that others may see.
    pub(super) fn hidden(what: &str) -> Self {
        Self::new(format!("{what} is not shown on a terminal"))
            .hint("pipe it to where it is needed, or show it with `--reveal`")
    }

    /// The secret does not exist.
    pub(super) fn no_secret(name: &SecretName) -> Self {
        Self::new(format!("secret {name} is not in any store")).hint("`keystencil secret list` shows what there is")
    }

    /// Standard input or the terminal can't be read.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn input(source: io::Error) -> Self {
        Self::new(format!("cannot read the value: {source}"))
    }

    /// Standard output takes no more.
    pub(super) fn output(source: io::Error) -> Self {
        Self::of(Output(source))
    }

    /// One error of several, or the only one.
    pub(super) fn several(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        first.others.extend(errors);
        Some(first)
    }

    /// Whether a store says that it has no such secret.
    pub(super) fn is_not_found(&self) -> bool {
        let error: &(dyn std::error::Error + 'static) = &*self.error;
        error.downcast_ref().is_some_and(StoreError::is_not_found)
    }

    /// Whether the reader of our output went away, which is not an error.
    pub(super) fn is_broken_pipe(&self) -> bool {
        let error: &(dyn std::error::Error + 'static) = &*self.error;
        error.downcast_ref().is_some_and(|Output(error)| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CommandError {}

impl Explain for CommandError {
    fn place(&self) -> Option<Place> {
        self.error.place()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone().or_else(|| hints::of(&*self.error))
    }

    fn others(&self) -> Vec<&(dyn Explain + 'static)> {
        let others = self.others.iter().map(|error| error as &(dyn Explain + 'static));
        self.error.others().into_iter().chain(others).collect()
    }
}

impl From<Failures> for CommandError {
    fn from(failures: Failures) -> Self {
        Self { others: failures.others.into_iter().map(Self::of).collect(), ..Self::of(failures.first) }
    }
}

/// Errors that a command passes on unchanged.
macro_rules! handed_on {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self::of(error)
            }
        }
    )+};
}

handed_on! {
    crate::host::git::ProtocolError,
    crate::secret::NameError,
    crate::session::SessionError,
    crate::store::LookupError,
    crate::store::StoreError,
    super::config::ConfigError,
    super::targets::TargetError,
}
