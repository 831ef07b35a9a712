//! Two locks: our own, between keystencil processes, and the host application's, between it and us.
//!
//! Ours is an advisory lock on a file in the state folder: the kernel releases it with its holder, however that ends.
//! The host's is the lock directory of npm's proper-lockfile, as Claude Code uses it: made with `mkdir`, refreshed by
//! its time stamp, stale once that is ten seconds old. It is held for milliseconds.

use crate::error::{Explain, Place};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// Age at which a lock directory counts as left behind (proper-lockfile's `stale`, as Claude Code sets it; measured).
const STALE: Duration = Duration::from_secs(10);
/// How often a taken lock is tried again. Arbitrary: short against the milliseconds a lock is held.
const POLL: Duration = Duration::from_millis(3);

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another keystencil has held ours for longer than a transaction takes.
    #[error("another keystencil is using this target and does not finish")]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file or directory can't be made.
    #[error("cannot take the lock: {source}")]
    Io {
        /// The lock file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for LockError {
    fn place(&self) -> Option<Place> {
        let (Self::Busy { path } | Self::Io { path, .. }) = self;
        Some(Place::file(path))
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Busy { .. } => "find it with `fuser` on that file, and end it".to_owned(),
            Self::Io { .. } => "make the folder writable for yourself".to_owned(),
        })
    }
}

/// Our own lock on one target's state; released when dropped.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct OwnLock {
    _file: File,
}

impl OwnLock {
    /// Takes the lock, waiting at most `patience`.
    ///
    /// # Errors
    /// [`LockError::Busy`] after `patience`; [`LockError::Io`] if the file can't be opened.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(io)?;
        let start = Instant::now();
        log::debug!("taking our lock {}", path.display());
        loop {
            match file.try_lock() {
                Ok(()) => {
                    log::debug!("have it after {} ms", start.elapsed().as_millis());
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => sleep(POLL),
                Err(TryLockError::WouldBlock) => return Err(LockError::Busy { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
        }
    }
}

/// The host application's lock directory; removed when dropped.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct HostLock {
    path: PathBuf,
    taken: Instant,
    /// Tells our directory from one that somebody made after taking ours for stale.
    identity: Option<u64>,
}

impl HostLock {
    /// Makes the lock directory, breaking one that is stale. `Ok(None)` if somebody held it for all of `patience`: the
    /// host application itself then writes without it, and so must anyone who has a secret to take out.
    ///
    /// # Errors
    /// [`LockError::Io`] if the directory can't be made (a read-only folder, say).
    pub fn take(path: &Path, patience: Duration) -> Result<Option<Self>, LockError> {
        let start = Instant::now();
        log::debug!("taking the host's lock {}", path.display());
        loop {
            match fs::create_dir(path) {
                Ok(()) => {
                    log::debug!("have it after {} ms", start.elapsed().as_millis());
                    let (path, taken, identity) = (path.to_owned(), Instant::now(), identity(path));
                    return Ok(Some(Self { path, taken, identity }));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Anyone who loses this race finds the directory gone or made again, and tries again. What can't be
                    // removed (a file, a folder with something in it) is held by nobody, and yet as good as held.
                    if is_stale(path) && fs::remove_dir(path).is_ok() {
                        continue;
                    }
                    if start.elapsed() >= patience {
                        return Ok(None);
                    }
                    sleep(POLL);
                }
                Err(source) => return Err(LockError::Io { path: path.to_owned(), source }),
            }
        }
    }

    /// Says that it is still held, if that has lasted so long that others may soon take it for stale; `false` if it is
    /// not ours to hold any more.
    #[must_use]
    pub fn refresh(&mut self) -> bool {
        if self.taken.elapsed() < STALE / 4 {
            return true;
        }
        if identity(&self.path) != self.identity {
            return false;
        }
        let refreshed = File::open(&self.path).and_then(|folder| folder.set_modified(SystemTime::now()));
        self.taken = Instant::now();
        refreshed.is_ok()
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        if identity(&self.path) == self.identity {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The number of the directory in its file system, where there are such numbers.
#[cfg(unix)]
fn identity(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|metadata| std::os::unix::fs::MetadataExt::ino(&metadata))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<u64> {
    path.exists().then_some(0)
}

/// Old by the clock, or from the future by more than the same: a clock that jumped must not lock for ever.
fn is_stale(path: &Path) -> bool {
    let Ok(modified) = fs::symlink_metadata(path).and_then(|metadata| metadata.modified()) else { return false };
    match SystemTime::now().duration_since(modified) {
        Ok(age) => age > STALE,
        Err(ahead) => ahead.duration() > STALE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_host_lock_is_not_had_and_a_released_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = HostLock::take(&path, Duration::ZERO).unwrap();
        assert!(held.is_some());
        assert!(HostLock::take(&path, Duration::ZERO).unwrap().is_none());
        drop(held);
        assert!(HostLock::take(&path, Duration::ZERO).unwrap().is_some());
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_that_nobody_refreshed_for_ten_seconds_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        for seconds in [-11i64, 11] {
            let path = folder.path().join("x.lock");
            fs::create_dir(&path).unwrap();
            let offset = Duration::from_secs(seconds.unsigned_abs());
            let time = if seconds < 0 { SystemTime::now() - offset } else { SystemTime::now() + offset };
            File::open(&path).unwrap().set_modified(time).unwrap();
            assert!(HostLock::take(&path, Duration::ZERO).unwrap().is_some());
        }
    }

    #[test]
    fn a_stale_lock_that_is_no_empty_directory_is_waited_for_no_longer_than_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let (file, full) = (folder.path().join("file.lock"), folder.path().join("full.lock"));
        fs::write(&file, "").unwrap();
        fs::create_dir(&full).unwrap();
        fs::write(full.join("x"), "").unwrap();
        for path in [file, full] {
            File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
            assert!(HostLock::take(&path, Duration::from_millis(20)).unwrap().is_none());
            assert!(path.exists());
        }
    }

    #[test]
    fn a_host_lock_that_somebody_took_away_is_not_refreshed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let mut held = HostLock::take(&path, Duration::ZERO).unwrap().unwrap();
        held.taken = Instant::now().checked_sub(STALE).unwrap();
        File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(held.refresh() && !is_stale(&path));
        held.taken = Instant::now().checked_sub(STALE).unwrap();
        fs::remove_dir(&path).unwrap();
        assert!(!held.refresh());
    }

    #[test]
    fn our_own_lock_keeps_a_second_holder_out_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let held = OwnLock::take(&path, Duration::ZERO).unwrap();
        assert!(matches!(OwnLock::take(&path, Duration::ZERO), Err(LockError::Busy { .. })));
        drop(held);
        let _again = OwnLock::take(&path, Duration::ZERO).unwrap();
    }
}
