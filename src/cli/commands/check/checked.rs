//! What came of a check.

use crate::lint::{Finding, Known, name};
use std::path::{Path, PathBuf};

/// What was looked at, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    /// How many files were looked through.
    pub(super) files: usize,
    /// Those that are templates by what they look like.
    pub(super) templates: Vec<PathBuf>,
    /// What could not be read, and why.
    pub(super) unread: Vec<(PathBuf, String)>,
}

impl Checked {
    /// Adds what is in the names of the files, in its place.
    pub(super) fn look_at_names(&mut self, known: &Known<'_>, files: impl IntoIterator<Item = PathBuf>, root: &Path) {
        let found = files.into_iter().flat_map(|file| name::findings(known, &file, &relative(&file, root)));
        let before = self.findings.len();
        self.findings.extend(found);
        if self.findings.len() > before {
            self.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        }
    }

    /// Takes what must not be seen out of the names of files.
    pub(super) fn redact_names(&mut self, known: &Known<'_>) {
        let files = self.findings.iter_mut().map(|finding| &mut finding.file);
        for file in files.chain(self.unread.iter_mut().map(|(file, _)| file)) {
            if let Some(shown) = name::redacted(known, file) {
                *file = shown;
            }
        }
    }
}

/// How a baseline names a file: as seen from its own folder.
pub(super) fn relative(file: &Path, root: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).map(|path| path.components().collect::<PathBuf>());
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    match (absolute(file), absolute(root)) {
        (Ok(file), Ok(root)) => file.strip_prefix(&root).map_or_else(|_| file.clone(), Path::to_owned),
        _ => file.to_owned(),
    }
}
