//! Whether what was filled in is accounted for: taken out, changed on purpose, or gone with a part of a file that is
//! still the same file. If it is not, somebody moved the file away, with its keys, or put another in its place.
//!
//! Asked by a closing that took nothing out of the target. Must rather call a file the same than nag: a server that was
//! removed on purpose leaves a file without any slot, every day.

use crate::document::{Document, Kind, Opened, Pointer};
use crate::journal::Journal;
use crate::journal::fingerprint::Key;
use crate::journal::undo::Undo;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How many members of a document are noted. Arbitrary.
const NOTED: usize = 32;

/// What a rendered file was like, besides its journal: written once the secrets are in it. Contains no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The target as it was given, absolute; links are not followed, those of folders neither.
    #[serde(with = "crate::journal::path")]
    pub given: PathBuf,
    /// 32 bits of a keyed hash of each plain member at the top of the document, name and value.
    members: Vec<u32>,
}

impl Shape {
    /// The shape of a document in placeholder form.
    #[must_use]
    pub fn of(given: PathBuf, text: &[u8], key: &Key) -> Self {
        Self { members: members(&given, text, key), given }
    }

    /// Whether a document is the one that this is the shape of, as a host keeps it: at least half of the noted members
    /// are as they were.
    fn is_of(&self, text: &[u8], key: &Key) -> bool {
        let now = members(&self.given, text, key);
        let kept = self.members.iter().filter(|member| now.contains(member)).count();
        !self.members.is_empty() && kept * 2 >= self.members.len()
    }
}

fn members(path: &Path, text: &[u8], key: &Key) -> Vec<u32> {
    let Some(file) = target(path, text) else { return Vec::new() };
    let document = file.document();
    let is_plain = |kind: Kind| !matches!(kind, Kind::Object | Kind::Array);
    let plain = document.root().members().filter(|member| is_plain(member.value.kind()));
    plain.take(NOTED).map(|member| key.brief(&format!("{}\0{}", member.key.raw(), member.value.raw()))).collect()
}

/// Whether nothing of what was filled in is accounted for by what is in a target now (`None`: no file), of which
/// `undone` is the undo.
#[must_use]
pub fn is_lost(text: Option<&[u8]>, journal: &Journal, shape: &Shape, undone: &Undo) -> bool {
    if journal.slots.is_empty() || undone.removed > 0 || !undone.changed.is_empty() {
        return false;
    }
    let Some(text) = text else { return true };
    // Emptied, torn, or something else.
    let Some(file) = target(&journal.named, text) else { return true };
    let document = file.document();
    let mut places: Vec<Pointer> = Vec::new();
    for slot in &journal.slots {
        // The slot itself, with its placeholder or another value; otherwise a server's siblings, or the object they
        // were in.
        let around = std::iter::successors(Some(slot.pointer.clone()), Pointer::parent);
        places.extend(around.filter(|place| *place != Pointer::root()));
    }
    places.sort();
    places.dedup();
    document.find_all(&places).iter().all(Option::is_none) && !shape.is_of(text, &journal.key)
}

/// Whether a text is a copy of the target: something that was filled in is in it, in its own place.
#[must_use]
pub fn is_copy(text: &[u8], journal: &Journal) -> bool {
    let Some(file) = target(&journal.named, text) else { return false };
    let document = file.document();
    let pointers: Vec<Pointer> = journal.slots.iter().map(|slot| slot.pointer.clone()).collect();
    let found = document.find_all(&pointers);
    let is_filled =
        |text: &str, at: usize| journal.slots.get(at).is_some_and(|slot| slot.whole.matches(&journal.key, text));
    found
        .iter()
        .enumerate()
        .any(|(at, node)| node.and_then(|node| node.as_str()).is_some_and(|text| is_filled(&text, at)))
}

/// The text of a target, or of a copy of it: an object in the syntax that the target's name tells.
fn target<'t>(path: &Path, text: &'t [u8]) -> Option<Opened<'t>> {
    Document::open(path, text).ok().filter(|file| file.document().root().kind() == Kind::Object)
}
