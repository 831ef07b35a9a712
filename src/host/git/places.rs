//! Which repositories a file lies in: the one around it, and those whose work tree is elsewhere (a bare repository for
//! dotfiles, yadm, vcsh, `GIT_DIR` with `GIT_WORK_TREE`).
//!
//! # Limitations
//! A repository that has its work tree elsewhere can't be told from the work tree: **one in an unusual place is not
//! found** unless the config names it under `repositories`.

use super::{GitError, Repository};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where to look for repositories, besides the folders around a file.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The home folder: the work tree of a bare repository that names none. Without it the usual places are not looked
    /// at.
    pub home: Option<PathBuf>,
    /// `GIT_DIR` and `GIT_WORK_TREE` of the environment.
    pub environment: Option<(PathBuf, Option<PathBuf>)>,
    /// What the config names under `repositories`.
    pub named: Vec<PathBuf>,
    detached: OnceCell<Vec<Repository>>,
    cleared: RefCell<BTreeSet<PathBuf>>,
}

impl Places {
    /// The places of somebody with that home folder.
    #[must_use]
    pub fn new(home: PathBuf, environment: Option<(PathBuf, Option<PathBuf>)>, named: Vec<PathBuf>) -> Self {
        Self { home: Some(home), environment, named, ..Self::default() }
    }

    /// All repositories whose work tree the path is below; it need not exist. No git is run if there is none to ask.
    ///
    /// # Errors
    /// [`GitError`] if git can't tell where a work tree is.
    pub fn around(&self, path: &Path) -> Result<Vec<Repository>, GitError> {
        let around = path.parent().and_then(Repository::around);
        // A repository adds nothing that lies in another one below it.
        let reaches = |other: &Repository| {
            around
                .as_ref()
                .is_none_or(|around| around.root() == other.root() || !around.root().starts_with(other.root()))
        };
        let detached = self.detached()?.iter().filter(|other| reaches(other)).cloned();
        let all = around.iter().cloned().chain(detached);
        Ok(all.filter(|repository| repository.name_of(path).is_some()).collect())
    }

    /// Whether a file was cleared before in this run, so that git need not be asked again.
    #[must_use]
    pub fn is_cleared(&self, path: &Path) -> bool {
        self.cleared.borrow().contains(path)
    }

    /// Notes that no repository is in the way of a file.
    pub fn clear(&self, path: PathBuf) {
        self.cleared.borrow_mut().insert(path);
    }

    fn detached(&self) -> Result<&[Repository], GitError> {
        if let Some(known) = self.detached.get() {
            return Ok(known);
        }
        let mut all = Vec::new();
        let usual = self.home.as_deref().map(Repository::usual_places).unwrap_or_default();
        for place in usual.iter().chain(&self.named) {
            all.extend(Repository::detached(place, self.home.as_deref())?);
        }
        if let Some((git_dir, work_tree)) = &self.environment {
            all.extend(Repository::detached(git_dir, work_tree.as_deref())?);
        }
        Ok(self.detached.get_or_init(|| all))
    }
}
