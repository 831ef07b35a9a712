//! Where a text that is about to be committed has a value in a placeholder's place, without any journal's help.
//!
//! The last line of defence, for the case that nothing is known: the state folder was wiped, or the file was rendered
//! on another machine. The committed version (or the template) tells where placeholders belong. A value that the
//! committed version holds anyway gives nothing away. Asked by the git filter; must rather suspect too much than too
//! little.

use crate::document::{Document, Kind, Node, Pointer, StringToken};
use crate::scan::keylike::looks_like_key;
use crate::template::{Part, parse_parts};
use std::collections::HashSet;

/// A value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// In a document.
    Slot(Pointer),
    /// In a text that is not JSON: its line, from 1.
    Line(usize),
}

/// A slot of the reference text.
struct Slot {
    pointer: Pointer,
    text: String,
    parts: Vec<Part>,
}

/// What is in `now` where `reference` has placeholders, and is not in `committed`.
///
/// ```
/// use keystencil::plan::exposed;
/// let committed = br#"{"env": {"KEY": "<< keyring('x') >>"}}"#;
/// assert_eq!(exposed(committed, br#"{"env": {"KEY": "sk-1"}}"#, committed).len(), 1);
/// assert_eq!(exposed(committed, br#"{"env": {"KEY": "<< keyring('y') >>"}}"#, committed).len(), 0);
/// assert_eq!(exposed(committed, br#"{"env": {}}"#, committed).len(), 0);
/// ```
#[must_use]
pub fn exposed(reference: &[u8], now: &[u8], committed: &[u8]) -> Vec<Exposure> {
    if reference == now || memchr::memmem::find(reference, b"<<").is_none() {
        return Vec::new();
    }
    match (read(reference), read(now)) {
        (Some(before), Some(document)) => {
            let mut found = in_document(&before, &document, committed);
            if document.comments().next().is_some() {
                // A setting that somebody put aside: it is in no place of the document.
                let with_comments = |text: &[u8]| [text, b"\n", &comments(text)].concat();
                found.extend(in_lines(&with_comments(reference), &comments(now), &with_comments(committed)));
            }
            found
        }
        (before, _) => {
            let mut found = in_lines(reference, now, committed);
            // Torn in mid-document: nothing tells any more what is in which place.
            if found.is_empty() && before.is_some() && !now.is_empty() && secrets_among(now) < secrets_among(reference)
            {
                found.push(Exposure::Line(1));
            }
            found
        }
    }
}

/// A text that may be a target, whose comments may be in any part of it: read nowhere here in another way.
fn read(text: &[u8]) -> Option<Document<'_>> {
    Document::parse_relaxed(text).ok()
}

/// A text in its lines with nothing but its comments.
fn comments(text: &[u8]) -> Vec<u8> {
    let mut only: Vec<u8> = text.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }).collect();
    for span in read(text).iter().flat_map(Document::comments) {
        if let (Some(blank), Some(comment)) = (only.get_mut(span.clone()), text.get(span)) {
            blank.copy_from_slice(comment);
        }
    }
    only
}

fn in_document(reference: &Document<'_>, now: &Document<'_>, committed: &[u8]) -> Vec<Exposure> {
    let is_known = |raw: &str| memchr::memmem::find(committed, raw.as_bytes()).is_some();
    let mut slots = Vec::new();
    reference.strings(|token| slots.extend(slot_of(token)));
    let pointers: Vec<Pointer> = slots.iter().map(|slot| slot.pointer.clone()).collect();
    let mut found: Vec<Pointer> = Vec::new();
    let mut vanished: Vec<&Slot> = Vec::new();
    let mut lists: HashSet<Pointer> = HashSet::new();
    for (slot, node) in slots.iter().zip(now.find_all(&pointers)) {
        if node.is_some_and(|node| is_closed(slot, node)) {
            continue;
        }
        let list = slot.pointer.parent().filter(|parent| is_list(reference, parent));
        match (list, node) {
            (Some(list), _) if is_list(now, &list) => drop(lists.insert(list)),
            (_, Some(node)) => {
                found.extend(strings_in(node, &slot.pointer).filter(|(_, raw)| !is_known(raw)).map(|(at, _)| at));
            }
            (_, None) => vanished.push(slot),
        }
    }
    for list in lists {
        // An item that was put in front moves the others, so a list counts as a whole.
        let (before, after) = (reference.find(&list), now.find(&list));
        let (Some(before), Some(after)) = (before, after) else { continue };
        if placeholders_in(after) < placeholders_in(before) {
            let strings = strings_in(after, &list).filter(|(_, raw)| !is_known(raw) && secrets_in(raw) == 0);
            found.extend(strings.map(|(at, _)| at));
        }
    }
    if !vanished.is_empty() {
        let mut look = |token: &StringToken<'_, '_>| {
            if !token.is_key && may_be_moved(token, &vanished) && !is_known(token.node.raw()) {
                found.push(token.pointer());
            }
        };
        now.strings(&mut look);
    }
    found.sort();
    found.dedup();
    found.into_iter().map(Exposure::Slot).collect()
}

