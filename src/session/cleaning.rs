//! Takes secrets out of what a host keeps of sessions that have ended: the one case in which a file changes that is neither a
//! target nor a copy of one. What is taken out is what keystencil itself had put where the session read it.
//!
//! A transcript is changed only if nobody can be writing to it: no session that it belongs to runs, no process has it open,
//! and size and time are what they were when it was read. It is a regular file of the user's, reached over no link. The new text
//! is a file of ours, synced, that takes over its name. What is written to the old file at that very moment is carried over.
//!
//! # Limitations
//! **A process that can't be looked into is taken to have nothing open**: one of another user, or one that is closed to others as
//! an `ssh-agent` is. Where the system does not say which files are open at all, nothing is changed.

use super::pieces::{Part, Room, parts};
use super::transcripts::Search;
use super::walk::{is_history, open};
use crate::host::profile::Profile;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Left {
    /// Its session runs, or one that it belongs to.
    #[error("its session is still running")]
    Alive,
    /// Nobody can tell whether it is being used.
    #[error("whether its session is still running can't be told")]
    Unknown,
    /// A process has it open.
    #[error("a program has it open")]
    Open,
    /// It was written to meanwhile.
    #[error("it was written to meanwhile")]
    Changed,
    /// A link leads to it, or it has a second name.
    #[error("it is reached over a link, or has a second name")]
    Linked,
    /// It belongs to somebody else, or somebody else can change its folder.
    #[error("another user owns it, or can write to its folder")]
    NotOurs,
    /// A rewind would write it into a project.
    #[error("it is a copy of a project's file, which a rewind would bring back")]
    History,
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes secrets out of one file after the other.
pub struct Cleaning<'c> {
    /// What is looked for.
    pub search: &'c Search<'c>,
    /// What a person calls the secret of a placeholder.
    pub name: &'c dyn Fn(&str) -> String,
    /// Whose sessions they are.
    pub profile: &'c dyn Profile,
    /// Where the host keeps them: its own folder first, those for temporary files behind it.
    pub folders: &'c [PathBuf],
}

impl Cleaning<'_> {
    /// Takes every secret out of a file; says how many times.
    ///
    /// # Errors
    /// Why it was left as it was.
    pub fn clean(&self, path: &Path) -> Result<usize, Left> {
        if is_history(path) {
            return Err(Left::History);
        }
        self.is_ended(path)?;
        let folder = self.folder(path)?;
        let mut file = open(path)?;
        let before = file.metadata()?;
        is_own(&before)?;
        let (staged, times, read) = self.stage(path, &folder, &mut file)?;
        if times == 0 {
            return Ok(0);
        }
        keep(staged.as_file(), &before)?;
        staged.as_file().sync_all()?;
        // A session may have been resumed meanwhile.
        self.is_ended(path)?;
        if is_open(&before)? {
            return Err(Left::Open);
        }
        if !is_same(&fs::symlink_metadata(path)?, &before) || read != before.len() {
            return Err(Left::Changed);
        }
        let (new, temporary) = staged.into_parts();
        temporary.persist(path).map_err(|error| error.error)?;
        self.carry_over(&mut file, read, new)?;
        if cfg!(unix) {
            File::open(&folder)?.sync_all()?;
        }
        Ok(times)
    }

    /// Writes the file without secrets beside it: how many there were, and how much was read.
    fn stage(
        &self,
        path: &Path,
        folder: &Path,
        file: &mut File,
    ) -> Result<(tempfile::NamedTempFile, usize, u64), Left> {
        let begin = crate::host::replace::staged_begin(path);
        let begin = begin.file_name().unwrap_or_default();
        let mut staged = tempfile::Builder::new().prefix(begin).suffix(".tmp").tempfile_in(folder)?;
        let (mut times, mut read) = (0, 0);
        self.copy(file, staged.as_file_mut(), &mut times, &mut read)?;
        Ok((staged, times, read))
    }

    fn copy(&self, from: &mut File, to: &mut File, times: &mut usize, read: &mut u64) -> io::Result<()> {
        parts(&mut Room::new(), from, &|text| self.search.find(text), &mut |part| {
            let (Part::Kept(bytes) | Part::Found(bytes, _)) = part;
            *read += bytes.len() as u64;
            match part {
                Part::Kept(bytes) => to.write_all(bytes),
                Part::Found(_, (number, _)) => {
                    *times += 1;
                    to.write_all(self.instead(number).as_bytes())
                }
            }
        })
    }

    /// What stands there afterwards: no reference, and nothing that has to be escaped, however often it is in a string.
    fn instead(&self, number: usize) -> String {
        let name = (self.name)(&self.search.placeholder(number));
        let plain = |c: char| if c.is_alphanumeric() || " -_.:/@$()=+".contains(c) { c } else { '_' };
        format!("[keystencil: {} removed]", name.chars().map(plain).collect::<String>())
    }

    /// What was appended to the old file between the last look and the rename.
    fn carry_over(&self, old: &mut File, read: u64, mut new: File) -> io::Result<()> {
        if old.metadata()?.len() <= read {
            return Ok(());
        }
        old.seek(SeekFrom::Start(read))?;
        let end = new.seek(SeekFrom::End(0))?;
        log::debug!("something was appended while a file of {end} bytes took its place; it is carried over");
        self.copy(old, &mut new, &mut 0, &mut 0)?;
        new.sync_all()
    }

    /// Whether no session runs that the file belongs to: its id is a part of the file's path.
    fn is_ended(&self, path: &Path) -> Result<(), Left> {
        let living: BTreeSet<String> = self.profile.living_sessions(self.folders).ok_or(Left::Unknown)?;
        let path = path.to_string_lossy();
        if living.iter().any(|id| path.contains(id.as_str())) { Err(Left::Alive) } else { Ok(()) }
    }

    /// The real folder of a file, if it is one of the host's and no link leads out of it.
    fn folder(&self, path: &Path) -> Result<PathBuf, Left> {
        let parent = path.parent().ok_or(Left::Linked)?;
        let root = self.folders.iter().find(|root| parent.starts_with(root)).ok_or(Left::Linked)?;
        let real = root.canonicalize()?;
        let below = parent.strip_prefix(root).map_err(|_| Left::Linked)?;
        let folder = parent.canonicalize()?;
        if folder != real.join(below) {
            return Err(Left::Linked);
        }
        // Whoever could put another thing in its place could have us write there.
        folder.ancestors().take_while(|folder| folder.starts_with(&real)).try_for_each(is_private)?;
        Ok(folder)
    }
}

