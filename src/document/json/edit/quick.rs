//! The short way: patches that only replace scalars and test, as insert and undo patches do.

use crate::document::edit::splice_borrowed;
use crate::document::edit::{EditError, Operation, Patch, trim};
use crate::document::json::locate::{Id, Trie};
use crate::document::json::node::checked_value;
use crate::document::{Document, Span};

/// Applies a patch of replacements and tests that do not touch each other, in one pass to find and one to write;
/// `None` if it is another kind of patch.
pub(super) fn apply(document: &Document<'_>, patch: &Patch) -> Option<Result<String, EditError>> {
    let splices = replacements(document, patch)?;
    Some(splices.map(|splices| splice_borrowed(document.text(), splices)))
}

/// Where such a patch puts which of its values, once its tests have passed.
pub(in crate::document) fn replacements<'p>(
    document: &Document<'_>,
    patch: &'p Patch,
) -> Option<Result<Vec<(Span, &'p str)>, EditError>> {
    let mut trie = Trie::default();
    let mut ids = Vec::with_capacity(patch.0.len());
    for operation in &patch.0 {
        match operation {
            // How a container is laid out depends on what is around it.
            Operation::Replace { value, .. } if trim(value).len() > 2 && trim(value).starts_with(['{', '[']) => {
                return None;
            }
            Operation::Replace { path, .. } | Operation::Test { path, .. } => ids.push(trie.insert(path)),
            _ => return None,
        }
    }
    if !independent(&trie, patch, &ids) {
        return None;
    }
    let found = trie.locate(document.text(), document.root().span().start);
    let mut splices = Vec::with_capacity(ids.len());
    for (operation, id) in patch.0.iter().zip(ids) {
        let Some(span) = found.get(id) else {
            return Some(Err(EditError::NotFound { path: operation.path().clone() }));
        };
        let value = operation.value().map(trim).unwrap_or_default();
        if matches!(operation, Operation::Replace { .. }) {
            splices.push((span, value));
        } else if !checked_value(document.text(), span.start).same_value(&checked_value(value, 0)) {
            return Some(Err(EditError::TestFailed { path: operation.path().clone() }));
        }
    }
    Some(Ok(splices))
}

/// Whether no operation comes at, above or below a value that was replaced before it.
fn independent(trie: &Trie<'_>, patch: &Patch, ids: &[Id]) -> bool {
    // By trie node: something was replaced here; something was replaced below.
    let mut replaced = vec![(false, false); trie.len()];
    patch.0.iter().zip(ids).all(|(operation, &id)| {
        let mut touched = replaced.get(id).is_none_or(|node| node.0 || node.1);
        let replaces = matches!(operation, Operation::Replace { .. });
        if replaces && let Some(node) = replaced.get_mut(id) {
            node.0 = true;
        }
        let mut at = id;
        while at != 0 && !touched {
            at = trie.parent(at);
            if let Some(node) = replaced.get_mut(at) {
                touched = node.0;
                node.1 |= replaces;
            }
        }
        !touched
    })
}