fn slot_of(token: &StringToken<'_, '_>) -> Option<Slot> {
    if token.is_key || !token.node.raw().contains("<<") {
        return None;
    }
    let text = token.node.as_str()?.into_owned();
    let parts = parse_parts(&text)?;
    Some(Slot { pointer: token.pointer(), text, parts })
}

/// Whether nothing in this place can be a secret: as many placeholders as there were, or the text around them alone.
fn is_closed(slot: &Slot, node: Node<'_>) -> bool {
    match node.kind() {
        Kind::String => node.as_str().is_some_and(|text| {
            text.is_empty()
                || *text == slot.text
                || secrets(&text) >= count(&slot.parts)
                || *text == around(&slot.parts)
        }),
        Kind::Number => false,
        Kind::Object | Kind::Array => false,
        _ => true,
    }
}

/// The text of a slot without its secrets.
fn around(parts: &[Part]) -> String {
    parts.iter().filter_map(|part| if let Part::Literal(text) = part { Some(text.as_str()) } else { None }).collect()
}

fn count(parts: &[Part]) -> usize {
    parts.iter().filter(|part| matches!(part, Part::Secret(_))).count()
}

fn secrets(text: &str) -> usize {
    parse_parts(text).map_or(0, |parts| count(&parts))
}

fn secrets_among(text: &[u8]) -> usize {
    secrets(&String::from_utf8_lossy(text))
}

fn secrets_in(raw: &str) -> usize {
    read(raw.as_bytes()).and_then(|document| document.root().as_str().map(|text| secrets(&text))).unwrap_or_default()
}

fn is_list(document: &Document<'_>, at: &Pointer) -> bool {
    document.find(at).is_some_and(|node| node.kind() == Kind::Array)
}

fn placeholders_in(node: Node<'_>) -> usize {
    strings_in(node, &Pointer::root()).map(|(_, raw)| secrets_in(raw)).sum()
}

/// The values at and below a place that are not containers and may hold a secret, as they are written.
fn strings_in<'a>(node: Node<'a>, at: &Pointer) -> impl Iterator<Item = (Pointer, &'a str)> + use<'a> {
    let mut all = Vec::new();
    match node.kind() {
        Kind::String | Kind::Number => all.push((at.clone(), node.raw())),
        _ => {
            if let Some(document) = read(node.raw().as_bytes()) {
                document.strings(|token| {
                    if !token.is_key {
                        let below = token.pointer().tokens().fold(at.clone(), |at, token| at.child(&token));
                        all.push((below, token.node.raw()));
                    }
                });
            }
        }
    }
    all.into_iter()
}

/// Whether a string looks like a slot's that is in its place no more: under the same key, with the same text around it.
fn may_be_moved(token: &StringToken<'_, '_>, vanished: &[&Slot]) -> bool {
    let Some(text) = token.node.as_str().filter(|text| looks_like_key(text)) else { return false };
    let pointer = token.pointer();
    vanished.iter().any(|slot| {
        let start = if let Some(Part::Literal(text)) = slot.parts.first() { text } else { "" };
        let end = if let Some(Part::Literal(text)) = slot.parts.last() { text } else { "" };
        name(&pointer) == name(&slot.pointer) && text.starts_with(start) && text.ends_with(end) && secrets(&text) == 0
    })
}

/// The key that a value, or the list it is in, is under.
fn name(pointer: &Pointer) -> Option<String> {
    let names: Vec<_> = pointer.tokens().collect();
    let is_index = |name: &str| !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_digit());
    names.iter().rev().find(|name| !is_index(name)).map(ToString::to_string)
}

