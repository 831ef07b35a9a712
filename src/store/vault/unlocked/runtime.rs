//! A 0600 file in `$XDG_RUNTIME_DIR/keystencil`, where the kernel keeps no keys. Used only if both folders are the
//! user's alone: somebody else's folder could be read, or filled, by them.

use super::super::super::StoreError;
use super::super::file;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(super) fn keep(name: &str, payload: &[u8], runtime: Option<&Path>) -> Result<PathBuf, StoreError> {
    let Some(runtime) = runtime else { return Err(StoreError::NoRuntimeFolder) };
    check(runtime)?;
    let folder = runtime.join(FOLDER);
    file::make_private_folder(&folder).map_err(|error| StoreError::io("make the folder", &folder, &error))?;
    check(&folder)?;
    let path = place(&folder, name);
    file::replace(&path, payload, "keep the opened identity")?;
    Ok(path)
}

pub(super) fn recall(name: &str, runtime: Option<&Path>) -> Option<Zeroizing<Vec<u8>>> {
    let folder = runtime?.join(FOLDER);
    check(runtime?).and_then(|()| check(&folder)).ok()?;
    file::read_private(&place(&folder, name), "read the opened identity").ok().flatten()
}

pub(super) fn forget(name: &str, runtime: Option<&Path>) -> Result<bool, StoreError> {
    let Some(runtime) = runtime else { return Ok(false) };
    let path = place(&runtime.join(FOLDER), name);
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(StoreError::io("forget the opened identity", &path, &error)),
    }
}

const FOLDER: &str = "keystencil";

fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.unlocked"))
}

/// Whether a folder is this user's alone. A link is not.
#[cfg(unix)]
fn check(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |reason| StoreError::RuntimeFolder { path: folder.to_owned(), reason };
    let metadata = fs::symlink_metadata(folder).map_err(|_| refused("it does not exist"))?;
    if !metadata.is_dir() {
        return Err(refused("it is not a folder"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(refused("other users can access it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(folder: &Path) -> Result<(), StoreError> {
    Err(StoreError::RuntimeFolder { path: folder.to_owned(), reason: "this system has no private folder for it" })
}
