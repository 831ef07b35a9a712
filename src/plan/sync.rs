//! Merges the blueprint, in placeholder form, into the target: what stays there.
//!
//! Objects are merged by key; arrays and scalars are the template's; what the template does not name is not touched.
//! What an earlier version of the template put and this one no longer names is removed if nobody changed it since:
//! three ways, as `kubectl apply` does it. Where the template has a reference and the target a literal of the user's,
//! the literal stays and is a [`Conflict`]. So does an object or a list of the user's where the template has something
//! of another kind.

use crate::document::{Document, Kind, Node, Operation, Patch, Pointer};
use crate::template::{Blueprint, Slot, is_placeholder};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What is done with a literal that is where the template has a reference and is not the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// It stays; the user is told.
    #[default]
    Keep,
    /// The template's reference takes its place.
    Replace,
}

/// What the last render of a target merged into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The blueprint's document, in placeholder form.
    pub document: String,
    /// Which values of it we wrote; the others were there before.
    pub written: Vec<Pointer>,
}

/// A value of the user's that stays where the template has a reference, or a value of another kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub pointer: Pointer,
    /// What the template has there, in placeholder form (JSON text).
    pub template: String,
    /// Whether the template has something of another kind there, and no reference.
    pub is_other_kind: bool,
}

/// The outcome of [`sync`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPlan {
    /// From the target's text to its placeholder form.
    pub patch: Patch,
    /// Literals that stay.
    pub conflicts: Vec<Conflict>,
    /// Where values of the user's went that may exist nowhere else, since that was asked for.
    pub replaced: Vec<Pointer>,
    /// What to remember for the next time.
    pub applied: Applied,
}

/// Plans the merge. `is_secret` says whether a literal in a slot's place is the slot's rendered value: then it is
/// residue, and becomes the placeholder. `earlier` is what the last render of this target remembered.
#[must_use]
pub fn sync(
    target: &Document<'_>,
    blueprint: &Blueprint,
    earlier: Option<&Applied>,
    on_conflict: OnConflict,
    is_secret: impl Fn(&Slot, &str) -> bool,
) -> SyncPlan {
    let Ok(wanted) = Document::parse(blueprint.document.as_bytes()) else {
        // A blueprint's document is checked JSON by construction.
        return SyncPlan::nothing(blueprint);
    };
    let earlier_document = earlier.and_then(|applied| Document::parse(applied.document.as_bytes()).ok());
    let mut merge = Merge {
        slots: blueprint.slots.iter().map(|slot| (slot.pointer.as_str(), slot)).collect(),
        above_slots: blueprint.slots.iter().flat_map(|slot| above(&slot.pointer)).collect(),
        ours: earlier.iter().flat_map(|applied| &applied.written).collect(),
        on_conflict,
        is_secret,
        patch: Patch::default(),
        conflicts: Vec::new(),
        replaced: Vec::new(),
        written: Vec::new(),
    };
    let earlier_root = earlier_document.as_ref().map(Document::root);
    if let Some(earlier) = earlier_root {
        merge.prune(&Pointer::root(), earlier, wanted.root(), target.root());
    }
    merge.value(&Pointer::root(), wanted.root(), target.root(), earlier_root);
    SyncPlan {
        patch: merge.patch,
        conflicts: merge.conflicts,
        replaced: merge.replaced,
        applied: Applied { document: blueprint.document.clone(), written: merge.written },
    }
}

impl SyncPlan {
    fn nothing(blueprint: &Blueprint) -> Self {
        let applied = Applied { document: blueprint.document.clone(), written: Vec::new() };
        Self { patch: Patch::default(), conflicts: Vec::new(), replaced: Vec::new(), applied }
    }
}

struct Merge<'a, F> {
    slots: HashMap<&'a str, &'a Slot>,
    /// Every pointer that a slot lies below.
    above_slots: HashSet<Pointer>,
    ours: HashSet<&'a Pointer>,
    on_conflict: OnConflict,
    is_secret: F,
    patch: Patch,
    conflicts: Vec<Conflict>,
    replaced: Vec<Pointer>,
    written: Vec<Pointer>,
}

