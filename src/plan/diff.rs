//! Shows the difference of two texts without showing a secret.
//!
//! What is in a slot is a placeholder on both sides already. A value of the user's that is under a name such as
//! `API_KEY`, that looks like a key itself, or that took the place of a reference would appear in the lines around a
//! change: it is shown as `[redacted]`.

use crate::document::{Document, Pointer, Splice, edit, string};
use crate::scan::keylike::{comment_holds_key, looks_like_key};
use crate::template::is_placeholder;
use similar::TextDiff;
use std::collections::HashSet;
use std::ops::Range;

/// What stands for a value that is not shown.
const REDACTED: &str = "[redacted]";
/// Parts of names under which people keep keys.
const KEY_LIKE: [&str; 8] = ["key", "token", "secret", "password", "passwd", "authorization", "credential", "cookie"];
/// A longer line is not a line the user reads; the difference is shown value by value then.
const LONG_LINE: usize = 2_000;

/// The difference of two texts as unified hunks, redacted; empty if the texts are equal. Lines end with `\n`.
///
/// `places` are those where the user's value is and a reference belongs: whatever is there is not shown. `heading` is
/// asked what to say of a hunk, by its lines in both texts (from 0); that is after its second `@@`.
#[must_use]
pub fn unified(
    before: &str,
    after: &str,
    places: &[Pointer],
    heading: &dyn Fn(Range<usize>, Range<usize>) -> String,
) -> String {
    let (before, after) = redacted(before, after, places);
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let mut text = String::new();
    for hunk in diff.unified_diff().iter_hunks() {
        let changed = hunk.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
        let ranges: Vec<_> = changed.map(|op| (op.old_range(), op.new_range())).collect();
        let (first, last) = (ranges.first().cloned().unwrap_or_default(), ranges.last().cloned().unwrap_or_default());
        let (old, new) = (first.0.start..last.0.end, first.1.start..last.1.end);
        let shown = hunk.to_string();
        let (head, lines) = shown.split_once('\n').unwrap_or((shown.as_str(), ""));
        let heading = heading(old, new);
        text.push_str(head);
        text.push_str(if heading.is_empty() { "" } else { " " });
        text.push_str(&heading);
        text.push('\n');
        text.push_str(lines);
    }
    text
}

/// A value as it may be shown, for its place: what looks like a key in it is hidden.
#[must_use]
pub fn concealed(value: &str, at: &Pointer) -> String {
    // Wrapped in an object, because the name it is under tells as well.
    let name = string::encode(&at.last().unwrap_or_default());
    let text = format!("{{{name}:{value}}}");
    let Ok(document) = Document::parse(text.as_bytes()) else { return string::encode(REDACTED) };
    let splices: Vec<Splice> = hidden(&document, &[]).iter().map(|(_, node)| splice(node.span())).collect();
    let text = edit::splice(&text, splices);
    text.get(name.len() + 2..text.len() - 1).unwrap_or_default().to_owned()
}

/// Whether a text is laid out in lines that the user reads.
#[must_use]
pub fn is_readable(text: &str) -> bool {
    text.lines().all(|line| line.len() <= LONG_LINE)
}

/// How many lines come and go: (added, removed).
#[must_use]
pub fn stat(before: &str, after: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(before, after);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (count(similar::ChangeTag::Insert), count(similar::ChangeTag::Delete))
}

/// Both texts with the user's own key-like values hidden. What the template itself says is committed text, and shown.
fn redacted(before: &str, after: &str, places: &[Pointer]) -> (String, String) {
    let (Ok(old), Ok(new)) = (Document::parse_relaxed(before.as_bytes()), Document::parse_relaxed(after.as_bytes()))
    else {
        return (String::new(), String::new());
    };
    let hidden = hidden(&old, places);
    let users: HashSet<(&Pointer, &str)> = hidden.iter().map(|(pointer, node)| (pointer, node.raw())).collect();
    let still = self::hidden(&new, places);
    let new_splices = still
        .iter()
        .filter(|(pointer, node)| users.contains(&(pointer, node.raw())))
        .map(|(_, node)| splice(node.span()))
        .chain(comments(&new))
        .collect();
    let old_splices = hidden.iter().map(|(_, node)| splice(node.span())).chain(comments(&old)).collect();
    (edit::splice(before, old_splices), edit::splice(after, new_splices))
}

/// Comments that may hold a key: a setting that somebody put aside.
fn comments(document: &Document<'_>) -> Vec<Splice> {
    let may_hold = |span: &crate::document::Span| document.text().get(span.clone()).is_some_and(comment_holds_key);
    let comments = document.comments().filter(may_hold);
    let hide = |span: crate::document::Span| {
        let is_line = document.text().get(span.clone()).is_some_and(|text| text.starts_with("//"));
        let text = if is_line { format!("// {REDACTED}") } else { format!("/* {REDACTED} */") };
        Splice { span, text }
    };
    comments.map(hide).collect()
}

/// The strings that are not to be shown, each of duplicate members too.
fn hidden<'a>(document: &Document<'a>, places: &[Pointer]) -> Vec<(Pointer, crate::document::Node<'a>)> {
    let mut hidden = Vec::new();
    document.strings(|token| {
        let Some(text) = token.node.as_str().filter(|_| !token.is_key) else { return };
        if text.is_empty() || is_placeholder(&text) {
            return;
        }
        let key = token.key().map(str::to_ascii_lowercase);
        let named = key.is_some_and(|key| KEY_LIKE.iter().any(|part| key.contains(part)));
        let telling = named || looks_like_key(&text);
        if !telling && places.is_empty() {
            return;
        }
        let pointer = token.pointer();
        if telling || places.iter().any(|place| pointer.is_within(place)) {
            hidden.push((pointer, token.node));
        }
    });
    hidden
}

fn splice(span: crate::document::Span) -> Splice {
    Splice { span, text: string::encode(REDACTED) }
}
