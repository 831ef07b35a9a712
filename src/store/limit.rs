//! How long a store may take.

use std::time::Duration;

/// How long a store gets when nobody is at a terminal to unlock it.
pub const LIMIT: Duration = Duration::from_secs(3);