// The recursion below is as deep as the template, which is bounded, never as deep as the target.
impl<F: Fn(&Slot, &str) -> bool> Merge<'_, F> {
    fn value(&mut self, at: &Pointer, wanted: Node<'_>, found: Node<'_>, earlier: Option<Node<'_>>) {
        if let Some(slot) = self.slots.get(at.as_str()).copied() {
            return self.slot(at, slot, wanted, found, earlier);
        }
        match (wanted.kind(), found.kind()) {
            (Kind::Object, Kind::Object) => {
                self.keep_written(at);
                let present: HashMap<_, _> = members(found);
                let before: HashMap<_, _> = earlier.map(members).unwrap_or_default();
                for (key, wanted) in ordered(wanted) {
                    let at = at.child(&key);
                    match present.get(&key) {
                        Some(found) => self.value(&at, wanted, *found, before.get(&key).copied()),
                        None => {
                            self.remember(&at, wanted);
                            self.patch.0.push(Operation::Add { path: at, value: wanted.raw().to_owned() });
                        }
                    }
                }
            }
            (Kind::Array, Kind::Array) if self.holds_slot(at) => self.array(at, wanted, found, earlier),
            _ if wanted.same_value(&found) => self.keep_written(at),
            _ if self.loses(at, wanted, found, earlier) => self.conflict(at, wanted, !self.holds_slot(at)),
            _ => self.replace(at, wanted),
        }
    }

    /// An array with slots: like any other where it is ours or differs in its slots only; otherwise it may hold a key
    /// of the user's, which replacing it would lose.
    fn array(&mut self, at: &Pointer, wanted: Node<'_>, found: Node<'_>, earlier: Option<Node<'_>>) {
        if wanted.same_value(&found) {
            return self.keep_written(at);
        }
        // One that nobody changed since we wrote it whole is replaced whole: what became a slot was not a literal of
        // the user's.
        if self.is_ours(at, found, earlier) {
            return self.replace(at, wanted);
        }
        let pairs: Vec<_> = wanted.items().zip(found.items()).collect();
        let alike = wanted.items().count() == found.items().count()
            && pairs.iter().enumerate().all(|(index, (wanted, found))| self.alike(&at.index(index), *wanted, *found));
        if alike {
            self.keep_written(at);
            let before: Vec<_> = earlier.map(|earlier| earlier.items().collect()).unwrap_or_default();
            for (index, (wanted, found)) in pairs.into_iter().enumerate() {
                self.value(&at.index(index), wanted, found, before.get(index).copied());
            }
        } else {
            self.conflict(at, wanted, false);
        }
    }

    fn slot(&mut self, at: &Pointer, slot: &Slot, wanted: Node<'_>, found: Node<'_>, earlier: Option<Node<'_>>) {
        let text = found.as_str();
        if text.as_deref().is_some_and(|text| text == slot.placeholder()) {
            return self.keep_written(at);
        }
        let replaceable = match text.as_deref() {
            Some(text) => is_placeholder(text) || (self.is_secret)(slot, text),
            None => false,
        };
        if replaceable || self.is_ours(at, found, earlier) {
            self.replace(at, wanted);
        } else {
            self.conflict(at, wanted, false);
        }
    }

    /// Whether two values differ at most in what is in slots.
    fn alike(&self, at: &Pointer, wanted: Node<'_>, found: Node<'_>) -> bool {
        if self.slots.contains_key(at.as_str()) {
            return found.kind() == Kind::String;
        }
        if !self.holds_slot(at) {
            return wanted.same_value(&found);
        }
        wanted.kind() == found.kind()
    }

    fn holds_slot(&self, at: &Pointer) -> bool {
        self.above_slots.contains(at)
    }

    /// Whether the target still holds what an earlier render merged in.
    fn is_ours(&self, at: &Pointer, found: Node<'_>, earlier: Option<Node<'_>>) -> bool {
        self.ours.contains(at) && earlier.is_some_and(|earlier| earlier.same_value(&found))
    }

    /// Whether a value of another kind would take the place of what may hold the only copy of a key: an object or a list
    /// with something of the user's in it.
    fn loses(&self, at: &Pointer, wanted: Node<'_>, found: Node<'_>, earlier: Option<Node<'_>>) -> bool {
        if wanted.kind() == found.kind() || self.is_ours(at, found, earlier) {
            return false;
        }
        let before: HashMap<_, _> = earlier.map(members).unwrap_or_default();
        // What an earlier render put there goes by itself.
        let is_ours = |key: &str, found: Node<'_>| {
            let earlier = before.get(key);
            earlier.is_some_and(|earlier| self.removals(&at.child(key), *earlier, found, &mut Vec::new()))
        };
        found.items().next().is_some() || ordered(found).any(|(key, found)| !is_ours(&key, found))
    }

    /// A value of the user's is where the template wants something else.
    fn conflict(&mut self, at: &Pointer, wanted: Node<'_>, is_other_kind: bool) {
        if self.on_conflict == OnConflict::Replace {
            self.replaced.push(at.clone());
            return self.replace(at, wanted);
        }
        self.conflicts.push(Conflict { pointer: at.clone(), template: wanted.raw().to_owned(), is_other_kind });
    }

    fn replace(&mut self, at: &Pointer, wanted: Node<'_>) {
        self.remember(at, wanted);
        self.patch.0.push(Operation::Replace { path: at.clone(), value: wanted.raw().to_owned() });
    }

    /// A value that is there as wanted is still ours if an earlier render wrote it.
    fn keep_written(&mut self, at: &Pointer) {
        if self.ours.contains(at) {
            self.written.push(at.clone());
        }
    }

    /// Notes what is written: each scalar and array, and each object too, so that an emptied one can be removed.
    fn remember(&mut self, at: &Pointer, wanted: Node<'_>) {
        self.written.push(at.clone());
        for (key, value) in ordered(wanted) {
            self.remember(&at.child(&key), value);
        }
    }

    /// Removes what an earlier render wrote, this template no longer names, and nobody changed.
    fn prune(&mut self, at: &Pointer, earlier: Node<'_>, wanted: Node<'_>, found: Node<'_>) {
        // What was merged into the items of a list of the user's leaves them again, if the list still has its shape.
        for (index, (earlier, found)) in items_alike(earlier, found).enumerate() {
            self.prune(&at.index(index), earlier, wanted.items().nth(index).unwrap_or(wanted), found);
        }
        // A template that now wants something other than an object here names none of its members any more.
        if earlier.kind() != Kind::Object || found.kind() != Kind::Object {
            return;
        }
        let (wanted, found) = (members(wanted), members(found));
        for (key, earlier) in ordered(earlier) {
            let at = at.child(&key);
            match (wanted.get(&key), found.get(&key)) {
                (_, None) => {}
                (Some(wanted), Some(found)) => self.prune(&at, earlier, *wanted, *found),
                (None, Some(found)) => {
                    let mut removals = Vec::new();
                    self.removals(&at, earlier, *found, &mut removals);
                    self.patch.0.extend(removals.into_iter().map(|path| Operation::Remove { path }));
                }
            }
        }
    }

    /// Collects what of `found` is to be removed; `true` if that is all of it.
    fn removals(&self, at: &Pointer, earlier: Node<'_>, found: Node<'_>, removals: &mut Vec<Pointer>) -> bool {
        let ours = self.ours.contains(at);
        let all = if earlier.kind() == Kind::Object && found.kind() == Kind::Object {
            let before = members(earlier);
            let mut all = ours;
            let mut below = Vec::new();
            for (key, found) in ordered(found) {
                let at = at.child(&key);
                all &= before.get(&key).is_some_and(|earlier| self.removals(&at, *earlier, found, &mut below));
            }
            if !all {
                removals.extend(below);
            }
            all
        } else if !ours {
            for (index, (earlier, found)) in items_alike(earlier, found).enumerate() {
                let mut below = Vec::new();
                // An item can't go without moving the others, so one that is ours stays like the list it is in.
                if !self.removals(&at.index(index), earlier, found, &mut below) {
                    removals.extend(below);
                }
            }
            false
        } else {
            earlier.same_value(&found)
        };
        if all {
            removals.push(at.clone());
        }
        all
    }
}

/// The items of two lists of the same length, in pairs; none of anything else.
fn items_alike<'a>(one: Node<'a>, other: Node<'a>) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
    let alike = one.items().count() == other.items().count();
    one.items().zip(other.items()).filter(move |_| alike)
}

fn above(pointer: &Pointer) -> impl Iterator<Item = Pointer> {
    std::iter::successors(pointer.parent(), Pointer::parent)
}

/// The members by name; of duplicates the last.
fn members(node: Node<'_>) -> HashMap<String, Node<'_>> {
    ordered(node).collect()
}

/// The members in order. A key with a lone surrogate can't be named by a template and is passed over.
fn ordered(node: Node<'_>) -> impl Iterator<Item = (String, Node<'_>)> {
    node.members().filter_map(|member| Some((member.key.as_str()?.into_owned(), member.value)))
}
