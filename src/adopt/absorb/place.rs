//! Edits of a template's text at the place of an element: removes, replaces and adds, in the layout of its neighbours.
//!
//! Every edit is a proposal: there may be several for one aim, the best first, and the caller takes the first that
//! compiles to what is meant. Nothing but the bytes of the splices changes.

use super::write::{Layout, value};
use crate::adopt::literal::shielded;
use crate::document::edit;
use crate::document::{Document, Kind, Pointer, Splice, string};
use crate::template::trace::trace;
use crate::template::trace::{Placed, Trace};
use crate::template::{Template, Variables};
use std::io;

/// Splices of one file.
pub(super) struct Edit {
    pub(super) file: usize,
    pub(super) splices: Vec<Splice>,
}

/// A container of the template and the text it is in.
struct Container<'t> {
    trace: &'t Trace,
    file: usize,
    text: &'t str,
    /// Of its opening and closing bracket.
    open: usize,
    close: usize,
}

/// Ways to put a new member (with a name) or item (without) after the element `after`, or at the front.
pub(super) fn insert(
    trace: &Trace,
    into: &Pointer,
    after: Option<&Pointer>,
    name: Option<&str>,
    raw: &str,
) -> Vec<Edit> {
    let (Some(container), Ok(document)) = (Container::of(trace, into), Document::parse(raw.as_bytes())) else {
        return Vec::new();
    };
    let key = name.map(|name| format!("{}: ", shielded(&string::encode(name)))).unwrap_or_default();
    let write = |layout: &Layout<'_>| format!("{key}{}", value(document.root(), layout));
    let behind = after.and_then(|after| container.behind(trace.placed(after)?, &write));
    behind.into_iter().chain(container.front(&write)).collect()
}

/// Ways to take an element out. `before` is the one before it, if there is one.
pub(super) fn remove(trace: &Trace, at: &Pointer, before: Option<&Pointer>) -> Vec<Edit> {
    let Some(placed) = trace.placed(at) else { return Vec::new() };
    let Some(text) = trace.files.get(placed.file).map(|file| file.text.as_str()) else { return Vec::new() };
    if !trace.is_same_block(placed.file, placed.whole.start, placed.whole.end) {
        return Vec::new();
    }
    let edit = |splices| Edit { file: placed.file, splices };
    let gone = |span| Splice { span, text: String::new() };
    let previous = before.and_then(|before| trace.placed(before)).filter(|one| one.file == placed.file);
    let mut ways = Vec::new();
    if placed.comma.is_none() {
        // The last one: the comma before it goes as well, with the white space between.
        if let Some(comma) = previous.and_then(|previous| previous.comma) {
            let between = text.get(comma + 1..placed.whole.start).unwrap_or("?");
            if between.bytes().all(|byte| byte.is_ascii_whitespace()) {
                ways.push(edit(vec![gone(comma..placed.whole.end)]));
            } else {
                ways.push(edit(vec![
                    gone(comma..comma + 1),
                    gone(whole_line(text, placed.whole.start, placed.whole.end)),
                ]));
            }
        }
    }
    let end = placed.comma.map_or(placed.whole.end, |comma| comma + 1);
    let between = text.get(placed.whole.end..end.saturating_sub(1)).unwrap_or_default();
    let splices = if between.trim().is_empty() {
        vec![gone(whole_line(text, placed.whole.start, end))]
    } else {
        // Something is before the comma: a comment, which stays.
        vec![gone(placed.whole.clone()), gone(end - 1..end)]
    };
    ways.push(edit(splices));
    ways
}

/// The way to put another value in a value's place.
pub(super) fn replace(trace: &Trace, at: &Pointer, raw: &str) -> Option<Edit> {
    let placed = trace.placed(at).filter(|placed| trace.is_plain(placed))?;
    let text = trace.files.get(placed.file)?.text.as_str();
    let document = Document::parse(raw.as_bytes()).ok()?;
    let old = text.get(placed.value.clone())?;
    let lines = match document.root().kind() {
        Kind::Object | Kind::Array => old.contains('\n') || (!is_container(old) && text.contains('\n')),
        _ => false,
    };
    let unit = unit(text);
    let layout =
        Layout { newline: newline(text), unit: &unit, indent: indent(text, placed.whole.start).to_owned(), lines };
    let splice = Splice { span: placed.value.clone(), text: value(document.root(), &layout) };
    Some(Edit { file: placed.file, splices: vec![splice] })
}

impl<'t> Container<'t> {
    fn of(trace: &'t Trace, at: &Pointer) -> Option<Self> {
        let placed = trace.placed(at)?;
        let text = trace.files.get(placed.file)?.text.as_str();
        let (open, close) = (placed.value.start, placed.value.end.checked_sub(1)?);
        let brackets = (text.as_bytes().get(open)?, text.as_bytes().get(close)?);
        matches!(brackets, (b'{', b'}') | (b'[', b']')).then_some(Self { trace, file: placed.file, text, open, close })
    }

