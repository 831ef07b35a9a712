//! The undo of a text as it is on disk: JSON, or what a torn write left of it.

use crate::document::edit;
use crate::journal::{Journal, Undo, undo, undo_raw};
use crate::plan::render::open;

/// The text without the secrets; `None` if there is none in it.
pub(super) fn undo_text(text: &[u8], journal: &Journal, damaged: &mut bool) -> (Undo, Option<Vec<u8>>) {
    // A copy's own name says nothing about its syntax.
    if let Ok(file) = open(&journal.named, text) {
        let mut undone = undo(&file.document(), journal);
        let splices = std::mem::take(&mut undone.splices);
        if splices.is_empty() {
            return (undone, None);
        }
        // Should the syntax have no way to write one, the secrets leave all the same, below.
        if let Ok(after) = file.splice(splices) {
            return (undone, Some(after.into_bytes()));
        }
    }
    // An empty file was emptied by somebody else, and holds nothing to repair.
    *damaged |= !text.is_empty();
    let mut undone = undo_raw(text, journal);
    let after = (!undone.splices.is_empty()).then(|| edit::splice_bytes(text, &std::mem::take(&mut undone.splices)));
    (undone, after)
}

/// The same with the journals that are completed with this one. Their secrets are in this one's slots, or nowhere.
pub(super) fn undo_earlier(text: &[u8], after: Option<Vec<u8>>, journal: &Journal) -> Option<Vec<u8>> {
    journal.earlier.iter().fold(after, |after, journal| {
        let undone = undo_text(after.as_deref().unwrap_or(text), journal, &mut false).1;
        undone.or(after)
    })
}
