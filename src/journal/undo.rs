//! Takes the secrets out again: each slot on its own, wherever the value now is, without asking a store.
//!
//! First a slot's own place; then every string of the text, keys included, as a whole or inside a longer string,
//! escaped up to three times. A secret too short to be recognised in the open is closed only as a whole slot value
//! in its own place or under its own key. Everything else stays byte for byte.

use crate::document::{Document, Kind, Node, Pointer, Span, Splice, StringToken, edit, string};
use crate::journal::escape::{Occurrence, escape, may_hold, occurrences};
use crate::journal::fingerprint::{Finder, Key};
use crate::journal::{Filled, Journal};
use std::collections::{HashMap, HashSet};

/// What undoing a text takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Undo {
    /// What to replace.
    pub splices: Vec<Splice>,
    /// How many secrets are taken out.
    pub removed: usize,
    /// Slots whose value was changed while rendered; they stay as changed.
    pub changed: Vec<Pointer>,
    /// Where a secret was found outside its slot's own place.
    pub moved: Vec<Pointer>,
}

/// Plans the way from the rendered form (as the host application has left it) to the placeholder form.
#[must_use]
pub fn undo(document: &Document<'_>, journal: &Journal) -> Undo {
    let finder = Finder::new(&journal.key, by_placeholder(journal));
    let mut undo = Undo::default();
    let mut done = HashSet::new();
    let mut missed = Vec::new();
    let mut kept_company: HashSet<(Pointer, &str)> = HashSet::new();
    let mut seen_elsewhere: HashSet<&str> = HashSet::new();

    let pointers: Vec<Pointer> = journal.slots.iter().map(|slot| slot.pointer.clone()).collect();
    for (slot, node) in journal.slots.iter().zip(document.find_all(&pointers)) {
        match node {
            Some(node) if holds_whole(slot, node, &journal.key) => {
                done.insert(node.span().start);
                undo.removed += slot.secrets().count();
                undo.splices.extend(closing_whole(slot, node, &finder));
            }
            Some(node) => missed.push((slot, node)),
            None => {}
        }
    }

    let whole_by_key = short_slots_by_key(journal);
    let mut filled: Vec<Span> = undo.splices.iter().map(|splice| splice.span.clone()).collect();
    filled.sort_by_key(|span| span.start);
    // Nearly always every secret is where it was put, and the strings need not be looked at one by one.
    let is_clean = whole_by_key.is_empty() && !between(document.text(), &filled).any(|rest| may_hold(&finder, rest));
    let foreign: HashSet<&Pointer> = journal.foreign.iter().collect();
    let mut look = |token: &StringToken<'_, '_>| {
        let (node, raw) = (token.node, token.node.raw());
        if done.contains(&node.span().start) {
            return;
        }
        if let Some(slot) = whole_under_key(&whole_by_key, token.key(), node, &journal.key) {
            undo.removed += slot.secrets().count();
            undo.moved.push(token.pointer());
            seen_elsewhere.extend(slot.secrets().map(|(placeholder, _)| placeholder));
            undo.splices.push(Splice { span: node.span(), text: string::encode(&slot.placeholder()) });
            return;
        }
        let found = occurrences(&finder, raw.as_bytes());
        if found.is_empty() {
            return;
        }
        let pointer = token.pointer();
        if foreign.contains(&pointer) {
            return;
        }
        undo.removed += found.len();
        seen_elsewhere.extend(found.iter().map(|occurrence| occurrence.name));
        undo.splices.extend(closing(&found, node.span().start));
        kept_company.extend(found.iter().map(|occurrence| (pointer.clone(), occurrence.name)));
        undo.moved.push(pointer);
    };
    if !is_clean {
        document.strings(&mut look);
        for span in document.comments() {
            let found = occurrences(&finder, document.text().as_bytes().get(span.clone()).unwrap_or_default());
            undo.removed += found.len();
            undo.splices.extend(closing(&found, span.start));
        }
    }

    undo.changed = missed
        .into_iter()
        .filter(|(slot, node)| was_changed(slot, *node, &kept_company, &seen_elsewhere))
        .map(|(slot, _)| slot.pointer.clone())
        .collect();
    undo.moved.retain(|pointer| !undo.changed.contains(pointer));
    undo
}

/// The same for a text that is not JSON: a torn copy, or a target somebody broke. Only what is recognised in the open
/// is found; a short secret is not.
#[must_use]
pub fn undo_raw(text: &[u8], journal: &Journal) -> Undo {
    let finder = Finder::new(&journal.key, by_placeholder(journal));
    let found = occurrences(&finder, text);
    Undo { removed: found.len(), splices: closing(&found, 0), ..Undo::default() }
}

