//! What is staged in git, by its plumbing: which blobs a commit would bring, and what they hold.
//!
//! The work tree is not read. A merge that is not finished, an index that can't be read and a git that fails are errors.

use super::files::{pieces, rendered};
use super::{CheckError, Checked, relative};
use crate::cli::error::CommandError;
use crate::journal::{Journal, is_clean};
use crate::lint::{Kind, Known, Scan};
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A rendered config is compared whole if it is no larger.
const WHOLE: u64 = 256 << 20;

/// A staged file.
pub(super) struct Entry {
    /// As git names it, from the top of the work tree.
    name: PathBuf,
    blob: String,
}

/// What a commit would bring.
pub(super) struct Index {
    top: PathBuf,
    pub(super) entries: Vec<Entry>,
    /// Submodules: other repositories' commits, which are checked there.
    pub(super) submodules: usize,
}

fn git(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    // No lock that a commit in progress would trip over, and paths as they are.
    command.args(["--no-optional-locks", "--literal-pathspecs"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(command: &mut Command) -> Result<Vec<u8>, CheckError> {
    let output = command.output().map_err(CheckError::NoGit)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(refused(&output.stderr))
}

fn refused(stderr: &[u8]) -> CheckError {
    let said = String::from_utf8_lossy(stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    CheckError::Git { said: last.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned() }
}

impl Index {
    /// Asks git what differs from the last commit; `files` limits it.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, CheckError> {
        let mut top = output(&mut git(&["rev-parse", "--show-toplevel"]))?;
        while top.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            top.pop();
        }
        let mut command = git(&["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"]);
        command.args(["--no-relative", "--ignore-submodules=none", "--diff-filter=d", "--"]).args(files);
        let mut index = Self { top: path(&top), entries: Vec::new(), submodules: 0 };
        let raw = output(&mut command)?;
        let mut fields = raw.split(|byte| *byte == 0);
        let mut unmerged = Vec::new();
        // `:100644 100644 BLOB BLOB M`, then the name.
        while let (Some(head), Some(name)) = (fields.next().filter(|head| !head.is_empty()), fields.next()) {
            let head =
                std::str::from_utf8(head).map_err(|_| CheckError::Protocol("a line of the index is not text"))?;
            let mut words = head.trim_start_matches(':').split(' ').skip(1);
            let (Some(mode), Some(blob), Some(status)) = (words.next(), words.nth(1), words.next()) else {
                return Err(CheckError::Protocol("a line of the index has too few fields"));
            };
            match (status.chars().next(), mode) {
                (Some('U'), _) => unmerged.push(String::from_utf8_lossy(name).into_owned()),
                (_, "160000") => index.submodules += 1,
                _ => index.entries.push(Entry { name: path(name), blob: blob.to_owned() }),
            }
        }
        if unmerged.is_empty() {
            return Ok(index);
        }
        unmerged.sort();
        unmerged.dedup();
        Err(CheckError::Unmerged { paths: unmerged })
    }

    /// Where a file is in the work tree.
    pub(super) fn path(&self, entry: &Entry) -> PathBuf {
        self.top.join(&entry.name)
    }

    /// The text of a staged file, if it is staged.
    pub(super) fn text(&self, file: &Path) -> Option<Result<Vec<u8>, CheckError>> {
        let entry = self.entries.iter().find(|entry| self.path(entry) == file)?;
        Some(output(&mut git(&["cat-file", "blob", &entry.blob])))
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(bytes).into_owned()))
}

/// Looks through the staged files.
pub(super) fn scan(
    index: &Index,
    known: &Known<'_>,
    journals: &[Journal],
    root: &Path,
) -> Result<Checked, CommandError> {
    let mut checked = Checked::default();
    if index.entries.is_empty() {
        return Ok(checked);
    }
    let mut child = git(&["cat-file", "--batch"]).stdin(Stdio::piped()).spawn().map_err(CheckError::NoGit)?;
    let (Some(mut asking), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(CheckError::Protocol("its input and output are not connected").into());
    };
    let mut answers = BufReader::with_capacity(1 << 16, answers);
    let mut buffer = Vec::new();
    for entry in &index.entries {
        let broken = |_: io::Error| CheckError::Protocol("it ended too early");
        writeln!(asking, "{}", entry.blob).and_then(|()| asking.flush()).map_err(broken)?;
        let mut head = String::new();
        answers.read_line(&mut head).map_err(broken)?;
        let mut words = head.split_ascii_whitespace().skip(1);
        let (Some("blob"), Some(size)) = (words.next(), words.next().and_then(|size| size.parse::<u64>().ok())) else {
            return Err(CheckError::Git { said: format!("the content of {} is missing", entry.name.display()) }.into());
        };
        let file = index.path(entry);
        let name = relative(&file, root);
        let mut scan = Scan::new(known, &file, &name);
        let owed = journals.iter().find(|journal| journal.target == file || journal.named == file);
        let mut content = (&mut answers).take(size);
        match owed.filter(|_| size <= WHOLE) {
            None => pieces(&mut content, size, &mut buffer, &mut scan).map_err(broken)?,
            Some(journal) => {
                let mut whole = Vec::new();
                content.read_to_end(&mut whole).map_err(broken)?;
                scan.piece(&whole, true);
                if !is_clean(&whole, journal) && !scan.findings.iter().any(|one| matches!(one.kind, Kind::Rendered(_)))
                {
                    checked.findings.push(rendered(&file));
                }
            }
        }
        if content.limit() > 0 || answers.read_exact(&mut [0]).is_err() {
            return Err(CheckError::Protocol("it ended too early").into());
        }
        checked.files += 1;
        checked.templates.extend(scan.is_template.then(|| file.clone()));
        checked.findings.append(&mut scan.findings);
    }
    drop(asking);
    let _ = child.wait();
    checked.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    Ok(checked)
}
