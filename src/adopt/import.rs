//! From a config with keys in plain text to what is wanted instead: secrets with names, slots, and a template.
//!
//! `keystencil import` shows the plan and [`crate::session`] carries it out. Every string of the document is looked at once;
//! [`place`] says where it stands, `split` which part of it is secret, [`naming`] what the secret is to be called, and
//! `template` writes what is to be committed. Nothing here reads a file or a store, and no `Debug` shows a value.
//!
//! A key that is imported leaves *every* place of the file: where a string of the config is made of it, it becomes a slot of
//! the template; where it was merely mentioned (a prompt in the history), its placeholder stays as text.

mod assemble;
mod commented;
mod credentials;
mod dotenv;
mod elsewhere;
mod list;
pub mod naming;
mod net;
pub mod place;
mod recognise;
mod rename;
pub mod select;
mod split;
mod template;
mod titles;
mod uri;

pub use credentials::Credentials;
pub use dotenv::{broken_line, comment_out, dotenv};
pub use net::Stored;
pub use rename::{Rename, RenameError, What};
pub use select::Selection;
pub use template::Extent;

use crate::document::{Pointer, string};
use crate::journal::fingerprint::Key;
use crate::journal::{Filled, FilledPart};
use crate::plan::render::{PlanError, target};
use crate::secret::{Query, Secret, SecretName};
use crate::template::{Encoding, Part, Reference, Slot, Source, is_placeholder};
use assemble::{Setting, assemble};
use place::Standing;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Each round takes whole what the one before left over; what is not clean then is told.
const ROUNDS: usize = 16;

/// How a part of a string was told to be a secret, for the person who is asked.
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
    /// Whether a person chose that name.
    pub is_chosen: bool,
    /// The value.
    pub value: Secret,
    /// How it was recognised where it was met first.
    pub recognised: Recognised,
}

/// A string that becomes a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub pointer: Pointer,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
    /// Where its token starts in the text.
    start: usize,
    /// Whether the string is written as `JSON.stringify` would write it.
    canonical: bool,
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
    /// The person asked for that.
    Skipped,
    /// It stands in the middle of a text that is no setting: a prompt of the history, say.
    InText,
    /// Another member of the same name hides it.
    Hidden,
    /// It holds half of a character (a lone surrogate), which no store can keep.
    NoText,
    /// It is the name of a member.
    InName,
    /// It stands in a comment, in that line.
    InComment(usize),
}

/// What an import would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// The secrets, in the order they are met.
    pub secrets: Vec<Found>,
    /// The strings that become slots, in document order.
    pub findings: Vec<Finding>,
    /// Other places where one of the secrets stands; there its placeholder becomes a piece of text.
    pub elsewhere: Vec<Pointer>,
    /// What stays.
    pub left: Vec<Left>,
    /// The lists that lead to any of these places.
    lists: HashSet<Pointer>,
    /// Where settings start that hold a secret in a form that no reference makes: to be taken as a whole.
    halves: HashSet<usize>,
    /// Comments that hold a key, by their number.
    comments: HashSet<usize>,
}

/// Looks for keys in a config. `progress` is told how many bytes are done, now and then.
///
/// ```
/// use keystencil::adopt::import::{Selection, plan};
/// let text = r#"{"mcpServers": {"acme": {"headers": {"Authorization": "Bearer n0t-a-real-key-42"}}}}"#;
/// let plan = plan(text.as_bytes(), &Selection::default(), &mut |_| ())?;
/// assert_eq!(plan.findings[0].pointer.as_str(), "/mcpServers/acme/headers/Authorization");
/// assert_eq!(plan.secrets[0].name.service(), "acme");
/// assert!(!format!("{plan:?}").contains("n0t-a-real"));
/// # Ok::<(), keystencil::plan::PlanError>(())
/// ```
///
/// # Errors
/// [`PlanError`] if the text is no JSON object.
pub fn plan(text: &[u8], wanted: &Selection, progress: &mut dyn FnMut(usize)) -> Result<ImportPlan, PlanError> {
    plan_knowing(text, wanted, &[], progress)
}

/// The same with values that are stored already: they are keys wherever they stand.
///
/// # Errors
/// As [`plan`].
pub fn plan_knowing(
    text: &[u8],
    wanted: &Selection,
    stored: &[Stored],
    progress: &mut dyn FnMut(usize),
) -> Result<ImportPlan, PlanError> {
    let document = target(text)?;
    let mut standing = Standing::of(&document);
    let mut met: Vec<Setting> = Vec::new();
    let mut left = Vec::new();
    document.strings(|token| {
        if token.is_key {
            return standing.pass();
        }
        progress(token.node.span().start);
        let is_text = token.node.as_str().is_some();
        let text = string::decode_lossy(token.node.raw());
        if !standing.may_matter(token, &text) {
            return standing.pass();
        }
        let pointer = token.pointer();
        let place = standing.place(&pointer, token.key().is_none(), &text);
        let split = split::split(&text, &place);
        if !is_text {
            let is_key = split.mentions || !split.parts.is_empty();
            left.extend(is_key.then_some(Left { pointer, why: Why::NoText }));
            return;
        }
        let canonical = string::encode(&text) == token.node.raw();
        if !split.parts.is_empty() {
            met.push(Setting {
                pointer,
                start: token.node.span().start,
                text: Zeroizing::new(text.into_owned()),
                canonical,
                place,
                split,
            });
        } else if split.mentions && !is_placeholder(&text) {
            left.push(Left { pointer, why: Why::InText });
        }
    });
    let mut plan = assemble(&document, &met, left.clone(), wanted);
    let mut caught = plan.caught(&document, &met, stored);
    for _ in 0..ROUNDS {
        if caught.settings.is_empty() && caught.left.is_empty() {
            break;
        }
        let starts: HashSet<usize> = caught.settings.iter().map(|met| met.start).collect();
        met.retain(|met| !starts.contains(&met.start));
        met.append(&mut caught.settings);
        met.sort_by_key(|met| met.start);
        left.append(&mut caught.left);
        plan = assemble(&document, &met, left.clone(), wanted);
        caught = plan.caught(&document, &met, stored);
    }
    plan.keep(caught);
    let in_comment = |line| Left { pointer: Pointer::root(), why: Why::InComment(line) };
    let commented: Vec<Left> = plan.commented_keys(&document).into_iter().map(in_comment).collect();
    plan.left.extend(commented.into_iter().filter(|left| !plan.left.contains(left)).collect::<Vec<_>>());
    Ok(plan)
}

impl ImportPlan {
    /// A place as it may be shown: a name on the way that is a key is none that anybody should read.
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
    fn list_of(&self, place: &Pointer) -> Option<Pointer> {
        std::iter::successors(place.parent(), Pointer::parent).filter(|above| self.lists.contains(above)).last()
    }

    /// The reference that stands for a piece.
    fn reference(&self, index: usize, encodings: &[Encoding]) -> Option<Reference> {
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

    /// What stands in a finding's place at rest.
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

    /// What stands there now.
    fn rendered(&self, finding: &Finding) -> Secret {
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

#[cfg(test)]
mod tests;
