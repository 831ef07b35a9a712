//! From a pointer of a template's outcome back to the text that it was made of: which file, which bytes.
//!
//! Every byte of the rendered text knows where it comes from, so conditions, loops, includes and macros are not an
//! obstacle: what is in the taken branch is found there. What an expression printed has no place of its own. Asked by
//! [`absorb`](crate::adopt::absorb), which edits the text and compiles it again; nothing here changes anything.

use super::assemble::Rendered;
use super::blueprint::Blueprint;
use super::engine::{Load, Template, TemplateError, run};
use super::sources::Sources;
use super::strict::{self, Element};
use super::variables::Variables;
use crate::document::Pointer;
use crate::error::Place;
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

/// A file of a template as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What it is included as; `None` for the template itself.
    pub include: Option<String>,
    /// Its path as the user would name it.
    pub path: PathBuf,
    /// Its text without a byte order mark.
    pub text: String,
}

/// Where a member or item is in a file; all offsets are bytes of the file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which file.
    pub file: usize,
    /// From its name (or value, if it has none) to the end of its value.
    pub whole: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
    /// The comma after it, if one is in the same file.
    pub comma: Option<usize>,
    /// How many references are in it.
    pub references: usize,
}

/// A template's outcome, and the way back.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The outcome.
    pub blueprint: Blueprint,
    /// All files that took part; the template itself is the first.
    pub files: Vec<SourceFile>,
    placed: HashMap<Pointer, Placed>,
    places: HashMap<Pointer, Place>,
    /// By file: where each tag and expression starts, and whether it is a tag, with its word.
    constructs: Vec<Vec<(usize, Option<String>)>>,
}

/// Compiles a template as [`compile`](super::compile) does, and remembers where everything is.
///
/// # Errors
/// As [`compile`](super::compile).
pub fn trace(template: Template<'_>, variables: &Variables, load: &Load<'_>) -> Result<Trace, TemplateError> {
    run(template, variables, load, |rendered, sources, met| {
        let (blueprint, elements) = strict::read(rendered, sources, met, true)?;
        let files = files(sources);
        let placed =
            elements.iter().filter_map(|one| Some((one.pointer.clone(), placed(rendered, sources, one)?))).collect();
        let place = |one: &Element| (one.pointer.clone(), rendered.place(sources, one.start).0);
        let places = elements.iter().map(place).collect();
        let starts = |file: &super::sources::File| {
            file.clean.starts().map(|(at, word)| (at, word.map(ToOwned::to_owned))).collect()
        };
        let constructs = sources.files.iter().map(starts);
        Ok(Trace { blueprint, files, placed, places, constructs: constructs.collect() })
    })
}

fn files(sources: &Sources) -> Vec<SourceFile> {
    let name =
        |number: usize| sources.names.iter().find(|(_, file)| **file == Some(number)).map(|(name, _)| name.clone());
    let file = |(number, file): (usize, &super::sources::File)| SourceFile {
        include: name(number),
        path: file.source.path().to_owned(),
        text: file.source.text().to_owned(),
    };
    sources.files.iter().enumerate().map(file).collect()
}

fn placed(rendered: &Rendered, sources: &Sources, element: &Element) -> Option<Placed> {
    let (file, start) = rendered.source(sources, element.start)?;
    let value_start = match rendered.source(sources, element.value.start) {
        Some((of, at)) => (of == file).then_some(at)?,
        // A reference without quotes: what is before it tells where it starts.
        None => {
            let (of, before) = rendered.source(sources, element.value.start.checked_sub(1)?)?;
            (of == file).then_some(before + 1)?
        }
    };
    let end = match rendered.source(sources, element.value.end.checked_sub(1)?) {
        // The last byte of a value is one of ASCII.
        Some((of, at)) => (of == file).then_some(at + 1)?,
        None => {
            let (of, behind) = rendered.source(sources, element.value.end)?;
            (of == file).then_some(behind)?
        }
    };
    let comma = element.comma.and_then(|comma| rendered.source(sources, comma));
    let comma = comma.and_then(|(of, at)| (of == file && at >= end).then_some(at));
    let before = |offset: usize| rendered.tokens.partition_point(|(at, _)| *at < offset);
    let references = before(element.value.end) - before(element.value.start);
    (start <= value_start && value_start < end).then_some(Placed {
        file,
        whole: start..end,
        value: value_start..end,
        comma,
        references,
    })
}

impl Trace {
    /// Where the element at a pointer is, if its ends are text of one file.
    #[must_use]
    pub fn placed(&self, pointer: &Pointer) -> Option<&Placed> {
        self.placed.get(pointer)
    }

    /// Where it is, for the user; of what is not there, where the nearest thing around it is.
    #[must_use]
    pub fn place(&self, pointer: &Pointer) -> Place {
        let mut around = std::iter::successors(Some(pointer.clone()), Pointer::parent);
        around.find_map(|at| self.places.get(&at).cloned()).unwrap_or_default()
    }

    /// Whether nothing but text and references is there: no tag, and no expression that is not one of them.
    #[must_use]
    pub fn is_plain(&self, placed: &Placed) -> bool {
        let inside = |(at, _): &&(usize, Option<String>)| placed.value.contains(at);
        let constructs: Vec<_> = self.constructs.get(placed.file).into_iter().flatten().filter(inside).collect();
        constructs.iter().all(|(_, tag)| tag.is_none()) && constructs.len() == placed.references
    }

    /// Whether two places of a file lie in the same branch of the same blocks.
    #[must_use]
    pub fn is_same_block(&self, file: usize, from: usize, to: usize) -> bool {
        let mut depth = 0_i32;
        let tags = self.constructs.get(file).into_iter().flatten();
        for (_, tag) in tags.filter(|(at, _)| (from..to).contains(at)) {
            match tag.as_deref() {
                Some("if" | "for" | "with" | "macro" | "call" | "filter" | "block") => depth += 1,
                Some("elif" | "else") if depth == 0 => return false,
                Some("endif" | "endfor" | "endwith" | "endmacro" | "endcall" | "endfilter" | "endblock") => {
                    depth -= 1;
                    if depth < 0 {
                        return false;
                    }
                }
                _ => {}
            }
        }
        depth == 0
    }
}
