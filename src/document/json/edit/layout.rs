//! How text that was not there before is laid out: like what is around it.
//!
//! A [`Style`] is read off the beginning of the document; the neighbours' own gaps go before it, which is for
//! [`super::tree`] to see to. Strings and numbers are copied as they are written.

use crate::document::edit::trim;
use crate::document::json::scan::{byte, first_element, skip_blank, skip_space, string_end, value_end};
use std::borrow::Cow;

/// How far into a document its style is looked for, in bytes. Arbitrary: a page or ten.
const SAMPLE: usize = 64 * 1024;

/// Up to how many levels a new value is laid out on lines of its own. Arbitrary, but there must be a limit: the
/// indentation of 100,000 levels takes 10 GB.
const LEVELS: usize = 64;

/// A document's habits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Whether there was anything to read them from: a container that is not empty.
    pub(super) known: bool,
    /// Whether it has more than one line; taken for granted if nothing is known.
    pub(super) lines: bool,
    /// What ends a line.
    pub(super) newline: &'static str,
    /// What one level is indented by.
    pub(super) unit: String,
    /// From the end of a key to its value.
    pub(super) colon: String,
    /// Between a comma and what follows it on the same line.
    pub(super) comma: String,
}

/// How one container is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Each element on a line of its own.
    Lines,
    /// All on one line, with this space inside of its brackets.
    Line(String),
}

impl Style {
    /// Reads the habits of a checked value and of what stands before and after it.
    pub(super) fn of(text: &str, around: (&str, &str)) -> Self {
        let bytes = text.as_bytes();
        let bytes = bytes.get(..SAMPLE).unwrap_or(bytes);
        let (mut colon, mut comma, mut unit, mut newline) = (None, None, None, None);
        let mut at = 0;
        while at < bytes.len() && (colon.is_none() || comma.is_none() || unit.is_none()) {
            let end = match byte(bytes, at) {
                b'"' => {
                    let end = string_end(bytes, at);
                    let mark = skip_space(bytes, end);
                    let value = skip_space(bytes, mark + 1);
                    let gap = slice(text, end, value);
                    if byte(bytes, mark) == b':' && colon.is_none() && !has_newline(gap) && !gap.contains('/') {
                        colon = Some(gap);
                    }
                    end
                }
                b'\n' | b'\r' => {
                    let line = skip_blank(bytes, at);
                    newline = newline.or(Some(line_end(slice(text, at, line))));
                    if unit.is_none() && !matches!(byte(bytes, line), b'}' | b']' | 0) {
                        unit = Some(indent(slice(text, at, line)));
                    }
                    line
                }
                b',' => {
                    let gap = slice(text, at + 1, skip_space(bytes, at + 1));
                    let is_last = matches!(byte(bytes, at + 1 + gap.len()), b']' | b'}');
                    if comma.is_none() && !is_last && !has_newline(gap) && !gap.contains('/') {
                        comma = Some(gap);
                    }
                    at + 1
                }
                b'/' => skip_space(bytes, at),
                _ => at + 1,
            };
            at = end.max(at + 1);
        }
        let known = matches!(byte(bytes, 0), b'{' | b'[') && first_element(text.as_bytes(), 0).is_some();
        let lines = newline.is_some() || !known;
        let outside = [around.0, around.1].into_iter().find(|text| has_newline(text)).map(line_end);
        let root_indent = indent(around.0);
        let loose = if lines || comma.is_some_and(|comma| !comma.is_empty()) { " " } else { "" };
        let colon = colon.map_or_else(|| format!(":{loose}"), str::to_owned);
        let after_colon = if colon.ends_with(' ') { " " } else { "" };
        Self {
            known,
            lines,
            newline: newline.or(outside).unwrap_or("\n"),
            unit: unit.map_or("  ", |unit| unit.strip_prefix(root_indent).unwrap_or(unit)).to_owned(),
            comma: comma.unwrap_or(after_colon).to_owned(),
            colon,
        }
    }

