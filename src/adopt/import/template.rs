//! The template of an import: the parts of the config that have keys, with references in their place.

use super::{Finding, ImportPlan, Left, Why};
use crate::adopt::literal;
use crate::document::{Document, Kind, Node, Pointer, string};
use crate::host::servers::server_ends;
use std::collections::{BTreeSet, HashMap, HashSet};

/// How much of the config the template has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// The servers with keys, and single settings that are keys.
    #[default]
    Parts,
    /// Everything.
    Whole,
}

impl ImportPlan {
    /// The text of a template from which a render of the config, once it is in placeholder form, is the config again.
    ///
    /// It is JSON as `JSON.stringify` lays it out, or the config's own text if that has comments, below a line that
    /// says where it is from. What looks like a delimiter of the template language in the config is written with an
    /// escape, so that it is text in the template too.
    #[must_use]
    pub fn template(&self, config: &Document<'_>, extent: Extent, from: &str) -> String {
        let slots: HashMap<&str, &Finding> =
            self.findings.iter().map(|finding| (finding.pointer.as_str(), finding)).collect();
        let units: BTreeSet<Pointer> = match extent {
            Extent::Whole => BTreeSet::from([Pointer::root()]),
            Extent::Parts => self.findings.iter().map(|finding| self.unit(&finding.pointer)).collect(),
        };
        let from: String = from.chars().filter(|char| !char.is_control() && *char != '<').collect();
        let omitted = self.omitted();
        if let Some(text) = self.commented(config, &units, &omitted) {
            return format!("// Made by `keystencil import` from {from}.\n{text}");
        }
        let mut writer = Writer { plan: self, slots, units, omitted, text: String::new() };
        writer.text.push_str("// Made by `keystencil import` from ");
        writer.text.push_str(&from);
        writer.text.push_str(".\n");
        writer.value(config.root(), &Pointer::root(), 0, false);
        writer.text.push('\n');
        writer.text
    }
}

impl ImportPlan {
    /// What a template has to own to own a slot: a whole server, or else a whole list, or else the string itself.
    pub(super) fn unit(&self, slot: &Pointer) -> Pointer {
        let mut at = Pointer::root();
        let tokens: Vec<_> = slot.tokens().collect();
        let server = server_ends(&tokens);
        for (index, token) in tokens.iter().enumerate() {
            if self.lists.contains(&at) || server == Some(index) {
                return at;
            }
            at.push(token);
        }
        at
    }

    /// What the template must not have, because a key stays there: that string, or the list it is in.
    fn omitted(&self) -> HashSet<Pointer> {
        let slots: HashSet<&Pointer> = self.findings.iter().map(|finding| &finding.pointer).collect();
        // The name of a member above a slot can't be left out: such a template is refused, with that line.
        let is_above = |left: &&Left| {
            left.why == Why::InName && self.findings.iter().any(|finding| finding.pointer.is_within(&left.pointer))
        };
        let stays = self.left.iter().filter(|left| !is_above(left)).map(|left| &left.pointer).chain(&self.elsewhere);
        // A hidden duplicate of a slot is not what the template names.
        let stays = stays.filter(|place| !slots.contains(place));
        stays.map(|place| self.list_of(place).unwrap_or_else(|| place.clone())).collect()
    }
}

struct Writer<'a> {
    plan: &'a ImportPlan,
    slots: HashMap<&'a str, &'a Finding>,
    units: BTreeSet<Pointer>,
    omitted: HashSet<Pointer>,
    text: String,
}

impl Writer<'_> {
    /// Writes a value; `taken` if all of it belongs to the template. The depth is that of a document which was parsed,
    /// and a template's is bounded, so one that is too deep ends as an error of the template.
    fn value(&mut self, node: Node<'_>, at: &Pointer, depth: usize, taken: bool) {
        let taken = taken || self.units.contains(at);
        if let Some(finding) = self.slots.get(at.as_str()).filter(|_| node.kind() == Kind::String) {
            self.text.push_str(&literal::of_parts(&self.plan.parts(finding)));
            return;
        }
        match node.kind() {
            Kind::Object => {
                // Of duplicates the last is the one that counts; a template can't have two.
                let mut members: Vec<(String, Node<'_>, Node<'_>)> = Vec::new();
                for member in node.members() {
                    let name = string::decode_lossy(member.key.raw()).into_owned();
                    members.retain(|(known, ..)| *known != name);
                    members.push((name, member.key, member.value));
                }
                members.retain(|(name, ..)| self.has(&at.child(name), taken));
                self.list('{', '}', depth, members.len(), |writer, index| {
                    let Some((name, key, value)) = members.get(index) else { return };
                    let key = literal::shielded(key.raw());
                    writer.text.push_str(&key);
                    writer.text.push_str(": ");
                    writer.value(*value, &at.child(name), depth + 1, taken);
                });
            }
            Kind::Array => {
                let items: Vec<Node<'_>> = node.items().collect();
                self.list('[', ']', depth, items.len(), |writer, index| {
                    if let Some(item) = items.get(index) {
                        writer.value(*item, &at.index(index), depth + 1, taken);
                    }
                });
            }
            // A placeholder that is there already is a reference.
            Kind::String => self.text.push_str(&literal::token(node)),
            Kind::Number | Kind::Bool | Kind::Null => self.text.push_str(node.raw()),
        }
    }

    fn has(&self, at: &Pointer, taken: bool) -> bool {
        (taken || self.units.iter().any(|unit| unit.is_within(at))) && !self.omitted.contains(at)
    }

    fn list(&mut self, open: char, close: char, depth: usize, count: usize, mut item: impl FnMut(&mut Self, usize)) {
        self.text.push(open);
        for index in 0..count {
            self.text.push_str(if index == 0 { "\n" } else { ",\n" });
            self.text.push_str(&"  ".repeat(depth + 1));
            item(self, index);
        }
        if count > 0 {
            self.text.push('\n');
            self.text.push_str(&"  ".repeat(depth));
        }
        self.text.push(close);
    }
}
