//! What a host keeps of its sessions, searched for the secrets that were filled in while it ran: whole copies of the target
//! that an agent's edit left are closed, anything else is told of and left as it is.
//!
//! Only files that were written since the render count, and only as much of them as can be read in a moment: a session's end
//! must not wait for it.
//!
//! # Limitations
//! **What is larger or more than the bounds below is not searched**: the copies come first, then the newest, and a file too large for
//! what is left hides none behind it. That it was so is told beside what was found. Outputs in other encodings are not found.

use super::undo::{undo_earlier, undo_text};
use crate::host::Resolved;
use crate::host::replace::read;
use crate::journal::account::is_copy;
use crate::journal::{Journal, is_clean, names_in};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How deep the host's folders are looked into: `projects/<project>/<session>/tool-results/<file>` and a little more.
const DEPTH: usize = 7;
/// So many names are looked at, …
const MOST_NAMES: usize = 50_000;
/// … so many bytes are read, …
const MOST_BYTES: u64 = 128 << 20;
/// … and so long is taken for it. All arbitrary; a year of sessions has some thousand files.
const LONGEST: Duration = Duration::from_secs(2);
/// File systems note times in steps of up to two seconds.
const STEP: SignedDuration = SignedDuration::from_secs(2);
/// The folder with copies of files as they were before an agent's edit.
const HISTORY: &str = "file-history";
/// What else a session is kept in, below the host's folders.
const KEPT: [&str; 2] = [HISTORY, "projects"];

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
}

/// Searches what the host of a journal's target keeps, and closes whole copies of the target if `may_write`.
pub(super) fn search(journal: &Journal, may_write: bool) -> Found {
    let mut found = Found::default();
    if journal.secrets().next().is_none() {
        return found;
    }
    let mut walk = Walk { since: journal.since - STEP, begun: Instant::now(), names: 0, bytes: 0, is_partial: false };
    let mut files = Vec::new();
    for (index, folder) in journal.folders.iter().enumerate() {
        match index {
            0 => KEPT.iter().for_each(|kept| walk.folder(&folder.join(kept), DEPTH, &mut files)),
            _ => walk.folder(folder, DEPTH, &mut files),
        }
    }
    // Should there be too much: copies, which are closed, before what is only told of, and the newest first.
    files.sort_by_cached_key(|file| Reverse((is_history(&file.2), file.clone())));
    for (_, size, path) in files {
        if walk.begun.elapsed() > LONGEST {
            walk.is_partial = true;
            break;
        }
        // One that is too large must not hide those behind it.
        if walk.bytes.saturating_add(size) > MOST_BYTES {
            walk.is_partial = true;
            continue;
        }
        walk.bytes += size;
        let Ok(Some(text)) = read(&path).map(|text| text.map(zeroize::Zeroizing::new)) else { continue };
        if journal.all().all(|journal| is_clean(&text, journal)) {
            continue;
        }
        if may_write && is_history(&path) && journal.all().any(|journal| is_copy(&text, journal)) {
            match close(&path, &text, journal) {
                true => found.closed.push(path),
                false => found.failed.push(path),
            }
            continue;
        }
        let names: BTreeSet<String> = journal.all().flat_map(|journal| names_in(&text, journal)).collect();
        if !names.is_empty() {
            found.seen.secrets.extend(names);
            found.seen.files.push(path);
        }
    }
    found.seen.is_partial = walk.is_partial;
    found
}

fn is_history(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == HISTORY)
}

fn close(path: &Path, text: &[u8], journal: &Journal) -> bool {
    let after = undo_text(text, journal, &mut false).1;
    let Some(after) = undo_earlier(text, after, journal) else { return true };
    let staged = Resolved::follow(path).and_then(|file| file.stage_quietly(&after));
    staged.is_ok_and(|staged| staged.commit().is_ok())
}

struct Walk {
    since: Timestamp,
    begun: Instant,
    names: usize,
    bytes: u64,
    is_partial: bool,
}

impl Walk {
    /// The regular files below a folder that were written since: when, how large, where. No link is followed.
    fn folder(&mut self, folder: &Path, depth: usize, files: &mut Vec<(Timestamp, u64, PathBuf)>) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            self.names += 1;
            if self.names > MOST_NAMES || self.begun.elapsed() > LONGEST {
                self.is_partial = true;
                return;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                if depth > 0 {
                    self.folder(&entry.path(), depth - 1, files);
                }
                continue;
            }
            let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            if let Some(modified) = modified.filter(|modified| metadata.is_file() && *modified >= self.since) {
                files.push((modified, metadata.len(), entry.path()));
            }
        }
    }
}
