//! Where a live file holds keys in plain text that no render put there. Looks only: no lock, no store, nothing written.

use super::undo::{undo_earlier, undo_text};
use super::{Session, SessionError};
use crate::adopt::{PlainText, plain_text};
use crate::host::{ReplaceError, Resolved};
use crate::plan::wrap::plain;
use crate::template::Blueprint;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

impl Session<'_> {
    /// Where there are keys in the target at `path` that no render put there, with the slots of its template if known.
    ///
    /// # Errors
    /// [`SessionError`] if the file, or its journal, can't be read: nobody knows then what is in it.
    pub fn plain_text(&self, path: &Path, blueprint: Option<&Blueprint>) -> Result<Vec<PlainText>, SessionError> {
        let file = match Resolved::follow(path) {
            // Where there is no folder yet, nothing is in a file.
            Err(ReplaceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            found => found?,
        };
        let Some(text) = file.read()?.map(Zeroizing::new) else { return Ok(Vec::new()) };
        let after = self.state_of(path, &file)?.journal()?.and_then(|journal| {
            let after = undo_text(&text, &journal, &mut false).1;
            undo_earlier(&text, after, &journal)
        });
        let slots = blueprint.map(|blueprint| blueprint.slots.as_slice()).unwrap_or_default();
        // The template's slots are those of the plain server.
        Ok(plain_text(&plain(after.as_deref().unwrap_or(&text)), slots))
    }
}
