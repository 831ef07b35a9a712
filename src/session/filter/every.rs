//! While a secret is in any file, git sees every file of a repository through the filter: one that is moved has its
//! keys in a file whose name no line of attributes knows.
//!
//! The line for all files is where every other wins: in the file that `core.attributesFile` names, below each
//! `.gitattributes` and below the user's own global attributes, which are copied after it. So a file that git-lfs or
//! git-crypt filters stays theirs. At rest that file is a link to the user's own, and no filter is asked for anything:
//! an `add` of 1,000 files then costs what it costs without us.
//!
//! # Limitations
//! **A moved file that goes through another filter is not seen**, since a file has one.

use super::{FilterChange, FilterOptions};
use crate::host::git::{Repository, attributes};
use crate::host::replace::ReplaceError;
use crate::session::{SessionError, State};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The filter that every file goes through: it closes what journals know, and asks nothing else.
pub(super) const ANY: &str = "keystencil-any";
/// The key that keeps what the user's own `core.attributesFile` of this repository was.
const THEIRS: &str = "filter.keystencil-any.attributes";
const KEY: &str = "core.attributesFile";
/// Our file, beside `info/attributes`.
const FILE: &str = "keystencil.attributes";

/// Has git read our file of attributes, and notes it.
pub(super) fn point_git(
    repository: &Repository,
    options: &FilterOptions<'_>,
    changes: &mut Vec<FilterChange>,
) -> Result<(), SessionError> {
    let every = repository.own_attributes()?.with_file_name(FILE);
    let local = repository.setting_in("--local", KEY)?;
    let is_set = local.as_deref().map(Path::new) == Some(every.as_path());
    if !is_set {
        changes.push(FilterChange::Setting(KEY));
    }
    if options.dry_run {
        return Ok(());
    }
    if let (Some(local), false) = (&local, is_set) {
        repository.set("--local", THEIRS, Some(local.as_ref()))?;
    }
    let mut theirs = repository.path_in("--local", THEIRS)?;
    for scope in ["--global", "--system"] {
        theirs = theirs.map_or_else(|| repository.path_in(scope, KEY), |theirs| Ok(Some(theirs)))?;
    }
    let theirs = theirs.unwrap_or_else(|| options.call.attributes.clone());
    options.state.note_repositories(options.home, |all| {
        all.change(repository.root(), |noted| (noted.every, noted.theirs) = (every.clone(), theirs));
    })?;
    options.state.attend()?;
    if !is_set {
        repository.set("--local", KEY, Some(every.as_os_str()))?;
    }
    Ok(())
}

/// Takes that out again.
pub(super) fn point_back(
    repository: &Repository,
    dry_run: bool,
    changes: &mut Vec<FilterChange>,
) -> Result<(), SessionError> {
    let every = repository.own_attributes()?.with_file_name(FILE);
    let is_set = repository.setting_in("--local", KEY)?.as_deref().map(Path::new) == Some(every.as_path());
    if is_set {
        changes.push(FilterChange::Setting(KEY));
    }
    if dry_run {
        return Ok(());
    }
    if is_set {
        let theirs = repository.setting_in("--local", THEIRS)?;
        repository.set("--local", KEY, theirs.as_deref().map(AsRef::as_ref))?;
    }
    repository.set("--local", THEIRS, None)?;
    if fs::symlink_metadata(&every).is_ok() {
        fs::remove_file(&every).map_err(ReplaceError::io("remove it", &every))?;
    }
    Ok(())
}

impl State {
    /// Has every noted repository see every file while a secret may be in one, and no longer.
    ///
    /// # Errors
    /// [`SessionError`] if a line that is needed can't be written. A superfluous line is not an error.
    pub(in crate::session) fn attend(&self) -> Result<(), SessionError> {
        if self.repositories()?.is_none_or(|noted| noted.all.iter().all(|noted| noted.every.as_os_str().is_empty())) {
            return Ok(());
        }
        let _lock = self.lock_repositories()?;
        // Under the lock: anyone who renders writes the journal first.
        let is_needed = !self.owing()?.is_empty() || !self.owed().is_ok_and(|owed| owed.is_empty());
        for noted in self.repositories()?.map(|noted| noted.all).unwrap_or_default() {
            // One that was deleted or moved has none.
            if !noted.every.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match if is_needed { see_all(&noted.every, &noted.theirs) } else { see_theirs(&noted.every, &noted.theirs) }
            {
                Err(error) if is_needed => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn see_all(every: &Path, theirs: &Path) -> Result<(), SessionError> {
    let text = attributes::all_but(ANY, &fs::read(theirs).unwrap_or_default());
    if fs::symlink_metadata(every).is_ok_and(|found| found.is_file())
        && fs::read(every).is_ok_and(|found| found == text)
    {
        return Ok(());
    }
    replace(every, &text)
}

/// Replaces the name, even if it is a link: what the link points to is the user's own.
fn replace(every: &Path, text: &[u8]) -> Result<(), SessionError> {
    let failed = || ReplaceError::io("replace it", every);
    let folder = every.parent().unwrap_or(every);
    let mut file = tempfile::Builder::new().prefix(FILE).tempfile_in(folder).map_err(failed())?;
    file.write_all(text).map_err(failed())?;
    Ok(file.into_temp_path().persist(every).map_err(|error| failed()(error.error))?)
}

#[cfg(unix)]
fn see_theirs(every: &Path, theirs: &Path) -> Result<(), SessionError> {
    if fs::read_link(every).is_ok_and(|link| link == theirs) {
        return Ok(());
    }
    let mut beside = PathBuf::from(every);
    beside.as_mut_os_string().push(".new");
    let _ = fs::remove_file(&beside);
    let failed = || ReplaceError::io("replace it", every);
    std::os::unix::fs::symlink(theirs, &beside).map_err(failed())?;
    Ok(fs::rename(&beside, every).map_err(failed())?)
}

#[cfg(not(unix))]
fn see_theirs(every: &Path, theirs: &Path) -> Result<(), SessionError> {
    replace(every, &fs::read(theirs).unwrap_or_default())
}
