//! What to do about keys that a model has seen.

use super::store::secret_command;
use crate::session::Left;
use crate::template::{Reference, Source};
use std::collections::BTreeSet;

/// So many keys are called by name.
const SHOWN: usize = 5;

/// How the value behind a placeholder is replaced.
pub(in crate::cli) fn rotate(placeholder: &str) -> String {
    let source = Reference::parse(placeholder).map(|reference| reference.source);
    match &source {
        Some(Source::Secret(query)) => match query.name() {
            Some(name) => format!("`{}`", secret_command("rotate", name, None)),
            None => "a new value, stored with the program that has it".to_owned(),
        },
        Some(Source::Env(name)) => format!("a new value for ${name}, where it is set"),
        None => "`keystencil secret rotate`".to_owned(),
    }
}

/// What to do about keys that were seen.
pub(in crate::cli) fn seen<'s>(placeholders: impl IntoIterator<Item = &'s str>) -> String {
    let all: BTreeSet<String> = placeholders.into_iter().map(rotate).collect();
    let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
    let more = if all.len() > SHOWN { format!(" and {} more", all.len() - SHOWN) } else { String::new() };
    let them = if all.len() == 1 { "it" } else { "each" };
    format!("revoke {them} where it was issued, and store the new value: {}{more}", shown.join(", "))
}

/// The same of a finding of `check --sessions`.
pub(super) fn finding(placeholder: &str) -> String {
    format!(
        "a model has seen it; give it a new value: {}. `keystencil check --sessions --clean` takes it out here",
        rotate(placeholder)
    )
}

/// What to do about a file that was not cleaned.
pub(in crate::cli) fn left(left: &Left) -> &'static str {
    match left {
        Left::Alive | Left::Open => "end that session, and try again",
        Left::Changed => "try again",
        Left::Unknown => "delete the file if you don't need that session any more",
        Left::Linked => "delete it, or take the key out by hand, where it really is",
        Left::NotOurs => "take the key out by hand, as its owner",
        Left::History => "delete it if you won't rewind that session",
        Left::Io(_) => "make the file and its folder readable and writable for yourself",
    }
}
