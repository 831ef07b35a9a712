//! Our own files about a target: the journal, what was last merged, and the lock. 0700, and free of secrets.

use super::SessionError;
use crate::document::Pointer;
use crate::host::profile::shield::Item;
use crate::host::replace::{ReplaceError, entries, read, sync_folder};
use crate::host::{LockError, OwnLock, Resolved};
use crate::journal::{Journal, JournalError, Key};
use crate::plan::Applied;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a transaction of another keystencil is waited for. Far longer than one takes, a frozen disk aside.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the files of a target are called after its id: the journal, …
const JOURNAL: &str = "journal.json";
/// … and that the last hold of it has ended.
const CLOSING: &str = "closing";
/// Which journals were completed, the newest last: one that is gone and not listed here was deleted by somebody else.
const PAID: &str = "paid";
/// This many of them are remembered. Arbitrary: a process that keeps one in memory looks again at each change.
const LAST_PAID: usize = 16;
/// What the target was like when it was filled.
pub(super) const SHAPE: &str = "shape.json";
/// Of a settings file: which members an installation of hooks added to it, …
const MADE: &str = "hooks.json";
/// … and which items of lists that were there.
const ITEMS: &str = "shield.json";
/// What the user allowed to flow where.
const GRANTS: &str = "grants.json";

/// The state folder.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
}

/// The files of one target in the state folder.
#[derive(Debug, Clone)]
pub struct TargetState {
    folder: PathBuf,
    id: String,
}

impl State {
    /// The state in that folder, which is made when something is written.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files about one target.
    #[must_use]
    pub fn of(&self, target: &Resolved) -> TargetState {
        TargetState { folder: self.folder.clone(), id: id_of(target.path()) }
    }

    /// Every target that has a journal.
    ///
    /// # Errors
    /// [`SessionError::File`] if the folder can't be read.
    pub fn owing(&self) -> Result<Vec<TargetState>, SessionError> {
        let mut ids = self.ids(".journal.json")?;
        ids.sort();
        Ok(ids.into_iter().map(|id| TargetState { folder: self.folder.clone(), id }).collect())
    }

    /// Every target for which the user allowed something.
    ///
    /// # Errors
    /// [`SessionError::File`] if the folder can't be read.
    pub(super) fn granting(&self) -> Result<Vec<TargetState>, SessionError> {
        self.targets_with(GRANTS)
    }

    /// Every target that has a file of that kind.
    pub(super) fn targets_with(&self, kind: &str) -> Result<Vec<TargetState>, SessionError> {
        let ids = self.ids(&format!(".{kind}"))?;
        Ok(ids.into_iter().map(|id| TargetState { folder: self.folder.clone(), id }).collect())
    }

    /// Removes the temporary files that killed processes left here; they hold no secret. Those of a target that
    /// somebody works on stay.
    pub(super) fn sweep(&self) {
        for staged in self.ids(".tmp").unwrap_or_default() {
            let Some((id, _)) = staged.split_once('.') else { continue };
            let _lock = OwnLock::take(&self.folder.join(format!("{id}.lock")), Duration::ZERO);
            if _lock.is_ok() {
                let _ = fs::remove_file(self.folder.join(format!("{staged}.tmp")));
            }
        }
    }

    /// What is before `suffix` in the names that end so.
    fn ids(&self, suffix: &str) -> Result<Vec<String>, SessionError> {
        let id = |path: PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(suffix)?.to_owned());
        Ok(entries(&self.folder)?.into_iter().filter_map(id).collect())
    }
}

impl TargetState {
    /// Whether both are of one target.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Keeps every other keystencil away from this target.
    ///
    /// # Errors
    /// [`SessionError::Lock`], or [`SessionError::File`] if the folder can't be made.
    pub fn lock(&self) -> Result<OwnLock, SessionError> {
        make_private(&self.folder).map_err(self.failed("make the state folder"))?;
        Ok(OwnLock::take(&self.path("lock"), PATIENCE)?)
    }

