//! What is looked through, and what comes of it.

use crate::host::{Resolved, read};
use clap::Args;
use std::path::{Path, PathBuf};

/// Find keys and rendered files before you commit them
///
/// Looks for keys of over 250 formats, for random values behind telling names
/// and for passwords in URLs; for your own secrets in whatever file they are,
/// also JSON-escaped, URL-encoded, in HTML, in hexadecimal or as base64, in UTF-8
/// or UTF-16; and for files that are rendered now. Templates of the config are
/// compiled: a reference that does not work, names what no store has, or would be
/// logged is found as well; in other templates (`*.json` with a
/// `<< keyring('x') >>` in it) what is wrong with a reference whatever their
/// config says.
///
/// Your own secrets are those that the templates of the config ask for; ones of
/// fewer than 8 characters are not searched for. No keyring is ever asked to
/// unlock itself: if it is locked, that is a warning.
///
/// What is found and is no secret: say `keystencil: allow` in a comment in that
/// line or above it, for one rule with the rule's name behind it. Or keep a
/// baseline, a file that holds no secret and may be committed.
///
/// Folders are searched with their `.gitignore` honoured; a file that is named
/// is always looked at. Without FILE the templates and targets of the config
/// are checked.
///
/// `--sessions` looks at what AI tools keep of their sessions instead: transcripts,
/// tool results, task outputs, copies of edited files. A key in there has been seen
/// by a model. Only your own secrets are searched for, with those that were seen
/// before: `status` and `doctor` tell of a key until it has a new value, or until
/// `--forget NAME`.
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
    /// Tell no more that a model has seen this secret
    #[arg(long, value_name = "NAME", requires = "sessions")]
    pub(super) forget: Vec<String>,
    /// Report as JSON on standard output
    #[arg(long, conflicts_with = "sarif")]
    pub(super) json: bool,
    /// Report as SARIF 2.1.0 on standard output
    #[arg(long)]
    pub(super) sarif: bool,
    /// Leave out what this file knows
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found now into the baseline
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
