//! What is looked through, and what comes of it.

use crate::host::{Resolved, read};
use clap::Args;
use std::path::{Path, PathBuf};

/// Find keys and rendered files before you commit them
///
/// Looks for keys of over 250 formats, random values under names that suggest a
/// secret, passwords in URLs, your own secrets in any file (also JSON-escaped,
/// URL-encoded, HTML-escaped, as hexadecimal or base64, in UTF-8 or UTF-16), keys
/// in the names of files, and files that are rendered now. Templates of the config
/// are compiled: a reference that does not work, that no store has a value for, or
/// that would be logged is reported as well. In other templates (`*.json` that
/// contain `<< keyring('x') >>`), only what is wrong whatever their config says.
///
/// Your own secrets are those that the templates of the config refer to. Ones with
/// fewer than 8 characters are not searched for. `check` never asks a keyring to
/// unlock itself: a locked one is a warning.
///
/// If something was found that is no secret, write `keystencil: allow` in a comment
/// on that line or the line above, with a rule's name behind it to allow that rule
/// only. Or keep a baseline: a file that holds no secret and may be committed.
///
/// In folders, `.gitignore` is honoured; a file that you name is always read.
/// Without FILE, the templates and targets of the config are checked.
///
/// `--sessions` looks at what AI tools keep of their sessions instead: transcripts,
/// tool results, task outputs and copies of edited files. A model has seen a key
/// that is found there. Only your own secrets are searched for, including those
/// that were seen before. `status` and `doctor` report a key until it has a new
/// value, or until `--forget NAME`.
///
/// Exit status: 0 nothing found · 1 something found · 2 error · 3 nothing found,
/// but something could not be read.
///
/// Examples:
///
///     keystencil check                        the config's templates and targets
///     keystencil check .                      this folder
///     keystencil check --staged               what would be committed (git)
///     keystencil check --sarif . > out.sarif  for a code host
///     keystencil check --sessions             what models have seen
///     keystencil check --sessions --clean     the same, taken out there
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct CheckArgs {
    /// Files and folders to look through
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Look at what is staged in git instead of at the files; FILE limits it
    #[arg(long = "staged")]
    pub(super) index: bool,
    /// Look at what AI tools keep of their sessions instead
    #[arg(long, conflicts_with_all = ["files", "index", "baseline"])]
    pub(super) sessions: bool,
    /// Take your secrets out of what sessions that have ended left
    #[arg(long, requires = "sessions", conflicts_with_all = ["json", "sarif", "forget"])]
    pub(super) clean: bool,
    /// Do not ask
    #[arg(long, requires = "clean")]
    pub(super) yes: bool,
    /// Stop reporting that a model has seen this secret
    #[arg(long, value_name = "NAME", requires = "sessions")]
    pub(super) forget: Vec<String>,
    /// Report as JSON on standard output
    #[arg(long, conflicts_with = "sarif")]
    pub(super) json: bool,
    /// Report as SARIF 2.1.0 on standard output
    #[arg(long)]
    pub(super) sarif: bool,
    /// Do not report what is in this baseline
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found now to the baseline
    #[arg(long, requires = "baseline")]
    pub(super) update_baseline: bool,
}

/// What is looked through.
pub(super) enum Scope {
    Files(super::files::Found),
    Staged(super::staged::Index),
}

impl Scope {
    /// Whether the file is among what is looked through.
    pub(super) fn has(&self, path: &Path) -> bool {
        // What is staged may be gone from the work tree.
        let Ok(path) = Resolved::follow(path) else { return false };
        match self {
            Self::Files(found) => {
                found.files.iter().any(|file| file.path.canonicalize().is_ok_and(|file| file == path.path()))
            }
            Self::Staged(index) => index.entries.iter().any(|entry| index.path(entry) == path.path()),
        }
    }

    /// All that is looked through.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Files(found) => found.files.iter().map(|file| file.path.clone()).collect(),
            Self::Staged(index) => index.entries.iter().map(|entry| index.path(entry)).collect(),
        }
    }

    /// The text of a file as it is looked through: what is staged, if it is staged.
    pub(super) fn text(&self, path: &Path) -> Option<Vec<u8>> {
        let staged = if let Self::Staged(index) = self { index.text(path).and_then(Result::ok) } else { None };
        staged.or_else(|| read::regular(path).ok())
    }
}
