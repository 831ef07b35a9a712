//! Takes the secrets out of the copies a host made of its target. The files stay: their other content is the user's.

use super::Closed;
use super::unrender::undo_text;
use crate::host::{Profile, Resolved, Staged};
use crate::plan::Journal;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Scrubs every copy, keeping modes and times; one that fails is named and does not keep the others.
pub(super) fn scrub(copies: Vec<PathBuf>, journal: &Journal, closed: &mut Closed) {
    for copy in copies {
        match scrub_one(&copy, journal) {
            Ok(true) => closed.scrubbed.push(copy),
            Ok(false) => {}
            Err(()) => closed.unscrubbed.push(copy),
        }
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

fn scrub_one(copy: &Path, journal: &Journal) -> Result<bool, ()> {
    let file = Resolved::follow(copy).map_err(drop)?;
    let Some(text) = file.read().map_err(drop)? else { return Ok(false) };
    let (_, Some(after)) = undo_text(&text, journal, &mut false) else { return Ok(false) };
    let staged = file.stage_quietly(after.as_bytes()).map_err(drop)?;
    staged.commit().map_err(drop)?;
    Ok(true)
}
