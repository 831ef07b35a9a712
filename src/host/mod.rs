//! Layer 3: effects on the machine: files replaced whole, locks, processes, and what is special about one host
//! application ([`profile`]). Decides nothing about secrets.

pub mod agents;
pub mod git;
pub mod guard;
pub mod lock;
pub mod mode;
pub mod process;
pub mod profile;
pub mod program;
pub mod read;
pub mod replace;
pub mod servers;
pub mod shell;

pub use lock::{HostLock, LockError, OwnLock};
pub use profile::Profile;
pub use replace::{ReplaceError, Resolved, Staged};
