//! Watches folders for a secret, in any form, in every file that is written there for however short a time.
//!
//! Each new file is opened as soon as it is made, so what a program writes and removes again at once is still read. A file
//! is searched when whoever wrote it closes it, when it gets another name and when it goes; and all folders are searched
//! once more at the end. What never has a name (`O_TMPFILE`, a pipe, memory) is not seen.

use std::collections::HashMap;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Seek};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::residue;

/// The temporary folders that all processes of the machine share.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// In those, bigger files are somebody else's: no host writes one.
const MOST: u64 = 64 << 20;

/// A watch that is running.
#[must_use = "what it saw is told by `saw_nothing`"]
pub(crate) struct Watcher {
    /// Closed when the watch is to end.
    end: PipeWriter,
    thread: JoinHandle<Seen>,
}

/// What a watch has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Where a secret stood, and in which form.
    pub(crate) found: Vec<String>,
    /// How often a file was read.
    pub(crate) reads: usize,
    /// Files that were gone before they could be opened, and were not found again under another name.
    pub(crate) missed: Vec<PathBuf>,
}

impl Watcher {
    /// Watches these folders with all that is in them. In the temporary folders that everybody shares it watches files,
    /// folders of clients, and folders that are made from now on; not those of other tests.
    pub(crate) fn over(roots: &[PathBuf], secrets: &[&str]) -> Self {
        let (ended, end) = std::io::pipe().expect("a pipe");
        let mut look = Look {
            inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("inotify"),
            folders: HashMap::new(),
            open: HashMap::new(),
            roots: roots.to_vec(),
            secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(),
            seen: Seen::default(),
        };
        for shared in SHARED {
            look.watch(Path::new(shared));
        }
        for folder in residue::shared_temporary_folders().iter().chain(roots) {
            look.enter(folder);
        }
        Self { end, thread: std::thread::spawn(move || look.until(&ended)) }
    }

    /// Ends the watch, searches the folders once more, and says what was seen.
    pub(crate) fn saw(self) -> Seen {
        drop(self.end);
        self.thread.join().expect("the watch ends")
    }

    /// Ends the watch. No byte of a secret was in any file at any time.
    #[track_caller]
    pub(crate) fn saw_nothing(self) {
        let seen = self.saw();
        assert!(seen.found.is_empty(), "a secret was in a file:\n  {}", seen.found.join("\n  "));
        assert!(seen.reads > 0, "nobody looked");
        // Two processes race here. On a loaded machine a few files are faster than the watch; many would be a hole in it.
        assert!(seen.missed.len() * 10 <= seen.reads, "{} reads, and missed: {:?}", seen.reads, seen.missed);
    }
}

struct Look {
    inotify: OwnedFd,
    folders: HashMap<i32, PathBuf>,
    /// Files that were made since the watch began, until they are closed.
    open: HashMap<PathBuf, File>,
    roots: Vec<PathBuf>,
    secrets: Vec<String>,
    seen: Seen,
}

