//! Private files on disk: read if only their owner can read them, replaced in one step, changed under a lock.
//!
//! The vault and its identity go through here. A file that others can read is refused, never quietly repaired: a
//! secret that lay open has to be revoked, and the user has to know.

use super::super::StoreError;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How the name of a file begins that is not in its place yet.
pub(super) const MARK: &str = ".keystencil-vault-";

/// How long another process may hold the lock. A change takes milliseconds; a plugin may wait for a touch.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// The bytes of a file that is its owner's alone; `None` if it is not there. Never waits: a FIFO is refused.
pub(super) fn read_private(path: &Path, doing: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().try_into().unwrap_or_default(),
    );
    read(path, doing, &options, true)
}

/// The same of a file that the user named: a shell's `<(…)` is a pipe, and is waited for.
pub(super) fn read_given(path: &Path, doing: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    read(path, doing, OpenOptions::new().read(true), false)
}

fn read(
    path: &Path,
    doing: &'static str,
    options: &OpenOptions,
    is_regular: bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let io = |error| StoreError::io(doing, path, &error);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(io)?,
    };
    let metadata = file.metadata().map_err(io)?;
    if is_regular && !metadata.is_file() {
        return Err(io(std::io::Error::other("it is not a regular file")));
    }
    check_private(path, &metadata)?;
    let room = usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(bytes))
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(StoreError::VaultPermissions { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn check_private(_: &Path, _: &fs::Metadata) -> Result<(), StoreError> {
    Ok(()) // a profile folder is private by its access control list
}

/// Puts `bytes` at `path` in one step: anyone who reads it meanwhile sees the old file or the new one, whole.
pub(super) fn replace(path: &Path, bytes: &[u8], doing: &'static str) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::io(doing, path, &error);
    let temporary = write_beside(path, bytes).map_err(io)?;
    temporary.persist(path).map_err(|error| io(error.error))?;
    sync_folder(path).map_err(io)
}

/// As [`replace`], for a file that must not be there yet.
pub(super) fn create(path: &Path, bytes: &[u8], doing: &'static str) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::io(doing, path, &error);
    make_folder(path).map_err(io)?;
    let temporary = write_beside(path, bytes).map_err(io)?;
    temporary.persist_noclobber(path).map_err(|error| io(error.error))?;
    sync_folder(path).map_err(io)
}

/// Moves a synced file to its final name.
pub(super) fn rename(from: &Path, to: &Path, doing: &'static str) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::io(doing, to, &error);
    fs::rename(from, to).map_err(io)?;
    sync_folder(to).map_err(io)
}

/// Removes what writers in the folder of `path` left that were killed. Its lock has to be held: a living one has such a
/// file too.
pub(super) fn sweep(path: &Path) {
    sweep_folder(path, OsStr::new(MARK));
}

/// The same in a folder that other vaults write to as well: only what writers of this one file left.
pub(super) fn sweep_own(path: &Path) {
    sweep_folder(path, &staged_name(path));
}

fn sweep_folder(path: &Path, prefix: &OsStr) {
    for entry in fs::read_dir(folder(path)).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            // What can't be removed stays for the next; it is sealed, or as private as what it was to become.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// How the name of what is to become `path` begins.
fn staged_name(path: &Path) -> OsString {
    let mut name = OsString::from(MARK);
    name.push(path.file_name().unwrap_or_default());
    name.push("-");
    name
}

fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    // `tempfile` creates with mode 0600 and removes the file again unless it is kept.
    let mut temporary = tempfile::Builder::new().prefix(&staged_name(path)).tempfile_in(folder(path))?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    make_private_folder(folder(path))
}

/// Makes a folder, and those above it, for their owner alone; one that is there stays as it is.
pub(super) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Holds other processes off a file; ends when it is dropped, or with the process.
#[must_use = "the lock ends when it is dropped"]
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock that guards changes of `path`: an advisory one on a file beside it, which stays.
pub(super) fn lock(path: &Path) -> Result<Lock, StoreError> {
    let lock = beside(path);
    let io = |error: std::io::Error| StoreError::io("lock the vault", &lock, &error);
    make_folder(path).map_err(io)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&lock).map_err(io)?;
    let since = Instant::now();
    log::debug!("taking the vault's lock {}", lock.display());
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_LIMIT => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::VaultBusy { lock }),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}
