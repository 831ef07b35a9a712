//! The note of what is set up in which repository, in the state folder. It is also how the git filter knows a state
//! folder when it sees one: in a container, in a sandbox or as another user the usual place holds nothing, or somebody
//! else's files.
//!
//! Written by `install git`, `uninstall git` and a render that protects its target; read by the filter before anything
//! else.

use super::{SessionError, State};
use crate::host::OwnLock;
use crate::host::git::Repository;
use crate::host::replace::ReplaceError;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file.
const FILE: &str = "repositories.json";
/// The version this program writes; it reads this one only.
const VERSION: u32 = 1;
/// How long another keystencil that writes it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is set up where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repositories {
    version: u32,
    /// The home folder that a `~` of the config means, no matter who runs git.
    #[serde(with = "crate::journal::path")]
    pub home: PathBuf,
    /// The repositories.
    pub(super) all: Vec<Noted>,
}

/// One repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// The top of its work tree.
    #[serde(with = "crate::journal::path")]
    pub(super) root: PathBuf,
    /// The attributes that we have git read besides all others.
    #[serde(default, with = "crate::journal::path")]
    pub(super) every: PathBuf,
    /// Those that it would read without us.
    #[serde(default, with = "crate::journal::path")]
    pub(super) theirs: PathBuf,
    /// Lines that a render put into `info/exclude`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) exclude: Vec<String>,
    /// Whether there was no such file before.
    #[serde(default)]
    pub(super) exclude_is_new: bool,
}

impl Repositories {
    fn new(home: &Path) -> Self {
        Self { version: VERSION, home: home.to_owned(), all: Vec::new() }
    }

    /// Changes the entry of a repository, made if there is none.
    pub(super) fn change(&mut self, root: &Path, change: impl FnOnce(&mut Noted)) {
        match self.all.iter_mut().find(|noted| noted.root == root) {
            Some(noted) => change(noted),
            None => {
                let mut noted = Noted { root: root.to_owned(), ..Noted::default() };
                change(&mut noted);
                self.all.push(noted);
            }
        }
    }
}

impl State {
    /// What is noted; `None` if nothing was ever set up.
    ///
    /// # Errors
    /// [`SessionError::NoState`] if the note can't be read.
    pub(super) fn repositories(&self) -> Result<Option<Repositories>, SessionError> {
        let unfit = |why| SessionError::NoState { path: self.folder().to_owned(), why };
        match fs::read(self.folder().join(FILE)) {
            Ok(text) => {
                let noted: Option<Repositories> = serde_json::from_slice(&text).ok();
                noted
                    .filter(|noted| noted.version == VERSION)
                    .map(Some)
                    .ok_or(unfit("its list of repositories is damaged"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(unfit("it can't be read")),
        }
    }

    /// What is noted, for git's filter: a folder without the note is not the one that the filter was installed for, and
    /// it does not say what is in use.
    ///
    /// # Errors
    /// [`SessionError::NoState`].
    pub fn for_filter(&self) -> Result<Repositories, SessionError> {
        let unfit = |why| SessionError::NoState { path: self.folder().to_owned(), why };
        match self.repositories()? {
            Some(noted) => Ok(noted),
            None if self.folder().is_dir() => Err(unfit("no filter was installed from it")),
            None => Err(unfit("folder not found")),
        }
    }

    /// The noted repositories that a file lies in and that the folders around it do not lead to: a bare one for
    /// dotfiles.
    pub(super) fn noted_around(&self, path: &Path) -> Vec<Repository> {
        let noted = self.repositories().ok().flatten().map(|noted| noted.all).unwrap_or_default();
        let there = noted.into_iter().filter(|noted| path.starts_with(&noted.root));
        // What is noted is `info/…` in the folder of the repository.
        let find = |noted: Noted| Repository::detached(noted.every.parent()?.parent()?, Some(&noted.root)).ok()?;
        there.filter_map(find).filter(|found| found.name_of(path).is_some()).collect()
    }

    /// Whether a repository is noted.
    pub(super) fn is_noted(&self, root: &Path) -> bool {
        let noted = self.repositories().ok().flatten();
        noted.is_some_and(|noted| {
            noted.all.iter().any(|noted| noted.root == root && !noted.every.as_os_str().is_empty())
        })
    }

    /// What is noted of a repository.
    pub(super) fn noted(&self, root: &Path) -> Result<Option<Noted>, SessionError> {
        Ok(self.repositories()?.and_then(|noted| noted.all.into_iter().find(|noted| noted.root == root)))
    }

    /// Forgets a repository, and the note with the last one.
    pub(super) fn forget_repository(&self, root: &Path) -> Result<(), SessionError> {
        let Some(noted) = self.repositories()? else { return Ok(()) };
        self.note_repositories(&noted.home, |noted| noted.all.retain(|noted| noted.root != root))?;
        if self.repositories()?.is_some_and(|noted| noted.all.is_empty()) {
            let path = self.folder().join(FILE);
            fs::remove_file(&path).map_err(ReplaceError::io("remove it", &path))?;
        }
        Ok(())
    }

    /// Keeps every other keystencil away from the note, and from what it is about.
    pub(super) fn lock_repositories(&self) -> Result<OwnLock, SessionError> {
        super::state::make_private(self.folder()).map_err(ReplaceError::io("make the state folder", self.folder()))?;
        Ok(OwnLock::take(&self.folder().join("repositories.lock"), PATIENCE)?)
    }

    /// Changes the note; nothing is written if `change` leaves it as it is. A damaged one is started again: what it
    /// said is lost then, and only `uninstall git` would have needed it.
    pub(super) fn note_repositories(
        &self,
        home: &Path,
        change: impl FnOnce(&mut Repositories),
    ) -> Result<(), SessionError> {
        let _lock = self.lock_repositories()?;
        let before = self.repositories().unwrap_or_default();
        let mut noted = before.clone().unwrap_or_else(|| Repositories::new(home));
        change(&mut noted);
        if before.as_ref() == Some(&noted) {
            return Ok(());
        }
        let path = self.folder().join(FILE);
        let failed = || ReplaceError::io("write into the state folder", self.folder());
        let mut file = tempfile::Builder::new()
            .prefix("repositories.")
            .suffix(".tmp")
            .tempfile_in(self.folder())
            .map_err(failed())?;
        file.write_all(serde_json::to_string(&noted).unwrap_or_default().as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed())?;
        file.into_temp_path().persist(&path).map_err(|error| failed()(error.error))?;
        Ok(())
    }
}
