//! The template of a config with comments: the config's own text, with references in it, without the parts that have no
//! keys. So its comments stay where they are. One that has a key in it becomes a comment that there was one.

use super::{Found, ImportPlan};
use crate::adopt::literal;
use crate::document::{Document, Node, Operation, Patch, Pointer, Span, Splice, edit};
use crate::lint::finds;
use crate::scan::keylike::comment_holds_key;
use std::collections::{BTreeSet, HashMap, HashSet};
use zeroize::Zeroizing;

/// The byte order mark, which no template has.
const BOM: char = '\u{feff}';

impl ImportPlan {
    /// The template's text; `None` if the config has no comments, or names a member twice, which no template can.
    pub(super) fn commented(
        &self,
        config: &Document<'_>,
        units: &BTreeSet<Pointer>,
        omitted: &HashSet<Pointer>,
    ) -> Option<String> {
        config.comments().next()?;
        let by_start: HashMap<usize, _> = self.findings.iter().map(|finding| (finding.start, finding)).collect();
        let mut splices = Vec::new();
        let mut names: HashSet<Pointer> = HashSet::new();
        let mut is_double = false;
        config.strings(|token| {
            let node = token.node;
            let text = match by_start.get(&node.span().start) {
                _ if token.is_key => {
                    is_double |= !names.insert(token.pointer());
                    literal::shielded(node.raw())
                }
                Some(finding) => literal::of_parts(&self.parts(finding)),
                None => literal::token(node),
            };
            if text != node.raw() {
                splices.push(Splice { span: node.span(), text });
            }
        });
        let own = self.own(&[]);
        let comment = |(number, span): (usize, Span)| {
            let text = config.text().get(span.clone()).unwrap_or_default();
            let shown = if self.comments.contains(&number) || self.has_key(text) || !finds(text, &own).is_empty() {
                blank(text).to_owned()
            } else {
                shielded(text)
            };
            (shown != text).then_some(Splice { span, text: shown })
        };
        splices.extend(config.comments().enumerate().filter_map(comment));
        let text = edit::splice(config.text(), splices);
        let mut patch = Patch::default();
        let keeps = |at: &Pointer| units.iter().any(|unit| unit.is_within(at) || at.is_within(unit));
        remove(config.root(), &Pointer::root(), &|at| keeps(at) && !omitted.contains(at), &mut patch);
        if is_double {
            return None;
        }
        let text = edit::apply(text.trim_start_matches(BOM), &patch).ok()?;
        Some(if text.ends_with('\n') { text } else { text + "\n" })
    }

    /// The lines of comments with a key that is not imported.
    pub(super) fn commented_keys(&self, config: &Document<'_>) -> Vec<usize> {
        let stays = |text: &str| {
            let without = |text: String, found: &Found| text.replace(found.value.expose(), "<<");
            comment_holds_key(&Zeroizing::new(self.secrets.iter().fold(text.to_owned(), without)))
        };
        let found = config.comments().filter(|span| stays(config.text().get(span.clone()).unwrap_or_default()));
        found.map(|span| config.position(span.start).0).collect()
    }

    fn has_key(&self, comment: &str) -> bool {
        comment_holds_key(comment) || self.secrets.iter().any(|found| comment.contains(found.value.expose()))
    }
}

/// What has to be removed so that only what is kept is left. As deep as the document, which comes from a file that
/// people write.
fn remove(node: Node<'_>, at: &Pointer, keeps: &dyn Fn(&Pointer) -> bool, patch: &mut Patch) {
    for member in node.members() {
        let Some(name) = member.key.as_str() else { continue };
        let below = at.child(&name);
        match keeps(&below) {
            true => remove(member.value, &below, keeps, patch),
            false => patch.0.push(Operation::Remove { path: below }),
        }
    }
}

/// A comment in the place of one with a key.
fn blank(comment: &str) -> &'static str {
    if comment.starts_with("//") { "// (a key was here)" } else { "/* (a key was here) */" }
}

/// A comment in which nothing can be taken for a delimiter of the template language.
fn shielded(comment: &str) -> String {
    let mut text = String::with_capacity(comment.len());
    let mut chars = comment.chars().peekable();
    while let Some(char) = chars.next() {
        text.push(char);
        if char == '<' && matches!(chars.peek(), Some('<' | '%' | '#')) {
            text.push(' ');
        }
    }
    text
}
