//! Replaces a file whole: a finished, synced file of ours beside it takes over its name in one step.
//!
//! Every symlink on the way is kept, owner and group are kept, and the mode is kept but never looser than 0600.
//! Whatever fails leaves the file as it was.
//!
//! # Limitations
//! Extended attributes, ACLs and hard links are not carried over: **a second hard link keeps the old content**.

use crate::error::{Explain, Place};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempPath};

/// What our temporary files beside a target are called after their name's start; see [`leftovers`].
const MARK: &str = ".keystencil-";
/// How much of a file is compared at once: fits into the second cache of any processor.
const CHUNK: usize = 1 << 16;
/// As many hops as Linux follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Why a file could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The system refused a step.
    #[error("can't {step}: {source}")]
    Io {
        /// What was tried: `read it`, `write beside it`, …
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Links that lead in a circle.
    #[error("too many levels of symlinks")]
    Loop {
        /// The first link.
        path: PathBuf,
    },
    /// A directory, a FIFO, a device.
    #[error("not a regular file")]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
}

impl ReplaceError {
    /// The file or folder it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. } | Self::Loop { path } | Self::NotAFile { path } => path,
        }
    }

    /// Says what was tried with which file, of an error of the system's.
    pub fn io(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            // An error of a temporary file names that file, which is nobody's business.
            let source = if source.raw_os_error().is_some() { source } else { source.kind().into() };
            Self::Io { step, path, source }
        }
    }
}

impl Explain for ReplaceError {
    fn place(&self) -> Option<Place> {
        Some(Place::file(self.path()))
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make the file and its folder readable and writable for yourself".to_owned()
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "the disk is full: free some space and try again; nothing was changed".to_owned()
                }
                io::ErrorKind::ResourceBusy => {
                    "a file that is a mount point can't be replaced: mount its folder instead".to_owned()
                }
                io::ErrorKind::NotFound => "make its folder first, or correct the path".to_owned(),
                _ => "the file was left as it was".to_owned(),
            },
            Self::Loop { .. } => "point the link at the file it is meant for".to_owned(),
            Self::NotAFile { .. } => "name the JSON file itself".to_owned(),
        })
    }
}

/// Makes a folder for files that nobody else may change, whatever the umask, and those above it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(folder)
}

/// A path with every symlink followed: the file that is read and replaced.
#[derive(Debug, Clone)]
pub struct Resolved {
    named: PathBuf,
    path: PathBuf,
}

