//! What can be wrong with an import's arguments.

use crate::adopt::import::{ImportPlan, RenameError, What};
use crate::cli::error::CommandError;
use crate::cli::naming::of_name;
use crate::cli::suggest::nearest;
use crate::error::{Explain, Place};
use crate::secret::SecretName;
use std::path::{Path, PathBuf};

/// Why an import can't begin. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ImportError {
    /// The file is not there.
    #[error("file not found")]
    NoFile {
        /// What was named.
        path: PathBuf,
        /// The most similar one.
        near: Option<PathBuf>,
    },
    /// An argument matches nothing that was found.
    #[error("`{option} {}` matches nothing that was found", .pattern.escape_debug())]
    NoSuch {
        /// The option.
        option: &'static str,
        /// Its argument.
        pattern: String,
        /// The most similar one.
        near: Option<String>,
    },
    /// An argument that gives a name matches more than one secret.
    #[error("`--rename {}` matches more than one secret", .0.escape_debug())]
    Several(String),
    /// `--comment-out`, and the file is not a `.env` file.
    #[error("`--comment-out` is for `.env` files")]
    NoEnvFile {
        /// What was named.
        path: PathBuf,
    },
    /// A line of a `.env` file is malformed.
    #[error("this line is neither `NAME=value` nor part of a quoted value")]
    EnvLine {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
    },
    /// Two secrets would have one name.
    #[error("two secrets can't both be called {0}: their values differ")]
    Twice(SecretName),
}

impl ImportError {
    /// The file is not there; another one beside it may be meant.
    pub(super) fn no_file(path: &Path) -> Self {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let near = nearest(&name, names.iter().map(String::as_str)).map(|near| path.with_file_name(near));
        Self::NoFile { path: path.to_owned(), near }
    }

    /// A pattern that matches nothing, with the most similar name in the plan.
    pub(super) fn no_such(option: &'static str, pattern: &str, plan: &ImportPlan) -> Self {
        // `--only` takes what a name begins with, or a step of the way; `--rename` the name as it is shown.
        let names: Vec<String> = match option {
            "--only" => plan.secrets.iter().map(|found| found.name.service().to_owned()).collect(),
            _ => plan.secrets.iter().map(|found| of_name(&found.name)).collect(),
        };
        let steps: Vec<String> = match option {
            "--only" => plan.findings.iter().flat_map(|finding| finding.pointer.tokens()).map(Into::into).collect(),
            _ => Vec::new(),
        };
        let places = plan.findings.iter().map(|finding| finding.pointer.as_str());
        let near = match pattern.starts_with('/') {
            true => nearest(pattern, places),
            false => nearest(pattern, names.iter().chain(&steps).map(String::as_str)),
        };
        Self::NoSuch { option, pattern: pattern.to_owned(), near: near.map(ToOwned::to_owned) }
    }

    /// What is wrong with the names that the user chose for a plan.
    pub(super) fn rename(error: RenameError, plan: &ImportPlan) -> Self {
        let shown = |what: &What| match what {
            What::Name(name) => of_name(name),
            What::Place(pattern) => pattern.clone(),
            What::Value(_) => String::new(),
        };
        match error {
            RenameError::NoSuch(what) => Self::no_such("--rename", &shown(&what), plan),
            RenameError::Several(what) => Self::Several(shown(&what)),
            RenameError::Twice(name) => Self::Twice(name),
        }
    }
}

impl std::convert::From<ImportError> for CommandError {
    fn from(error: ImportError) -> Self {
        Self::of(error)
    }
}

impl Explain for ImportError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::NoFile { path, .. } | Self::NoEnvFile { path } => Some(Place::file(path)),
            Self::EnvLine { path, line } => Some(Place::at(path, *line, 1)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFile { near: Some(near), .. } => format!("did you mean `{}`?", near.display()),
            Self::NoFile { .. } => "name the config that has the keys; Claude Code's is ~/.claude.json".to_owned(),
            Self::NoEnvFile { .. } => "leave it out: in a JSON config the keys are replaced by placeholders".to_owned(),
            Self::EnvLine { .. } => {
                "nothing was changed; put a value of several lines in double quotes, from its first line to its last"
                    .to_owned()
            }
            Self::NoSuch { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NoSuch { .. } => "`--dry-run` shows what is found, and what it would be called".to_owned(),
            Self::Several(_) => "name one of its places, as `--dry-run` shows them".to_owned(),
            Self::Twice(_) => {
                "give one of them another name, or an account: `--rename 'OLD=NAME (ACCOUNT)'`".to_owned()
            }
        })
    }
}
