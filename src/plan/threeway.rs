//! Who changed what since the last render: the template, the host application (or the user), or both.
//!
//! Three texts are compared: what the last render merged (its record), the template's outcome now, and the target at
//! rest. Objects are compared member by member, everything else as a whole. Asked by `diff`, which shows it. Decides
//! nothing about the target: what a render does with a difference is read from the render's own plan.

use crate::document::{Document, Kind, Node, Pointer};
use crate::plan::render::RenderPlan;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Who made a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// The template says something other than it did at the last render.
    Template,
    /// The host application, or the user, changed the live file.
    Host,
    /// Both sides changed, or nothing is known of a last render.
    Both,
}

impl Author {
    /// Its name, for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Host => "host",
            Self::Both => "both",
        }
    }
}

/// What was done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another value.
    Changed,
}

/// What the next render does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The live file becomes as the template has it.
    Template,
    /// The live file stays as it is.
    Live,
}

/// One place where the template and the live file differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub pointer: Pointer,
    /// Who made the difference.
    pub author: Author,
    /// What its author did there.
    pub did: Did,
    /// What the next render does.
    pub next: Next,
    /// What the template has there now, in placeholder form (JSON text).
    pub template: Option<String>,
    /// What the live file has there, at rest (JSON text). **May hold a key of the user's.**
    pub live: Option<String>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("pointer", &self.pointer)
            .field("author", &self.author)
            .field("did", &self.did)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Change {
    /// Whether it is the host's doing at least in part, so that the template could take it over.
    #[must_use]
    pub fn is_hosts(&self) -> bool {
        self.author != Author::Template
    }
}

/// Compares. `earlier` is the document that the last render merged. A member that only the live file has, and never the
/// template, counts if `is_shared` says that the template owns the object it is in (given with the member's place).
#[must_use]
pub fn changes(
    earlier: Option<&str>,
    plan: &RenderPlan,
    is_shared: &dyn Fn(&Pointer, &Pointer) -> bool,
) -> Vec<Change> {
    let earlier = earlier.and_then(|text| Document::parse(text.as_bytes()).ok());
    let (Ok(template), Ok(live)) =
        (Document::parse(plan.applied.document.as_bytes()), Document::parse_relaxed(plan.at_rest.as_bytes()))
    else {
        return Vec::new();
    };
    let touched = plan.patch.0.iter().map(|operation| operation.path().clone()).collect();
    let mut comparison = Comparison { touched, is_shared, changes: Vec::new() };
    comparison.both(&Pointer::root(), earlier.as_ref().map(Document::root), template.root(), live.root());
    comparison.changes
}

struct Comparison<'a> {
    /// Where the next render writes.
    touched: HashSet<Pointer>,
    is_shared: &'a dyn Fn(&Pointer, &Pointer) -> bool,
    changes: Vec<Change>,
}

// The recursion is as deep as the template, which is bounded.
impl Comparison<'_> {
    /// A place that the template and the live file both have.
    fn both(&mut self, at: &Pointer, base: Option<Node<'_>>, template: Node<'_>, live: Node<'_>) {
        if template.kind() == Kind::Object && live.kind() == Kind::Object {
            return self.members(at, base, template, live);
        }
        if template.same_value(&live) {
            return;
        }
        let author = match base {
            Some(base) if base.same_value(&template) => Author::Host,
            Some(base) if base.same_value(&live) => Author::Template,
            _ => Author::Both,
        };
        self.note(at, author, Did::Changed, Some(template), Some(live));
    }

    fn members(&mut self, at: &Pointer, base: Option<Node<'_>>, template: Node<'_>, live: Node<'_>) {
        let before: HashMap<String, Node<'_>> = base.map(ordered).unwrap_or_default().into_iter().collect();
        let (wanted, found) = (ordered(template), ordered(live));
        let by_name: HashMap<&str, Node<'_>> = found.iter().map(|(name, node)| (name.as_str(), *node)).collect();
        for (name, template) in &wanted {
            let (here, base) = (at.child(name), before.get(name).copied());
            match by_name.get(name.as_str()) {
                Some(live) => self.both(&here, base, *template, *live),
                None => {
                    let (author, did) = match base {
                        Some(base) if base.same_value(template) => (Author::Host, Did::Removed),
                        Some(_) => (Author::Both, Did::Changed),
                        None => (Author::Template, Did::Added),
                    };
                    self.note(&here, author, did, Some(*template), None);
                }
            }
        }
        let known: HashSet<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
        for (name, live) in found.iter().filter(|(name, _)| !known.contains(name.as_str())) {
            let (here, live) = (at.child(name), *live);
            match before.get(name) {
                None if (self.is_shared)(at, &here) => {
                    self.note(&here, Author::Host, Did::Added, None, Some(live));
                }
                None => {}
                Some(base) => {
                    let is_as_merged = base.same_value(&live);
                    let (author, did) =
                        if is_as_merged { (Author::Template, Did::Removed) } else { (Author::Both, Did::Changed) };
                    // What the template never wrote there it does not take away either.
                    if !is_as_merged || self.next(&here) == Next::Template {
                        self.note(&here, author, did, None, Some(live));
                    }
                }
            }
        }
    }

    fn next(&self, at: &Pointer) -> Next {
        let mut above = std::iter::successors(Some(at.clone()), Pointer::parent);
        let is_touched = above.any(|above| self.touched.contains(&above))
            || self.touched.iter().any(|touched| touched.is_within(at));
        if is_touched { Next::Template } else { Next::Live }
    }

    fn note(&mut self, at: &Pointer, author: Author, did: Did, template: Option<Node<'_>>, live: Option<Node<'_>>) {
        let raw = |node: Option<Node<'_>>| node.map(|node| node.plain().into_owned());
        let (next, template, live) = (self.next(at), raw(template), raw(live));
        self.changes.push(Change { pointer: at.clone(), author, did, next, template, live });
    }
}