    /// Lays out a checked value whose line is indented by `indent`.
    pub(super) fn lay_out<'v>(&self, value: &'v str, shape: &Shape, indent: &str) -> Cow<'v, str> {
        let value = trim(value);
        if !value.starts_with(['{', '[']) || depth(value) > LEVELS {
            return Cow::Borrowed(value);
        }
        let bytes = value.as_bytes();
        let mut out = String::with_capacity(value.len() * 2);
        let mut level = 0;
        let mut at = 0;
        while at < bytes.len() {
            let (open, end) = (at, at + 1);
            at = skip_space(bytes, end);
            match byte(bytes, open) {
                bracket @ (b'{' | b'[') => {
                    out.push(char::from(bracket));
                    if let close @ (b'}' | b']') = byte(bytes, at) {
                        out.push(char::from(close));
                        at = skip_space(bytes, at + 1);
                    } else {
                        level += 1;
                        self.gap(&mut out, shape, indent, level, None);
                    }
                }
                bracket @ (b'}' | b']') => {
                    level -= 1;
                    self.gap(&mut out, shape, indent, level, None);
                    out.push(char::from(bracket));
                }
                b',' => {
                    out.push(',');
                    self.gap(&mut out, shape, indent, level, Some(&self.comma));
                }
                b':' => out.push_str(&self.colon),
                _ => {
                    let end = value_end(bytes, open);
                    out.push_str(slice(value, open, end));
                    at = skip_space(bytes, end);
                }
            }
        }
        Cow::Owned(out)
    }

    /// Writes the space at a place inside a value: `comma` says whether it is behind one or at a bracket.
    fn gap(&self, out: &mut String, shape: &Shape, indent: &str, level: usize, comma: Option<&str>) {
        match shape {
            Shape::Lines => {
                out.push_str(self.newline);
                out.push_str(indent);
                (0..level).for_each(|_| out.push_str(&self.unit));
            }
            Shape::Line(pad) => out.push_str(comma.unwrap_or(pad)),
        }
    }
}

/// Shifts the lines of a checked value from one indentation to another.
pub(super) fn reindent<'v>(value: Cow<'v, str>, from: &str, to: &str) -> Cow<'v, str> {
    if from == to || !has_newline(&value) {
        return value;
    }
    let mut out = String::with_capacity(value.len() * 2);
    let mut rest = &*value;
    // Strings hold no raw line ends, so every line end is between tokens.
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = rest.bytes().skip(at).take_while(|byte| matches!(byte, b'\n' | b'\r')).count() + at;
        out.push_str(slice(rest, 0, end));
        rest = slice(rest, end, rest.len());
        out.push_str(to);
        rest = rest.strip_prefix(from).unwrap_or_else(|| rest.trim_start_matches([' ', '\t']));
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A gap without its blank lines.
pub(super) fn one_line_end(gap: &str) -> &str {
    let end = gap.rfind(['\n', '\r']).unwrap_or(0);
    let start = if slice(gap, 0, end + 1).ends_with("\r\n") { end - 1 } else { end };
    slice(gap, start, gap.len())
}

/// The indentation of what follows a gap, if the gap ends a line; else nothing.
pub(super) fn indent(gap: &str) -> &str {
    let line = gap.rfind(['\n', '\r']).map_or("", |at| slice(gap, at + 1, gap.len()));
    // A comment may stand in front of it.
    line.find('/').map_or(line, |comment| slice(line, 0, comment))
}

/// Whether a gap ends a line.
pub(super) fn has_newline(gap: &str) -> bool {
    memchr::memchr2(b'\n', b'\r', gap.as_bytes()).is_some()
}

/// The first line end of a text that has one.
fn line_end(text: &str) -> &'static str {
    let rest = text.find(['\n', '\r']).map_or("", |at| slice(text, at, text.len()));
    match (rest.starts_with("\r\n"), rest.starts_with('\r')) {
        (true, _) => "\r\n",
        (_, true) => "\r",
        _ => "\n",
    }
}

/// How deep the brackets of a checked value go.
fn depth(value: &str) -> usize {
    let bytes = value.as_bytes();
    let (mut depth, mut deepest, mut at) = (0usize, 0, 0);
    while at < bytes.len() {
        match byte(bytes, at) {
            b'"' => at = string_end(bytes, at) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

/// A slice by offsets between tokens; empty if they are none.
pub(super) fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or("")
}
