//! The undo of a text as it stands on disk: JSON, or what a torn write left of it.

use crate::document::edit;
use crate::journal::{Journal, Undo, undo, undo_raw};
use crate::plan::render::target as check_target;

/// The text with the secrets out; `None` if there is none in it.
pub(super) fn undo_text(text: &[u8], journal: &Journal, damaged: &mut bool) -> (Undo, Option<Vec<u8>>) {
    let mut undone = match check_target(text) {
        Ok(document) => undo(&document, journal),
        Err(_) => {
            // An empty file was emptied by somebody else, and holds nothing to repair.
            *damaged |= !text.is_empty();
            undo_raw(text, journal)
        }
    };
    let after = (!undone.splices.is_empty()).then(|| edit::splice_bytes(text, &std::mem::take(&mut undone.splices)));
    (undone, after)
}

/// The same by the journals that are paid with this one. What they owe stands in this one's slots, or nowhere.
pub(super) fn undo_earlier(text: &[u8], after: Option<Vec<u8>>, journal: &Journal) -> Option<Vec<u8>> {
    journal.earlier.iter().fold(after, |after, journal| {
        let undone = undo_text(after.as_deref().unwrap_or(text), journal, &mut false).1;
        undone.or(after)
    })
}
