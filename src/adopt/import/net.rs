//! The second net of an import. What the file would be afterwards is searched by everything that `check` knows, the
//! values just taken and those that are stored already included, in every encoding. A setting in which something is
//! left is taken as a whole; what is left anywhere else is reported.
//!
//! Asked by [`super::plan`], again and again until nothing more is caught.

use super::assemble::Setting;
use super::place::{Place, Standing};
use super::split::{self, Split};
use super::{ImportPlan, Left, Why, recognise};
use crate::document::{Document, Pointer, Span, edit, string};
use crate::journal::fingerprint::Key;
use crate::journal::{Journal, VERSION, undo, undo_patch};
use crate::lint::{Own, finds};
use crate::secret::Secret;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// A value that is stored already, and what the user knows it by.
pub type Stored = (String, Secret);

/// What was caught: settings to be taken as a whole, and what stays.
#[derive(Default)]
pub(super) struct Caught {
    pub(super) settings: Vec<Setting>,
    pub(super) left: Vec<Left>,
    comments: HashSet<usize>,
}

impl ImportPlan {
    /// The journal of a file that is imported: an import is the second half of a render whose first half never
    /// happened.
    pub fn owe(&self, journal: &mut Journal, key: &Key) {
        journal.key = *key;
        journal.slots = self.filled(key);
        journal.retired = self.encoded_forms(key);
        journal.undo = undo_patch(&journal.slots);
        // Of a text that mentions another key, what is imported leaves all the same.
        let stays = |left: &&Left| matches!(left.why, Why::Skipped | Why::Hidden | Why::InName);
        journal.foreign = self.left.iter().filter(stays).map(|left| left.pointer.clone()).collect();
    }

    /// The file as the import leaves it.
    ///
    /// ```
    /// use keystencil::{document::Document, adopt::import::{Selection, plan}};
    /// let text = br#"{"mcpServers": {"a": {"env": {"A_TOKEN": "n0t-a-real-key-42"}}}}"#;
    /// let plan = plan(text, &Selection::default(), &mut |_| ()).unwrap();
    /// let outcome = plan.outcome(&Document::parse(text).unwrap());
    /// assert_eq!(outcome.as_str(), r#"{"mcpServers": {"a": {"env": {"A_TOKEN": "<< keyring('a') >>"}}}}"#);
    /// ```
    #[must_use]
    pub fn outcome(&self, document: &Document<'_>) -> Zeroizing<String> {
        // The key serves this once, and so does the journal.
        let key = Key::new([0x3c; 32]);
        let mut journal = Journal::empty(key);
        self.owe(&mut journal, &key);
        Zeroizing::new(edit::splice(document.text(), undo(document, &journal).splices))
    }

    /// The values that must not be in what is written: those of this plan, and those that are stored.
    #[must_use]
    pub fn own(&self, stored: &[Stored]) -> Own {
        let mut own = Own::new([0x69; 32]);
        for (index, found) in self.secrets.iter().enumerate() {
            let name = self.reference(index, &[]).map(|reference| reference.to_string()).unwrap_or_default();
            own.add(&name, &found.value);
        }
        for (name, value) in stored.iter().filter(|(_, value)| !self.secrets.iter().any(|one| one.value == *value)) {
            own.add(name, value);
        }
        own
    }

    /// What is left in the outcome. What is known to stay is not reported again.
    pub(super) fn caught(&self, document: &Document<'_>, met: &[Setting], stored: &[Stored]) -> Caught {
        let outcome = self.outcome(document);
        let found: Vec<Span> = finds(&outcome, &self.own(stored)).into_iter().map(|(range, _)| range).collect();
        let mut caught = Caught::default();
        if found.is_empty() && self.halves.is_empty() {
            return caught;
        }
        let Ok(after) = Document::parse_relaxed(outcome.as_bytes()) else { return caught };
        // Both have the same strings and comments in the same order.
        let (mut number, mut tokens) = (0, HashSet::new());
        after.strings(|token| {
            if !found.is_empty() && within(&found, &token.node.span()) {
                tokens.insert(number);
            }
            number += 1;
        });
        for (index, (span, before)) in after.comments().zip(document.comments()).enumerate() {
            if within(&found, &span) {
                caught.comments.insert(index);
                let why = Why::InComment(document.position(before.start).0);
                caught.left.extend(Some(Left { pointer: Pointer::root(), why }).filter(|left| !self.is_left(left)));
            }
        }
        let wholes: HashSet<usize> = met.iter().filter(|met| met.is_whole()).map(|met| met.start).collect();
        let slots: HashSet<usize> = self.findings.iter().map(|finding| finding.start).collect();
        number = 0;
        document.strings(|token| {
            let start = token.node.span().start;
            let is_caught = tokens.contains(&number);
            number += 1;
            if !is_caught && !self.halves.contains(&start) {
                return;
            }
            let pointer = token.pointer();
            let mut stays = |why| {
                let left = Left { pointer: pointer.clone(), why };
                caught.left.extend(Some(left).filter(|left| !self.is_left(left)));
            };
            if token.is_key {
                return stays(Why::InName);
            }
            let text = token.node.as_str();
            let place = text.as_deref().map(|text| Standing::default().place(&pointer, token.key().is_none(), text));
            match (text, place) {
                (Some(text), Some(place))
                    if !wholes.contains(&start) && (slots.contains(&start) || is_setting(&text, &place)) =>
                {
                    let canonical = string::encode(&text) == token.node.raw();
                    let parts = vec![split::whole(&text, 0, &place.label)];
                    let split = Split { parts, mentions: false };
                    let text = Zeroizing::new(text.into_owned());
                    caught.settings.push(Setting { pointer, start, text, canonical, place, split });
                }
                _ => stays(Why::InText),
            }
        });
        caught
    }

    /// Takes over what stays at last.
    pub(super) fn keep(&mut self, caught: Caught) {
        let unfinished = caught.settings.into_iter().map(|met| Left { pointer: met.pointer, why: Why::InText });
        self.left.extend(unfinished.chain(caught.left));
        self.comments = caught.comments;
    }

    /// Whether it is known that something stays there.
    fn is_left(&self, left: &Left) -> bool {
        let is_comment = |left: &Left| matches!(left.why, Why::InComment(_));
        let is_it = |known: &Left| known.pointer == left.pointer && is_comment(known) == is_comment(left);
        self.left.iter().any(|known| is_it(known) && (!is_comment(left) || known.why == left.why))
    }
}

/// Whether one of the places, which are in order, begins in a span.
fn within(places: &[Span], span: &Span) -> bool {
    let first = places.partition_point(|place| place.start < span.start);
    places.get(first).is_some_and(|place| place.start < span.end)
}

/// Whether a string may become a slot as a whole: a setting, or a value that is called a secret.
fn is_setting(text: &str, place: &Place) -> bool {
    !text.is_empty() && (place.is_setting() || recognise::is_secret_name(&place.label))
}

impl Journal {
    /// A journal without entries yet, for a search in memory.
    fn empty(key: Key) -> Self {
        Self {
            version: VERSION,
            target: Default::default(),
            named: Default::default(),
            name: None,
            profile: String::new(),
            since: Default::default(),
            undo: Default::default(),
            key,
            slots: Vec::new(),
            retired: Vec::new(),
            foreign: Vec::new(),
            folders: Vec::new(),
            mode: None,
            earlier: Default::default(),
            leases: Vec::new(),
        }
    }
}
