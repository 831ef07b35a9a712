//! What can go wrong between the command line and the layers below. Nothing was changed then.

use super::commands::check::CheckError;
use super::commands::import::ImportError;
use super::commands::secret::ValueError;
use super::config::ConfigError;
use super::targets::TargetError;
use crate::document::PointerError;
use crate::error::{Explain, Place};
use crate::host::git::ProtocolError;
use crate::secret::{NameError, SecretName};
use crate::session::SessionError;
use crate::store::{LookupError, StoreError, StoreKind};
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The config can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is not clear which targets are meant.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A render, unrender or status failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Several targets failed, each for its own reason; never empty.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Several(Vec<CliError>),
    /// What was to be checked can't be.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// What was to be imported is not there, or can't have that name.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A secret is missing.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret can't have that name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A secret to be removed is not there.
    #[error("secret {0} is in no store")]
    NoSecret(SecretName),
    /// A secret was to be shown to whoever looks at the screen.
    #[error("secret {0} is not shown on a terminal")]
    Unrevealed(SecretName),
    /// The vault has no backup of that name.
    #[error("the vault has no backup `{}`", .0.escape_debug())]
    NoBackup(String),
    /// The vault has no such recipient.
    #[error("the vault has no such recipient")]
    NoRecipient,
    /// A new passphrase can't be asked for.
    #[error("a passphrase is typed at a terminal, and there is none")]
    NoTerminal,
    /// The new passphrase is the empty text.
    #[error("a passphrase can't be empty")]
    NoPassphrase,
    /// What holds secrets was to be shown to whoever looks at the screen.
    #[error("{0} is not shown on a terminal")]
    Hidden(&'static str),
    /// The second time another value was typed.
    #[error("the two values differ")]
    Mistyped,
    /// A value can't be taken from where it was to be taken.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A secret to be stored is there already, and was not to be replaced.
    #[error("secret {name} is stored already, in the {store}")]
    Stored {
        /// Its name.
        name: SecretName,
        /// The store that has it.
        store: StoreKind,
    },
    /// What a template asks for was not allowed.
    #[error("{things} new thing{} {} not allowed", if *things == 1 { "" } else { "s" }, if *things == 1 { "is" } else { "are" })]
    NotAllowed {
        /// How many: slots, and the commands of a config.
        things: usize,
    },
    /// `--allow-new` says another number than there is.
    #[error("{}, and {number} {} new", given.map_or("`--allow-new` needs a number".to_owned(), |given| format!("`--allow-new={given}` was given")), if *number == 1 { "thing is" } else { "things are" })]
    AllowNew {
        /// What was said.
        given: Option<usize>,
        /// What is right.
        number: usize,
    },
    /// What was to be a JSON pointer is none.
    #[error(transparent)]
    Pointer(#[from] PointerError),
    /// A person said no, or there was nobody to ask.
    #[error("{0}")]
    NotConfirmed(&'static str),
    /// A file that would be made is there.
    #[error("there is a file already")]
    Exists(PathBuf),
    /// A file operation of `init`, `man` or `demo`.
    #[error("can't {step}: {source}")]
    File {
        /// What was tried.
        step: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `--owner` or `$CLAUDE_PID` is no process id.
    #[error("`{text}` is no process id")]
    BadPid {
        /// What was given.
        text: String,
    },
    /// The user has no home folder.
    #[error("there is no home folder")]
    NoHome,
    /// The signals that are to be forwarded can't be caught.
    #[cfg(unix)]
    #[error("signals can't be watched: {0}")]
    Signals(io::Error),
    /// `exec` can't start this program once more, which fills in the secrets.
    #[error("keystencil can't start itself to fill in the secrets: {0}")]
    NoFiller(io::Error),
    /// What filled in the secrets for `exec` was ended before it was through.
    #[error("filling in the secrets was cut short ({0})")]
    CutShort(ExitStatus),
    /// `exec` can't start its program.
    #[error("`{program}` can't be run: {source}")]
    NotStarted {
        /// What was to be run.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output takes no more.
    #[error("standard output can't be written: {0}")]
    Output(io::Error),
    /// Standard input or the terminal can't be read.
    #[error("the value can't be read: {0}")]
    Input(io::Error),
    /// No file that the filter is for lies in a repository.
    #[error("no target lies in the work tree of a git repository")]
    NoRepository,
    /// What git hands over to be filtered can't be read.
    #[error("the content can't be read: {0}")]
    Content(io::Error),
    /// git and its filter do not understand each other.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A step of the demo did not do what it shows.
    #[error("the demo failed: {0}")]
    Demo(String),
}

impl CliError {
    /// One error of several, or the only one.
    pub(super) fn several(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() > 1 { Some(Self::Several(errors)) } else { errors.pop() }
    }

    /// Whether the reader of our output went away, which is nobody's error.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn inner(&self) -> Option<&dyn Explain> {
        match self {
            Self::Config(error) => Some(error),
            Self::Target(error) => Some(error),
            Self::Session(error) => Some(error),
            Self::Several(errors) => errors.first().map(|error| error as &dyn Explain),
            Self::Check(error) => Some(error),
            Self::Import(error) => Some(error),
            Self::Lookup(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Name(error) => Some(error),
            Self::Value(error) => Some(error),
            Self::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

impl Explain for CliError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Exists(path) | Self::File { path, .. } => Some(Place::file(path)),
            _ => self.inner().and_then(Explain::place),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoSecret(_) => "`keystencil secret list` shows what there is",
            Self::Unrevealed(_) => "pipe it to where it is needed, or show it with `--reveal`",
            Self::NoBackup(_) => "`keystencil vault backups list` shows what there is",
            Self::Hidden(_) => "pipe it to where it is needed, or show it with `--reveal`",
            Self::NoRecipient => "`keystencil vault recipients list` shows who can read it",
            Self::NoTerminal | Self::NoPassphrase => "nothing was changed; run it at a terminal and type one",
            Self::Mistyped => "nothing was changed; try again",
            Self::Stored { .. } => "leave `--no-overwrite` out to replace it",
            Self::NotAllowed { .. } => {
                "see it with `keystencil allow --pending`, and say yes at a terminal; the first time `--allow-new=N` does it \
                 without one, where N is the number of all things"
            }
            Self::AllowNew { number, .. } => {
                return Some(format!(
                    "look at them with `keystencil allow --pending`; if all may be, it is `--allow-new={number}`"
                ));
            }
            Self::Pointer(_) => "write it as `keystencil allow --list` shows it: /mcpServers/github/env/TOKEN",
            Self::NotConfirmed(_) => "`--yes` does it without asking",
            Self::Exists(_) => "move it away first; nothing was changed",
            Self::BadPid { .. } => "name a running process by its number, as `ps` shows it",
            Self::NoRepository => "name the file, or the repository with `--repo DIR`",
            Self::NoHome => "set HOME to the folder that holds your files",
            Self::NoFiller(_) => "is keystencil's own file still there, and may it be run?",
            Self::CutShort(_) => "the secrets are out of the files again; was it killed, or is memory short? Try again",
            Self::NotStarted { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "is it installed, and on PATH? The secrets are out of the files again"
            }
            Self::NotStarted { .. } => "is it a program, and may you run it? The secrets are out of the files again",
            Self::Demo(_) => "please report it with the output above",
            _ => return self.inner().and_then(Explain::hint),
        };
        Some(hint.to_owned())
    }

    fn others(&self) -> Vec<&dyn Explain> {
        let mut others = self.inner().map(Explain::others).unwrap_or_default();
        if let Self::Several(errors) = self {
            others.extend(errors.iter().skip(1).map(|error| error as &dyn Explain));
        }
        others
    }
}
