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
    /// Slots whose secret is not there any more, nor where it would be recognised, and is too short to be searched for:
    /// nobody knows whether it went, or where to.
    pub missing: Vec<Pointer>,
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
            node => missed.push((slot, node)),
        }
    }

    let short = short_slots(journal);
    let mut filled: Vec<Span> = undo.splices.iter().map(|splice| splice.span.clone()).collect();
    filled.sort_by_key(|span| span.start);
    // Nearly always every secret is where it was put, and the strings need not be looked at one by one.
    let is_clean = short.is_empty() && !between(document.text(), &filled).any(|rest| may_hold(&finder, rest));
    let foreign: HashSet<&Pointer> = journal.foreign.iter().collect();
    let mut look = |token: &StringToken<'_, '_>| {
        let (node, raw) = (token.node, token.node.raw());
        if done.contains(&node.span().start) {
            return;
        }
        if let Some(slot) = short_of(&short, token, &journal.key) {
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

    for (slot, node) in missed {
        let is_seen = |placeholder| seen_elsewhere.contains(placeholder);
        match node {
            Some(node) if was_changed(slot, node, &kept_company, &seen_elsewhere) => {
                undo.changed.push(slot.pointer.clone());
            }
            Some(node) if node.as_str().is_some_and(|text| text == slot.placeholder()) => {}
            _ => {
                let mut unknown = slot.secrets().filter(|(_, fingerprint)| fingerprint.is_short());
                undo.missing
                    .extend(unknown.any(|(placeholder, _)| !is_seen(placeholder)).then(|| slot.pointer.clone()));
            }
        }
    }
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
    short_slots(journal).is_empty() && !may_hold(&Finder::new(&journal.key, by_placeholder(journal)), text)
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

/// Slots that the finder can't see.
#[derive(Default)]
struct Short<'j> {
    /// By the raw key token they are under.
    by_key: HashMap<String, Vec<&'j Filled>>,
    /// Items of lists.
    items: Vec<&'j Filled>,
}

impl Short<'_> {
    fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.items.is_empty()
    }
}

fn short_slots(journal: &Journal) -> Short<'_> {
    let mut short = Short::default();
    for slot in journal.slots.iter().chain(&journal.retired) {
        let is_short = slot.secrets().any(|(_, fingerprint)| fingerprint.is_short());
        let Some(key) = slot.pointer.last().filter(|_| is_short) else { continue };
        if key.parse::<usize>().is_ok() {
            short.items.push(slot);
        }
        short.by_key.entry(string::encode(&key)).or_default().push(slot);
    }
    short
}

/// The slot that a string was filled for, as it stands under the same key, or in the same place of a list of the same name.
fn short_of<'j>(short: &Short<'j>, token: &StringToken<'_, '_>, key: &Key) -> Option<&'j Filled> {
    let holds = |slot: &&&Filled| holds_whole(slot, token.node, key);
    if let Some(name) = token.key() {
        return short.by_key.get(name)?.iter().find(holds).copied();
    }
    if token.is_key {
        return None;
    }
    let place = |pointer: &Pointer| Some((pointer.parent()?.last()?.into_owned(), pointer.last()?.into_owned()));
    let mut held = short.items.iter().filter(holds).peekable();
    held.peek()?;
    let here = place(&token.pointer());
    held.find(|slot| place(&slot.pointer) == here).copied()
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
