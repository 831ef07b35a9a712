//! Shows the difference of two texts without showing a secret.
//!
//! What stands in a slot is a placeholder on both sides already. A value the user keeps under a name such as `API_KEY`
//! may be a key all the same, and would appear in the lines around a change: it is shown as `[redacted]`.

use super::sync::Conflict;
use crate::json::{Document, Pointer, Splice, edit, string};
use crate::template::is_placeholder;
use similar::TextDiff;
use std::collections::HashMap;

/// What stands for a value that is not shown.
const REDACTED: &str = "[redacted]";
/// Parts of names under which people keep keys.
const KEY_LIKE: [&str; 8] = ["key", "token", "secret", "password", "passwd", "authorization", "credential", "cookie"];
/// A longer line is no line a person reads; the difference is shown value by value then.
const LONG_LINE: usize = 2_000;

/// The difference of two texts as unified hunks, redacted; empty if the texts are equal. Lines end with `\n`.
#[must_use]
pub fn unified(before: &str, after: &str, conflicts: &[Conflict], name: &str) -> String {
    let (before, after) = redacted(before, after, conflicts);
    let (old, new) = (format!("{name} (now)"), format!("{name} (rendered)"));
    TextDiff::from_lines(before.as_str(), after.as_str()).unified_diff().header(&old, &new).to_string()
}

/// Whether a text is laid out in lines that a person reads.
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
fn redacted(before: &str, after: &str, conflicts: &[Conflict]) -> (String, String) {
    let (Ok(old), Ok(new)) = (Document::parse(before.as_bytes()), Document::parse(after.as_bytes())) else {
        return (String::new(), String::new());
    };
    let hidden = hidden(&old, conflicts);
    let old_splices = hidden.iter().map(|(_, node)| splice(node.span())).collect();
    let pointers: Vec<Pointer> = hidden.iter().map(|(pointer, _)| pointer.clone()).collect();
    let raw: HashMap<&Pointer, &str> = hidden.iter().map(|(pointer, node)| (pointer, node.raw())).collect();
    let new_splices = pointers
        .iter()
        .zip(new.find_all(&pointers))
        .filter_map(|(pointer, node)| node.filter(|node| raw.get(pointer) == Some(&node.raw())))
        .map(|node| splice(node.span()))
        .collect();
    (edit::splice(before, old_splices), edit::splice(after, new_splices))
}

fn hidden<'a>(document: &Document<'a>, conflicts: &[Conflict]) -> Vec<(Pointer, crate::json::Node<'a>)> {
    let mut hidden = Vec::new();
    document.strings(|token| {
        if token.is_key || token.node.as_str().is_some_and(|text| text.is_empty() || is_placeholder(&text)) {
            return;
        }
        let key = token.key().map(str::to_ascii_lowercase);
        let named = key.is_some_and(|key| KEY_LIKE.iter().any(|part| key.contains(part)));
        if !named && conflicts.is_empty() {
            return;
        }
        let pointer = token.pointer();
        if named || conflicts.iter().any(|conflict| pointer.is_within(&conflict.pointer)) {
            hidden.push((pointer, token.node));
        }
    });
    // Of duplicate keys only the last can be compared by its pointer; hiding the others would be right and is not
    // possible without it, so the last one stands for all.
    let last: HashMap<Pointer, usize> =
        hidden.iter().enumerate().map(|(index, (pointer, _))| (pointer.clone(), index)).collect();
    hidden
        .into_iter()
        .enumerate()
        .filter(|(index, (pointer, _))| last.get(pointer) == Some(index))
        .map(|(_, found)| found)
        .collect()
}

fn splice(span: crate::json::Span) -> Splice {
    Splice { span, text: string::encode(REDACTED) }
}