impl Resolved {
    /// Follows the path through every hop. The last file need not exist; its folder must.
    ///
    /// # Errors
    /// [`ReplaceError`] on a circle of links or a missing folder.
    pub fn follow(path: &Path) -> Result<Self, ReplaceError> {
        let mut at = path.to_owned();
        let mut named = None;
        for _ in 0..MAX_LINKS {
            let folder = match at.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
                _ => PathBuf::from("."),
            };
            let Some(name) = at.file_name().map(ToOwned::to_owned) else {
                return Err(ReplaceError::NotAFile { path: path.to_owned() });
            };
            let folder = fs::canonicalize(&folder).map_err(|source| match source.raw_os_error() {
                #[cfg(unix)]
                Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => {
                    ReplaceError::Loop { path: path.to_owned() }
                }
                _ => ReplaceError::Io { step: "open the folder", path: folder.clone(), source },
            })?;
            at = folder.join(name);
            let named = named.get_or_insert_with(|| at.clone());
            match fs::read_link(&at) {
                Ok(next) => at = folder.join(next),
                // No link, or nothing there. Whatever else it is, it must not be taken for that: the link would go.
                Err(error) if cfg!(not(unix)) || is_no_link(&error) => {
                    return Ok(Self { named: named.clone(), path: at });
                }
                Err(error) => return Err(ReplaceError::io("follow it", &at)(error)),
            }
        }
        Err(ReplaceError::Loop { path: path.to_owned() })
    }

    /// The path as it was given, absolute: its last part may be a symlink. Host applications put their lock and their
    /// backups beside this one (measured with Claude Code).
    #[must_use]
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// The file itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content; `None` if file not found.
    ///
    /// # Errors
    /// [`ReplaceError`] if it is not a regular file or can't be read.
    pub fn read(&self) -> Result<Option<Vec<u8>>, ReplaceError> {
        read(&self.path)
    }

    /// Whether it still is what was read, or written, without reading it whole: it costs no memory, and a file of
    /// another length is told apart at once.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn is_still(&self, content: Option<&[u8]>) -> Result<bool, ReplaceError> {
        let (mut file, length, mut rest) = match (open(&self.path)?, content) {
            (Some((file, length)), Some(content)) => (file, length, content),
            (found, content) => return Ok(found.is_none() && content.is_none()),
        };
        if length != rest.len() as u64 {
            return Ok(false);
        }
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(rest.is_empty()),
                Ok(count) => match rest.strip_prefix(buffer.get(..count).unwrap_or_default()) {
                    Some(tail) => rest = tail,
                    None => return Ok(false),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReplaceError::io("read it", &self.path)(error)),
            }
        }
    }

    /// Writes the new content to a file beside it, synced, with the mode and the owner it is going to have.
    ///
    /// # Errors
    /// [`ReplaceError`] if that fails; nothing is left behind then.
    pub fn stage(&self, content: &[u8]) -> Result<Staged, ReplaceError> {
        Staged::new(&self.path, content, Keep::StricterMode, true)
    }

    /// As [`Self::stage`], for a new file that nobody relies on: a power cut may leave it empty.
    ///
    /// # Errors
    /// As [`Self::stage`].
    pub fn stage_unsynced(&self, content: &[u8]) -> Result<Staged, ReplaceError> {
        Staged::new(&self.path, content, Keep::StricterMode, false)
    }

    /// As [`Self::stage`], for a file that holds no secret: its mode stays as it is.
    ///
    /// # Errors
    /// As [`Self::stage`].
    pub fn stage_plainly(&self, content: &[u8]) -> Result<Staged, ReplaceError> {
        Staged::new(&self.path, content, Keep::Mode, true)
    }

    /// As [`Self::stage`], for a copy that is clean again: its mode and its time stamps stay as they are.
    ///
    /// # Errors
    /// As [`Self::stage`].
    pub fn stage_quietly(&self, content: &[u8]) -> Result<Staged, ReplaceError> {
        Staged::new(&self.path, content, Keep::ModeAndTimes, true)
    }
}

fn is_no_link(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound)
}

/// Reads a regular file whole, never blocking on a FIFO, not even on one that comes between two looks; `None` if there
/// is none.
///
/// # Errors
/// [`ReplaceError`] if it is not a regular file or can't be read.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, ReplaceError> {
    let Some((mut file, length)) = open(path)? else { return Ok(None) };
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.read_to_end(&mut content).map_err(ReplaceError::io("read it", path))?;
    Ok(Some(content))
}

/// Opens a regular file and says how long it is.
fn open(path: &Path) -> Result<Option<(File, u64)>, ReplaceError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(ReplaceError::io("read it", path))?,
    };
    if !metadata.is_file() {
        return Err(ReplaceError::NotAFile { path: path.to_owned() });
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(ReplaceError::io("read it", path))?,
    };
    let metadata = file.metadata().map_err(ReplaceError::io("read it", path))?;
    if !metadata.is_file() {
        return Err(ReplaceError::NotAFile { path: path.to_owned() });
    }
    Ok(Some((file, metadata.len())))
}

/// What of the old file the new one takes over, besides its owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The mode, but no looser than 0600: a secret may be in it.
    StricterMode,
    /// The mode as it is.
    Mode,
    /// The mode as it is, and the times.
    ModeAndTimes,
}