/// The same for any other text: a new line that begins and ends like one with a placeholder, and has none.
fn in_lines(reference: &[u8], now: &[u8], committed: &[u8]) -> Vec<Exposure> {
    let (reference, now) = (String::from_utf8_lossy(reference), String::from_utf8_lossy(now));
    let committed: HashSet<&[u8]> = committed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let frames: HashSet<(&str, &str)> = reference.lines().filter_map(frame).collect();
    let is_exposed = |line: &str| {
        let (whole, line) = (line.trim(), uncommented(line));
        let fits = |(start, end): &(&str, &str)| {
            line.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some_and(|middle| !middle.is_empty())
        };
        !committed.contains(whole.as_bytes()) && frame(line).is_none() && frames.iter().any(fits)
    };
    now.lines().enumerate().filter(|(_, line)| is_exposed(line)).map(|(at, _)| Exposure::Line(at + 1)).collect()
}

/// A line without the marks of a comment around it: a setting may be put aside, and brought back.
fn uncommented(line: &str) -> &str {
    let line = line.trim();
    let inner = line.trim_start_matches(['/', '*', '#']).trim_start();
    inner.strip_suffix("*/").unwrap_or(inner).trim_end()
}

/// What is in a line before its first placeholder and after its last one.
fn frame(line: &str) -> Option<(&str, &str)> {
    let line = uncommented(line);
    let parts = parse_parts(line)?;
    let (start, end) = match (parts.first(), parts.last()) {
        (Some(Part::Literal(start)), Some(Part::Literal(end))) => (start.len(), end.len()),
        (Some(Part::Literal(start)), _) => (start.len(), 0),
        (_, Some(Part::Literal(end))) => (0, end.len()),
        _ => (0, 0),
    };
    let (start, end) = (line.get(..start)?, line.get(line.len() - end..)?);
    // A line that is nothing but a placeholder is like every line.
    (!start.trim_end_matches(['"', '\'', ' ']).is_empty()).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(before: &str, now: &str) -> Vec<String> {
        let found = exposed(before.as_bytes(), now.as_bytes(), before.as_bytes());
        let shown = |one: &Exposure| match one {
            Exposure::Slot(pointer) => pointer.to_string(),
            Exposure::Line(line) => line.to_string(),
        };
        found.iter().map(shown).collect()
    }

    const HELD: &str = r#"{"s":{"a":{"env":{"K":"<< keyring('x') >>","N":"n"},"args":["-k","<< keyring('x') >>"],"url":"https://h/?k=<< keyring('x') >>"}}}"#;

    #[test]
    fn a_value_in_a_placeholders_place_is_seen_whatever_it_looks_like() {
        let with = |old: &str, new: &str| at(HELD, &HELD.replacen(old, new, 1));
        assert_eq!(with(r#""<< keyring('x') >>","N""#, r#""1234","N""#), ["/s/a/env/K"]);
        assert_eq!(with(r#""<< keyring('x') >>","N""#, r#"1234,"N""#), ["/s/a/env/K"]);
        assert_eq!(with(r#""<< keyring('x') >>","N""#, r#"{"v":"1234"},"N""#), ["/s/a/env/K/v"]);
        assert_eq!(with(r#""-k","<< keyring('x') >>""#, r#""-k","sk-1""#), ["/s/a/args/1"]);
        assert_eq!(with("?k=<< keyring('x') >>", "?k=sk-1"), ["/s/a/url"]);
    }

    #[test]
    fn what_is_no_secret_may_change() {
        let with = |old: &str, new: &str| at(HELD, &HELD.replacen(old, new, 1));
        assert!(with(r#""<< keyring('x') >>","N""#, r#""<< keyring('other') >>","N""#).is_empty());
        assert!(with(r#""<< keyring('x') >>","N""#, r#""","N""#).is_empty());
        assert!(with(r#""<< keyring('x') >>","N""#, r#"null,"N""#).is_empty());
        assert!(with(r#""K":"<< keyring('x') >>","#, "").is_empty());
        assert!(with(r#""-k","<<"#, r#""-y","-k","<<"#).is_empty());
        assert!(with(r#""-k","<< keyring('x') >>""#, "").is_empty());
        assert!(with("?k=<< keyring('x') >>", "?k=").is_empty());
        assert!(with(r#""N":"n""#, r#""N":"m""#).is_empty());
    }

    #[test]
    fn a_list_whose_items_moved_is_looked_at_as_a_whole() {
        let now = HELD.replacen(r#""-k","<< keyring('x') >>""#, r#""-y","-k","sk-1""#, 1);
        assert_eq!(at(HELD, &now), ["/s/a/args/0", "/s/a/args/2"]);
    }

    #[test]
    fn a_key_in_a_server_of_another_name_is_seen() {
        let now = HELD.replace("\"a\"", "\"b\"").replace("<< keyring('x') >>", "sk-live-0123456789abcdef01");
        assert_eq!(at(HELD, &now), ["/s/b/args/1", "/s/b/env/K", "/s/b/url"]);
    }

    #[test]
    fn other_text_is_compared_line_by_line() {
        let before = "a: 1\nkey: \"<< keyring('x') >>\" # x\n<< keyring('x') >>\n";
        assert_eq!(at(before, "b: 2\n  key: \"sk-1\" # x\n"), ["2"]);
        assert!(at(before, "a: 1\nkey: \"<< keyring('y') >>\" # x\nb\n").is_empty());
        assert_eq!(at(HELD, "{\"K\": torn"), ["1"]);
        assert!(at(HELD, &HELD[1..]).is_empty() && at(HELD, "").is_empty());
    }

    #[test]
    fn a_text_with_comments_is_a_document_like_any_other() {
        let before = "{\n  // The tracker.\n  \"s\": { \"KEY\": \"<< keyring('x') >>\", /* why */ },\n}\n";
        let with = |value: &str| before.replace("\"<< keyring('x') >>\"", value);
        for value in ["\"hunter2plain\"", "12345", "[\"a\", // b\n \"c\"]"] {
            assert!(at(before, &with(value)).iter().any(|found| found.starts_with("/s/KEY")), "{value}");
        }
        // Whatever of both has no comments, or a layout of its own.
        assert_eq!(at(before, "{\"s\":{\"KEY\":\"hunter2plain\"}}"), ["/s/KEY"]);
        assert_eq!(at("{\"s\":{\"KEY\":\"<< keyring('x') >>\"}}", &with("\"hunter2plain\"")), ["/s/KEY"]);
        for harmless in ["\"\"", "\"<< keyring('y') >>\" // other", "null"] {
            assert!(at(before, &with(harmless)).is_empty(), "{harmless}");
        }
        // What is committed already gives nothing away, in a line with a comment neither.
        let known = with("\"own\"");
        assert!(exposed(before.as_bytes(), known.as_bytes(), known.as_bytes()).is_empty());
    }

    #[test]
    fn a_slot_that_is_put_aside_in_a_comment_with_its_value_is_seen() {
        let before = "{\n  \"s\": {\n    \"KEY\": \"<< keyring('x') >>\", // mine\n  }\n}\n";
        let aside = before.replace("\"KEY\": \"<< keyring('x') >>\", // mine", "// \"KEY\": \"hunter2plain\", // mine");
        assert_eq!(at(before, &aside), ["3"]);
        assert!(at(before, &before.replace("\"KEY\"", "// \"KEY\"")).is_empty());
        let was_aside = before.replace("\"KEY\"", "// \"KEY\"");
        assert_eq!(at(&was_aside, &was_aside.replace("<< keyring('x') >>", "hunter2plain")), ["3"]);
        assert!(exposed(before.as_bytes(), aside.as_bytes(), aside.as_bytes()).is_empty());
    }

    #[test]
    fn what_the_committed_version_holds_anyway_gives_nothing_away() {
        let reference = br#"{"K":"<< keyring('x') >>"}"#;
        let committed = br#"{"K":"own"}"#;
        assert!(exposed(reference, br#"{"K":"own"}"#, committed).is_empty());
        assert_eq!(exposed(reference, br#"{"K":"new"}"#, committed).len(), 1);
    }
}
