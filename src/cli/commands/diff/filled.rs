//! What is filled now, redacted: the way from the placeholder form to the rendered form.

use super::{Difference, compare, patch_json};
use crate::cli::error::CommandError;
use crate::cli::report::Report;
use crate::document::{Patch, edit};
use crate::host::Resolved;
use crate::journal::{Undo, undo};
use crate::plan::render::open;
use crate::session::{Session, SessionError, Target};
use serde_json::json;

/// What stands for a secret.
const SECRET: &str = "[secret]";

pub(super) fn of(report: &Report, session: &Session<'_>, target: &Target) -> Result<Difference, CommandError> {
    let name = report.path(&target.path);
    let sides = ("at rest", "rendered");
    let journal = session.journal(&target.path)?;
    let text = Resolved::follow(&target.path).and_then(|file| file.read()).map_err(SessionError::from)?;
    let (Some(journal), Some(text)) = (journal, text) else {
        let json = json!({
            "target": target.name,
            "path": target.path.display().to_string(),
            "filled": [],
            "undo": [],
        });
        let (unified, stat, patch) = (String::new(), (0, 0), Patch::default());
        return Ok(Difference {
            name,
            sides,
            unified,
            stat,
            patch,
            json,
            changes: Vec::new(),
            withheld: Vec::new(),
            is_recorded: true,
        });
    };
    let file = open(&target.path, &text).map_err(|error| SessionError::Target { path: target.path.clone(), error })?;
    let document = file.document();
    // Where a slot was changed meanwhile, the user's new key may be.
    let Undo { splices, changed, .. } = undo(&document, &journal);
    let at_rest = edit::splice(document.text(), splices.clone());
    let hidden = splices.into_iter().map(|mut splice| {
        splice.text = redacted(&splice.text);
        splice
    });
    let rendered = edit::splice(document.text(), hidden.collect());
    let (unified, stat) = compare(&at_rest, &rendered, &changed, &|_, _| String::new());
    let json = json!({
        "target": target.name,
        "path": target.path.display().to_string(),
        "filled": journal.slots.iter().map(|slot| json!({
            "slot": slot.pointer.to_string(),
            "placeholder": slot.placeholder(),
        })).collect::<Vec<_>>(),
        "undo": patch_json(&journal.undo),
    });
    Ok(Difference {
        name,
        sides,
        unified,
        stat,
        patch: journal.undo,
        json,
        changes: Vec::new(),
        withheld: Vec::new(),
        is_recorded: true,
    })
}

/// A text at rest with its references struck out.
fn redacted(at_rest: &str) -> String {
    let mut shown = String::new();
    let mut rest = at_rest;
    while let Some((before, after)) = rest.split_once("<< ") {
        let Some((_, behind)) = after.split_once(" >>") else { break };
        shown.push_str(before);
        shown.push_str(SECRET);
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn what_surrounds_a_reference_is_shown_and_the_reference_is_not() {
        assert_eq!(redacted(r#""Bearer << keyring('a') >>, << env('B') >>.""#), r#""Bearer [secret], [secret].""#);
        assert_eq!(redacted("a << b"), "a << b");
    }
}
