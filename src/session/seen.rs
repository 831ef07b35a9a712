//! What a host keeps of its sessions, searched for the secrets that were filled in or delivered while it ran: whole copies of
//! the target that an agent's edit left are closed, anything else is told of and left as it is.
//!
//! Only files that were written since the render count, and only as much of them as can be read in a moment: a session's end
//! must not wait for it. What was found is noted until the key has a new value ([`super::exposures`]).
//!
//! # Limitations
//! **What is larger or more than the bounds below is not searched**: the copies come first, then the newest, and a file too large for
//! what is left hides none behind it. That it was so is told beside what was found. Outputs in other encodings are not found.

use super::exposures::Exposure;
use super::pieces::{Part, Room, parts};
use super::undo::{undo_earlier, undo_text};
use super::walk::{Bounds, Kept, files, open};
use super::{Session, State};
use crate::host::Resolved;
use crate::host::replace::read;
use crate::journal::account::is_copy;
use crate::journal::escape::{may_hold, occurrences};
use crate::journal::{DeliveryNote, Finder, Fingerprint, Journal, Key, is_clean};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// So many names are looked at, …
const MOST_NAMES: usize = 50_000;
/// … so many bytes are read, …
const MOST_BYTES: u64 = 128 << 20;
/// … and so long is taken for it. All arbitrary; a year of sessions has some thousand files.
const LONGEST: Duration = Duration::from_secs(2);
/// File systems note times in steps of up to two seconds.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// Where the secrets of a journal were seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The placeholders of those that were.
    pub secrets: BTreeSet<String>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Whether there was more than could be searched.
    pub is_partial: bool,
}

/// What a closing found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) seen: Seen,
    /// Copies that were closed.
    pub(super) closed: Vec<PathBuf>,
    /// Copies that could not be.
    pub(super) failed: Vec<PathBuf>,
    /// What is to be noted, one for each key that fingerprints were made with.
    exposures: Vec<Exposure>,
}

/// Fingerprints that were made with one key, and where they come from.
struct Sought<'k> {
    key: &'k Key,
    target: &'k Path,
    prints: Vec<(&'k str, &'k Fingerprint)>,
    finder: Finder<'k, &'k str>,
}

impl<'k> Sought<'k> {
    fn new(key: &'k Key, target: &'k Path, prints: impl Iterator<Item = (&'k str, &'k Fingerprint)>) -> Self {
        let prints: Vec<_> = prints.collect();
        let finder = Finder::new(key, prints.iter().map(|(placeholder, print)| (*print, *placeholder)));
        Self { key, target, prints, finder }
    }

    /// What is noted if its secrets of these placeholders were seen in the files.
    fn exposure(&self, seen: &BTreeSet<&str>, files: Vec<PathBuf>, now: Timestamp) -> Exposure {
        let prints = self.prints.iter().filter(|(placeholder, _)| seen.contains(placeholder));
        Exposure::new(now, self.target.to_owned(), *self.key, prints.copied(), files)
    }
}

/// Searches what the host of a journal's target keeps, and closes whole copies of the target if `may_write`.
pub(super) fn search(journal: &Journal, may_write: bool, now: Timestamp) -> Found {
    let of = |journal: &'_ Journal| journal.secrets().next().is_some();
    if !journal.all().any(of) {
        return Found::default();
    }
    let sought: Vec<_> = journal.all().map(|one| Sought::new(&one.key, &journal.target, one.secrets())).collect();
    let since = journal.all().map(|one| one.since).min().unwrap_or(journal.since);
    let mut found = Found::default();
    let close = |file: &Kept, found: &mut Found| {
        if !may_write || !file.is_history {
            return false;
        }
        let Ok(Some(text)) = read(&file.path).map(|text| text.map(Zeroizing::new)) else { return false };
        // A secret that is too short to be recognised in the open is closed in its own place all the same.
        if journal.all().all(|journal| is_clean(&text, journal)) || !journal.all().any(|one| is_copy(&text, one)) {
            return false;
        }
        let into = if close(&file.path, &text, journal) { &mut found.closed } else { &mut found.failed };
        into.push(file.path.clone());
        true
    };
    look(&journal.folders, since, &sought, now, &mut found, &close);
    found
}

