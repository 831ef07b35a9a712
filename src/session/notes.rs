//! Small files of the state folder that are about no target: which targets were set up, which commands may run.
//!
//! Written whole and synced. A damaged note counts as none, and the user is asked again.

use super::SessionError;
use super::state::{State, make_private};
use crate::host::replace::{ReplaceError, sync_folder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::{self, Write as _};

impl State {
    /// What a note says; nothing if there is none.
    pub(super) fn note<T: Default + DeserializeOwned>(&self, name: &str) -> T {
        let text = fs::read(self.folder().join(name)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes a note.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub(super) fn write_note(&self, name: &str, note: &impl Serialize) -> Result<(), SessionError> {
        let folder = self.folder();
        make_private(folder).map_err(ReplaceError::io("make the state folder", folder))?;
        let staged = (|| {
            // Named as every temporary file here, so that one that a killed process left is removed.
            let mut file = tempfile::Builder::new().prefix("note.").suffix(".tmp").tempfile_in(folder)?;
            file.write_all(serde_json::to_string_pretty(note).unwrap_or_default().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(folder.join(name)).map_err(|error| error.error)
        })();
        staged.map_err(ReplaceError::io("write into the state folder", folder))?;
        Ok(sync_folder(folder)?)
    }

    /// Removes a note.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub(super) fn remove_note(&self, name: &str) -> Result<(), SessionError> {
        match fs::remove_file(self.folder().join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ReplaceError::io("remove a file from the state folder", self.folder())(error).into())
            }
            _ => Ok(()),
        }
    }
}
