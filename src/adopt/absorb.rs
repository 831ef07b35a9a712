//! Brings what the host changed in the live file back into the template's text.
//!
//! A [`Hunk`] is one difference that is the host's doing. Each is applied on its own: the place is found by the
//! template's [`Trace`], the text is edited there, and the template is compiled again. Only if that gives exactly the
//! old outcome with this one change is the edit kept; otherwise the hunk is refused, and says where the user has to
//! edit. So conditions, loops and includes need no rules of their own, and comments and layout stay.
//!
//! No literal key may get into a template: what [`import`] would take for one is refused. Nothing here reads or writes
//! a file; [`crate::session`] does.

mod items;
mod place;
mod write;

use crate::adopt::import::{self, Selection};
use crate::document::{Document, Kind, Operation, Patch, Pointer, Splice, edit, string};
use crate::error::Place;
use crate::journal::fingerprint::is_searched_for;
use crate::plan::exposed::exposed;
use crate::plan::threeway::Change;
use crate::secret::Secret;
use crate::template::Variables;
use crate::template::trace::Trace;
use place::Edit;
use place::{edited, means};
use similar::{ChangeTag, TextDiff};
use write::{Layout, canonical};

/// One change of the host's that the template may take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// What differs. Its live value is as it should be in the template's outcome.
    pub change: Change,
}

/// Why a hunk can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It would bring a literal key into the template.
    Key {
        /// Where in the live file the key is.
        pointer: Pointer,
    },
    /// The template does not say this in plain text.
    ByHand {
        /// Where in the template.
        place: Place,
        /// What is there.
        why: &'static str,
    },
}

impl Hunk {
    /// The hunks of a comparison: what is not the template's own doing.
    #[must_use]
    pub fn of(changes: &[Change]) -> Vec<Self> {
        let hosts = changes.iter().filter(|change| change.is_hosts());
        hosts
            .map(|change| {
                let live = change.live.as_deref().map(canonical);
                Self { change: Change { live, ..change.clone() } }
            })
            .collect()
    }

    /// Whether the user asked for it.
    #[must_use]
    pub fn is_wanted(&self, selection: &Selection) -> bool {
        let name = self.change.pointer.last().unwrap_or_default();
        selection.takes(&self.change.pointer, &name)
    }

