//! What is known of the files of one template before it runs: their texts, their chunks of plain text, and the places
//! that the engine knows by number.

use super::checked::Checked;
use super::prepare::Clean;
use super::source::Source;
use crate::error::Place;
use std::collections::{BTreeMap, BTreeSet};

/// A piece of a template's own text.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) file: usize,
    /// Byte offset in the file's [`Clean`] text.
    pub(crate) start: usize,
    pub(crate) text: String,
}

/// A file, ready to run.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) source: Source,
    pub(crate) clean: Clean,
    /// What the engine runs.
    pub(crate) checked: Checked,
}

/// All files read so far.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: Vec<File>,
    /// Include name to file; the template itself is file 0 and has no name.
    pub(crate) names: BTreeMap<String, Option<usize>>,
    pub(crate) chunks: Vec<Chunk>,
    /// File and byte offset of each printed expression and of each call of a function of ours.
    pub(crate) places: Vec<(usize, usize)>,
    /// The functions that the config declares.
    pub(crate) providers: BTreeSet<String>,
    /// Every name that a variable of the template may have, for did-you-mean.
    pub(crate) variables: BTreeSet<String>,
}

impl Sources {
    /// A place by its number.
    pub(crate) fn place(&self, number: usize) -> Place {
        self.places.get(number).map_or_else(|| self.template(), |(file, offset)| self.at(*file, *offset))
    }

    /// The template as a whole, where nothing better is known.
    pub(crate) fn template(&self) -> Place {
        self.files.first().map_or_else(Place::default, |file| file.source.file())
    }

    /// Where the call of that name starts that an error on a line (from 1) is about: the engine names that of its last
    /// argument.
    pub(crate) fn call(&self, name: &str, file: usize, line: usize) -> Place {
        let starts = |file: &File, line: usize| {
            let offset = file.checked.lines.get(line - 1)?;
            file.source.text().get(*offset..)?.starts_with(name).then_some(line)
        };
        let found = self.files.get(file).and_then(|file| (1..=line).rev().find_map(|line| starts(file, line)));
        self.line(file, found.unwrap_or(line))
    }

    /// A byte offset of a file.
    pub(crate) fn at(&self, file: usize, offset: usize) -> Place {
        self.files.get(file).map_or_else(Place::default, |file| file.source.place(offset))
    }

    /// A line (from 1) of what the engine runs of a file.
    pub(crate) fn line(&self, file: usize, line: usize) -> Place {
        let Some(of) = self.files.get(file) else { return Place::default() };
        let offset = of.checked.lines.get(line.saturating_sub(1));
        offset.map_or_else(|| of.source.file(), |offset| of.source.place(*offset))
    }
}
