//! What an import leaves behind, over generated configs: nothing that `check` knows, and no part of a key.

#[path = "../../../tests/support/planted.rs"]
mod configs;

use super::*;
use crate::journal::escape::unescape;
use crate::lint::finds;
use configs::{planted, planted_once};

/// This many configs are made.
const CASES: u64 = 3000;
/// A piece of a key with this many characters is not in a text by chance.
const PIECE: usize = 12;

/// This many pieces at either end of a block are enough to recognise it.
const FRAME: usize = 5;

/// Whether pieces of a value are in a text: all, some or none.
fn pieces(value: &str, text: &str) -> (usize, usize) {
    let chars: Vec<char> = value.chars().collect();
    let all: Vec<String> = chars.chunks_exact(PIECE).map(|piece| piece.iter().collect()).collect();
    // What all keys of a format begin and end with is not part of one.
    let is_framed = ["LS0t", "----", "PuTTY"].iter().any(|start| value.starts_with(start));
    let edge = if is_framed { FRAME } else { 0 };
    let inside = all.len().saturating_sub(edge);
    let all: Vec<String> = all.into_iter().take(inside).skip(edge).collect();
    let plain = String::from_utf8(unescape(text.as_bytes())).unwrap();
    (all.iter().filter(|piece| plain.contains(piece.as_str()) || text.contains(piece.as_str())).count(), all.len())
}

#[test]
fn check_finds_nothing_in_the_outcome_of_an_import_that_leaves_nothing_to_a_person() {
    let (mut clean, mut told, mut refused) = (0, 0, 0);
    for number in 0..CASES {
        let config = planted(number);
        let text = config.text.as_bytes();
        let plan = plan(text, &Selection::default(), &mut |_| ()).unwrap();
        let document = target(text).unwrap();
        let (outcome, own) = (plan.outcome(&document), plan.own(&[]));
        let said = || format!("config {number}\n{}\n{}\n{:?}", config.text, outcome.as_str(), plan.left);
        let is_named = plan.left.iter().any(|left| left.why == Why::InName);
        for extent in [Extent::Parts, Extent::Whole] {
            let template = plan.template(&document, extent, "~/.claude.json");
            let found = finds(&template, &own);
            // The name of a member is the one thing that a template can't leave out: such an import is refused.
            assert!(found.is_empty() || is_named, "{found:?} in {template}\n{}", said());
            refused += usize::from(!found.is_empty());
        }
        let found = finds(&outcome, &own);
        assert!(found.is_empty() || !plan.left.is_empty(), "{found:?}\n{}", said());
        if plan.left.is_empty() {
            clean += 1;
        } else {
            told += 1;
        }
        for finding in &plan.findings {
            let there = document.find(&finding.pointer).and_then(|node| node.as_str());
            assert_eq!(there.as_deref(), Some(plan.rendered(finding).expose()), "{}", said());
        }
    }
    assert!(clean > CASES / 3 && told > 0, "{clean} clean, {told} told, {refused} refused");
}

#[test]
fn of_a_secret_no_part_is_left_and_under_a_telling_name_nothing() {
    for number in 0..CASES {
        let config = planted_once(number);
        let plan = plan(config.text.as_bytes(), &Selection::default(), &mut |_| ()).unwrap();
        if !plan.left.is_empty() {
            continue;
        }
        let outcome = plan.outcome(&target(config.text.as_bytes()).unwrap());
        for (value, is_told) in &config.secrets {
            let (there, all) = pieces(value, &outcome);
            assert!(
                there == 0 || (there == all && !is_told),
                "config {number}: {value} is left\n{}\n{}",
                config.text,
                outcome.as_str()
            );
        }
    }
}
