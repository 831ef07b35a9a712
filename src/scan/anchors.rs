//! The words and signs at which the search stops to look closer.

use crate::scan::filter::{self, Anchor};

/// Parts of names that tell of a secret: where one is, the whole name is asked.
pub(super) const TELLING: [&str; 15] = [
    "key",
    "token",
    "secret",
    "passw",
    "passp",
    "_pass",
    "pwd",
    "cred",
    "authoriz",
    "dsn",
    "psk",
    "jwt",
    "_auth",
    "signature",
    "smtppass",
];

/// The number of the anchors of names, and of URLs; rules have the numbers from 0.
pub(super) const NAME: usize = usize::MAX;

pub(super) const URL: usize = usize::MAX - 1;

pub(super) fn anchors() -> impl Iterator<Item = Anchor> {
    let names = TELLING.iter().filter_map(|word| filter::of_text(NAME, word.as_bytes(), (0, 0)));
    names.chain(filter::of_text(URL, b"://", (0, 0))).map(|(_, anchor)| anchor)
}
