//! Sets a repository's filter up and takes it out again: its definition in git's config, and the lines that give files to
//! it.
//!
//! The lines of the targets stand twice: in the committed `.gitattributes`, for every clone; and in `info/attributes`, for
//! this one, because a branch whose `.gitattributes` lacks them may be checked out while a file is rendered. Those of the
//! copies a host makes stand in the latter only.

use super::{Session, SessionError, Target};
use crate::host::git::{Repository, attributes};
use crate::host::replace::{ReplaceError, staged_begin};
use crate::host::{Profile, Resolved};
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the filter in the attributes.
pub(super) const FILTER: &str = "keystencil";

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
    /// This program, as a word of a POSIX shell.
    pub program: &'a str,
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

/// The keys of git's config and their values. `required` comes last: until it is there, no render trusts the filter.
fn settings(program: &str) -> [(&'static str, String); 6] {
    [
        // git replaces `%f`, and `%%` by `%`, in this one only.
        ("filter.keystencil.clean", format!("{} git clean -- %f", program.replace('%', "%%"))),
        ("filter.keystencil.smudge", "cat".to_owned()),
        ("filter.keystencil.process", format!("{program} git filter-process")),
        ("diff.keystencil.textconv", format!("{program} git textconv")),
        ("diff.keystencil.cachetextconv", "false".to_owned()),
        ("filter.keystencil.required", "true".to_owned()),
    ]
}

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
    for (key, value) in settings(options.program) {
        if repository.setting_in(options.config, key)?.as_ref() != Some(&value) {
            changes.push(FilterChange::Setting(key));
            if !options.dry_run {
                repository.set(options.config, key, Some(value.as_ref()))?;
            }
        }
    }
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

/// Takes the filter out of a repository, lines first.
///
/// # Errors
/// As [`install_filter`].
pub fn uninstall_filter(
    repository: &Repository,
    config: &str,
    dry_run: bool,
) -> Result<Vec<FilterChange>, SessionError> {
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
    // `required` first: what follows is no filter any more.
    for (key, _) in settings("").into_iter().rev() {
        if repository.setting_in(config, key)?.is_some() {
            changes.push(FilterChange::Setting(key));
            if !dry_run {
                repository.set(config, key, None)?;
            }
        }
    }
    Ok(changes)
}

impl Session<'_> {
    /// Tells the repositories of a file that was replaced to look at it again, so that `git status` stays clean. It is no
    /// harm if that fails: git shows the file as modified, with no difference.
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
