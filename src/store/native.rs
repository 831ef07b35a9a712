//! The operating system's keyring: the Secret Service on Linux and the BSDs, the Keychain on macOS, the Credential
//! Manager on Windows.
//!
//! All three are one [`Store`](super::Store). On macOS and Windows it works through `keyring-core`'s stores; the Secret
//! Service is spoken directly over libdbus, because its own store asks for one secret at a time (20 references take
//! 18–24 ms that way).

use std::path::PathBuf;

#[cfg(all(unix, not(target_os = "macos")))]
mod bus;
#[cfg(any(target_os = "macos", windows, test))]
mod decode;
#[cfg(all(unix, not(target_os = "macos")))]
mod find;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;
#[cfg(all(unix, not(target_os = "macos")))]
mod service;
#[cfg(all(unix, not(target_os = "macos")))]
mod session;
#[cfg(all(unix, not(target_os = "macos")))]
mod wire;
#[cfg(all(unix, not(target_os = "macos")))]
pub use secret_service::Native;

#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "macos")]
pub use keychain::Native;

#[cfg(windows)]
mod credential_manager;
#[cfg(windows)]
pub use credential_manager::Native;

/// Where the session bus is, as the environment says; this floor does not read it. Only the Secret Service needs it.
///
/// With neither, there is no bus: libdbus would start one (22 ms, and a daemon stays behind), so it is never asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bus {
    /// `$DBUS_SESSION_BUS_ADDRESS`.
    pub address: Option<String>,
    /// `$XDG_RUNTIME_DIR`; its `bus` is a socket on a systemd machine.
    pub runtime_dir: Option<PathBuf>,
}
