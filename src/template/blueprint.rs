//! The outcome of a template: its document in placeholder form and the slots that references fill.

use crate::document::Pointer;
use crate::error::Place;
use crate::secret::Query;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Where a reference's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `keyring(service, account)` with or without a pin, or a function that the config declares.
    Secret(Query),
    /// `env("NAME")`: its value counts as a secret.
    Env(String),
}

impl Source {
    /// What the stores are asked for; nothing for a variable of the environment.
    #[must_use]
    pub fn query(&self) -> Option<&Query> {
        match self {
            Self::Secret(query) => Some(query),
            Self::Env(_) => None,
        }
    }
}

/// A deferred filter: applied to the value when the slot is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// `b64encode`: standard alphabet, padded.
    B64encode,
    /// `urlencode`: everything but unreserved characters (RFC 3986) is percent-encoded.
    Urlencode,
}

/// A reference with the encodings that follow it, in order. Its `Display` is its placeholder:
/// `<< keyring('openai') >>`, `<< keyring('github', 'work') | b64encode >>`, `<< env('HOME') >>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Where the value comes from.
    pub source: Source,
    /// What is done to it.
    pub encodings: Vec<Encoding>,
}

/// A piece of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text of the template.
    Literal(String),
    /// What a reference fills.
    Secret(Reference),
}

/// One string of the target that references fill, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Where it is in the document.
    pub pointer: Pointer,
    /// Its text, in pieces; at least one is a secret.
    pub parts: Vec<Part>,
    /// Where the template's first reference of this slot is written.
    pub place: Place,
}

/// A template in the form that is merged into a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    /// Strict JSON text, an object, in placeholder form.
    pub document: String,
    /// The slots in document order.
    pub slots: Vec<Slot>,
}

impl Blueprint {
    /// The distinct references of all slots, in the order they first come.
    #[must_use]
    pub fn references(&self) -> Vec<&Reference> {
        let mut seen = HashSet::new();
        self.slots.iter().flat_map(Slot::references).filter(|reference| seen.insert(*reference)).collect()
    }
}
