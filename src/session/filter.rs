//! Sets a repository's filter up and takes it out again: its definition in git's config, and the lines that give files
//! to it.
//!
//! The lines of the targets are twice: in the committed `.gitattributes`, for every clone; and in `info/attributes`,
//! for this one, because a branch whose `.gitattributes` lacks them may be checked out while a file is rendered. Those
//! of the copies a host makes are in the latter only.

mod call;
mod change;
mod every;
mod exclude;
mod ignored;

pub use call::{FilterCall, FilterState};

use super::{Session, SessionError, Target};
use crate::host::Resolved;
use crate::host::git::{Repository, attributes};
use crate::host::replace::ReplaceError;
pub(super) use call::FILTER;
pub use change::{FilterChange, FilterOptions, Filtered};
pub use exclude::line as ignore_line;
use std::fs;
use std::path::{Path, PathBuf};

/// Sets the filter up for files of one repository. What is there already stays; the answer says what was not.
///
/// # Errors
/// [`SessionError::OtherFilter`] if a file goes through another filter; [`SessionError::Git`], [`SessionError::File`].
pub fn install_filter(
    repository: &Repository,
    files: &[Filtered],
    options: &FilterOptions<'_>,
) -> Result<Vec<FilterChange>, SessionError> {
    let names: Vec<&Path> = files.iter().filter_map(|file| repository.name_of(file.file.path())).collect();
    for (name, filter) in names.iter().zip(repository.attribute("filter", &names)?) {
        if let Some(filter) = filter.filter(|filter| filter != FILTER) {
            return Err(SessionError::OtherFilter { path: repository.root().join(name), filter });
        }
    }
    let mut changes = Vec::new();
    if !options.dry_run {
        // Before git calls us: without the note the filter stages nothing.
        options.state.note_repositories(options.home, |noted| noted.change(repository.root(), |_| ()))?;
    }
    define(repository, options, &mut changes)?;
    every::point_git(repository, options, &mut changes)?;
    let shared: Vec<String> = names.iter().map(|name| attributes::line(name)).collect();
    let starts: Vec<PathBuf> = files.iter().flat_map(Filtered::copies_begin).collect();
    let copies = starts.iter().filter_map(|start| repository.name_of(start)).map(attributes::line_for_all);
    let own: Vec<String> = shared.iter().cloned().chain(copies).collect();
    let mut put = |path: PathBuf, lines: &[String]| -> Result<(), SessionError> {
        let file = follow(&path, options.dry_run)?;
        let text = file.as_ref().map_or(Ok(None), Resolved::read)?;
        if let Some(text) = attributes::add(text.as_deref(), lines) {
            if let (Some(file), false) = (file, options.dry_run) {
                file.stage_plainly(&text)?.commit()?;
            }
            changes.push(FilterChange::Lines(path));
        }
        Ok(())
    };
    put(repository.own_attributes()?, &own)?;
    if options.shared {
        put(repository.root().join(".gitattributes"), &shared)?;
    }
    Ok(changes)
}

/// Writes what of the definition is not there yet.
fn define(
    repository: &Repository,
    options: &FilterOptions<'_>,
    changes: &mut Vec<FilterChange>,
) -> Result<(), SessionError> {
    for (key, value) in options.call.settings() {
        if repository.setting_in(options.config, key)?.as_ref() != Some(&value) {
            changes.push(FilterChange::Setting(key));
            if !options.dry_run {
                repository.set(options.config, key, Some(value.as_ref()))?;
            }
        }
    }
    Ok(())
}