    /// Whether the target was ever locked, as far as the state folder knows.
    #[must_use]
    pub fn was_locked(&self) -> bool {
        self.path("lock").exists()
    }

    /// Makes this process the target's guard; `None` if there is one.
    ///
    /// # Errors
    /// [`SessionError::Lock`], or [`SessionError::File`] if the folder can't be made.
    pub fn guard_lock(&self) -> Result<Option<OwnLock>, SessionError> {
        make_private(&self.folder).map_err(self.failed("make the state folder"))?;
        match OwnLock::take(&self.path("guard"), Duration::ZERO) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Busy { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The folder these files are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the target has a journal.
    ///
    /// # Errors
    /// [`SessionError::File`] if the system does not say.
    pub fn is_owing(&self) -> Result<bool, SessionError> {
        self.journal_path().try_exists().map_err(self.failed("read the state folder"))
    }

    /// The target's journal; `None` if there is none.
    ///
    /// # Errors
    /// [`SessionError::Journal`] if there is a journal that can't be read.
    pub fn journal(&self) -> Result<Option<Journal>, SessionError> {
        let path = self.journal_path();
        match read(&path) {
            Ok(Some(text)) => match Journal::read(&text) {
                Ok(mut journal) => {
                    if self.path(CLOSING).try_exists().map_err(self.failed("read the state folder"))? {
                        journal.leases.clear();
                    }
                    Ok(Some(journal))
                }
                Err(error) => Err(SessionError::Journal { path, error }),
            },
            Ok(None) => Ok(None),
            Err(ReplaceError::NotAFile { .. }) => Err(SessionError::Journal { path, error: JournalError::Unreadable }),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the journal and syncs it: only then may the target hold a secret.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn write_journal(&self, journal: &Journal) -> Result<(), SessionError> {
        let staged = self.stage(&journal.write(), true)?;
        self.remove(CLOSING)?;
        staged.persist(self.journal_path()).map_err(|error| self.failed("write into the state folder")(error.error))?;
        Ok(sync_folder(&self.folder)?)
    }

    /// Notes that the last hold has ended: until the journal is written again or removed, it is read without leases. An
    /// empty file, because a power cut may leave a journal that is rewritten without a sync empty, and a sync costs.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn begin_closing(&self) -> Result<(), SessionError> {
        fs::File::create(self.path(CLOSING)).map(drop).map_err(self.failed("write into the state folder"))
    }

    /// Forgets the journal of that key: everything is removed. That it was completed is noted first, or a process that
    /// knows it would put it back.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn remove_journal(&self, paid: &Key) -> Result<(), SessionError> {
        let known = fs::read_to_string(self.path(PAID)).unwrap_or_default();
        let known: Vec<&str> = known.lines().collect();
        let kept = known.get(known.len().saturating_sub(LAST_PAID - 1)..).unwrap_or_default();
        let text: String = kept.iter().copied().chain([paid.name().as_str()]).flat_map(|name| [name, "\n"]).collect();
        // Without the note the journal may be put back and completed once more, which is harmless.
        let _ = fs::write(self.path(PAID), text);
        self.remove(JOURNAL)?;
        // Without a journal they say nothing, and the next journal replaces them.
        let _ = self.remove(CLOSING);
        let _ = self.remove(SHAPE);
        Ok(())
    }

    /// Whether the journal of that key was completed, as far as the state folder knows.
    #[must_use]
    pub fn was_paid(&self, key: &Key) -> bool {
        fs::read_to_string(self.path(PAID)).is_ok_and(|known| known.lines().any(|name| name == key.name()))
    }

    /// Puts whatever is in the journal's place and is not a file out of its way.
    pub(super) fn clear_journal_path(&self) {
        let path = self.journal_path();
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) && fs::remove_dir(&path).is_err() {
            let _ = fs::rename(&path, self.path("no-journal"));
        }
    }

    pub(super) fn remove(&self, kind: &str) -> Result<(), SessionError> {
        match fs::remove_file(self.path(kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("remove a file from the state folder")(error))
            }
            _ => Ok(()),
        }
    }

