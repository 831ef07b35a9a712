//! The notes of what a model has seen: which keys a host kept in its sessions, where, and when that was found. Free of secrets.
//!
//! A key that a model has seen has left this machine, whatever becomes of the file it stood in. So a note stays until the key
//! has a new value, or a person says that it is known. A small file for each key of fingerprints, in a folder of the state:
//! no two writers meet.
//!
//! # Limitations
//! The fingerprints of what was seen stay with the note, and **whoever reads it can test guesses** of a short secret, as with a
//! journal. The files that it names hold the secret itself.

use super::State;
use super::state::make_private;
use crate::host::replace::entries;
use crate::journal::{DeliveredSecret, Fingerprint, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The folder in the state.
const FOLDER: &str = "seen";
/// How the name of a note ends.
const NOTE: &str = ".json";
/// The version this program writes; it reads this one only.
const VERSION: u32 = 1;
/// So many notes are kept, …
const MOST: usize = 100;
/// … and so many files are named in each. Both arbitrary.
const MOST_FILES: usize = 100;

/// Keys that were found in what a host keeps of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    version: u32,
    /// When it was found.
    pub time: Timestamp,
    /// The live file that the keys were filled into or delivered for.
    #[serde(with = "crate::journal::path")]
    pub target: PathBuf,
    /// Key of the fingerprints.
    pub key: Key,
    /// What was seen.
    pub secrets: Vec<DeliveredSecret>,
    /// Where, as far as noted.
    #[serde(with = "crate::journal::path::many")]
    pub files: Vec<PathBuf>,
}

impl Exposure {
    pub(super) fn new<'p>(
        time: Timestamp,
        target: PathBuf,
        key: Key,
        prints: impl Iterator<Item = (&'p str, &'p Fingerprint)>,
        mut files: Vec<PathBuf>,
    ) -> Self {
        let mut secrets: Vec<DeliveredSecret> = Vec::new();
        for (placeholder, print) in prints {
            match secrets.iter_mut().find(|known| known.placeholder == placeholder) {
                Some(known) if known.prints.contains(print) => {}
                Some(known) => known.prints.push(print.clone()),
                None => {
                    secrets.push(DeliveredSecret { placeholder: placeholder.to_owned(), prints: vec![print.clone()] });
                }
            }
        }
        files.truncate(MOST_FILES);
        Self { version: VERSION, time, target, key, secrets, files }
    }

    /// Every fingerprint, with the placeholder of its secret.
    pub fn prints(&self) -> impl Iterator<Item = (&str, &Fingerprint)> {
        self.secrets.iter().flat_map(|secret| secret.prints.iter().map(|print| (secret.placeholder.as_str(), print)))
    }

    fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok().filter(|note: &Self| note.version == VERSION)
    }

    /// Whether it says nothing that another one does not say as well.
    fn is_in(&self, other: &Self) -> bool {
        let named = |one: &DeliveredSecret| other.secrets.iter().any(|known| known.placeholder == one.placeholder);
        self.secrets.iter().all(named) && self.files.iter().all(|file| other.files.contains(file))
    }
}

impl State {
    /// Notes what was seen. A failure is let go: it has been told, and what is closed must not stay open for it.
    pub(super) fn note_exposure(&self, exposure: &Exposure) {
        let known = self.exposures();
        if known.iter().any(|known| known.key != exposure.key && exposure.is_in(known)) {
            return;
        }
        let too_many = known.len().saturating_sub(MOST - 1);
        for old in known.iter().filter(|old| old.key != exposure.key).take(too_many) {
            let _ = fs::remove_file(self.exposure_file(old));
        }
        if let Err(error) = self.write_exposure(exposure) {
            log::debug!("what was seen can't be noted: {error}");
        }
    }

    fn write_exposure(&self, exposure: &Exposure) -> io::Result<()> {
        let folder = self.folder().join(FOLDER);
        make_private(self.folder())?;
        make_private(&folder)?;
        // Beside the other temporary files here, so that one that a killed process left is removed.
        let mut file = tempfile::Builder::new().prefix("note.").suffix(".tmp").tempfile_in(self.folder())?;
        file.write_all(serde_json::to_string(exposure)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(self.exposure_file(exposure)).map_err(|error| error.error)?;
        Ok(())
    }

    fn exposure_file(&self, exposure: &Exposure) -> PathBuf {
        self.folder().join(FOLDER).join(format!("{}{NOTE}", exposure.key.name()))
    }

    /// What models have seen, as far as the keys have no new values yet; the oldest first.
    #[must_use]
    pub fn exposures(&self) -> Vec<Exposure> {
        let mut files = entries(&self.folder().join(FOLDER)).unwrap_or_default();
        files.retain(|file| file.to_str().is_some_and(|file| file.ends_with(NOTE)));
        let mut all: Vec<Exposure> = files.iter().filter_map(|file| Exposure::read(file)).collect();
        all.sort_by_cached_key(|one| (one.time, one.key.name()));
        all
    }

    /// Forgets the secrets whose placeholders `is_it` knows: they have new values, or a person knows of it. Says which.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_exposures(&self, is_it: &dyn Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut forgotten = Vec::new();
        for mut exposure in self.exposures() {
            let (gone, left): (Vec<_>, Vec<_>) =
                std::mem::take(&mut exposure.secrets).into_iter().partition(|secret| is_it(&secret.placeholder));
            if gone.is_empty() {
                continue;
            }
            exposure.secrets = left;
            match exposure.secrets.is_empty() {
                true => fs::remove_file(self.exposure_file(&exposure))?,
                false => self.write_exposure(&exposure)?,
            }
            forgotten.extend(gone.into_iter().map(|secret| secret.placeholder));
        }
        forgotten.sort();
        forgotten.dedup();
        Ok(forgotten)
    }
}