/// Whether [`undo`] and [`undo_raw`] would certainly find nothing to take out of a text, JSON or not.
#[must_use]
pub fn is_clean(text: &[u8], journal: &Journal) -> bool {
    short_slots_by_key(journal).is_empty() && !may_hold(&Finder::new(&journal.key, by_placeholder(journal)), text)
}

/// The placeholders of the secrets that are in a text of any kind.
#[must_use]
pub fn names_in(text: &[u8], journal: &Journal) -> Vec<String> {
    let finder = Finder::new(&journal.key, by_placeholder(journal));
    occurrences(&finder, text).iter().map(|found| found.name.to_owned()).collect()
}

/// The pieces of a text between spans that are in order.
fn between<'t>(text: &'t str, spans: &[Span]) -> impl Iterator<Item = &'t [u8]> {
    let starts = std::iter::once(0).chain(spans.iter().map(|span| span.end));
    let ends = spans.iter().map(|span| span.start).chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(start, end)| text.as_bytes().get(start..end).unwrap_or_default())
}

fn by_placeholder(journal: &Journal) -> impl Iterator<Item = (&crate::journal::Fingerprint, &str)> {
    journal.secrets().map(|(placeholder, fingerprint)| (fingerprint, placeholder))
}

fn closing(found: &[Occurrence<&str>], base: usize) -> Vec<Splice> {
    found
        .iter()
        .map(|occurrence| Splice {
            span: base + occurrence.range.start..base + occurrence.range.end,
            // What is found as written is inside a JSON string all the same.
            text: escape(occurrence.name, occurrence.depth.max(1)),
        })
        .collect()
}

/// Closes a slot in its own place. If the host has written the string in another notation (Python escapes all but
/// ASCII), its notation of what is no secret stays.
fn closing_whole(slot: &Filled, node: Node<'_>, finder: &Finder<'_, &str>) -> Vec<Splice> {
    let is_ours = node.as_str().is_some_and(|text| string::encode(&text) == node.raw());
    if !is_ours {
        let mut found = occurrences(finder, node.raw().as_bytes());
        let own: Vec<&str> = slot.secrets().map(|(placeholder, _)| placeholder).collect();
        if found.len() == own.len() {
            // Of two references with the same value the finder names the first; here it is known which is meant.
            found.iter_mut().zip(own).for_each(|(occurrence, own)| occurrence.name = own);
            // What was found may be another secret inside this one.
            let closed = edit::splice(node.raw(), closing(&found, 0));
            if string::decode_lossy(&closed) == slot.placeholder() {
                return closing(&found, node.span().start);
            }
        }
    }
    vec![Splice { span: node.span(), text: slot.token() }]
}

fn holds_whole(slot: &Filled, node: Node<'_>, key: &Key) -> bool {
    // A rendered token is at least as long as what it stands for, so most values are told apart by length alone.
    node.kind() == Kind::String
        && node.raw().len() > slot.whole.bytes()
        && node.as_str().is_some_and(|text| slot.was_filled_with(key, &text))
}

/// Slots that the finder can't see, by the raw key token they are under.
fn short_slots_by_key(journal: &Journal) -> HashMap<String, Vec<&Filled>> {
    let mut by_key: HashMap<String, Vec<&Filled>> = HashMap::new();
    for slot in journal.slots.iter().chain(&journal.retired) {
        let short = slot.secrets().any(|(_, fingerprint)| fingerprint.is_short());
        if let (true, Some(key)) = (short, slot.pointer.last()) {
            by_key.entry(string::encode(&key)).or_default().push(slot);
        }
    }
    by_key
}

fn whole_under_key<'j>(
    by_key: &HashMap<String, Vec<&'j Filled>>,
    key_token: Option<&str>,
    node: Node<'_>,
    key: &Key,
) -> Option<&'j Filled> {
    if by_key.is_empty() {
        return None;
    }
    by_key.get(key_token?)?.iter().copied().find(|slot| holds_whole(slot, node, key))
}

/// Whether a slot that no longer holds what we put there was changed by somebody (and not closed, moved or deleted).
fn was_changed(
    slot: &Filled,
    node: Node<'_>,
    found: &HashSet<(Pointer, &str)>,
    seen_elsewhere: &HashSet<&str>,
) -> bool {
    if node.as_str().is_some_and(|text| text == slot.placeholder()) {
        return false;
    }
    // Still at this pointer, but the surrounding text changed; a secret that is found elsewhere has moved.
    let mut own = slot.secrets().map(|(placeholder, _)| placeholder);
    let still_here = slot.secrets().any(|(placeholder, _)| found.contains(&(slot.pointer.clone(), placeholder)));
    still_here || !own.all(|placeholder| seen_elsewhere.contains(placeholder))
}