    /// What the last render merged; `None` if that is not known, or the record is damaged: then nothing is pruned.
    ///
    /// # Errors
    /// [`SessionError::File`] if the system does not let it be read.
    pub fn applied(&self) -> Result<Option<Applied>, SessionError> {
        match fs::read(self.path("applied.json")) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read the state folder")(error)),
        }
    }

    /// Writes what was merged to a file that [`StagedApplied::commit`] puts in place.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn stage_applied(&self, applied: &Applied) -> Result<StagedApplied, SessionError> {
        let text = serde_json::to_string(applied).unwrap_or_default();
        Ok(StagedApplied { temporary: self.stage(&text, false)?, path: self.path("applied.json") })
    }

    /// What was added to this settings file, as noted when hooks were installed.
    #[must_use]
    pub fn made(&self) -> Option<Vec<Pointer>> {
        serde_json::from_slice(&fs::read(self.path(MADE)).ok()?).ok()
    }

    /// The items that were added to lists of this settings file.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let noted = fs::read(self.path(ITEMS)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        noted.unwrap_or_default()
    }

    /// Notes what was added to this settings file.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn note_made(&self, made: &[Pointer], items: &[Item]) -> Result<(), SessionError> {
        make_private(&self.folder).map_err(self.failed("make the state folder"))?;
        for (kind, text) in [(MADE, serde_json::to_string(made)), (ITEMS, serde_json::to_string(items))] {
            if kind == ITEMS && items.is_empty() {
                self.remove(ITEMS)?;
                continue;
            }
            self.stage(&text.unwrap_or_default(), false)?
                .persist(self.path(kind))
                .map_err(|error| self.failed("write into the state folder")(error.error))?;
        }
        Ok(())
    }

    /// Forgets what was added. If that fails, the next installation notes it again.
    pub fn forget_made(&self) {
        let _ = self.remove(MADE);
        let _ = self.remove(ITEMS);
    }

    /// Where the journal is.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        self.path(JOURNAL)
    }

    /// Where what was allowed is.
    pub(super) fn grants_path(&self) -> PathBuf {
        self.path(GRANTS)
    }

    pub(super) fn path(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}", self.id))
    }

    pub(super) fn stage(&self, text: &str, sync: bool) -> Result<tempfile::TempPath, SessionError> {
        let failed = self.failed("write into the state folder");
        (|| {
            let mut file =
                tempfile::Builder::new().prefix(&format!("{}.", self.id)).suffix(".tmp").tempfile_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            if sync {
                file.as_file().sync_all()?;
            }
            Ok(file.into_temp_path())
        })()
        .map_err(failed)
    }

    fn failed(&self, step: &'static str) -> impl FnOnce(io::Error) -> SessionError {
        let path = self.folder.clone();
        move |source| ReplaceError::Io { step, path, source }.into()
    }
}

/// A record of what was merged that waits for the target to be written.
#[must_use = "it is dropped unless committed"]
#[derive(Debug)]
pub struct StagedApplied {
    temporary: tempfile::TempPath,
    path: PathBuf,
}

impl StagedApplied {
    /// Puts the record in place.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn commit(self) -> Result<(), SessionError> {
        let path = self.path;
        self.temporary
            .persist(&path)
            .map_err(|error| ReplaceError::Io { step: "write it", path, source: error.error }.into())
    }
}

/// Makes a folder only its owner can look into, and closes one that is open to others.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(folder)?;
        if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(folder)
}

/// What the files about a target are called in the state folder, by its path with every symlink resolved.
pub(super) fn id_of(target: &Path) -> String {
    blake3::hash(target.as_os_str().as_encoded_bytes()).to_hex().get(..16).unwrap_or_default().to_owned()
}