    /// Where literal keys are in what the template would take over.
    ///
    /// ```
    /// use keystencil::adopt::absorb::Hunk;
    /// use keystencil::plan::threeway::{Author, Change, Did, Next};
    /// let added = |value: &str| Hunk { change: Change {
    ///     pointer: keystencil::document::Pointer::parse("/mcpServers/a").unwrap(),
    ///     author: Author::Host, did: Did::Added, next: Next::Live, template: None, live: Some(value.to_owned()),
    /// } };
    /// assert!(added(r#"{"env": {"A_TOKEN": "<< keyring('a') >>"}}"#).keys().is_empty());
    /// assert_eq!(added(r#"{"env": {"A_TOKEN": "n0t-a-real-key-42"}}"#).keys().len(), 1);
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<Pointer> {
        let Some(live) = self.change.live.as_deref() else { return Vec::new() };
        let at = &self.change.pointer;
        // Where a reference is in the template, whatever is not a placeholder may be a key.
        let template = self.change.template.as_deref().unwrap_or_default();
        let mut keys: Vec<Pointer> =
            exposed(template.as_bytes(), live.as_bytes(), template.as_bytes()).iter().map(|_| at.clone()).collect();
        let (mut text, mut depth) = (String::with_capacity(live.len() + 64), 0);
        for name in at.tokens() {
            text.push('{');
            text.push_str(&string::encode(&name));
            text.push(':');
            depth += 1;
        }
        text.push_str(live);
        text.push_str(&"}".repeat(depth));
        match import::plan(text.as_bytes(), &Selection::default(), &mut |_| ()) {
            Ok(plan) => {
                keys.extend(plan.findings.into_iter().map(|finding| finding.pointer));
                keys.extend(plan.left.into_iter().map(|left| left.pointer));
                keys.extend(plan.elsewhere);
            }
            Err(_) => keys.push(at.clone()),
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Puts placeholders where values that the stores know are. Short ones only where they are a whole string.
    pub fn close(&mut self, known: &[(String, Secret)]) {
        let Some(live) = self.change.live.take() else { return };
        let mut splices = Vec::new();
        if let Ok(document) = Document::parse(live.as_bytes()) {
            document.strings(|token| {
                let Some(text) = token.node.as_str() else { return };
                let fits = |secret: &str| match is_searched_for(secret) {
                    false => !secret.is_empty() && text == secret,
                    true => text.contains(secret),
                };
                let found = known.iter().filter(|(_, secret)| fits(secret.expose()));
                let longest = found.max_by_key(|(_, secret)| secret.expose().len());
                if let Some((placeholder, secret)) = longest {
                    let text = text.replace(secret.expose(), placeholder);
                    splices.push(Splice { span: token.node.span(), text: string::encode(&text) });
                }
            });
        }
        self.change.live = Some(edit::splice(&live, splices));
    }

    /// How the template's value changes, line by line, with what looks like a key hidden: `-` is removed, `+` is added.
    #[must_use]
    pub fn lines(&self) -> Vec<(char, String)> {
        let name = string::encode(&self.change.pointer.last().unwrap_or_default());
        let text = |value: Option<&str>| {
            let shown = value.map(|value| crate::plan::diff::concealed(value, &self.change.pointer))?;
            let document = Document::parse(shown.as_bytes()).ok()?;
            let layout = Layout { newline: "\n", unit: "  ", indent: String::new(), lines: true };
            Some(format!("{name}: {}\n", write::value(document.root(), &layout)))
        };
        let keys = self.keys();
        let hidden = keys.contains(&self.change.pointer).then(|| format!("{name}: \"[redacted]\"\n"));
        let (old, new) = (text(self.change.template.as_deref()), hidden.or_else(|| text(self.change.live.as_deref())));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let sign = |tag| match tag {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        diff.iter_all_changes().map(|line| (sign(line.tag()), line.value().trim_end().to_owned())).collect()
    }

    /// The template with this hunk in it.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn apply(&self, template: &Trace, variables: &Variables) -> Result<Trace, Refusal> {
        if let Some(pointer) = self.keys().into_iter().next() {
            return Err(Refusal::Key { pointer });
        }
        let at = &self.change.pointer;
        let by_hand = |why| Refusal::ByHand { place: template.place(at), why };
        let here = Document::parse(template.blueprint.document.as_bytes()).ok();
        let here = here.as_ref().and_then(|document| document.find(at));
        let operation = match (here, &self.change.live) {
            (None, None) => return Ok(template.clone()),
            (Some(_), None) => Operation::Remove { path: at.clone() },
            (None, Some(live)) => Operation::Add { path: at.clone(), value: live.clone() },
            (Some(_), Some(live)) => Operation::Replace { path: at.clone(), value: live.clone() },
        };
        let wanted = edit::apply(&template.blueprint.document, &Patch(vec![operation]))
            .map_err(|_| by_hand("the object that would hold it is missing"))?;
        let edited = match &self.change.live {
            None => {
                let before = neighbour(template, at);
                first(template, place::remove(template, at, before.as_ref()), &wanted, variables)
            }
            Some(live) if here.is_none() => self.add(template, live, &wanted, variables),
            Some(live) => items::edit(template, at, live, &wanted, variables)
                .or_else(|| first(template, place::replace(template, at, live), &wanted, variables)),
        };
        edited.ok_or_else(|| match template.placed(at).or_else(|| template.placed(&at.parent()?)) {
            None => by_hand("an expression, a macro or a variable produces this part"),
            Some(placed) if !template.is_plain(placed) => by_hand("a condition, a loop or an expression is part of it"),
            Some(_) => by_hand("this text produces more than one place in the file"),
        })
    }

    fn add(&self, template: &Trace, live: &str, wanted: &str, variables: &Variables) -> Option<Trace> {
        let into = self.change.pointer.parent()?;
        let name = self.change.pointer.last()?;
        let document = Document::parse(template.blueprint.document.as_bytes()).ok()?;
        let members: Vec<Pointer> =
            document.find(&into)?.members().filter_map(|member| Some(into.child(&member.key.as_str()?))).collect();
        let behind = members.last();
        first(template, place::insert(template, &into, behind, Some(&name), live), wanted, variables)
    }
}

/// The member or item before one.
fn neighbour(template: &Trace, at: &Pointer) -> Option<Pointer> {
    let document = Document::parse(template.blueprint.document.as_bytes()).ok()?;
    let parent = at.parent()?;
    let around = document.find(&parent)?;
    if around.kind() == Kind::Array {
        let index: usize = at.last()?.parse().ok()?;
        return Some(parent.index(index.checked_sub(1)?));
    }
    let names: Vec<String> = around.members().filter_map(|member| Some(member.key.as_str()?.into_owned())).collect();
    let index = names.iter().position(|name| *name == *at.last().unwrap_or_default())?;
    names.get(index.checked_sub(1)?).map(|name| parent.child(name))
}

/// The first edit that compiles to what is wanted.
fn first(
    template: &Trace,
    edits: impl IntoIterator<Item = Edit>,
    wanted: &str,
    variables: &Variables,
) -> Option<Trace> {
    edits.into_iter().find_map(|edit| edited(template, edit, variables).filter(|new| means(new, wanted)))
}
