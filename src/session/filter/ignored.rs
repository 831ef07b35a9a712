//! A rendered file that git ignores: a branch from before the ignoring line is checked out, and the next `add` takes it; and
//! `add --force` and `stash --all` take what is ignored.
//!
//! So a render has git ignore the file in `info/exclude`, which no checkout changes, and gives it the filter in
//! `info/attributes`. That is a change in somebody's repository: told by the render that makes it, noted in the state folder,
//! and taken out by `uninstall git`, exactly these lines.

use super::{FilterChange, FilterOptions, Filtered, install_filter};
use crate::host::Resolved;
use crate::host::git::Repository;
use crate::host::replace::ReplaceError;
use crate::session::{Session, SessionError};
use std::fs;
use std::path::{Path, PathBuf};

impl Session<'_> {
    /// Protects an ignored target and its copies from what a checkout changes; whether there was something to do.
    pub(in crate::session) fn protect_ignored(
        &self,
        repository: &Repository,
        filtered: &Filtered,
    ) -> Result<bool, SessionError> {
        let is_global = repository.setting_in("--global", "filter.keystencil.required")?.is_some();
        let options = FilterOptions {
            call: &self.filter,
            state: &self.state,
            home: self.places.home.as_deref().unwrap_or(Path::new("")),
            config: if is_global { "--global" } else { "--local" },
            shared: false,
            dry_run: false,
        };
        let mut changes = vec![];
        exclude(repository, filtered, &options, &mut changes)?;
        match install_filter(repository, std::slice::from_ref(filtered), &options) {
            Ok(more) => changes.extend(more),
            // Then it is only ignored, as ever.
            Err(SessionError::OtherFilter { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(!changes.is_empty())
    }
}

/// Puts the lines in that `info/exclude` lacks.
fn exclude(
    repository: &Repository,
    filtered: &Filtered,
    options: &FilterOptions<'_>,
    changes: &mut Vec<FilterChange>,
) -> Result<(), SessionError> {
    let path = file_of(repository)?;
    let target = repository.name_of(filtered.file.path()).and_then(|name| line(name, ""));
    let starts = filtered.copies_begin();
    let copies = starts.iter().filter_map(|start| line(repository.name_of(start)?, "*"));
    let before = read(&path)?;
    let text = before.clone().unwrap_or_default();
    let is_there = |line: &String| text.split(|byte| *byte == b'\n').any(|own| own == line.as_bytes());
    let lacking: Vec<String> = target.into_iter().chain(copies).filter(|line| !is_there(line)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    options.state.note_repositories(options.home, |noted| {
        noted.change(repository.root(), |noted| {
            noted.exclude_is_new |= before.is_none();
            noted.exclude.extend(lacking.iter().cloned());
            noted.exclude.dedup();
        });
    })?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(ReplaceError::io("make its folder", &path))?;
    }
    // A last line without an end stays one, so that taking ours out gives the same bytes.
    let is_ended = text.is_empty() || text.ends_with(b"\n");
    let added = lacking.iter().map(|line| if is_ended { format!("{line}\n") } else { format!("\n{line}") });
    let after = [text, added.collect::<String>().into_bytes()].concat();
    Resolved::follow(&path)?.stage_plainly(&after)?.commit()?;
    changes.push(FilterChange::Lines(path));
    Ok(())
}

/// Takes those lines out that the state folder has noted.
pub(super) fn unexclude(
    repository: &Repository,
    options: &FilterOptions<'_>,
    changes: &mut Vec<FilterChange>,
) -> Result<(), SessionError> {
    let Some(noted) = options.state.noted(repository.root())? else { return Ok(()) };
    let path = file_of(repository)?;
    let Some(before) = read(&path)?.filter(|_| !noted.exclude.is_empty()) else { return Ok(()) };
    let is_ended = before.ends_with(b"\n");
    let is_ours = |piece: &&[u8]| {
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        noted.exclude.iter().any(|own| own.as_bytes() == line)
    };
    let mut after: Vec<u8> =
        before.split_inclusive(|byte| *byte == b'\n').filter(|piece| !is_ours(piece)).flatten().copied().collect();
    if !is_ended && after.ends_with(b"\n") {
        after.pop();
    }
    if after == before {
        return Ok(());
    }
    if !options.dry_run {
        if after.is_empty() && noted.exclude_is_new {
            fs::remove_file(&path).map_err(ReplaceError::io("remove it", &path))?;
        } else {
            Resolved::follow(&path)?.stage_plainly(&after)?.commit()?;
        }
    }
    changes.push(FilterChange::Lines(path));
    Ok(())
}

fn file_of(repository: &Repository) -> Result<PathBuf, SessionError> {
    Ok(repository.own_attributes()?.with_file_name("exclude"))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, SessionError> {
    if !path.parent().is_some_and(Path::is_dir) {
        return Ok(None);
    }
    Ok(Resolved::follow(path)?.read()?)
}

/// A line that ignores this name and no other; `None` for one that no line can name. It begins with a slash, so that `!`
/// and `#` mean themselves.
fn line(name: &Path, ending: &str) -> Option<String> {
    let text = name.to_str().filter(|text| !text.contains(['\n', '\r']))?;
    let mut line = String::from("/");
    for character in text.chars() {
        match character {
            '\\' if cfg!(windows) => line.push('/'),
            '*' | '?' | '[' | '\\' => line.extend(['\\', character]),
            _ => line.push(character),
        }
    }
    if ending.is_empty() && line.ends_with(' ') {
        line.insert(line.len() - 1, '\\');
    }
    Some(line + ending)
}