/// Searches for what the notes of deliveries know.
fn search_delivered(folders: &[PathBuf], notes: &[DeliveryNote], now: Timestamp) -> Found {
    let mut found = Found::default();
    let Some(since) = notes.iter().map(|note| note.since).min() else { return found };
    let sought: Vec<_> = notes.iter().map(|note| Sought::new(&note.key, &note.target, note.prints())).collect();
    look(folders, since, &sought, now, &mut found, &|_, _| false);
    found
}

/// Looks through all files that were written since; `close` says whether it took care of one.
fn look(
    folders: &[PathBuf],
    since: Timestamp,
    sought: &[Sought<'_>],
    now: Timestamp,
    found: &mut Found,
    close: &dyn Fn(&Kept, &mut Found) -> bool,
) {
    let bounds = Bounds::new(since - STEP, MOST_NAMES, LONGEST);
    let (mut files, mut is_partial) = files(folders, bounds);
    // Should there be too much: copies, which are closed, before what is only told of, and the newest first.
    files.sort_by_cached_key(|file| Reverse(file.clone()));
    let mut places: Vec<(BTreeSet<&str>, Vec<PathBuf>)> = vec![Default::default(); sought.len()];
    let (mut bytes, mut room) = (0_u64, Room::new());
    for file in files {
        if bounds.is_over() {
            is_partial = true;
            break;
        }
        // One that is too large must not hide those behind it.
        if bytes.saturating_add(file.size) > MOST_BYTES {
            is_partial = true;
            continue;
        }
        bytes += file.size;
        if close(&file, found) {
            continue;
        }
        let Ok(names) = names_in(&mut room, &file.path, sought) else { continue };
        if names.iter().all(BTreeSet::is_empty) {
            continue;
        }
        for ((secrets, paths), names) in places.iter_mut().zip(names) {
            if !names.is_empty() {
                paths.push(file.path.clone());
            }
            found.seen.secrets.extend(names.iter().map(|name| (*name).to_owned()));
            secrets.extend(names);
        }
        found.seen.files.push(file.path);
    }
    found.seen.is_partial = is_partial;
    let noted = sought.iter().zip(places).filter(|(_, (secrets, _))| !secrets.is_empty());
    found.exposures = noted.map(|(sought, (secrets, paths))| sought.exposure(&secrets, paths, now)).collect();
}

/// The placeholders of the secrets that stand in a file, for each key.
fn names_in<'k>(room: &mut Room, path: &Path, sought: &[Sought<'k>]) -> io::Result<Vec<BTreeSet<&'k str>>> {
    let mut names = vec![BTreeSet::new(); sought.len()];
    let find = |text: &[u8]| {
        let mut all = Vec::new();
        for (at, sought) in sought.iter().enumerate().filter(|(_, sought)| may_hold(&sought.finder, text)) {
            let found = occurrences(&sought.finder, text);
            all.extend(found.into_iter().map(|one| (one.range, (at, one.name))));
        }
        all
    };
    parts(room, &mut open(path)?, &find, &mut |part| {
        if let Part::Found(_, (at, name)) = part
            && let Some(names) = names.get_mut(at)
        {
            names.insert(name);
        }
        Ok(())
    })?;
    Ok(names)
}

fn close(path: &Path, text: &[u8], journal: &Journal) -> bool {
    let after = undo_text(text, journal, &mut false).1;
    let Some(after) = undo_earlier(text, after, journal) else { return true };
    let staged = Resolved::follow(path).and_then(|file| file.stage_quietly(&after));
    staged.is_ok_and(|staged| staged.commit().is_ok())
}

impl Found {
    /// Notes what was seen, so that it can be told until the keys have new values.
    pub(super) fn note(&self, state: &State) {
        self.exposures.iter().for_each(|exposure| state.note_exposure(exposure));
    }
}

impl Session<'_> {
    /// Searches what a host keeps in these folders for what `run` and `headers` delivered, and notes what it finds.
    #[must_use]
    pub fn seen_of_deliveries(&self, folders: &[PathBuf]) -> Seen {
        let found = search_delivered(folders, &self.state.delivered(), (self.now)());
        found.note(&self.state);
        found.seen
    }
}
