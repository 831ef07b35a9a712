//! The windows of `exec --window start`: the note by which hooks know that one is open.

use super::SessionError;
use super::state::{State, make_private};
use crate::host::process::is_alive;
use crate::host::replace::ReplaceError;
use crate::journal::Lease;
use std::fs;
use std::path::PathBuf;

/// A note in the state folder that goes with the process that made it.
#[must_use = "the note is removed when this is dropped"]
#[derive(Debug)]
pub struct Window {
    path: PathBuf,
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl State {
    /// Notes that the secrets of the program this process runs are removed while it is still running, until the note is
    /// dropped.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn open_window(&self, holder: &Lease) -> Result<Window, SessionError> {
        let path = self.folder().join(format!("{}.window", holder.pid.unwrap_or_default()));
        let failed = |step| ReplaceError::io(step, &path);
        make_private(self.folder()).map_err(failed("make its folder"))?;
        fs::write(&path, serde_json::to_string(holder).unwrap_or_default()).map_err(failed("write it"))?;
        Ok(Window { path })
    }

    /// Who has such a window. One left by a process that is gone is removed.
    #[must_use]
    pub fn windows(&self) -> Vec<Lease> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let files = entries.filter_map(Result::ok).map(|entry| entry.path());
        let windows = files.filter(|path| path.extension().is_some_and(|extension| extension == "window"));
        windows
            .filter_map(|path| {
                let lease: Lease = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
                if !is_alive(&lease) {
                    let _ = fs::remove_file(&path);
                    return None;
                }
                Some(lease)
            })
            .collect()
    }
}
