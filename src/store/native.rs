//! The operating system's keyring: the Secret Service on Linux and the BSDs, the Keychain on macOS, the Credential
//! Manager on Windows.
//!
//! All three are one [`Store`](super::Store). On macOS and Windows it works through `keyring-core`'s stores; the Secret
//! Service is spoken directly over libdbus, because its own store asks for one secret at a time (20 references take
//! 18–24 ms that way).
#[cfg(any(target_os = "macos", windows, test))]
use super::StoreError;
#[cfg(any(target_os = "macos", windows, test))]
use crate::secret::{Query, SecretName};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(all(unix, not(target_os = "macos")))]
mod bus;
mod decode;
#[cfg(all(unix, not(target_os = "macos")))]
mod find;
#[cfg(all(unix, not(target_os = "macos")))]
mod person;
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

#[cfg(windows)]
mod credential_manager;
#[cfg(target_os = "macos")]
mod keychain;
#[cfg(any(target_os = "macos", windows))]
mod platform;
#[cfg(any(windows, test))]
mod targets;
#[cfg(any(target_os = "macos", windows))]
pub use platform::Native;

/// Called before waiting for the user; by default nobody is waited for. This layer does not print.
#[derive(Clone, Default)]
pub struct Notice(#[cfg_attr(any(windows, target_os = "macos"), allow(dead_code))] Option<Arc<dyn Fn() + Send + Sync>>);

impl Notice {
    /// Calls `tell` whenever a keyring shows the user a dialog and waits.
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

/// Where the session bus is, as the environment says; this layer does not read it. Only the Secret Service needs it.
///
/// With neither, there is no bus: libdbus would start one (22 ms, and a daemon stays behind), so it is never asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bus {
    /// `$DBUS_SESSION_BUS_ADDRESS`.
    pub address: Option<String>,
    /// `$XDG_RUNTIME_DIR`; its `bus` is a socket on a systemd machine.
    pub runtime_dir: Option<PathBuf>,
}

/// The name that a keyring without attributes and collections is asked for.
#[cfg(any(target_os = "macos", windows, test))]
fn by_name(query: &Query) -> Result<&SecretName, StoreError> {
    if let Query::Keyring(pinned) = query
        && pinned.collection().is_some()
    {
        return Err(StoreError::CannotPin { what: "collections" });
    }
    query.name().ok_or(StoreError::CannotPin { what: "attributes" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::secret::{Attributes, Pinned, Wanted};

    #[test]
    fn a_keyring_without_attributes_says_so_and_takes_a_name() {
        let name = SecretName::new("github", "work").unwrap();
        let pinned = |wanted, collection: Option<&str>| {
            Query::Keyring(Pinned::new(wanted, collection.map(str::to_owned)).unwrap())
        };
        assert_eq!(by_name(&pinned(Wanted::Name(name.clone()), None)), Ok(&name));
        let what = |query| by_name(&query).unwrap_err().to_string();
        assert_eq!(what(pinned(Wanted::Name(name), Some("login"))), "the keyring of this platform has no collections");
        let attributes = Attributes::new([("Title".to_owned(), "x".to_owned())].into()).unwrap();
        assert_eq!(
            what(pinned(Wanted::Attributes(attributes), None)),
            "the keyring of this platform has no attributes"
        );
    }
}
