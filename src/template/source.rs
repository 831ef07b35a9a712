//! A template file's text and the way from an offset to a line and column. It reads nothing itself.

use crate::error::Place;
use std::path::{Path, PathBuf};

/// One file of a template: the template itself or something it includes.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
    /// Characters before each block of [`BLOCK`] bytes: a minified template is one line with thousands of places.
    characters: Vec<usize>,
}

const BLOCK: usize = 4096;

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

impl Source {
    /// Takes a file's text; a byte order mark is dropped and counts as no column.
    pub(crate) fn new(path: PathBuf, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        let characters = text
            .as_bytes()
            .chunks(BLOCK)
            .scan(0, |before, block| {
                *before += count(block);
                Some(*before - count(block))
            })
            .collect();
        Self { path, text, line_starts, characters }
    }

    /// Its path as the user would name it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
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
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let column = self.characters_before(offset) - self.characters_before(start) + 1;
        Place::at(&self.path, line, column)
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let rest = self.text.as_bytes().get(block * BLOCK..offset).map_or(0, count);
        self.characters.get(block).copied().unwrap_or_else(|| count(self.text.as_bytes()) - rest) + rest
    }

    /// The file as a whole.
    pub(crate) fn file(&self) -> Place {
        Place::file(&self.path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_a_byte_order_mark_is_none() {
        let source = Source::new("t".into(), &format!("\u{feff}é\r\n{}x", "é".repeat(BLOCK)));
        assert_eq!(source.place(0).position, Some((1, 1)));
        assert_eq!(source.place(2).position, Some((1, 2)));
        assert_eq!(source.place(4 + 2 * BLOCK).position, Some((2, BLOCK + 1)));
        assert_eq!(source.place(usize::MAX).position, Some((2, BLOCK + 2)));
    }
}