#[cfg(unix)]
fn is_private(folder: &Path) -> Result<(), Left> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(folder)?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    // Many systems give each user a group, and let it write.
    let others = if metadata.gid() == rustix::process::getegid().as_raw() { 0o002 } else { 0o022 };
    if is_own && metadata.mode() & others == 0 { Ok(()) } else { Err(Left::NotOurs) }
}

#[cfg(unix)]
fn is_own(metadata: &Metadata) -> Result<(), Left> {
    use std::os::unix::fs::MetadataExt as _;
    match (metadata.uid() == rustix::process::geteuid().as_raw(), metadata.nlink()) {
        (false, _) => Err(Left::NotOurs),
        (true, 1) => Ok(()),
        _ => Err(Left::Linked),
    }
}

#[cfg(unix)]
fn is_same(now: &Metadata, before: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let seen = |one: &Metadata| (one.dev(), one.ino(), one.size(), one.mtime(), one.mtime_nsec());
    seen(now) == seen(before)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> Result<(), Left> {
    Err(Left::Unknown)
}

#[cfg(not(unix))]
fn is_own(_: &Metadata) -> Result<(), Left> {
    Err(Left::Unknown)
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// Gives our file the mode and the times of the old one, by which hosts sort their sessions.
fn keep(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())?;
    file.set_times(fs::FileTimes::new().set_modified(old.modified()?).set_accessed(old.accessed()?))
}

/// Whether another process has the file open.
#[cfg(target_os = "linux")]
fn is_open(file: &Metadata) -> Result<bool, Left> {
    use std::os::unix::fs::MetadataExt as _;
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").map_err(|_| Left::Unknown)?;
    for process in processes.filter_map(Result::ok) {
        let name = process.file_name();
        let is_process = name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_process || name.to_str() == Some(&own) {
            continue;
        }
        // One that has ended meanwhile, or is not ours to look into.
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let is_it = |open: Metadata| (open.dev(), open.ino()) == (file.dev(), file.ino());
        if descriptors.filter_map(Result::ok).any(|one| fs::metadata(one.path()).is_ok_and(is_it)) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn is_open(_: &Metadata) -> Result<bool, Left> {
    Err(Left::Unknown)
}
