//! The kernel's keyring of this user: never on a disk, gone with its time limit, at reboot, and in most containers not
//! there at all. Whatever it refuses means that it is not to be had: the file in the runtime folder takes its place.

use std::time::Duration;
use zeroize::Zeroizing;

#[cfg(target_os = "linux")]
use linux_keyutils::{Key, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};

#[cfg(target_os = "linux")]
fn find(name: &str) -> Option<Key> {
    ring()?.search(&description(name)).ok()
}

#[cfg(target_os = "linux")]
fn ring() -> Option<KeyRing> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true).ok()
}

#[cfg(target_os = "linux")]
fn description(name: &str) -> String {
    format!("keystencil:{name}")
}

/// Keeps it, if it can be read again afterwards.
#[cfg(target_os = "linux")]
pub(super) fn keep(name: &str, payload: &[u8], limit: Duration) -> bool {
    let Some(key) = ring().and_then(|ring| ring.add_key(&description(name), payload).ok()) else { return false };
    // A process without a session keyring does not possess the user's keyring, and is the same user all the same.
    let own = Permission::VIEW | Permission::READ | Permission::WRITE | Permission::SEARCH | Permission::SETATTR;
    let permissions = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(own).build();
    let is_set = key.set_timeout(usize::try_from(limit.as_secs()).unwrap_or(usize::MAX)).is_ok()
        && key.set_perms(permissions).is_ok();
    if is_set && recall(name).is_some_and(|read| *read == payload) {
        return true;
    }
    let _ = key.invalidate();
    false
}

#[cfg(target_os = "linux")]
pub(super) fn recall(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    find(name)?.read_to_vec().ok().map(Zeroizing::new)
}

#[cfg(target_os = "linux")]
pub(super) fn forget(name: &str) -> bool {
    find(name).is_some_and(|key| key.revoke().is_ok() | key.invalidate().is_ok())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn keep(_: &str, _: &[u8], _: Duration) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(super) fn recall(_: &str) -> Option<Zeroizing<Vec<u8>>> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn forget(_: &str) -> bool {
    false
}
