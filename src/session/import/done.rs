//! What an import has done so far, and the way back.
//!
//! Asked by the import alone. It writes templates and configs, which hold no secret; never a target.

use super::{Keeper, SessionError};
use crate::host::Resolved;
use crate::host::replace::{ReplaceError, leftovers, make_folder, sync_folder};
use crate::secret::SecretName;
use crate::store::StoreKind;
use std::fs;
use std::path::{Path, PathBuf};

/// What has been done and can be taken back.
#[derive(Default)]
pub(super) struct Done {
    pub(super) stored: Vec<(SecretName, StoreKind)>,
    pub(super) backup: Option<String>,
    /// Files, with what they held before; `None`: they were not there.
    written: Vec<(PathBuf, Option<Vec<u8>>)>,
}

/// What may be in a file that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing<'a> {
    /// Nothing, or what is to be written.
    MustBeEqual,
    /// What the new text was made from: the user may have written into the file while they were asked.
    MustBe(&'a str),
}

impl Done {
    pub(super) fn write(&mut self, path: &Path, text: &str, existing: Existing<'_>) -> Result<(), SessionError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(ReplaceError::io("make its folder", path))?;
        let file = Resolved::follow(path)?;
        // What a killed import left here; it holds no secret.
        for left in leftovers(file.path())? {
            fs::remove_file(&left).map_err(ReplaceError::io("remove it", &left))?;
        }
        let before = file.read()?;
        let path = path.to_owned();
        match (&before, existing) {
            (Some(before), _) if before == text.as_bytes() => return Ok(()),
            (Some(_), Existing::MustBeEqual) => return Err(SessionError::TemplateExists { path }),
            (found, Existing::MustBe(wanted)) if found.as_deref().unwrap_or_default() != wanted.as_bytes() => {
                return Err(SessionError::Changed { path });
            }
            _ => {}
        }
        file.stage_plainly(text.as_bytes())?.commit()?;
        self.written.push((file.path().to_owned(), before));
        Ok(sync_folder(folder)?)
    }

    /// As it was before. What can't be taken back does no harm: a rerun finds it and continues.
    pub(super) fn take_back(self, keeper: &dyn Keeper) {
        for (path, before) in self.written.into_iter().rev() {
            let _ = match before {
                None => fs::remove_file(&path).map_err(ReplaceError::io("remove it", &path)),
                Some(text) => Resolved::follow(&path).and_then(|file| file.stage_plainly(&text)?.commit()),
            };
        }
        for (name, _) in self.stored.iter().rev() {
            let _ = keeper.forget(name);
        }
        if let Some(backup) = self.backup {
            let _ = keeper.forget_backup(&backup);
        }
    }
}
