//! Why a check could not be made. A check that could not be made is never a check that found nothing.

use crate::cli::error::CommandError;
use crate::error::{Explain, Place};
use crate::lint::baseline::BaselineError;
use std::io;
use std::path::PathBuf;

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CheckError {
    /// A file that was named is not there, or is neither a file nor a folder.
    #[error("cannot check it: {reason}")]
    NoFile {
        /// What was named.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The baseline can't be used.
    #[error("{error}")]
    Baseline {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: BaselineError,
    },
    /// `git` can't be run.
    #[error("cannot run git: {0}")]
    NoGit(io::Error),
    /// `git` refused.
    #[error("git can't tell what is staged: {said}")]
    Git {
        /// The last line of what it said.
        said: String,
    },
    /// `git` said something else than it documents.
    #[error("cannot understand git's reply: {0}")]
    Protocol(&'static str),
    /// A merge is not finished.
    #[error("{} is unmerged, so it is unclear what would be committed", .paths.first().map(String::as_str).unwrap_or_default())]
    Unmerged {
        /// The files.
        paths: Vec<String>,
    },
    /// The system gives no random bytes.
    #[error("cannot get random bytes from the system")]
    NoRandom,
}

impl std::convert::From<CheckError> for CommandError {
    fn from(error: CheckError) -> Self {
        Self::of(error)
    }
}

impl Explain for CheckError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::NoFile { path, .. } | Self::Baseline { path, .. } => Some(Place::file(path)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFile { .. } => "name existing files and folders, or none to check those of the config".to_owned(),
            Self::Baseline { .. } => {
                "look at the findings, then delete it and make a new one with `--update-baseline`".to_owned()
            }
            Self::NoGit(_) => "install git, or name the files instead of `--staged`".to_owned(),
            Self::Git { .. } => {
                "`--staged` needs a git repository whose index can be read: try `git status`".to_owned()
            }
            Self::Unmerged { paths } if paths.len() > 1 => {
                format!("finish the merge and `git add` them: {}", paths.join(", "))
            }
            Self::Unmerged { .. } => "finish the merge and `git add` it".to_owned(),
            Self::Protocol(_) | Self::NoRandom => return None,
        })
    }
}
