//! One difference, of a pending render or of what is filled in.

use crate::consent::Flow;
use crate::document::{Patch, Pointer, json_patch};
use crate::plan::diff::{is_readable, stat, unified};
use crate::plan::threeway::{Author, Change};
use serde_json::Value;
use std::ops::Range;

/// What differs in one target: two texts without secrets, and the patch between them.
pub(super) struct Difference {
    /// The target's file, as the user names it.
    pub(super) name: String,
    /// What the two sides are called.
    pub(super) sides: (&'static str, &'static str),
    /// The unified difference; empty where lines are too long to be read.
    pub(super) unified: String,
    /// Lines that come and go.
    pub(super) stat: (usize, usize),
    pub(super) patch: Patch,
    /// Everything about it that `--json` shows.
    pub(super) json: Value,
    /// Who changed what.
    pub(super) changes: Vec<Change>,
    /// What the template would start, and is not allowed yet.
    pub(super) withheld: Vec<Flow>,
    /// Whether it is known what the last render made.
    pub(super) is_recorded: bool,
}

impl Difference {
    pub(super) fn differs(&self) -> bool {
        !(self.patch.0.is_empty() && self.changes.is_empty())
    }

    /// How many changes are whose: `template 1, host 2`.
    pub(super) fn authors(&self) -> String {
        let authors = [Author::Template, Author::Host, Author::Both].into_iter().filter_map(|author| {
            let number = self.changes.iter().filter(|change| change.author == author).count();
            (number > 0).then(|| format!("{} {number}", author.name()))
        });
        authors.collect::<Vec<_>>().join(", ")
    }
}

/// The patch as any tool has it; `null` if a value is in it that few can hold (half of a surrogate pair, hundreds of
/// levels).
pub(super) fn patch_json(patch: &Patch) -> Value {
    json_patch::Patch::try_from(patch).map(|patch| serde_json::to_value(patch).unwrap_or_default()).unwrap_or_default()
}

/// The unified difference if both texts are laid out in lines, and how many lines come and go.
pub(super) fn compare(
    before: &str,
    after: &str,
    places: &[Pointer],
    heading: &dyn Fn(Range<usize>, Range<usize>) -> String,
) -> (String, (usize, usize)) {
    let readable = is_readable(before) && is_readable(after);
    let unified = if readable { unified(before, after, places, heading) } else { String::new() };
    (unified, stat(before, after))
}
