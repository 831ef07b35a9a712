//! A template file's text and the way from an offset to a line and column. It reads nothing itself.

use crate::error::Place;
use std::path::PathBuf;

/// One file of a template: the template itself or something it includes.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Takes a file's text; a byte order mark is dropped and counts as no column.
    pub(crate) fn new(path: PathBuf, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { path, text, line_starts }
    }

    /// The text without its byte order mark.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How many lines it has.
    pub(crate) fn lines(&self) -> usize {
        self.line_starts.len()
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place::at(&self.path, line, column)
    }

    /// The file as a whole.
    pub(crate) fn file(&self) -> Place {
        Place::file(&self.path)
    }
}
