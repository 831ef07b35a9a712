//! Where else an imported secret is: in another string of the same server, which becomes a slot too, or in a text that
//! merely mentions it, where the placeholder stays. Base64 and percent-encoded forms count as well.

use super::place::Standing;
use super::{Finding, ImportPlan, Left, Piece, Selection, Why};
use crate::document::{Document, Node, Pointer, string};
use crate::journal::escape::{may_hold, occurrences};
use crate::journal::fingerprint::{Finder, Key, is_searched_for};
use crate::journal::{Filled, FilledPart};
use crate::secret::Secret;
use crate::template::Encoding;
use std::collections::HashSet;

impl ImportPlan {
    /// Where else one of the secrets is, and whether it leaves there too.
    pub(super) fn look_elsewhere(&mut self, document: &Document<'_>, wanted: &Selection) {
        // The key serves this one search.
        let key = Key::new([0x5a; 32]);
        let filled = [self.filled(&key), self.encoded_forms(&key)].concat();
        let prints = filled.iter().flat_map(Filled::secrets).map(|(_, print)| (print, ()));
        let finder = Finder::new(&key, prints);
        if !may_hold(&finder, document.text().as_bytes()) {
            return;
        }
        let slots: HashSet<usize> = self.findings.iter().map(|finding| finding.start).collect();
        let (mut elsewhere, mut left, mut more, mut halves) = (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        let units: HashSet<Pointer> = self.findings.iter().map(|finding| self.unit(&finding.pointer)).collect();
        // What stays is reported already, and is in no template.
        let stays = self.left.iter().filter(|left| matches!(left.why, Why::Skipped | Why::Hidden));
        let stays: HashSet<Pointer> = stays.map(|left| left.pointer.clone()).collect();
        document.strings(|token| {
            let is_slot = slots.contains(&token.node.span().start);
            if is_slot || occurrences(&finder, token.node.raw().as_bytes()).is_empty() {
                return;
            }
            let pointer = token.pointer();
            if token.is_key {
                // Its new name would be one that the host does not know.
                left.push(Left { pointer, why: Why::InName });
                return;
            }
            if stays.contains(&pointer) {
                return;
            }
            if !wanted.takes_text(&pointer) {
                left.push(Left { pointer, why: Why::Skipped });
                return;
            }
            let place = Standing::default().place(&pointer, token.key().is_none(), "");
            let is_visible = || document.find(&pointer).is_some_and(|node| node.span() == token.node.span());
            // A placeholder for good would be the end of a setting.
            if (place.is_setting() || units.iter().any(|unit| pointer.is_within(unit))) && is_visible() {
                match self.made_of(&token.node, &pointer) {
                    Some(finding) => more.push(finding),
                    None => drop(halves.insert(token.node.span().start)),
                }
            } else {
                elsewhere.push(pointer);
            }
        });
        self.halves = halves;
        self.findings.append(&mut more);
        self.findings.sort_by_key(|finding| finding.start);
        elsewhere.dedup();
        self.left.retain(|one| !elsewhere.contains(&one.pointer));
        left.retain(|one| !self.left.iter().any(|known| known.pointer == one.pointer));
        self.left.append(&mut left);
        self.elsewhere = elsewhere;
    }

    /// A string of a server that is made of secrets found elsewhere: a slot as well, since the template has it anyway.
    fn made_of(&self, node: &Node<'_>, pointer: &Pointer) -> Option<Finding> {
        let text = node.as_str()?;
        let mut pieces = Vec::new();
        let (mut at, mut literal) = (0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let starting = self.secrets.iter().enumerate().filter(|(_, found)| rest.starts_with(found.value.expose()));
            match starting.max_by_key(|(_, found)| found.value.expose().len()) {
                Some((index, found)) if is_searched_for(found.value.expose()) => {
                    if literal < at {
                        pieces.push(Piece::Literal(text.get(literal..at).unwrap_or_default().to_owned()));
                    }
                    pieces.push(Piece::Secret(index, Vec::new()));
                    at += found.value.expose().len();
                    literal = at;
                }
                _ => at += rest.chars().next().map_or(1, char::len_utf8),
            }
        }
        if literal < at {
            pieces.push(Piece::Literal(text.get(literal..at).unwrap_or_default().to_owned()));
        }
        let canonical = string::encode(&text) == node.raw();
        let is_made = pieces.iter().any(|piece| matches!(piece, Piece::Secret(..)));
        is_made.then(|| Finding { pointer: pointer.clone(), pieces, start: node.span().start, canonical })
    }

    /// Base64 and percent-encoded forms of the secrets, which are keys as much as the secrets themselves.
    #[must_use]
    pub fn encoded_forms(&self, key: &Key) -> Vec<Filled> {
        let long = self.secrets.iter().enumerate().filter(|(_, found)| is_searched_for(found.value.expose()));
        let form = |index: usize, value: &Secret, encoding: Encoding| {
            let encoded = Secret::new(encoding.apply(value.expose()));
            let placeholder = self.reference(index, &[encoding])?.to_string();
            let (whole, fingerprint) = (key.print(encoded.expose()), key.print(encoded.expose()));
            let parts = vec![FilledPart::Secret { placeholder, fingerprint }];
            (encoded != *value).then_some(Filled { pointer: Pointer::root(), parts, whole, at_rest: None })
        };
        long.flat_map(|(index, found)| {
            [Encoding::B64encode, Encoding::Urlencode].into_iter().filter_map(move |one| form(index, &found.value, one))
        })
        .collect()
    }
}
