//! Takes the secrets out of the copies a host made of its target. The files stay: their other content is the user's.

use super::Closed;
use super::undo::{undo_earlier, undo_text};
use crate::host::replace::{is_leftover, leftovers};
use crate::host::{Profile, ReplaceError, Resolved, Staged};
use crate::journal::{Journal, is_clean};
use jiff::Timestamp;
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many copies are scrubbed at the same time, where there are processors for it. Arbitrary. Besides the reading,
/// syncs of the disk that wait together are done together.
const AT_ONCE: usize = 4;
/// Copies that are larger than this, in bytes, are scrubbed one after the other: each takes twice its size in memory.
const LARGE: u64 = 4 << 20;

/// Scrubs every copy, keeping modes and times; one that fails is named and does not keep the others.
pub(super) fn scrub(profile: &dyn Profile, file: &Resolved, journal: &Journal, closed: &mut Closed) {
    for copy in files(leftovers(file.path()), closed) {
        // Whatever a killed process of ours left is a copy of the target that is not needed.
        remove(copy, closed);
    }
    let (ours, copies): (Vec<_>, Vec<_>) =
        files(profile.copies(file), closed).into_iter().partition(|copy| is_leftover(copy));
    ours.into_iter().for_each(|copy| remove(copy, closed));
    for (copy, scrubbed) in copies.iter().zip(scrub_all(&copies, journal)) {
        match scrubbed {
            Ok(true) => closed.scrubbed.push(copy.clone()),
            Ok(false) | Err(ReplaceError::NotAFile { .. }) => {}
            Err(_) => closed.unscrubbed.push(copy.clone()),
        }
    }
}

/// What came of each copy, in their order.
fn scrub_all(copies: &[PathBuf], journal: &Journal) -> Vec<Result<bool, ReplaceError>> {
    let is_large = |copy: &PathBuf| fs::metadata(copy).is_ok_and(|metadata| metadata.len() > LARGE);
    // To count the processors, the system reads files of its own.
    let processors = || if copies.len() > 1 { thread::available_parallelism().ok() } else { None };
    let at_once = match processors() {
        Some(processors) if !copies.iter().any(is_large) => processors.get().min(AT_ONCE).min(copies.len()),
        _ => 1,
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let take = || {
            let index = next.fetch_add(1, Ordering::Relaxed);
            Some((index, scrub_one(copies.get(index)?, journal)))
        };
        std::iter::from_fn(take).collect::<Vec<_>>()
    };
    let mut done = thread::scope(|scope| {
        // It does not matter if a thread can't be started: this one takes every copy that no other takes.
        let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..at_once).filter_map(start).collect();
        let mut done = work();
        for other in others {
            // No copy may be lost with a thread: the journal would be forgotten and the secret stay.
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, scrubbed)| scrubbed).collect()
}

fn files(found: Result<Vec<PathBuf>, ReplaceError>, closed: &mut Closed) -> Vec<PathBuf> {
    found.unwrap_or_else(|error| {
        closed.unscrubbed.push(error.path().to_owned());
        Vec::new()
    })
}

fn remove(leftover: PathBuf, closed: &mut Closed) {
    match fs::remove_file(&leftover) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => closed.unscrubbed.push(leftover),
        _ => {}
    }
}

/// Puts a copy in placeholder form where the host puts its own, if the host would soon make one of the rendered form.
/// It is no harm if that fails: the host's copy is scrubbed then. Nor is it synced, as the host's own copies are not.
pub(super) fn put_backup(
    profile: &dyn Profile,
    target: &Resolved,
    placeholder_form: &str,
    now: Timestamp,
    env: &dyn Fn(&str) -> Option<String>,
) {
    let Some(path) = profile.clean_backup(target, now, &|name| env(name).map(Into::into)) else { return };
    // The host makes the folder with its first backup, and this may be before that.
    let _ = path.parent().map(fs::create_dir_all);
    let staged = Resolved::follow(&path).and_then(|file| file.stage_unsynced(placeholder_form.as_bytes()));
    let _ = staged.and_then(Staged::commit);
}

fn scrub_one(copy: &Path, journal: &Journal) -> Result<bool, ReplaceError> {
    let file = Resolved::follow(copy)?;
    let Some(text) = file.read()? else { return Ok(false) };
    if journal.all().all(|journal| is_clean(&text, journal)) {
        return Ok(false);
    }
    let after = undo_text(&text, journal, &mut false).1;
    let Some(after) = undo_earlier(&text, after, journal) else { return Ok(false) };
    file.stage_quietly(&after)?.commit()?;
    Ok(true)
}
