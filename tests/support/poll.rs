//! Waiting for a condition, bounded. No test sleeps for a fixed time when it could ask instead.

use std::time::{Duration, Instant};

/// Longer than any step takes on a loaded machine (a client starts in half a second on an idle one).
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(20);

/// What `ask` finds, asked again and again until `limit` is over.
pub(crate) fn within<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether `condition` comes true before `limit` is over.
pub(crate) fn comes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    within(limit, || condition().then_some(())).is_some()
}
