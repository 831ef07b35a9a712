//! The operating system's keyring: the Secret Service on Linux and the BSDs, the Keychain on macOS, the Credential
//! Manager on Windows.
//!
//! All three are one [`Store`](super::Store). On macOS and Windows it works through `keyring-core`'s stores; the Secret
//! Service is spoken directly over libdbus, because its own store asks for one secret at a time (20 references take
//! 18–24 ms that way).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

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

/// What is told before a person is waited for; nobody is, by default. This floor does not print.
#[derive(Clone, Default)]
pub struct Notice(Option<Arc<dyn Fn() + Send + Sync>>);

impl Notice {
    /// Calls `tell` whenever a keyring shows the person a dialog and waits.
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    fn tell(&self) {
        if let Some(tell) = &self.0 {
            tell();
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

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