/// A finished file that waits beside the one it is to replace; removed if dropped.
#[must_use = "a staged file is removed when it is dropped"]
#[derive(Debug)]
pub struct Staged {
    temporary: TempPath,
    path: PathBuf,
}

impl Staged {
    fn new(path: &Path, content: &[u8], keep: Keep, sync: bool) -> Result<Self, ReplaceError> {
        let io = |step| ReplaceError::io(step, path);
        let folder = path.parent().unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{}{MARK}", name.trim_start_matches('.'));
        // 0600 from its first byte on: that is how the crate makes it.
        let file = Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder).map_err(io("write beside it"))?;
        let (mut file, temporary) = file.into_parts();
        file.write_all(content).map_err(io("write beside it"))?;
        match fs::metadata(path) {
            Ok(old) => {
                keep_owner_and_mode(&file, &old, keep).map_err(io("keep its owner"))?;
                if keep == Keep::ModeAndTimes {
                    let times = fs::FileTimes::new()
                        .set_modified(old.modified().map_err(io("read it"))?)
                        .set_accessed(old.accessed().map_err(io("read it"))?);
                    file.set_times(times).map_err(io("keep its times"))?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io("read it")(error)),
        }
        if sync {
            file.sync_all().map_err(io("write beside it"))?;
        }
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// Takes over the file's name: one step, which happens whole or not at all.
    ///
    /// # Errors
    /// [`ReplaceError`] if the system refuses; the file is then as it was.
    pub fn commit(self) -> Result<(), ReplaceError> {
        self.temporary.persist(&self.path).map_err(|error| ReplaceError::io("replace it", &self.path)(error.error))
    }
}

/// Gives our file the old one's owner and mode.
#[cfg(unix)]
fn keep_owner_and_mode(file: &File, old: &fs::Metadata, keep: Keep) -> io::Result<()> {
    use rustix::fs::{Gid, Uid, fchown};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        let owner = (new.uid() != old.uid()).then(|| Uid::from_raw(old.uid()));
        // Group members can't read a 0600 file anyway, so a group that may not be given away is no reason to stop.
        match fchown(file, owner, Some(Gid::from_raw(old.gid()))) {
            Err(error) if owner.is_some() => return Err(error.into()),
            _ => {}
        }
    }
    let mask = if keep == Keep::StricterMode { 0o600 } else { 0o777 };
    file.set_permissions(fs::Permissions::from_mode(old.mode() & mask))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_file: &File, _old: &fs::Metadata, _keep: Keep) -> io::Result<()> {
    Ok(())
}

/// Makes a rename in that folder last through a power cut.
///
/// # Errors
/// [`ReplaceError`] if the folder can't be synced.
pub fn sync_folder(folder: &Path) -> Result<(), ReplaceError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ReplaceError::io("sync the folder", folder))?;
    }
    Ok(())
}

/// How the paths of our temporary files beside `path` begin.
#[must_use]
pub fn staged_begin(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{}{MARK}", name.trim_start_matches('.')))
}

/// Temporary files of ours that a killed process left beside `path`. Ask under our own lock only.
///
/// # Errors
/// [`ReplaceError`] if the folder can't be read; a folder that is gone has none.
pub fn leftovers(path: &Path) -> Result<Vec<PathBuf>, ReplaceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{}{MARK}", name.trim_start_matches('.'));
    let mut files = entries(path.parent().unwrap_or(Path::new(".")))?;
    files.retain(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)) && is_leftover(file)
    });
    Ok(files)
}

/// Whether the name is that of a temporary file of ours, whatever it was to replace.
#[must_use]
pub fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains(MARK) && name.ends_with(".tmp")
}

/// What is in a folder; nothing if it is not there.
///
/// # Errors
/// [`ReplaceError`] if it can't be read to its end.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReplaceError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
    match read() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        other => other.map_err(ReplaceError::io("read the folder", folder)),
    }
}
