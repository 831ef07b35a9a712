//! Why a transaction did not happen. Nothing was changed then.

use crate::document::Pointer;
use crate::error::{Explain, Place};
use crate::host::git::GitError;
use crate::host::profile::UnfitSettings;
use crate::host::{LockError, ReplaceError};
use crate::journal::JournalError;
use crate::plan::PlanError;
use crate::secret::SecretName;
use crate::store::{LookupError, StoreError, StoreKind, Unresolved};
use crate::template::TemplateError;
use std::io;
use std::path::PathBuf;

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The template file can't be read.
    #[error("cannot read the template: {source}")]
    NoTemplate {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The template has no blueprint.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A server that is the same in the template as in the live file of a host.
    #[error("this server is in its wrapped form, which only the live file has")]
    WrappedTemplate(Place),
    /// Secrets that are in no store, and variables that are not set: all of them.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Missing(Vec<MissingSecret>),
    /// The target can't take a template.
    #[error("{error}")]
    Target {
        /// The target.
        path: PathBuf,
        /// What is wrong with it.
        error: PlanError,
    },
    /// The journal cannot be used for this target.
    #[error("{error}")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        error: JournalError,
    },
    /// What was allowed can't be read.
    #[error("the record of what you allowed can't be read: it is damaged, or a newer keystencil wrote it")]
    Grants {
        /// The record.
        path: PathBuf,
    },
    /// A literal is where the template has a reference, and that was to be an error.
    #[error("there is a value that keystencil did not write where the template has a reference")]
    Conflict {
        /// The target.
        path: PathBuf,
        /// The pointer of the first one.
        pointer: String,
    },
    /// A host's settings are not of the shape that it reads.
    #[error("cannot add hooks to the settings: {error}")]
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
    #[error("another program keeps rewriting the target without taking its lock")]
    Raced {
        /// The target.
        path: PathBuf,
    },
    /// A value that nobody knows is where the committed version has a placeholder.
    #[error("there is a value that keystencil does not know where a placeholder belongs{}; not staged", more(*.others))]
    Exposed {
        /// The file that was to be staged.
        path: PathBuf,
        /// Where: the pointer, or the line of a text that is not JSON.
        at: Result<Pointer, usize>,
        /// How many more there are.
        others: usize,
    },
    /// A file that was to be staged holds a key that no journal knows.
    #[error("this looks like a key for {name}; not staged")]
    Format {
        /// The file.
        path: PathBuf,
        /// The line it is in, from 1.
        line: usize,
        /// Whose keys look so.
        name: &'static str,
    },
    /// A target that was to be staged is another one now.
    #[error("this file changed while git was reading it; not staged")]
    Stale {
        /// The file.
        path: PathBuf,
    },
    /// A file that was to be staged holds a secret in an encoding that no placeholder can be put in.
    #[error("this file contains a secret and is UTF-16; not staged")]
    Wide {
        /// The file.
        path: PathBuf,
    },
    /// A file goes through another filter of git's.
    #[error("this file already goes through the git filter `{filter}`")]
    OtherFilter {
        /// The file.
        path: PathBuf,
        /// That filter.
        filter: String,
    },
    /// The filter was to be taken out while a file is rendered that needs it.
    #[error("this file is rendered, and without the filter git would commit its keys")]
    StillRendered {
        /// The file.
        path: PathBuf,
    },
    /// git could commit a target, or its copies, with the secrets in them.
    #[error("{} in a git work tree, and nothing keeps git from committing {}",
        if *.is_copy { "copies that this target's program makes are" } else { "the target is" },
        if *.is_copy { "their keys" } else { "its keys" })]
    Committable {
        /// The target, or the folder of its copies.
        path: PathBuf,
        /// The top of the work tree.
        root: PathBuf,
        /// Whether it is about the copies.
        is_copy: bool,
        /// Whether git tracks the file now.
        is_tracked: bool,
    },
    /// Whether git could commit a target can't be told.
    #[error("cannot tell whether git could commit this file: {error}")]
    Unasked {
        /// The target.
        path: PathBuf,
        /// Why not.
        error: GitError,
    },
    /// git's filter can't tell which keys are in use: it does not see the state that it was installed for.
    #[error("keystencil can't tell which keys are in use, so nothing is staged: {why}")]
    NoState {
        /// The state folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The filter of a repository reads another state folder than the one that a render would note its keys in.
    #[error("the git filter of this repository was installed for another state folder, and would not know these keys")]
    OtherState {
        /// The top of the work tree.
        path: PathBuf,
    },
    /// git was to be asked something, and did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The process that was to hold the rendered form is not there.
    #[error("process {pid} does not exist")]
    NoOwner {
        /// The id asked for.
        pid: u32,
    },
    /// A file to be imported holds secrets that a render has put there.
    #[error("this file is rendered now: its keys are in a store already")]
    Rendered {
        /// The file.
        path: PathBuf,
    },
    /// A file to be imported is not what it was when the import was planned.
    #[error("the file changed meanwhile")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// An edit of a template would bring a secret into it. Nothing was written.
    #[error("this would put a secret into the template")]
    SecretInTemplate {
        /// The template's file.
        path: PathBuf,
    },
    /// Where the template of an import is to go there is another one.
    #[error("a template already exists there")]
    TemplateExists {
        /// Its path.
        path: PathBuf,
    },
    /// The template of an import would not give back the file.
    #[error("the template would not reproduce this file exactly")]
    Unfaithful {
        /// The file.
        path: PathBuf,
        /// The pointer of the first place, if it is one place.
        pointer: String,
    },
    /// A template, or the config, would have a key in plain text. Nothing was written.
    #[error("this would put {what} into this file")]
    KeyInTemplate {
        /// The file that was to be written.
        path: PathBuf,
        /// In which of its lines.
        line: usize,
        /// What it is, as `check` says it.
        what: String,
    },
    /// A store does not give back what was put in.
    #[error("the store did not return secret {name} as it was stored")]
    NotKept {
        /// Its name.
        name: SecretName,
    },
    /// A name that the user chose for a secret of an import has another value.
    #[error("secret {name} is already stored, with a different value")]
    NameInUse {
        /// The name.
        name: SecretName,
    },
    /// A store failed while something was to be kept in it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store does not say whether it has a secret.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No random bytes from the system.
    #[error("cannot get random bytes from the system")]
    Random,
}

