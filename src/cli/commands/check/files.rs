//! Files of the work tree: found with `.gitignore` honoured, read piece by piece, looked through on all processors.

use super::{CheckError, Checked, relative};
use crate::cli::error::CommandError;
use crate::cli::progress::Progress;
use crate::cli::report::Report;
use crate::journal::{Journal, is_clean};
use crate::lint::{Finding, Kind, Known, Scan};
use crate::session::Target;
use ignore::{WalkBuilder, WalkState};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is read at once: even, for UTF-16.
const PIECE: usize = 8 << 20;
/// A rendered file with secrets too short to be found is compared whole; no config is larger.
const WHOLE: u64 = 256 << 20;

/// One file to look through.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    size: u64,
}

/// What is to be looked through, and what can't be.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<Entry>,
    unread: Vec<(PathBuf, String)>,
}

/// The templates and targets of the config that are there.
pub(super) fn of_targets(targets: &[Target]) -> Found {
    let mut found = Found::default();
    let mut paths: Vec<&PathBuf> = targets.iter().flat_map(|target| [&target.template, &target.path]).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                found.files.push(Entry { path: path.clone(), size: metadata.len() });
            }
            Ok(_) => found.unread.push((path.clone(), "it is not a regular file".to_owned())),
            // A target that was never made; a template that is missing is found when it is compiled.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => found.unread.push((path.clone(), error.to_string())),
        }
    }
    found
}

/// Every file that was named, and all in the folders.
pub(super) fn collect(roots: &[PathBuf]) -> Result<Found, CommandError> {
    let mut found = Found::default();
    let mut folders: Vec<&PathBuf> = Vec::new();
    for root in roots {
        let failed = |reason: String| CheckError::NoFile { path: root.clone(), reason };
        let metadata = fs::metadata(root).map_err(|error| failed(error.to_string()))?;
        if metadata.is_dir() {
            folders.push(root);
        } else if metadata.is_file() {
            found.files.push(Entry { path: root.clone(), size: metadata.len() });
        } else {
            return Err(failed("it is neither a file nor a folder".to_owned()).into());
        }
    }
    if let Some((first, rest)) = folders.split_first() {
        let mut walk = WalkBuilder::new(first);
        for folder in rest {
            walk.add(folder);
        }
        // `.env` is hidden and holds keys; what a `.gitignore` names is never committed. `.ignore` files are about searching.
        walk.hidden(false).ignore(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git");
        let walked = Mutex::new(&mut found);
        walk.threads(processors()).build_parallel().run(|| {
            Box::new(|entry| {
                let Ok(mut found) = walked.lock() else { return WalkState::Quit };
                match entry {
                    Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                        let size = entry.metadata().map_or(0, |metadata| metadata.len());
                        found.files.push(Entry { path: entry.into_path(), size });
                    }
                    Ok(entry) => {
                        found.unread.extend(entry.error().map(|error| (entry.path().to_owned(), error.to_string())));
                    }
                    Err(error) => found.unread.push(unread(&error)),
                }
                WalkState::Continue
            })
        });
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.files.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

/// The path and the reason of what the walk says.
fn unread(error: &ignore::Error) -> (PathBuf, String) {
    match error {
        ignore::Error::WithPath { path, err } => (path.clone(), unread(err).1),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => unread(err),
        ignore::Error::Loop { child, .. } => (child.clone(), "the link leads back to a folder above it".to_owned()),
        other => (PathBuf::new(), other.to_string()),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into).min(16)
}

/// Looks through all of them.
pub(super) fn scan(
    found: &Found,
    known: &Known<'_>,
    journals: &[Journal],
    root: &Path,
    report: &Report,
) -> Result<Checked, CommandError> {
    let progress = Progress::bytes(report, "checking", found.files.iter().map(|file| file.size).sum());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Checked { unread: found.unread.clone(), ..Checked::default() });
    let work = || {
        let mut buffer = Vec::new();
        while let Some(entry) = found.files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = one(entry, known, journals, root, &mut buffer, &progress);
            let Ok(mut done) = done.lock() else { return };
            match result {
                Ok((findings, is_template)) => {
                    done.files += 1;
                    done.findings.extend(findings);
                    done.templates.extend(is_template.then(|| entry.path.clone()));
                }
                // It went away while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => done.unread.push((entry.path.clone(), error.to_string())),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..processors().min(found.files.len()) {
            scope.spawn(work);
        }
        work();
    });
    drop(progress);
    let mut checked = done.into_inner().unwrap_or_default();
    checked.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    checked.unread.sort();
    Ok(checked)
}

fn one(
    entry: &Entry,
    known: &Known<'_>,
    journals: &[Journal],
    root: &Path,
    buffer: &mut Vec<u8>,
    progress: &Progress,
) -> io::Result<(Vec<Finding>, bool)> {
    let name = relative(&entry.path, root);
    let mut scan = Scan::new(known, &entry.path, &name);
    let mut content = Counted { file: File::open(&entry.path)?, progress };
    pieces(&mut content, entry.size, buffer, &mut scan)?;
    let (mut findings, is_template) = (scan.findings, scan.is_template);
    if !journals.is_empty()
        && entry.size <= WHOLE
        && findings.iter().all(|finding| !matches!(finding.kind, Kind::Rendered(_)))
    {
        let real = entry.path.canonicalize()?;
        if let Some(journal) = journals.iter().find(|journal| journal.target == real)
            && !is_clean(&fs::read(&entry.path)?, journal)
        {
            findings.push(rendered(&entry.path));
        }
    }
    Ok((findings, is_template))
}

/// Tells the progress bar of what is read: one file may be larger than all others.
struct Counted<'p> {
    file: File,
    progress: &'p Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.advance(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// A file that is rendered, though none of its secrets is long enough to be found.
pub(super) fn rendered(path: &Path) -> Finding {
    Finding { file: path.to_owned(), line: 1, column: 1, kind: Kind::RenderedFile, shown: String::new(), print: None }
}

/// Reads to the end in pieces of even length.
pub(super) fn pieces(reader: &mut impl Read, size: u64, buffer: &mut Vec<u8>, scan: &mut Scan<'_>) -> io::Result<()> {
    let wanted = usize::try_from(size).unwrap_or(PIECE).saturating_add(2).min(PIECE) & !1;
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    loop {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match reader.read(room) {
                Ok(0) => {
                    scan.piece(buffer.get(..filled).unwrap_or_default(), true);
                    return Ok(());
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        scan.piece(buffer, false);
    }
}