/// Takes the filter out of a repository, lines first. Of the options `call` and `shared` do not count.
///
/// # Errors
/// As [`install_filter`].
pub fn uninstall_filter(
    repository: &Repository,
    options: &FilterOptions<'_>,
) -> Result<Vec<FilterChange>, SessionError> {
    let FilterOptions { config, dry_run, .. } = *options;
    let mut changes = Vec::new();
    for path in [repository.root().join(".gitattributes"), repository.own_attributes()?] {
        let Some(file) = follow(&path, true)? else { continue };
        let Some(text) = file.read()? else { continue };
        let Some(rest) = attributes::remove(&text) else { continue };
        if !dry_run {
            if attributes::is_ours_alone(&text) {
                fs::remove_file(file.path()).map_err(ReplaceError::io("remove it", file.path()))?;
            } else {
                file.stage_plainly(&rest)?.commit()?;
            }
        }
        changes.push(FilterChange::Lines(path));
    }
    exclude::unexclude(repository, options, &mut changes)?;
    every::point_back(repository, dry_run, &mut changes)?;
    // `required` first: what follows is not a filter any more.
    for (key, _) in FilterCall::default().settings().into_iter().rev() {
        if repository.setting_in(config, key)?.is_some() {
            changes.push(FilterChange::Setting(key));
            if !dry_run {
                repository.set(config, key, None)?;
            }
        }
    }
    if !dry_run {
        options.state.forget_repository(repository.root())?;
    }
    Ok(changes)
}

impl Session<'_> {
    /// Has a filter that an older keystencil installed name our state and config, and notes the repository if the state
    /// folder has forgotten it.
    pub(super) fn renew_filter(&self, repository: &Repository) -> Result<(), SessionError> {
        let is_local = repository.setting_in("--local", "filter.keystencil.required")?.is_some();
        let options = FilterOptions {
            call: &self.filter,
            state: &self.state,
            home: self.places.home.as_deref().unwrap_or(Path::new("")),
            config: if is_local { "--local" } else { "--global" },
            shared: false,
            dry_run: false,
        };
        self.state.note_repositories(options.home, |noted| noted.change(repository.root(), |_| ()))?;
        define(repository, &options, &mut Vec::new())?;
        every::point_git(repository, &options, &mut Vec::new())
    }

    /// The repositories whose filter does not protect a target as this keystencil would have it: the tops of their work
    /// trees, and what is wrong. If git does not answer, the command that needs the answer reports it.
    #[must_use]
    pub fn stale_filters(&self, target: &Target) -> Vec<(PathBuf, &'static str)> {
        let Ok(file) = Resolved::follow(&target.path) else { return Vec::new() };
        let repositories = self.places.around(file.path()).unwrap_or_default();
        let stale = |repository: Repository| {
            let name = repository.name_of(file.path())?;
            let filter = repository.attribute("filter", &[name]).ok()?.pop().flatten();
            let settings = repository.settings("^filter\\.keystencil\\.").ok()?;
            let why = match self.filter.found_in(&settings) {
                _ if filter.as_deref() != Some(FILTER) => return None,
                FilterState::None => return None,
                FilterState::Ours if self.state.is_noted(repository.root()) => return None,
                FilterState::Ours => "is no longer recorded in the state folder, and stages nothing",
                FilterState::Old => "was installed by an older keystencil, and can be misled by git's environment",
                FilterState::Other => "was installed for another state folder",
            };
            Some((repository.root().to_owned(), why))
        };
        repositories.into_iter().filter_map(stale).collect()
    }

    /// Tells the repositories of a file that was replaced to look at it again, so that `git status` stays clean. It is
    /// no harm if that fails: git shows the file as modified, with no difference.
    pub(super) fn look_again(&self, file: &Resolved) {
        for repository in self.places.around(file.path()).unwrap_or_default() {
            if let Some(name) = repository.name_of(file.path()) {
                let _ = repository.look_again(name);
            }
        }
    }
}

/// The file of attributes, its folder made if it is to be written.
fn follow(path: &Path, only_look: bool) -> Result<Option<Resolved>, SessionError> {
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        if only_look {
            return Ok(None);
        }
        fs::create_dir_all(folder).map_err(ReplaceError::io("make its folder", path))?;
    }
    Ok(Some(Resolved::follow(path)?))
}
