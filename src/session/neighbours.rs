//! Searches the neighbourhood of a target for copies of its rendered form, and takes the secrets out of them: the usual
//! first aid is `mv ~/.claude.json ~/.claude.json.bak`, editors keep what they read, and in a repository files are
//! moved about.
//!
//! Three places: names that are made from the target's, in its folder; the other files of that folder, or where the
//! folder is gone, its neighbours; and what a repository has in its work tree. Only files that were written since the
//! render count, and never another target that is rendered. Asked by a closing, under the lock of the target.
//!
//! # Limitations
//! A file under another name is taken for a copy only if a secret is in it in its own place. **Any other file that
//! contains one is left as it is**, and reported: the user may have put it there. What is more than the bounds below is
//! not read.

use super::undo::{undo_earlier, undo_text};
use crate::document::{Splice, edit};
use crate::host::git::Repository;
use crate::host::replace::{entries, is_leftover};
use crate::host::{ReplaceError, Resolved};
use crate::journal::account::{Shape, is_copy, is_lost};
use crate::journal::{Journal, is_clean, undo_raw};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that are larger than this, in bytes, are not copies of a config. Arbitrary.
const LARGEST: u64 = 16 << 20;
/// This many files of a folder, or of a work tree, are read at most, the newest first, …
const MOST: usize = 5_000;
/// … this many bytes of them, …
const MOST_BYTES: u64 = 64 << 20;
/// … this many names of a work tree are looked at, and this many files of it that git does not know. All arbitrary.
const MOST_NAMES: usize = 50_000;
const MOST_UNKNOWN: usize = 2_000;
/// How deep a folder is looked into that git does not know.
const DEPTH: usize = 4;
/// File systems note times in steps of up to two seconds.
const STEP: SignedDuration = SignedDuration::from_secs(2);
/// What editors and people append to a name, …
const ENDINGS: [&str; 12] =
    ["~", ".bak", ".backup", ".old", ".orig", ".save", ".swp", ".swo", ".copy", " copy", "_copy", "-copy"];
/// … and before it.
const BEGINNINGS: [&str; 4] = [".", "#", ".#", "Copy of "];

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files that secrets were taken out of.
    pub(super) closed: Vec<PathBuf>,
    /// Files that could not be rewritten.
    pub(super) failed: Vec<PathBuf>,
    /// Files that hold a secret and are not copies; they are as they were.
    pub(super) suspected: Vec<PathBuf>,
    /// Whether one of the closed files accounts for what the target lacks.
    pub(super) is_it: bool,
    /// The folders that were looked into.
    pub(super) looked: BTreeSet<PathBuf>,
}

/// What is searched for, and where not.
pub(super) struct Search<'a> {
    pub(super) journal: &'a Journal,
    pub(super) shape: &'a Shape,
    /// The target by its names, as far as their folders are there.
    pub(super) files: &'a [Resolved],
    /// Other targets that are rendered, and our own folder.
    pub(super) spared: &'a [PathBuf],
    pub(super) repositories: Vec<Repository>,
    /// Whether the target itself accounts for nothing, so that everything is searched.
    pub(super) is_lost: bool,
}

