//! Looks through the name of a file: it goes into lists, logs and commits as it is.
//!
//! Only formats that are certain and the user's own secrets count: words in a path look random often enough.

use super::decode::Encoding;
use super::finding::{Finding, Kind};
use super::search::{Known, places};
use std::path::{Path, PathBuf};

/// What is in a path that must not be there; `name` is what a baseline calls the file.
#[must_use]
pub fn findings(known: &Known<'_>, file: &Path, name: &Path) -> Vec<Finding> {
    let text = file.to_string_lossy();
    let finding = |(range, kind): (_, Kind)| {
        let value = text.as_bytes().get::<std::ops::Range<usize>>(range).unwrap_or_default();
        let print = kind.may_be_known().then(|| known.baseline().print(kind.rule(), name, value));
        let (shown, kind) = (kind.redacted(value), Kind::InName(Box::new(kind)));
        Finding { file: file.to_owned(), line: 1, column: 1, kind, shown, print }
    };
    places(text.as_bytes(), known, Encoding::Binary).into_iter().map(finding).collect()
}

/// The path as it may be shown, if that is another one.
#[must_use]
pub fn redacted(known: &Known<'_>, file: &Path) -> Option<PathBuf> {
    let text = file.to_string_lossy();
    let found = places(text.as_bytes(), known, Encoding::Binary);
    let (mut shown, mut rest) = (String::with_capacity(text.len()), 0);
    for (range, kind) in &found {
        shown.push_str(text.get(rest..range.start).unwrap_or_default());
        shown.push_str(&kind.redacted(text.as_bytes().get(range.clone()).unwrap_or_default()));
        rest = range.end;
    }
    shown.push_str(text.get(rest..).unwrap_or_default());
    (!found.is_empty()).then(|| shown.into())
}