    /// After an element, in a line of its own if that one has one.
    fn behind(&self, previous: &Placed, write: &dyn Fn(&Layout<'_>) -> String) -> Option<Edit> {
        let same = previous.file == self.file && self.trace.is_same_block(self.file, self.open, previous.whole.end);
        if !same || previous.whole.end > self.close {
            return None;
        }
        let has_lines = starts_line(self.text, previous.whole.start);
        let unit = unit(self.text);
        let indent = indent(self.text, previous.whole.start).to_owned();
        let layout = Layout { newline: newline(self.text), unit: &unit, indent, lines: has_lines };
        let element = write(&layout);
        let comma = Splice { span: previous.whole.end..previous.whole.end, text: ",".to_owned() };
        let (from, mut splices) = match previous.comma {
            Some(comma) => (comma + 1, Vec::new()),
            None => (previous.whole.end, vec![comma]),
        };
        let closing = if previous.comma.is_some() { "," } else { "" };
        let (at, text) = if has_lines {
            let at = self.end_of_comment(from);
            (at, format!("{}{}{element}{closing}", layout.newline, layout.indent))
        } else {
            (from, format!(" {element}{closing}"))
        };
        splices.push(Splice { span: at..at, text });
        Some(Edit { file: self.file, splices })
    }

    /// At the front: always possible, because a trailing comma is allowed.
    fn front(&self, write: &dyn Fn(&Layout<'_>) -> String) -> Option<Edit> {
        let inside = self.text.get(self.open + 1..self.close)?;
        let unit = unit(self.text);
        let outer = indent(self.text, self.open).to_owned();
        let is_empty = inside.trim().is_empty();
        let lines = inside.contains('\n') || (is_empty && self.text.contains('\n'));
        let layout = Layout { newline: newline(self.text), unit: &unit, indent: format!("{outer}{unit}"), lines };
        let element = write(&layout);
        let at = self.open + 1;
        let splice = match (is_empty, lines) {
            (true, true) => Splice {
                span: at..self.close,
                text: format!("{0}{1}{element}{0}{outer}", layout.newline, layout.indent),
            },
            (true, false) => Splice { span: at..self.close, text: format!(" {element} ") },
            (false, true) => Splice { span: at..at, text: format!("{}{}{element},", layout.newline, layout.indent) },
            (false, false) => Splice { span: at..at, text: format!(" {element},") },
        };
        Some(Edit { file: self.file, splices: vec![splice] })
    }

    /// After a comment that follows in the same line; otherwise the place itself.
    fn end_of_comment(&self, from: usize) -> usize {
        let rest = self.text.get(from..self.close).unwrap_or_default();
        let Some(line) = rest.split_inclusive('\n').next().filter(|line| line.ends_with('\n')) else { return from };
        let line = line.trim_end_matches(['\n', '\r']);
        let said = line.trim();
        let whole =
            |open: &str, close: &str| said.starts_with(open) && said.find(close) == Some(said.len() - close.len());
        if said.is_empty() || said.starts_with("//") || whole("/*", "*/") || whole("<#", "#>") {
            // Blanks at the end of a line belong to it.
            return from + line.len();
        }
        from
    }
}

fn is_container(text: &str) -> bool {
    text.starts_with(['{', '['])
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The white space that the line of a place starts with.
fn indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let end = line.find(|char| !matches!(char, ' ' | '\t')).unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Whether nothing but white space is before a place in its line.
fn starts_line(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    start > 0 && text.get(start..at).is_some_and(|before| before.trim().is_empty())
}

/// One step of indentation: that of the first indented line.
fn unit(text: &str) -> String {
    let indented = |line: &str| {
        let rest = line.trim_start_matches([' ', '\t']);
        let length = line.len() - rest.len();
        (length > 0 && rest.starts_with(['"', '{', '['])).then(|| line.get(..length).unwrap_or_default().to_owned())
    };
    text.lines().find_map(indented).unwrap_or_else(|| "  ".to_owned())
}

/// A span, and the whole line if nothing else is in it; otherwise with the blanks after it.
fn whole_line(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let rest = text.get(end..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let behind = rest.get(blank..).unwrap_or_default();
    let newline = if behind.starts_with("\r\n") { 2 } else { usize::from(behind.starts_with('\n')) };
    if newline > 0 && starts_line(text, start) {
        return line_start(text, start)..end + blank + newline;
    }
    if newline > 0 { start..end } else { start..end + blank }
}

/// Whether a template's outcome is that document.
pub(super) fn means(template: &Trace, wanted: &str) -> bool {
    let (now, wanted) = (Document::parse(template.blueprint.document.as_bytes()), Document::parse(wanted.as_bytes()));
    matches!((now, wanted), (Ok(now), Ok(wanted)) if now.root().same_value(&wanted.root()))
}

/// The template after an edit, if it still compiles.
pub(super) fn edited(template: &Trace, edit: Edit, variables: &Variables) -> Option<Trace> {
    let mut files = template.files.clone();
    let file = files.get_mut(edit.file)?;
    file.text = edit::splice(&file.text, edit.splices);
    let load = |name: &str| {
        let file = files.iter().find(|file| file.include.as_deref() == Some(name));
        file.map(|file| file.text.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let own = files.first()?;
    trace(Template { name: &own.path, text: &own.text }, variables, &load).ok()
}
