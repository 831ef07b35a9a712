//! One replacement of a target, in step with a host application that writes it too.

use super::SessionError;
use crate::host::replace::sync_folder;
use crate::host::{HostLock, Profile, ReplaceError, Resolved, Staged};
use std::time::Duration;

/// How long the host's lock is waited for: until a stale one is certainly stale.
pub(super) const PATIENCE: Duration = Duration::from_secs(12);
/// How long after a holder's death. Half of the clients that are killed leave their lock behind (measured), and it would
/// keep their secrets in place until it is stale; a living client holds it for milliseconds.
pub(super) const PATIENCE_WITH_THE_DEAD: Duration = Duration::from_millis(700);
/// After so many meetings with another writer the lock is held from the reading on, not just around the rename.
const POLITE: usize = 3;
/// After so many, somebody writes without a lock and without a pause.
const ATTEMPTS: usize = 50;

/// What came of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Written {
    /// The host's lock was held by somebody for longer than our patience, and was ignored.
    pub(super) lock_ignored: bool,
    /// Something of ours was put in the target's place, whatever came then.
    pub(super) committed: bool,
}

/// Replaces the target by what `plan` makes of its content (`None`: no such file), until that is what stands there.
/// `plan` answers `None` when there is nothing to write.
///
/// The new content is synced before it takes the name, so that a power cut leaves one of the two versions whole; which
/// one is settled only when the folder is synced, and that is left to whoever has to rely on it.
pub(super) fn replace(
    target: &Resolved,
    profile: &dyn Profile,
    patience: Duration,
    written: &mut Written,
    plan: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, SessionError>,
) -> Result<(), SessionError> {
    replace_by(target, profile, patience, Resolved::stage, written, plan)
}

/// As [`replace`], with another way to stage the file.
pub(super) fn replace_by(
    target: &Resolved,
    profile: &dyn Profile,
    patience: Duration,
    stage: impl Fn(&Resolved, &[u8]) -> Result<Staged, ReplaceError>,
    written: &mut Written,
    mut plan: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, SessionError>,
) -> Result<(), SessionError> {
    for attempt in 0..ATTEMPTS {
        let early = if attempt < POLITE { None } else { take(profile, target, patience, written)? };
        let before = target.read()?;
        let Some(after) = plan(before.as_deref())? else { return Ok(()) };
        let staged = stage(target, &after)?;
        let mut lock = match early {
            Some(lock) => Some(lock),
            None => take(profile, target, patience, written)?,
        };
        let unchanged = target.is_still(before.as_deref())?;
        if !unchanged || lock.as_mut().is_some_and(|lock| !lock.refresh()) {
            continue;
        }
        staged.commit()?;
        written.committed = true;
        drop(lock);
        if let Some(folder) = target.path().parent() {
            sync_folder(folder)?;
        }
        // A writer that ignored the lock may have put its own version over ours; then the loop plans from that one.
        if target.is_still(Some(&after))? {
            return Ok(());
        }
    }
    Err(SessionError::Raced { path: target.path().to_owned() })
}

fn take(
    profile: &dyn Profile,
    target: &Resolved,
    patience: Duration,
    written: &mut Written,
) -> Result<Option<HostLock>, SessionError> {
    let Some(path) = profile.lock(target) else { return Ok(None) };
    let lock = HostLock::take(&path, patience)?;
    written.lock_ignored |= lock.is_none();
    Ok(lock)
}
