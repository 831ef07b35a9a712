//! The permission bits of a target: 0600 while it holds keys, its own at rest.
//!
//! The session notes them before the first secret goes in. Replacing the file makes them stricter
//! ([`Resolved::stage`](super::Resolved::stage)); they come back once nothing of ours is left in it.

use std::path::Path;

/// What a file that holds secrets may be: no more than its owner's to read and write.
const STRICT: u32 = 0o600;

/// The permission bits of a file that keys make stricter; `None` if they are strict already, or there is no file.
#[cfg(unix)]
#[must_use]
pub fn own(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & !STRICT != 0).then_some(mode)
}

/// Gives a file its own permission bits back, unless somebody has changed them since. Whatever fails leaves it stricter.
#[cfg(unix)]
pub fn give_back(path: &Path, mode: u32) {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = std::fs::OpenOptions::new();
    options.read(true).custom_flags(flags.bits().try_into().unwrap_or_default());
    let Ok(file) = options.open(path) else { return };
    let is_ours = |now: &std::fs::Metadata| now.is_file() && now.permissions().mode() & 0o777 == mode & STRICT;
    if file.metadata().is_ok_and(|now| is_ours(&now)) {
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777));
    }
}

/// The same where there are none.
#[cfg(not(unix))]
#[must_use]
pub fn own(_path: &Path) -> Option<u32> {
    None
}

/// The same where there are none.
#[cfg(not(unix))]
pub fn give_back(_path: &Path, _mode: u32) {}
