//! What is committed of a path: the staged version, else that of HEAD. One `git cat-file --batch` serves a whole run.
//!
//! Asked by our filter, and so within the surroundings that git has given it: `GIT_DIR` and `GIT_INDEX_FILE` count.

use super::call::{Call, GitError};
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};

const STEP: &str = "read what is committed";

/// A reader of the objects of the repository that git has called us for. It starts git at the first question.
#[derive(Debug)]
pub struct Objects {
    folder: PathBuf,
    batch: Option<Batch>,
}

#[derive(Debug)]
struct Batch {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    /// Objects of the repository whose work tree is `folder`.
    #[must_use]
    pub fn of(folder: PathBuf) -> Self {
        Self { folder, batch: None }
    }

    /// The staged version of a path below the top of the work tree, else that of HEAD; `None` if there is neither. An
    /// empty one is none: that is what `git add --intent-to-add` stages.
    ///
    /// # Errors
    /// [`GitError`] if git can't tell.
    pub fn committed(&mut self, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        for revision in [":0:", "HEAD:"] {
            let mut name = OsString::from(revision);
            name.push(path);
            let content = self.read(&name)?.filter(|content| !content.is_empty());
            if content.is_some() {
                return Ok(content);
            }
        }
        Ok(None)
    }

    fn read(&mut self, name: &OsString) -> Result<Option<Vec<u8>>, GitError> {
        // The protocol of the batch ends a name at the line's end.
        let id;
        let name = if name.as_encoded_bytes().contains(&b'\n') {
            let call = Call::within(STEP, &self.folder).args(["rev-parse", "--quiet", "--verify"]).args([name]);
            let output = call.run(None, &[0, 1])?;
            if !output.status.success() {
                return Ok(None);
            }
            id = output.stdout;
            id.trim_ascii()
        } else {
            name.as_encoded_bytes()
        };
        let batch = match &mut self.batch {
            Some(batch) => batch,
            empty => empty.insert(Batch::start(&self.folder)?),
        };
        batch.ask(name).map_err(|source| GitError::Failed {
            step: STEP,
            folder: self.folder.clone(),
            said: source.to_string(),
        })
    }
}

impl Batch {
    fn start(folder: &Path) -> Result<Self, GitError> {
        let mut child = Call::within(STEP, folder).args(["cat-file", "--batch"]).converse()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        match answers {
            Some(answers) => Ok(Self { child, requests, answers: BufReader::new(answers) }),
            None => Err(GitError::Failed { step: STEP, folder: folder.to_owned(), said: String::new() }),
        }
    }

    /// `<id> <type> <size>`, the content and a line end; or `<name> missing`.
    fn ask(&mut self, name: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        if let Some(requests) = &mut self.requests {
            requests.write_all(&[name, b"\n"].concat())?;
            requests.flush()?;
        }
        let mut head = Vec::new();
        self.answers.read_until(b'\n', &mut head)?;
        let head = head.strip_suffix(b"\n").unwrap_or_default();
        if head.ends_with(b" missing") {
            return Ok(None);
        }
        let head = String::from_utf8_lossy(head);
        let mut words = head.rsplit(' ');
        let size = words.next().and_then(|size| size.parse::<u64>().ok());
        let (Some(size), Some(kind)) = (size, words.next()) else {
            return Err(std::io::Error::other("its answer can't be read"));
        };
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        (&mut self.answers).take(size + 1).read_to_end(&mut content)?;
        if content.pop() != Some(b'\n') {
            return Err(std::io::Error::other("its answer is cut short"));
        }
        Ok((kind == "blob").then_some(content))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
