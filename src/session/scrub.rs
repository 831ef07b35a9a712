//! Takes the secrets out of the copies a host made of its target. The files stay: their other content is the user's.

use super::Closed;
use super::unrender::undo_text;
use crate::host::replace::{is_leftover, leftovers};
use crate::host::{Profile, ReplaceError, Resolved, Staged};
use crate::plan::Journal;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// Scrubs every copy, keeping modes and times; one that fails is named and does not keep the others.
pub(super) fn scrub(profile: &dyn Profile, file: &Resolved, journal: &Journal, closed: &mut Closed) {
    for copy in files(leftovers(file.path()), closed) {
        // Whatever a killed process of ours left is a copy of the target that nobody needs.
        remove(copy, closed);
    }
    for copy in files(profile.copies(file), closed) {
        if is_leftover(&copy) {
            remove(copy, closed);
            continue;
        }
        match scrub_one(&copy, journal) {
            Ok(true) => closed.scrubbed.push(copy),
            Ok(false) | Err(ReplaceError::NotAFile { .. }) => {}
            Err(_) => closed.unscrubbed.push(copy),
        }
    }
}

fn files(found: Result<Vec<PathBuf>, ReplaceError>, closed: &mut Closed) -> Vec<PathBuf> {
    found.unwrap_or_else(|error| {
        closed.unscrubbed.push(error.path().to_owned());
        Vec::new()
    })
}

fn remove(leftover: PathBuf, closed: &mut Closed) {
    match std::fs::remove_file(&leftover) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => closed.unscrubbed.push(leftover),
        _ => {}
    }
}

/// Puts a copy in placeholder form where the host puts its own, if the host would soon make one of the rendered form.
/// It is no harm if that fails: the host's copy is scrubbed then.
pub(super) fn put_backup(profile: &dyn Profile, target: &Resolved, placeholder_form: &str, now: Timestamp) {
    let Some(path) = profile.clean_backup(target, now) else { return };
    // The host makes the folder with its first backup, and this may be before that.
    let _ = path.parent().map(std::fs::create_dir_all);
    let staged = Resolved::follow(&path).and_then(|file| file.stage(placeholder_form.as_bytes()));
    let _ = staged.and_then(Staged::commit);
}

fn scrub_one(copy: &Path, journal: &Journal) -> Result<bool, ReplaceError> {
    let file = Resolved::follow(copy)?;
    let Some(text) = file.read()? else { return Ok(false) };
    let (_, Some(after)) = undo_text(&text, journal, &mut false) else { return Ok(false) };
    file.stage_quietly(after.as_bytes())?.commit()?;
    Ok(true)
}