impl Search<'_> {
    /// Searches, and closes what is found.
    pub(super) fn run(&self) -> Found {
        let mut found = Found::default();
        for file in self.files {
            for path in [file.named(), file.path()] {
                let Some(folder) = path.parent().filter(|folder| !found.looked.contains(*folder)) else { continue };
                let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
                let (made, others): (Vec<_>, Vec<_>) = self
                    .candidates(entries(folder).unwrap_or_default())
                    .into_iter()
                    .partition(|one| is_made_from(&name, one));
                made.iter().for_each(|one| self.close(one, true, &mut found));
                if self.is_lost {
                    within_bounds(others).iter().for_each(|one| self.close(one, false, &mut found));
                }
                found.looked.insert(folder.to_owned());
            }
        }
        if self.is_lost {
            for path in [&self.journal.named, &self.journal.target] {
                self.candidates(beside_missing_folder(path)).iter().for_each(|one| self.close(one, false, &mut found));
            }
        }
        for repository in &self.repositories {
            let Ok(names) = repository.files() else { continue };
            let mut all = Vec::new();
            let mut unknown = MOST_UNKNOWN;
            for path in names.into_iter().take(MOST_NAMES) {
                if path.is_dir() { walk(&path, DEPTH, &mut unknown, &mut all) } else { all.push(path) }
            }
            within_bounds(self.candidates(all)).iter().for_each(|one| self.close(one, false, &mut found));
            found.looked.insert(repository.root().to_owned());
        }
        found
    }

    /// Regular files that were written since the render, the newest first.
    fn candidates(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let since = self.journal.since.saturating_sub(STEP).map_or(0, jiff::Timestamp::as_second);
        let is_own = |path: &Path| self.files.iter().any(|file| file.path() == path);
        let mut all: Vec<(i64, PathBuf)> = paths
            .into_iter()
            .filter(|path| !is_own(path) && !is_leftover(path))
            .filter(|path| !self.spared.iter().any(|spared| path.starts_with(spared)))
            .filter_map(|path| {
                let metadata = fs::symlink_metadata(&path).ok()?;
                let changed = changed(&metadata);
                (metadata.is_file() && metadata.len() <= LARGEST && changed >= since).then_some((changed, path))
            })
            .collect();
        all.sort_by(|(a, _), (b, _)| b.cmp(a));
        all.into_iter().map(|(_, path)| path).collect()
    }

    fn close(&self, path: &Path, is_made: bool, found: &mut Found) {
        if found.closed.iter().chain(&found.suspected).any(|known| known == path) {
            return;
        }
        match self.close_one(path, is_made) {
            Ok(Closing::Clean) => {}
            Ok(Closing::Closed { is_it }) => {
                found.is_it |= is_it;
                found.closed.push(path.to_owned());
            }
            Ok(Closing::Suspected) if self.is_lost => found.suspected.push(path.to_owned()),
            Ok(Closing::Suspected) => {}
            // What can't be read can't be shown to be a copy.
            Err(error) if error.path() == path => found.failed.push(path.to_owned()),
            Err(_) => {}
        }
    }

    fn close_one(&self, path: &Path, is_made: bool) -> Result<Closing, ReplaceError> {
        let file = Resolved::follow(path)?;
        let Ok(Some(text)) = file.read() else { return Ok(Closing::Clean) };
        if self.journal.all().all(|journal| is_clean(&text, journal)) {
            return Ok(Closing::Clean);
        }
        if memchr::memchr(0, &text).is_some() {
            return self.close_binary(&file, &text, is_made);
        }
        let is_copy = self.journal.all().any(|journal| is_copy(&text, journal));
        let (undone, after) = undo_text(&text, self.journal, &mut false);
        let after = undo_earlier(&text, after, self.journal);
        let Some(after) = after else { return Ok(Closing::Clean) };
        if !is_made && !is_copy {
            return Ok(Closing::Suspected);
        }
        file.stage_quietly(&after)?.commit()?;
        Ok(Closing::Closed { is_it: !is_lost(Some(&text), self.journal, self.shape, &undone) })
    }

    /// An editor's swap file: its parts are at offsets that others name, so what is put in has the same length.
    fn close_binary(&self, file: &Resolved, text: &[u8], is_made: bool) -> Result<Closing, ReplaceError> {
        let closed = self.journal.all().fold(text.to_vec(), |text, journal| {
            let mut splices = undo_raw(&text, journal).splices;
            splices.iter_mut().for_each(|splice: &mut Splice| splice.text = "*".repeat(splice.span.len()));
            edit::splice_bytes(&text, &splices)
        });
        if closed == text {
            return Ok(Closing::Clean);
        }
        if !is_made {
            return Ok(Closing::Suspected);
        }
        file.stage_quietly(&closed)?.commit()?;
        Ok(Closing::Closed { is_it: true })
    }
}

enum Closing {
    Clean,
    Closed { is_it: bool },
    Suspected,
}

