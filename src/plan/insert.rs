//! Fills the slots: from placeholder form to rendered form, with the journal entries that take it back.

use crate::document::{Document, Pointer, Splice, string};
use crate::journal::escape::{may_hold, occurrences};
use crate::journal::fingerprint::{Finder, Fingerprint, Key};
use crate::journal::{Filled, FilledPart, Journal};
use crate::secret::{Query, Secret, SecretName};
use crate::template::{Part, Reference, Slot};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// The outcome of [`insert`].
#[derive(Debug, Default)]
pub struct Filling {
    /// What to replace in the placeholder form.
    pub splices: Vec<Splice>,
    /// What the journal records, in the order of the splices.
    pub slots: Vec<Filled>,
    /// Strings outside the slots that hold one of the secrets already.
    pub foreign: Vec<Pointer>,
}

/// Plans the filling of every slot whose place holds its placeholder; `value` knows each reference's secret. A slot
/// with a reference that has no value is left out.
pub fn insert<'s, 't>(
    placeholder_form: &Document<'_>,
    slots: impl IntoIterator<Item = &'t Slot>,
    key: &Key,
    value: impl Fn(&Reference) -> Option<&'s Secret>,
) -> Filling {
    let slots: Vec<&Slot> = slots.into_iter().collect();
    let pointers: Vec<Pointer> = slots.iter().map(|slot| slot.pointer.clone()).collect();
    let mut filling = Filling::default();
    let mut filled_spans = HashSet::new();
    for (slot, node) in slots.into_iter().zip(placeholder_form.find_all(&pointers)) {
        let Some(node) = node else { continue };
        let placeholder = slot.placeholder();
        if node.as_str().is_none_or(|text| text != placeholder) {
            continue;
        }
        let Some(rendered) = render(slot, &value) else { continue };
        let canonical = string::encode(&placeholder);
        let parts = slot.parts.iter().filter_map(|part| filled_part(part, key, &value)).collect();
        filled_spans.insert(node.span().start);
        filling.splices.push(Splice { span: node.span(), text: string::encode(&rendered) });
        filling.slots.push(Filled {
            pointer: slot.pointer.clone(),
            parts,
            whole: key.print(&rendered),
            at_rest: (node.raw() != canonical).then(|| node.raw().to_owned()),
        });
    }
    filling.foreign = foreign(placeholder_form, &filling.slots, key, &filled_spans);
    filling
}

/// The whole rendered text of a slot; `None` if a value is missing.
#[must_use]
pub fn render<'s>(slot: &Slot, value: &impl Fn(&Reference) -> Option<&'s Secret>) -> Option<Zeroizing<String>> {
    fill(&slot.parts, value)
}

/// The same of a text in its parts, wherever it is.
#[must_use]
pub fn fill<'s>(parts: &[Part], value: &impl Fn(&Reference) -> Option<&'s Secret>) -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Secret(reference) => text.push_str(&encoded(reference, value(reference)?)),
        }
    }
    Some(text)
}

/// Whether any slot of a journal holds another value of a secret than this one.
pub fn filled_with_another(journal: &Journal, name: &SecretName, value: &Secret) -> bool {
    journal.slots.iter().flat_map(Filled::secrets).any(|(placeholder, fingerprint)| {
        let reference = Reference::parse(placeholder);
        reference.is_some_and(|reference| {
            reference.source.query().and_then(Query::name) == Some(name)
                && !fingerprint.matches(&journal.key, &encoded(&reference, value))
        })
    })
}

/// A secret after the reference's encodings.
fn encoded(reference: &Reference, secret: &Secret) -> Zeroizing<String> {
    let plain = Zeroizing::new(secret.expose().to_owned());
    reference.encodings.iter().fold(plain, |text, encoding| Zeroizing::new(encoding.apply(&text)))
}

fn filled_part<'s>(part: &Part, key: &Key, value: &impl Fn(&Reference) -> Option<&'s Secret>) -> Option<FilledPart> {
    Some(match part {
        Part::Literal(text) => FilledPart::Literal(text.clone()),
        Part::Secret(reference) => FilledPart::Secret {
            placeholder: reference.to_string(),
            fingerprint: key.print(&encoded(reference, value(reference)?)),
        },
    })
}

/// Where one of the secrets is already, outside the slots about to be filled.
fn foreign(document: &Document<'_>, slots: &[Filled], key: &Key, filled: &HashSet<usize>) -> Vec<Pointer> {
    let prints: Vec<&Fingerprint> = slots.iter().flat_map(Filled::secrets).map(|(_, print)| print).collect();
    let finder = Finder::new(key, prints.into_iter().map(|print| (print, ())));
    let mut pointers = Vec::new();
    if !may_hold(&finder, document.text().as_bytes()) {
        return pointers;
    }
    document.strings(|token| {
        let raw = token.node.raw();
        if !filled.contains(&token.node.span().start) && !occurrences(&finder, raw.as_bytes()).is_empty() {
            pointers.push(token.pointer());
        }
    });
    pointers
}