/// One reference without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct MissingSecret {
    /// Where the template asks for it.
    pub place: Place,
    /// Why it has none.
    pub why: Missing,
}

/// Why a reference has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No store gave it.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// A variable of the environment that is not set; its name.
    #[error("environment variable `{0}` is not set")]
    Unset(String),
    /// No store keeps it, and the store whose key says whether it was allowed does not answer.
    #[error("cannot tell whether this was allowed, because the {0} fails: {1}")]
    Untold(StoreKind, StoreError),
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

impl Explain for MissingSecret {
    fn place(&self) -> Option<Place> {
        Some(self.place.clone())
    }
}

impl Explain for SessionError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::NoTemplate { path, .. }
            | Self::Journal { path, .. }
            | Self::Settings { path, .. }
            | Self::Grants { path } => Some(Place::file(path)),
            Self::Template(error) => error.place(),
            Self::WrappedTemplate(place) => Some(place.clone()),
            Self::Missing(missing) => missing.first().and_then(Explain::place),
            Self::Target { path, error: PlanError::Syntax(error) } => Some(Place::at(path, error.line, error.column)),
            Self::Target { path, .. } => Some(Place::file(path)),
            Self::Conflict { path, pointer } => Some(Place::file(path).slot(pointer)),
            Self::File(error) => error.place(),
            Self::Lock(error) => error.place(),
            Self::Raced { path }
            | Self::Wide { path }
            | Self::Stale { path }
            | Self::OtherFilter { path, .. }
            | Self::StillRendered { path }
            | Self::Committable { path, .. }
            | Self::NoState { path, .. }
            | Self::OtherState { path }
            | Self::Unasked { path, .. } => Some(Place::file(path)),
            Self::Exposed { path, at: Ok(pointer), .. } => Some(Place::file(path).slot(pointer.as_str())),
            Self::Exposed { path, at: Err(line), .. } | Self::Format { path, line, .. } => {
                Some(Place::at(path, *line, 1))
            }
            Self::Git(error) => error.place(),
            Self::Rendered { path }
            | Self::Changed { path }
            | Self::TemplateExists { path }
            | Self::SecretInTemplate { path } => Some(Place::file(path)),
            Self::KeyInTemplate { path, line, .. } => Some(Place::at(path, *line, 1)),
            Self::Unfaithful { path, pointer } if pointer.is_empty() => Some(Place::file(path)),
            Self::Unfaithful { path, pointer } => Some(Place::file(path).slot(pointer)),
            Self::Store(error) => error.place(),
            Self::Lookup(error) => error.place(),
            Self::NoOwner { .. } | Self::NotKept { .. } | Self::NameInUse { .. } | Self::Random => None,
        }
    }

    fn others(&self) -> Vec<&(dyn Explain + 'static)> {
        match self {
            Self::Missing(missing) => missing.iter().skip(1).map(|one| one as &(dyn Explain + 'static)).collect(),
            _ => Vec::new(),
        }
    }
}
