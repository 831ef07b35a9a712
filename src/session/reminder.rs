//! When the user was last reminded of old keys: the time of an empty file in the state folder.

use super::State;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Nobody is reminded twice within this time.
const QUIET: Duration = Duration::from_secs(24 * 60 * 60);

impl State {
    /// Whether a day has gone by since the last reminder.
    #[must_use]
    pub fn may_remind(&self) -> bool {
        // A time in the future is a clock that was set back; waiting for it could take years.
        let is_recent = |noted: SystemTime| noted.elapsed().is_ok_and(|age| age < QUIET);
        !fs::metadata(self.reminder()).and_then(|note| note.modified()).is_ok_and(is_recent)
    }

    /// Notes a reminder; `false` if that can't be noted, and the next session would be reminded again.
    #[must_use]
    pub fn note_reminder(&self) -> bool {
        fs::write(self.reminder(), "").is_ok()
    }

    fn reminder(&self) -> PathBuf {
        self.folder().join("reminded")
    }
}
