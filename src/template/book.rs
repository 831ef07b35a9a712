//! What is known of the files of one template before it runs: their texts, their chunks of plain text, and the checks
//! that the rewritten expressions ask for by number.

use super::error::{NameKind, Use};
use super::prepare::Clean;
use super::source::Source;
use crate::error::Place;
use std::collections::{BTreeMap, BTreeSet};

/// How deep a check looks for references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Not at all: a reference may pass.
    None,
    /// At the value itself; a list or map may hold some.
    Shallow,
    /// Shallow for a map (only its keys count), deep for the rest.
    Keys,
    /// Through lists and maps.
    Deep,
    /// An operand of `~`: text with references may pass.
    Join,
}

/// What a rewritten expression asks the value at one place.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) depth: Depth,
    pub(crate) what: Use,
    /// Whether undefined may pass (`x is defined`).
    pub(crate) undefined: bool,
    /// How the value is called, if it has a name, for an error about an undefined one.
    pub(crate) name: Option<(NameKind, String)>,
    pub(crate) file: usize,
    /// Byte offset in the file.
    pub(crate) offset: usize,
}

/// A call, to find where it starts.
#[derive(Debug)]
pub(crate) struct NamedCall {
    pub(crate) name: String,
    pub(crate) file: usize,
    /// Line (from 1) of the rewritten text.
    pub(crate) line: usize,
}

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
    pub(crate) rewritten: String,
    /// For each line of `rewritten`, the offset in the file it stands for.
    pub(crate) lines: Vec<usize>,
}

/// All files read so far.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) files: Vec<File>,
    /// Include name to file; the template itself is file 0 and has no name.
    pub(crate) names: BTreeMap<String, Option<usize>>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) checks: Vec<Check>,
    /// Calls by name, in order: the engine names the line of a call's last argument.
    pub(crate) calls: Vec<NamedCall>,
    /// The functions that the config declares.
    pub(crate) providers: BTreeSet<String>,
    /// Names that a template gives to something of its own: a call of one may be no call of a function of ours.
    pub(crate) assigned: BTreeSet<String>,
    /// Every name that a variable of the template may have, for did-you-mean.
    pub(crate) variables: BTreeSet<String>,
}

impl Book {
    /// Where a check stands.
    pub(crate) fn place(&self, check: usize) -> Place {
        let check = self.checks.get(check);
        check.map_or_else(|| self.template(), |check| self.at(check.file, check.offset))
    }

    /// The template as a whole, where nothing better is known.
    pub(crate) fn template(&self) -> Place {
        self.files.first().map_or_else(Place::default, |file| file.source.file())
    }

    /// Where the call of that name starts that an error on a line (from 1) of the rewritten text is about.
    pub(crate) fn call(&self, name: &str, file: usize, line: usize) -> Place {
        let call = self.calls.iter().rfind(|call| call.name == name && call.file == file && call.line <= line);
        self.line(file, call.map_or(line, |call| call.line))
    }

    /// A byte offset of a file.
    pub(crate) fn at(&self, file: usize, offset: usize) -> Place {
        self.files.get(file).map_or_else(Place::default, |file| file.source.place(offset))
    }

    /// A line (from 1) of a file's rewritten text.
    pub(crate) fn line(&self, file: usize, line: usize) -> Place {
        let offset = self.files.get(file).and_then(|file| file.lines.get(line.saturating_sub(1))).copied();
        offset.map_or_else(
            || self.files.get(file).map_or_else(Place::default, |file| file.source.file()),
            |offset| self.at(file, offset),
        )
    }
}
