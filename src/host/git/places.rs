//! Which repositories a file lies in: the one around it, and those whose work tree is elsewhere (a bare repository for
//! dotfiles, yadm, vcsh, `GIT_DIR` with `GIT_WORK_TREE`).
//!
//! # Limitations
//! A repository that has its work tree elsewhere can't be told from the work tree: **one in an unusual place is not
//! found** unless the config names it under `repositories`.

use super::{GitError, Repository};
use std::path::{Path, PathBuf};

/// Where to look for repositories, besides the folders around a file.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The home folder: the work tree of a bare repository that names none.
    pub home: PathBuf,
    /// `GIT_DIR` and `GIT_WORK_TREE` of the environment.
    pub environment: Option<(PathBuf, Option<PathBuf>)>,
    /// What the config names under `repositories`.
    pub named: Vec<PathBuf>,
}

impl Places {
    /// All repositories whose work tree the path is below; it need not exist. No git is run if there is none to ask.
    ///
    /// # Errors
    /// [`GitError`] if git can't tell where a work tree is.
    pub fn around(&self, path: &Path) -> Result<Vec<Repository>, GitError> {
        let mut all: Vec<Repository> = path.parent().and_then(Repository::around).into_iter().collect();
        let mut add = |found: Option<Repository>| {
            all.extend(found.filter(|found| found.name_of(path).is_some()));
        };
        let usual = if self.home.is_absolute() { Repository::usual_places(&self.home) } else { Vec::new() };
        for place in usual.iter().chain(&self.named) {
            add(Repository::detached(place, Some(&self.home))?);
        }
        if let Some((git_dir, work_tree)) = &self.environment {
            add(Repository::detached(git_dir, work_tree.as_deref())?);
        }
        all.retain(|repository| repository.name_of(path).is_some());
        Ok(all)
    }
}
