//! What git's filter is set up for, and what that changed.

use super::call::FilterCall;
use crate::host::replace::staged_begin;
use crate::host::{Profile, Resolved};
use crate::session::{SessionError, State, Target};
use std::path::{Path, PathBuf};

/// A file that is to go through the filter.
#[derive(Debug, Clone)]
pub struct Filtered {
    /// The file.
    pub file: Resolved,
    /// Whose it is.
    pub profile: &'static dyn Profile,
}

/// One thing that was changed, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterChange {
    /// A key of git's config was set, or taken out.
    Setting(&'static str),
    /// Lines were added to a file or taken out of it.
    Lines(PathBuf),
}

/// How a filter is set up.
#[derive(Debug, Clone, Copy)]
pub struct FilterOptions<'a> {
    /// How git calls this program.
    pub call: &'a FilterCall,
    /// Where it is noted.
    pub state: &'a State,
    /// What a `~` of the config means.
    pub home: &'a Path,
    /// Which of git's config files takes the definition: `--local` or `--global`.
    pub config: &'a str,
    /// Whether the committed `.gitattributes` gets its lines.
    pub shared: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
}

impl Filtered {
    /// A target of the config, or a file that looks like a host's.
    ///
    /// # Errors
    /// [`SessionError::File`] if its links lead nowhere.
    pub fn of(target: &Target) -> Result<Self, SessionError> {
        Ok(Self { file: Resolved::follow(&target.path)?, profile: target.profile })
    }

    /// How the paths begin of everything that holds the secrets besides the target.
    pub(super) fn copies_begin(&self) -> Vec<PathBuf> {
        let mut starts = self.profile.copies_begin(&self.file);
        starts.push(staged_begin(self.file.path()));
        starts
    }
}
