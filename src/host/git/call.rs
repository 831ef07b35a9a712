//! One call of git: its surroundings, its input, what it said.

use crate::error::{Explain, Place};
use crate::host::shell::word;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables of somebody else's repository: a git hook that calls us has them set, and the target's repository is
/// another one. `git rev-parse --local-env-vars`, and what else changes the answers.
const FOREIGN: [&str; 24] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Why git did not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It can't be started.
    #[error("cannot run git: {source}")]
    NotStarted {
        /// The folder it was to be asked about.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The repository belongs to somebody else, and git does not read it (`safe.directory`).
    #[error("git does not trust this repository: it belongs to another user")]
    Distrusted {
        /// The work tree.
        folder: PathBuf,
    },
    /// It answered with an error.
    #[error("git can't {step}: {said}")]
    Failed {
        /// What was tried: `tell what is ignored`, …
        step: &'static str,
        /// Where.
        folder: PathBuf,
        /// The first line that it said.
        said: String,
    },
}

impl Explain for GitError {
    fn place(&self) -> Option<Place> {
        let (Self::NotStarted { folder, .. } | Self::Distrusted { folder } | Self::Failed { folder, .. }) = self;
        Some(Place::file(folder))
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotStarted { .. } => "install git, and put it on PATH".to_owned(),
            Self::Distrusted { folder } => {
                let folder = word(&folder.to_string_lossy());
                format!("if it is yours: git config --global --add safe.directory {folder}")
            }
            Self::Failed { .. } => "see what `git status` says there, and repair that first".to_owned(),
        })
    }
}

/// A call that is being put together.
#[derive(Debug)]
pub(super) struct Call<'a> {
    command: Command,
    step: &'static str,
    folder: &'a Path,
}

impl<'a> Call<'a> {
    /// A call in the surroundings that git itself has given us: as its filter.
    pub(super) fn within(step: &'static str, folder: &'a Path) -> Self {
        let mut command = Command::new("git");
        // No daemon is started and no hook is run for us, no index is refreshed, and its words are those we look for.
        command
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C");
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, step, folder }
    }

    /// A call about the repository of a folder, whatever repository our caller is in.
    pub(super) fn about(step: &'static str, folder: &'a Path) -> Self {
        let mut call = Self::within(step, folder);
        for variable in FOREIGN {
            call.command.env_remove(variable);
        }
        call
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Starts it for a conversation over its input and output; what it says goes to anyone who reads ours.
    pub(super) fn converse(mut self) -> Result<std::process::Child, GitError> {
        log::debug!("talking to git in {}: {}", self.folder.display(), self.step);
        self.command.stdin(Stdio::piped()).stderr(Stdio::inherit());
        self.command.spawn().map_err(|source| not_started(self.folder, source))
    }

    /// Runs it; statuses in `fine` are answers, all others are errors.
    pub(super) fn run(mut self, input: Option<&[u8]>, fine: &[i32]) -> Result<Output, GitError> {
        if input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        log::debug!("asking git in {}: {}", self.folder.display(), self.step);
        let spawned = self.command.spawn();
        let mut child = spawned.map_err(|source| not_started(self.folder, source))?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A few paths: they fit into the pipe. One that ended early has said why.
            let _ = stdin.write_all(input);
        }
        let output = child.wait_with_output().map_err(|source| not_started(self.folder, source))?;
        match output.status.code() {
            Some(code) if fine.contains(&code) => Ok(output),
            _ => Err(failed(self.step, self.folder, &output.stderr)),
        }
    }
}

fn not_started(folder: &Path, source: io::Error) -> GitError {
    GitError::NotStarted { folder: folder.to_owned(), source }
}

fn failed(step: &'static str, folder: &Path, said: &[u8]) -> GitError {
    let said = String::from_utf8_lossy(said);
    if said.contains("dubious ownership") || said.contains("unsafe repository") {
        return GitError::Distrusted { folder: folder.to_owned() };
    }
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    GitError::Failed { step, folder: folder.to_owned(), said: line.trim_start_matches("fatal: ").to_owned() }
}
