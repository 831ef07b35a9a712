//! What was found in a config, and what is made of it.

use crate::document::Pointer;
use crate::journal::fingerprint::Key;
use crate::journal::{Filled, FilledPart};
use crate::secret::{Query, Secret, SecretName};
use crate::template::{Encoding, Part, Reference, Slot, Source};
use std::collections::HashSet;

/// Why a part of a string was taken for a secret, to show the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// The format of a provider's keys; its name for them.
    Format(String),
    /// What it is called: the variable, header, option or member.
    Name(String),
    /// The password of a URL or a connection string.
    Password,
    /// Nothing but that it looks drawn at random.
    Random,
}

/// One secret of the plan: a distinct value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is to be stored as.
    pub name: SecretName,
    /// Whether the user chose that name.
    pub is_chosen: bool,
    /// The value.
    pub value: Secret,
    /// How it was recognised where it was met first.
    pub recognised: Recognised,
}

/// A string that becomes a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it is.
    pub pointer: Pointer,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
    /// Where its token starts in the text.
    pub(super) start: usize,
    /// Whether the string is written as `JSON.stringify` would write it.
    pub(super) canonical: bool,
}

/// A piece of a string that becomes a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What stays.
    Literal(String),
    /// A secret, by its index, as it is encoded there.
    Secret(usize, Vec<Encoding>),
}

/// A place that looks like it holds a key and is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub pointer: Pointer,
    /// Why.
    pub why: Why,
}

/// Why a place stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The user asked for that.
    Skipped,
    /// It is in the middle of a text that is not a setting: a prompt of the history, say.
    InText,
    /// Another member of the same name hides it.
    Hidden,
    /// It holds half of a character (a lone surrogate), which no store can keep.
    NoText,
    /// It is the name of a member.
    InName,
    /// It is in a comment, in that line.
    InComment(usize),
}

/// What an import would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// The secrets, in the order they are met.
    pub secrets: Vec<Found>,
    /// The strings that become slots, in document order.
    pub findings: Vec<Finding>,
    /// Other places where one of the secrets is; there its placeholder becomes a piece of text.
    pub elsewhere: Vec<Pointer>,
    /// What stays.
    pub left: Vec<Left>,
    /// The lists that lead to any of these places.
    pub(super) lists: HashSet<Pointer>,
    /// Where settings start that hold a secret in a form that no reference makes: to be taken as a whole.
    pub(super) halves: HashSet<usize>,
    /// Comments that hold a key, by their number.
    pub(super) comments: HashSet<usize>,
}

impl ImportPlan {
    /// A place as it may be shown: a name on the way that is a key is hidden.
    #[must_use]
    pub fn shown(&self, place: &Pointer) -> Pointer {
        let mut way = Pointer::root();
        let mut shown = Pointer::root();
        for token in place.tokens() {
            way.push(&token);
            let is_key = self.left.iter().any(|left| left.why == Why::InName && left.pointer == way);
            shown.push(if is_key { "[redacted]" } else { &token });
        }
        shown
    }

    /// The outermost list that a place is in.
    pub(super) fn list_of(&self, place: &Pointer) -> Option<Pointer> {
        std::iter::successors(place.parent(), Pointer::parent).filter(|above| self.lists.contains(above)).last()
    }

    /// The reference that stands for a piece.
    pub(super) fn reference(&self, index: usize, encodings: &[Encoding]) -> Option<Reference> {
        let name = self.secrets.get(index)?.name.clone();
        Some(Reference { source: Source::Secret(Query::from(name)), encodings: encodings.to_vec() })
    }

    /// The pieces of a finding as a template has them.
    #[must_use]
    pub fn parts(&self, finding: &Finding) -> Vec<Part> {
        let part = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(Part::Literal(text.clone())),
            Piece::Secret(index, encodings) => self.reference(*index, encodings).map(Part::Secret),
        };
        finding.pieces.iter().filter_map(part).collect()
    }

    /// What is in a finding's place at rest.
    #[must_use]
    pub fn at_rest(&self, finding: &Finding) -> String {
        self.parts(finding).iter().map(ToString::to_string).collect()
    }

    /// The value of a reference, if it is one of this plan's.
    #[must_use]
    pub fn value(&self, reference: &Reference) -> Option<&Secret> {
        let name = reference.source.query()?.name()?;
        self.secrets.iter().find(|found| found.name == *name).map(|found| &found.value)
    }

    /// What is there now.
    pub(super) fn rendered(&self, finding: &Finding) -> Secret {
        let slot = Slot { pointer: finding.pointer.clone(), parts: self.parts(finding), place: Default::default() };
        let value = |reference: &Reference| self.value(reference);
        Secret::new(crate::plan::insert::render(&slot, &value).map(|text| text.as_str().to_owned()).unwrap_or_default())
    }

    /// The findings as a journal has the slots of a render: so an import is the end of a render that was never begun.
    #[must_use]
    pub fn filled(&self, key: &Key) -> Vec<Filled> {
        let piece = |piece: &Piece| {
            Some(match piece {
                Piece::Literal(text) => FilledPart::Literal(text.clone()),
                Piece::Secret(index, encodings) => {
                    let plain = self.secrets.get(*index)?.value.clone();
                    let encode = |text: Secret, encoding: &Encoding| Secret::new(encoding.apply(text.expose()));
                    let encoded = encodings.iter().fold(plain, encode);
                    FilledPart::Secret {
                        placeholder: self.reference(*index, encodings)?.to_string(),
                        fingerprint: key.print(encoded.expose()),
                    }
                }
            })
        };
        let slot = |finding: &Finding| Filled {
            pointer: finding.pointer.clone(),
            parts: finding.pieces.iter().filter_map(piece).collect(),
            whole: key.print(self.rendered(finding).expose()),
            at_rest: None,
        };
        self.findings.iter().map(slot).collect()
    }

    /// The findings whose string comes back in another notation, with the same meaning: `\/` becomes `/`.
    pub fn respelled(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.canonical)
    }

    /// How many places a secret fills.
    #[must_use]
    pub fn uses(&self, secret: usize) -> usize {
        let is_it = |piece: &&Piece| matches!(piece, Piece::Secret(index, _) if *index == secret);
        self.findings.iter().flat_map(|finding| &finding.pieces).filter(is_it).count()
    }

    /// Whether there is nothing to import.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}
