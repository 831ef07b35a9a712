//! The files in which a host keeps its sessions: found in one pass that follows no link.

use jiff::Timestamp;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How deep the host's folders are looked into: `projects/<project>/<session>/tool-results/<file>` and a little more.
const DEPTH: usize = 7;
/// The folder with copies of files as they were before an agent's edit.
const HISTORY: &str = "file-history";
/// What else a session is kept in, below the host's own folder.
const KEPT: [&str; 2] = [HISTORY, "projects"];

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    /// Whether it is a copy of some file as it was before an edit.
    pub(super) is_history: bool,
    pub(super) modified: Timestamp,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Only what was written since then.
    pub(super) since: Timestamp,
    /// So many names.
    pub(super) names: usize,
    /// When to stop.
    pub(super) until: Option<Instant>,
}

impl Bounds {
    /// All that there is.
    pub(super) const ALL: Self = Self { since: Timestamp::MIN, names: usize::MAX, until: None };

    /// What was written since, as much as can be looked at within that time.
    pub(super) fn new(since: Timestamp, names: usize, longest: Duration) -> Self {
        Self { since, names, until: Instant::now().checked_add(longest) }
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }
}

/// The folders of a host in which sessions are kept: its own comes first, those for temporary files behind it.
pub(super) fn places(folders: &[PathBuf]) -> Vec<PathBuf> {
    let Some((own, temporary)) = folders.split_first() else { return Vec::new() };
    KEPT.iter().map(|kept| own.join(kept)).chain(temporary.iter().cloned()).collect()
}

/// The regular files that a host keeps of its sessions, and whether there is more than was looked at.
pub(super) fn files(folders: &[PathBuf], bounds: Bounds) -> (Vec<Kept>, bool) {
    let mut walk = Walk { bounds, names: 0, is_partial: false, files: Vec::new() };
    for place in places(folders) {
        let is_history = place.file_name().is_some_and(|name| name == HISTORY);
        walk.folder(&place, DEPTH, is_history);
    }
    (walk.files, walk.is_partial)
}

struct Walk {
    bounds: Bounds,
    names: usize,
    is_partial: bool,
    files: Vec<Kept>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize, is_history: bool) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            self.names += 1;
            if self.names > self.bounds.names || self.bounds.is_over() {
                self.is_partial = true;
                return;
            }
            // What kind of thing it is stands in the folder itself; only a file has to be asked for its time.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth > 0 {
                self.folder(&entry.path(), depth - 1, is_history);
            }
            if !kind.is_file() {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
            if let Some(modified) = modified.filter(|modified| *modified >= self.bounds.since) {
                self.files.push(Kept { is_history, modified, size: metadata.len(), path: entry.path() });
            }
        }
    }
}

/// Whether a file is a copy of some file as it was before an edit.
pub(super) fn is_history(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == HISTORY)
}

/// Opens a file that was found; never a link, and without waiting for anybody if another thing has taken its place.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file)
}
