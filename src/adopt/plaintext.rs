//! Where a target at rest holds a key in plain text: in a slot's place, or anywhere else by what it looks like.
//!
//! For showing only: nothing is decided by it, no store is asked, and no value leaves it. What is where the template
//! has a reference counts whatever it looks like; everything else is what `import` would take or point out.

use crate::adopt::import::{self, Selection, Why};
use crate::adopt::literal::holds_secret;
use crate::document::{Document, Kind, Node, Pointer};
use crate::scan;
use crate::scan::keylike::comment_holds_key;
use crate::template::{Part, Slot, parse_parts};
use std::fmt;

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlainText {
    /// Where the template has a reference.
    Slot(Pointer),
    /// In another string of the document.
    Value(Pointer),
    /// In a line: in a comment, or in a text that is not a document.
    Line(usize),
}

impl fmt::Display for PlainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(pointer) | Self::Value(pointer) => pointer.fmt(f),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// Where keys are in a text that holds none of ours, with the slots of its template.
///
/// ```
/// use keystencil::adopt::plain_text;
/// let shown = |text: &str| plain_text(text.as_bytes(), &[]).iter().map(ToString::to_string).collect::<Vec<_>>();
/// assert_eq!(shown(r#"{"env": {"API_TOKEN": "<< keyring('x') >>"}}"#), [""; 0]);
/// assert_eq!(shown(r#"{"env": {"API_TOKEN": "q7Zk2Xv9Lw3Rt8Yb5Nc1"}}"#), ["/env/API_TOKEN"]); // keystencil: allow
/// ```
#[must_use]
pub fn plain_text(text: &[u8], slots: &[Slot]) -> Vec<PlainText> {
    let mut found = match Document::parse_relaxed(text) {
        Ok(document) => in_document(&document, slots),
        Err(_) => scan::suspects(text).into_iter().map(|one| PlainText::Line(line(text, one.range.start))).collect(),
    };
    found.sort();
    found.dedup();
    found
}

fn in_document(document: &Document<'_>, slots: &[Slot]) -> Vec<PlainText> {
    let pointers: Vec<Pointer> = slots.iter().map(|slot| slot.pointer.clone()).collect();
    let in_place = slots.iter().zip(document.find_all(&pointers));
    let in_place = in_place.filter(|(slot, node)| node.is_some_and(|node| is_literal(document, slot, node)));
    let mut found: Vec<PlainText> = in_place.map(|(slot, _)| PlainText::Slot(slot.pointer.clone())).collect();
    let text = document.text().as_bytes();
    let mut others: Vec<Pointer> = Vec::new();
    if let Ok(plan) = import::plan(text, &Selection::default(), &mut |_| ()) {
        others.extend(plan.findings.into_iter().map(|finding| finding.pointer));
        // Comments are looked at below.
        let left = plan.left.into_iter().filter(|left| !matches!(left.why, Why::InComment(_)));
        others.extend(left.map(|left| left.pointer));
        others.extend(plan.elsewhere);
    }
    others.retain(|pointer| !pointers.contains(pointer));
    found.extend(others.into_iter().map(PlainText::Value));
    let comments = document.comments().filter(|span| document.text().get(span.clone()).is_some_and(comment_holds_key));
    found.extend(comments.map(|span| PlainText::Line(line(text, span.start))));
    found
}

/// Whether a value in a slot's place may be a secret: no placeholder, and more than the text around one.
fn is_literal(document: &Document<'_>, slot: &Slot, node: Node<'_>) -> bool {
    match node.kind() {
        Kind::Number => true,
        Kind::String => node.as_str().is_some_and(|text| {
            let is_closed = parse_parts(&text).is_some_and(|parts| holds_secret(&parts));
            !text.is_empty() && !is_closed && *text != around(slot) && !was_moved(document, slot, &text)
        }),
        _ => false,
    }
}

/// The text of a slot without its secrets.
fn around(slot: &Slot) -> String {
    slot.parts
        .iter()
        .filter_map(|part| if let Part::Literal(text) = part { Some(text.as_str()) } else { None })
        .collect()
}

/// Whether a list's items may have moved, so that the slot's place is another's now.
fn was_moved(document: &Document<'_>, slot: &Slot, text: &str) -> bool {
    let list = slot.pointer.parent().and_then(|list| document.find(&list)).filter(|list| list.kind() == Kind::Array);
    list.is_some_and(|list| {
        let placeholder = slot.placeholder();
        text.starts_with('-') || list.items().any(|item| item.as_str().is_some_and(|text| text == placeholder))
    })
}

fn line(text: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', text.get(..at).unwrap_or_default()).count() + 1
}
