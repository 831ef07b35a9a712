//! The lines of a repository's `info/exclude` that are ours.

use crate::host::Resolved;
use crate::host::git::Repository;
use crate::host::replace::ReplaceError;
use crate::session::SessionError;
use crate::session::filter::{FilterChange, FilterOptions};
use std::fs;
use std::path::{Path, PathBuf};

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

pub(super) fn file_of(repository: &Repository) -> Result<PathBuf, SessionError> {
    Ok(repository.own_attributes()?.with_file_name("exclude"))
}

pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, SessionError> {
    if !path.parent().is_some_and(Path::is_dir) {
        return Ok(None);
    }
    Ok(Resolved::follow(path)?.read()?)
}

/// A line that ignores this name and no other; `None` for one that no line can name. It begins with a slash, so that
/// `!` and `#` mean themselves.
#[must_use]
pub fn line(name: &Path, ending: &str) -> Option<String> {
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