/// Whether a file's name is one that editors and people make from another's: as often as they like.
fn is_made_from(name: &str, path: &Path) -> bool {
    let other = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(at) = other.find(name) else {
        // `claude copy.json`, `claude.bak.json`, `claude (1).json`.
        let (Some((stem, extension)), Some((other_stem, other_extension))) =
            (name.rsplit_once('.'), other.rsplit_once('.'))
        else {
            return false;
        };
        let middle = other_stem.strip_prefix(stem);
        return !stem.is_empty() && extension == other_extension && middle.is_some_and(is_ending);
    };
    let (before, after) = (other.get(..at).unwrap_or_default(), other.get(at + name.len()..).unwrap_or_default());
    (before.is_empty() || BEGINNINGS.contains(&before))
        && (is_ending(after) || after == "#" || !before.is_empty() && after.is_empty())
}

/// What is after a name: a known ending, a date or a number, and these again.
fn is_ending(text: &str) -> bool {
    let is_known = |rest: &str| ENDINGS.iter().any(|ending| rest.eq_ignore_ascii_case(ending));
    let is_count = |rest: &str| {
        rest.chars().any(|c| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || " .-_()~T:+Z".contains(c))
    };
    let begins =
        ENDINGS.iter().filter_map(|ending| text.get(..ending.len()).filter(|start| start.eq_ignore_ascii_case(ending)));
    let mut rests = begins.filter_map(|start| text.get(start.len()..));
    !text.is_empty() && (is_known(text) || is_count(text) || rests.any(|rest| is_known(rest) || is_count(rest)))
}

/// As many of the files as are read.
fn within_bounds(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut bytes = 0;
    let mut fits = |path: &PathBuf| {
        let size = fs::symlink_metadata(path).map_or(0, |metadata| metadata.len());
        let fits = bytes + size <= MOST_BYTES;
        bytes += if fits { size } else { 0 };
        fits
    };
    files.into_iter().take(MOST).filter(|path| fits(path)).collect()
}

/// The same file below the neighbours of a folder that is gone: it was renamed, say.
fn beside_missing_folder(path: &Path) -> Vec<PathBuf> {
    let Some(there) = path.ancestors().skip(1).find(|folder| folder.is_dir()) else { return Vec::new() };
    let Ok(rest) = path.strip_prefix(there) else { return Vec::new() };
    let mut parts = rest.components();
    parts.next();
    let below = parts.as_path();
    if below.as_os_str().is_empty() {
        return Vec::new();
    }
    entries(there).unwrap_or_default().into_iter().take(MOST).map(|folder| folder.join(below)).collect()
}

fn walk(folder: &Path, depth: usize, left: &mut usize, all: &mut Vec<PathBuf>) {
    for path in entries(folder).unwrap_or_default() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        match (is_folder, depth.checked_sub(1)) {
            (false, _) => all.push(path),
            (true, Some(depth)) if path.file_name().is_none_or(|name| name != ".git") => walk(&path, depth, left, all),
            (true, _) => {}
        }
    }
}

/// When a file was last written, renamed, or copied with its times, in seconds.
#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.ctime().max(metadata.mtime())
}

#[cfg(not(unix))]
fn changed(metadata: &fs::Metadata) -> i64 {
    let seconds = |time: std::io::Result<std::time::SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
    };
    seconds(metadata.modified()).max(seconds(metadata.created()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_made_from_another_are_told_from_names_that_are_not() {
        let made = |name: &str, other: &str| is_made_from(name, Path::new(other));
        for other in [
            ".claude.json.bak",
            ".claude.json~",
            "..claude.json.swp",
            ".claude.json.swp",
            ".claude.json copy",
            ".claude.json.orig",
            ".claude.json.old",
            ".claude.json.save",
            "#.claude.json#",
            ".claude copy.json",
            ".claude.json.BAK",
            ".claude.json.bak2",
            ".claude.json.2026-11-30",
            ".claude.json.bak.1",
            ".claude.json.1",
            ".claude.json.~1~",
            ".claude.json (1)",
            ".claude (1).json",
            ".claude.old.json",
            "Copy of .claude.json",
        ] {
            assert!(made(".claude.json", other), "{other}");
        }
        for other in [
            ".claude.json.template",
            ".env",
            "claude.jsonc",
            ".claude.jsonnet",
            "settings.json",
            ".json",
            "x.claude.json",
        ] {
            assert!(!made(".claude.json", other), "{other}");
        }
        assert!(made("claude.json", ".claude.json.swp") && made("claude.json", "claude-copy.json"));
        assert!(!made("claude.json", "claude.json.age") && !made("claude.json", "claude-desktop.json"));
    }
}