/// The members of an object in order, of duplicates the last; one with a lone surrogate in its name can't be named.
fn ordered(object: Node<'_>) -> Vec<(String, Node<'_>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut members: Vec<(String, Node<'_>)> = Vec::new();
    for member in object.members() {
        let Some(name) = member.key.as_str().map(std::borrow::Cow::into_owned) else { continue };
        match places.get(&name).and_then(|place| members.get_mut(*place)) {
            Some((_, value)) => *value = member.value,
            None => {
                places.insert(name.clone(), members.len());
                members.push((name, member.value));
            }
        }
    }
    members
}

/// Which authors' changes lie in which lines of a text at rest and of its next placeholder form: a difference's hunk is
/// theirs. Lines count from 0.
#[must_use]
pub fn authors_of_lines(changes: &[Change], plan: &RenderPlan) -> [Vec<(std::ops::Range<usize>, Author)>; 2] {
    [&plan.at_rest, &plan.placeholder_form].map(|text| {
        let Ok(document) = Document::parse_relaxed(text.as_bytes()) else { return Vec::new() };
        let theirs: Vec<&Change> = changes.iter().filter(|change| change.next == Next::Template).collect();
        let places: Vec<Pointer> = theirs.iter().map(|change| change.pointer.clone()).collect();
        let line =
            |offset: usize| memchr::memchr_iter(b'\n', text.as_bytes().get(..offset).unwrap_or_default()).count();
        let lines = |(change, node): (&Change, Option<Node<'_>>)| {
            let span = node?.span();
            Some((line(span.start)..line(span.end) + 1, change.author))
        };
        theirs.into_iter().zip(document.find_all(&places)).filter_map(lines).collect()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::journal::Key;
    use crate::plan::OnConflict;
    use crate::plan::render::{Inputs, plan_render};
    use crate::plan::sync::Applied;
    use crate::secret::Secret;
    use crate::template::{Blueprint, Reference};

    /// Each difference in one line: author, what was done, where, and whose value the next render leaves there.
    fn said(earlier: Option<&str>, template: &str, live: &str) -> Vec<String> {
        let blueprint = Blueprint { document: template.to_owned(), slots: Vec::new() };
        let applied = earlier.map(|document| Applied {
            document: document.to_owned(),
            written: ["/a", "/o", "/o/x", "/o/y"].map(|at| Pointer::parse(at).unwrap()).to_vec(),
        });
        let inputs = Inputs {
            blueprint: &blueprint,
            journal: None,
            earlier: applied.as_ref(),
            on_conflict: OnConflict::Keep,
            key: &Key::new([0; 32]),
            grants: None,
            merges_starts: false,
            wrapping: None,
            is_state: &|_, _| false,
            value: |_: &Reference| None::<&Secret>,
        };
        let plan = plan_render(live.as_bytes(), &inputs).unwrap();
        let one =
            |change: &Change| format!("{} {:?} {} {:?}", change.author.name(), change.did, change.pointer, change.next);
        changes(earlier, &plan, &|object, _| *object != Pointer::root()).iter().map(one).collect()
    }

    #[test]
    fn each_difference_has_its_author() {
        let was = r#"{"a":1,"o":{"x":1,"y":1}}"#;
        assert!(said(Some(was), was, was).is_empty());
        assert_eq!(said(Some(was), r#"{"a":2,"o":{"x":1,"y":1}}"#, was), ["template Changed /a Template"]);
        assert_eq!(said(Some(was), was, r#"{"a":2,"o":{"x":1,"y":1}}"#), ["host Changed /a Template"]);
        assert_eq!(
            said(Some(was), r#"{"a":3,"o":{"x":1,"y":1}}"#, r#"{"a":2,"o":{"x":1,"y":1}}"#),
            ["both Changed /a Template"]
        );
        assert_eq!(said(Some(was), was, r#"{"a":1,"o":{"x":1}}"#), ["host Removed /o/y Template"]);
        assert_eq!(said(Some(was), r#"{"a":1,"o":{"x":1}}"#, was), ["template Removed /o/y Template"]);
        assert_eq!(said(Some(was), was, r#"{"a":1,"b":1,"o":{"x":1,"y":1,"z":1}}"#), ["host Added /o/z Live"]);
        assert_eq!(said(None, was, r#"{"a":2}"#), ["both Changed /a Template", "template Added /o Template"]);
    }
}
