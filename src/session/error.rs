//! Why a transaction did not happen. Nothing was changed then.

use crate::error::{Explain, Place};
use crate::host::profile::UnfitSettings;
use crate::host::{LockError, ReplaceError};
use crate::plan::PlanError;
use crate::plan::journal::JournalError;
use crate::template::TemplateError;
use std::io;
use std::path::PathBuf;

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The template file can't be read.
    #[error("the template can't be read: {source}")]
    NoTemplate {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The template has no blueprint.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Secrets that are in no store, and variables that are not set: all of them.
    #[error("{}", .0.first().map(|first| first.message.as_str()).unwrap_or_default())]
    Missing(Vec<MissingSecret>),
    /// The target can't take a template.
    #[error("{error}")]
    Target {
        /// The target.
        path: PathBuf,
        /// What is wrong with it.
        error: PlanError,
    },
    /// The target and its journal are of different minds.
    #[error("{error}")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        error: JournalError,
    },
    /// A literal stands where the template has a reference, and that was to be an error.
    #[error("a value that keystencil did not write stands where the template has a reference")]
    Conflict {
        /// The target.
        path: PathBuf,
        /// The pointer of the first one.
        pointer: String,
    },
    /// A host's settings are not of the shape that it reads.
    #[error("the settings can't take hooks: {error}")]
    Settings {
        /// The settings.
        path: PathBuf,
        /// What is wrong with them.
        error: UnfitSettings,
    },
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] ReplaceError),
    /// A lock can't be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Somebody rewrites the target faster than it can be replaced.
    #[error("somebody rewrites the target all the time without its lock")]
    Raced {
        /// The target.
        path: PathBuf,
    },
    /// The process that was to hold the rendered form is not there.
    #[error("there is no process {pid} that could hold the rendered form")]
    NoOwner {
        /// The id asked for.
        pid: u32,
    },
    /// No random bytes from the system.
    #[error("the system gives no random bytes")]
    Random,
}

/// One reference without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MissingSecret {
    /// What is missing.
    pub message: String,
    /// Where the template asks for it.
    pub place: Place,
    /// How to provide it.
    pub cure: String,
}

impl Explain for MissingSecret {
    fn place(&self) -> Option<Place> {
        Some(self.place.clone())
    }

    fn hint(&self) -> Option<String> {
        Some(self.cure.clone())
    }
}

impl Explain for SessionError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::NoTemplate { path, .. } | Self::Journal { path, .. } | Self::Settings { path, .. } => {
                Some(Place::file(path))
            }
            Self::Template(error) => error.place(),
            Self::Missing(missing) => missing.first().and_then(Explain::place),
            Self::Target { path, error: PlanError::Syntax(error) } => Some(Place::at(path, error.line, error.column)),
            Self::Target { path, .. } => Some(Place::file(path)),
            Self::Conflict { path, pointer } => Some(Place::file(path).slot(pointer)),
            Self::File(error) => error.place(),
            Self::Lock(error) => error.place(),
            Self::Raced { path } => Some(Place::file(path)),
            Self::NoOwner { .. } | Self::Random => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoTemplate { .. } => Some("name it with `--template FILE`, or in the config".to_owned()),
            Self::Template(error) => error.hint(),
            Self::Missing(missing) => missing.first().and_then(Explain::hint),
            Self::Target { error, path } => Some(match error {
                PlanError::Empty => format!("delete {}: a missing target is created", path.display()),
                PlanError::Syntax(_) => "repair it by hand; nothing was changed".to_owned(),
                PlanError::NotAnObject => "a target is an object `{…}` that settings are merged into".to_owned(),
                PlanError::Edit(_) => {
                    "this is a fault of keystencil's: please report it; nothing was changed".to_owned()
                }
            }),
            Self::Journal { error, .. } => error.hint(),
            Self::Settings { error, .. } => error.hint(),
            Self::Conflict { .. } => {
                Some("move it into a store with `keystencil secret set`, or use `--on-conflict replace`".to_owned())
            }
            Self::File(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Raced { .. } => Some("stop that program and try again".to_owned()),
            Self::NoOwner { .. } => Some("leave `--owner` out to hold it until `keystencil unrender`".to_owned()),
            Self::Random => None,
        }
    }

    fn others(&self) -> Vec<&dyn Explain> {
        match self {
            Self::Missing(missing) => missing.iter().skip(1).map(|one| one as &dyn Explain).collect(),
            _ => Vec::new(),
        }
    }
}
