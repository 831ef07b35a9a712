//! From the strings that hold secrets to a plan: what is wanted, what it is called, which values are equal.

use super::naming::{self, Names};
use super::place::Place;
use super::split::Split;
use super::{Finding, Found, ImportPlan, Left, Piece, Selection, Why};
use crate::document::{Document, Kind, Node, Pointer};
use std::collections::{HashMap, HashSet};
use zeroize::Zeroizing;

/// A string that holds a secret.
pub(super) struct Setting {
    pub(super) pointer: Pointer,
    pub(super) start: usize,
    pub(super) text: Zeroizing<String>,
    pub(super) canonical: bool,
    pub(super) place: Place,
    pub(super) split: Split,
}

impl Setting {
    /// Whether all of it is secret.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.split.parts.as_slice(), [part] if part.range == (0..self.text.len()))
    }
}

/// Makes the plan of what was met.
pub(super) fn assemble(
    document: &Document<'_>,
    met: &[Setting],
    mut left: Vec<Left>,
    wanted: &Selection,
) -> ImportPlan {
    // Of duplicate members the last is what everybody reads; no template can name the others.
    let pointers: Vec<Pointer> = met.iter().map(|met| met.pointer.clone()).collect();
    let visible = document.find_all(&pointers);
    let is_hidden = |(node, met): (&Option<Node<'_>>, &Setting)| node.is_none_or(|node| node.span().start != met.start);
    let mut why: Vec<Option<Why>> =
        visible.iter().zip(met).map(|pair| is_hidden(pair).then_some(Why::Hidden)).collect();
    let mentioned: Vec<&Pointer> = pointers.iter().chain(left.iter().map(|left| &left.pointer)).collect();
    let mut plan = ImportPlan { lists: lists(document, &mentioned), ..ImportPlan::default() };
    let mut proposed = Vec::new();
    for (met, why) in met.iter().zip(&mut why) {
        let all: Vec<naming::Proposal> = met.split.parts.iter().map(|part| naming::propose(part, &met.place)).collect();
        if why.is_none() && !all.iter().any(|proposal| wanted.takes(&met.pointer, proposal.name())) {
            *why = Some(Why::Skipped);
        }
        proposed.push(all);
    }
    // A template owns a list whole or not at all.
    let cut: HashSet<Pointer> = met
        .iter()
        .zip(&why)
        .filter(|(_, why)| why.is_some())
        .filter_map(|(met, _)| plan.list_of(&met.pointer))
        .collect();
    let kept: HashSet<Pointer> = left.iter().filter_map(|left| plan.list_of(&left.pointer)).collect();
    for (met, why) in met.iter().zip(&mut why) {
        match plan.list_of(&met.pointer) {
            Some(list) if cut.contains(&list) => drop(why.get_or_insert(Why::Skipped)),
            Some(list) if kept.contains(&list) => drop(why.get_or_insert(Why::InText)),
            _ => {}
        }
    }
    let mut names = Names::default();
    let (mut secrets, mut by_value): (Vec<Found>, HashMap<blake3::Hash, usize>) = (Vec::new(), HashMap::new());
    let mut findings = Vec::new();
    for ((met, why), proposed) in met.iter().zip(&why).zip(proposed) {
        if why.is_some() {
            continue;
        }
        let (mut pieces, mut at) = (Vec::new(), 0);
        for (part, proposal) in met.split.parts.iter().zip(proposed) {
            let literal = met.text.get(at..part.range.start).unwrap_or_default();
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            at = part.range.end;
            let index = *by_value.entry(blake3::hash(part.value.expose().as_bytes())).or_insert_with(|| {
                let name = names.unique(proposal);
                secrets.push(Found {
                    name,
                    is_chosen: false,
                    value: part.value.clone(),
                    recognised: part.recognised.clone(),
                });
                secrets.len() - 1
            });
            pieces.push(Piece::Secret(index, part.encodings.clone()));
        }
        let tail = met.text.get(at..).unwrap_or_default();
        if !tail.is_empty() {
            pieces.push(Piece::Literal(tail.to_owned()));
        }
        findings.push(Finding { pointer: met.pointer.clone(), pieces, start: met.start, canonical: met.canonical });
    }
    let stays = met.iter().zip(&why).filter_map(|(met, why)| Some(Left { pointer: met.pointer.clone(), why: (*why)? }));
    left.extend(stays);
    plan = ImportPlan { secrets, findings, left, ..plan };
    plan.look_elsewhere(document, wanted);
    let stays: Vec<&Pointer> = plan.elsewhere.iter().chain(plan.left.iter().map(|left| &left.pointer)).collect();
    let more = lists(document, &stays);
    plan.lists.extend(more);
    plan
}

/// Which of the values above those places are lists; one pass.
fn lists(document: &Document<'_>, places: &[&Pointer]) -> HashSet<Pointer> {
    let above = |place: &&Pointer| std::iter::successors(place.parent(), Pointer::parent).collect::<Vec<_>>();
    let above: HashSet<Pointer> = places.iter().flat_map(above).collect();
    let above: Vec<Pointer> = above.into_iter().collect();
    let found = document.find_all(&above);
    let is_list = |node: &Option<Node<'_>>| node.is_some_and(|node| node.kind() == Kind::Array);
    above.into_iter().zip(found).filter(|(_, node)| is_list(node)).map(|(pointer, _)| pointer).collect()
}