impl Look {
    fn until(mut self, ended: &PipeReader) -> Seen {
        let mut running = true;
        while running {
            let mut ready = [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
            poll(&mut ready, None).expect("poll");
            running = ready[1].revents().is_empty();
            self.read();
        }
        let folders = [self.roots, residue::shared_temporary_folders()].concat();
        let secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        self.seen.found.extend(residue::find(&folders, &secrets).iter().map(ToString::to_string));
        self.seen
    }

    fn watch(&mut self, folder: &Path) -> bool {
        let events = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        // A folder that is gone again holds nothing.
        let Ok(watch) = inotify::add_watch(&self.inotify, folder, events) else { return false };
        self.folders.insert(watch, folder.to_owned());
        true
    }

    /// Watches a folder and those in it, and reads what was written there before it was watched.
    fn enter(&mut self, folder: &Path) {
        if self.is_of_another_test(folder) || !self.watch(folder) {
            return;
        }
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.enter(&entry.path()),
                Ok(kind) if kind.is_file() => self.made(&entry.path()),
                _ => {}
            }
        }
    }

    /// Other tests put their folders beside ours, under names of `tempfile` or of their own.
    fn is_of_another_test(&self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        self.is_shared(folder) && (name.starts_with(".tmp") || name.starts_with("kst"))
    }

    fn is_shared(&self, path: &Path) -> bool {
        !self.roots.iter().any(|root| path.starts_with(root))
    }

    /// Reads all events that are there.
    fn read(&mut self) {
        let inotify = self.inotify.try_clone().expect("a descriptor");
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        let mut events = inotify::Reader::new(&inotify, &mut buffer);
        while let Ok(event) = events.next() {
            let kind = event.events();
            assert!(!kind.contains(ReadFlags::QUEUE_OVERFLOW), "more was written than could be watched");
            let (Some(folder), Some(name)) = (self.folders.get(&event.wd()), event.file_name()) else { continue };
            let path = folder.join(&*name.to_string_lossy());
            match kind {
                _ if kind.contains(ReadFlags::ISDIR) => {
                    if kind.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                        self.enter(&path);
                    }
                }
                _ if kind.contains(ReadFlags::CREATE) => self.made(&path),
                _ if kind.contains(ReadFlags::MOVED_FROM) => {
                    self.seen.missed.retain(|missed| *missed != path);
                    self.left(&path);
                }
                _ if kind.contains(ReadFlags::DELETE) => self.left(&path),
                _ => {
                    self.left(&path);
                    self.examine(&path);
                }
            }
        }
    }

    /// A file that is new here: it may have its content already, and it may be gone in a moment.
    fn made(&mut self, path: &Path) {
        let is_other = std::fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file());
        if let Some(file) = self.examine(path) {
            self.open.insert(path.to_owned(), file);
        } else if !is_other && !self.is_shared(path) {
            self.seen.missed.push(path.to_owned());
        }
    }

    /// A file is complete, or is not here any more: what was opened when it was made is read.
    fn left(&mut self, path: &Path) {
        if let Some(file) = self.open.remove(path) {
            self.search(path, &file);
        }
    }

    /// Reads the file that stands there now. Links, sockets and the like are nobody's copy.
    fn examine(&mut self, path: &Path) -> Option<File> {
        let meta = std::fs::symlink_metadata(path).ok()?;
        let file =
            (meta.is_file() && (meta.len() <= MOST || !self.is_shared(path))).then(|| File::open(path).ok())??;
        self.search(path, &file);
        Some(file)
    }

    fn search(&mut self, path: &Path, mut file: &File) {
        let mut bytes = Vec::new();
        if file.rewind().and_then(|()| file.read_to_end(&mut bytes)).is_err() {
            return;
        }
        self.seen.reads += 1;
        for secret in &self.secrets {
            for (what, bytes) in [("", bytes.as_slice()), ("the name, ", path.as_os_str().as_encoded_bytes())] {
                for (at, form) in residue::in_bytes(bytes, secret) {
                    self.seen.found.push(format!("{}:{at} ({what}{form})", path.display()));
                }
            }
        }
    }
}

#[test]
fn the_watch_finds_a_key_in_files_that_are_gone_again_in_new_folders_under_new_names_and_in_every_form() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("old")).unwrap();
    let secret = format!("kst-{}/\"q\"\\é+=~z", std::process::id());
    let watch = Watcher::over(&[root.path().into()], &[&secret]);
    let mut places = Vec::new();
    for (number, (_, form)) in residue::forms(&secret).into_iter().enumerate() {
        let file = root.path().join(format!("old/form {number}"));
        std::fs::write(&file, [b"before".as_slice(), &form, b"after"].concat()).unwrap();
        places.push(file.display().to_string());
    }
    let deep = root.path().join("new/deep");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("fast"), &secret).unwrap();
    std::fs::write(root.path().join("other"), &secret).unwrap();
    std::fs::rename(root.path().join("other"), root.path().join("renamed")).unwrap();
    places.extend(["new/deep/fast", "renamed"].map(|name| root.path().join(name).display().to_string()));
    let shared = SHARED.map(|folder| Path::new(folder).join(format!("keystencil-canary-{}", std::process::id())));
    for file in &shared {
        std::fs::write(file, &secret).unwrap();
        places.push(file.display().to_string());
    }
    // What is removed while it is being written is read by the descriptor that the watch opened when it was made.
    let gone = root.path().join("gone");
    let mut file = File::create(&gone).unwrap();
    let held = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|path| path == gone)).count() == 2
    };
    assert!(crate::poll::comes_true(crate::poll::PATIENCE, held), "the watch did not open a new file");
    std::io::Write::write_all(&mut file, secret.as_bytes()).unwrap();
    std::fs::remove_file(&gone).unwrap();
    places.push(gone.display().to_string());
    let seen = watch.saw();
    shared.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    for place in places {
        assert!(seen.found.iter().any(|found| found.starts_with(&place)), "{place} was not seen: {seen:?}");
    }
}

#[test]
fn the_watch_finds_nothing_where_only_other_things_are_written() {
    let root = tempfile::tempdir().unwrap();
    let watch = Watcher::over(&[root.path().into()], &["kst-never-written-0a1b2c"]);
    std::fs::write(root.path().join("file"), "kst-never-written and no more").unwrap();
    let seen = watch.saw();
    assert!(seen.found.is_empty() && seen.reads > 0, "{seen:?}");
}
