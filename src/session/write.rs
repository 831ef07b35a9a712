//! One replacement of a target, in step with a host application that writes it too.

use super::SessionError;
use crate::host::replace::sync_folder;
use crate::host::{HostLock, Profile, ReplaceError, Resolved, Staged};
use crate::plan::render::open;
use std::thread::sleep;
use std::time::Duration;

/// How long the host's lock is waited for: until a stale one is certainly stale.
pub(super) const PATIENCE: Duration = Duration::from_secs(12);
/// How long after a holder's death. Half of the clients that are killed leave their lock behind (measured), and it
/// would keep their secrets in place until it is stale; a living client holds it for milliseconds.
pub(super) const PATIENCE_WITH_THE_DEAD: Duration = Duration::from_millis(700);
/// After this many collisions with another writer the lock is held from the reading on, not just around the rename.
const POLITE: usize = 3;
/// After this many, another program writes without a lock and without a pause.
const ATTEMPTS: usize = 50;

/// How often a file that does not parse is read again, …
const LOOKS: usize = 10;
/// … after this time. Both arbitrary: a write of a small file in place takes less than a millisecond.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Larger files are not looked at for that, in bytes: it would cost a pass more.
const LARGE: usize = 1 << 20;

/// What came of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Written {
    /// The host's lock was held by somebody for longer than our patience, and was ignored.
    pub(super) lock_ignored: bool,
    /// Something of ours was put in the target's place, whatever came then.
    pub(super) committed: bool,
}

/// Replaces the target by what `plan` makes of its content (`None`: no such file), until that is what is there.
/// `plan` answers `None` when there is nothing to write.
///
/// The new content is synced before it takes the name, so that a power cut leaves one of the two versions whole; which
/// one is settled only when the folder is synced, and that is left to the code that has to rely on it.
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
        let before = read_whole(target)?;
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

/// Reads a target. A host that writes in place (Gemini CLI does, measured) leaves it empty or torn for a moment, and
/// what replaced it then would lose the host's change: it is read again until it is a document. What stays as it is, is
/// broken.
pub(super) fn read_whole(target: &Resolved) -> Result<Option<Vec<u8>>, ReplaceError> {
    for _ in 0..LOOKS {
        let text = target.read()?;
        match &text {
            Some(torn) if torn.len() <= LARGE && open(target.path(), torn).is_err() => sleep(BETWEEN_LOOKS),
            _ => return Ok(text),
        }
    }
    target.read()
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_file_that_is_written_in_place_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(&path, "{}").unwrap();
        let target = Resolved::follow(&path).unwrap();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let mut file = File::create(&path).unwrap();
                    file.write_all(b"{\"mcpServers\": {\"a\": {}").unwrap();
                    std::thread::yield_now();
                    file.write_all(b"}}").unwrap();
                    sleep(BETWEEN_LOOKS / 4);
                }
            });
            for _ in 0..40 {
                let text = read_whole(&target).unwrap().unwrap();
                assert!(open(&path, &text).is_ok(), "{}", String::from_utf8_lossy(&text));
            }
            is_done.store(true, Ordering::Relaxed);
        });
        fs::write(&path, "{").unwrap();
        assert_eq!(read_whole(&target).unwrap().unwrap(), b"{");
        fs::remove_file(&path).unwrap();
        assert!(read_whole(&target).unwrap().is_none());
    }
}
