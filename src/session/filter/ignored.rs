//! A rendered file that git ignores: a branch from before the ignoring line is checked out, and the next `add` takes
//! it; and `add --force` and `stash --all` take what is ignored.
//!
//! So a render has git ignore the file in `info/exclude`, which no checkout changes, and gives it the filter in
//! `info/attributes`. That is a change in the user's repository: reported by the render that makes it, recorded in the
//! state folder, and taken out by `uninstall git`, exactly these lines.

use super::exclude::{file_of, line, read};
use super::{FilterChange, FilterOptions, Filtered, install_filter};
use crate::host::Resolved;
use crate::host::git::Repository;
use crate::host::replace::ReplaceError;
use crate::session::{Session, SessionError};
use std::fs;
use std::path::Path;

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
