//! What a render would change, and who changed what since the last one.

use super::{Difference, compare, patch_json};
use crate::cli::error::CommandError;
use crate::cli::report::{Report, Warning};
use crate::consent::Flow;
use crate::error::Place;
use crate::plan::threeway::{Author, Change, Did, Next, authors_of_lines};
use crate::session::{Session, Target};
use serde_json::{Value, json};
use std::ops::Range;

pub(super) fn of(report: &Report, session: &Session<'_>, target: &Target) -> Result<Difference, CommandError> {
    let compared = session.open(target)?.compare(&|_| false)?;
    let (plan, changes) = (compared.plan, compared.changes);
    let conflicts = plan.conflicts.iter().map(|conflict| conflict.pointer.clone());
    let places: Vec<_> = conflicts.chain(plan.undone.changed.iter().cloned()).collect();
    let [old_lines, new_lines] = authors_of_lines(&changes, &plan);
    let heading = |old: Range<usize>, new: Range<usize>| {
        let inside = |hunk: &Range<usize>, lines: &Range<usize>| lines.start < hunk.end && hunk.start < lines.end;
        let old = old_lines.iter().filter(|(lines, _)| inside(&old, lines));
        let new = new_lines.iter().filter(|(lines, _)| inside(&new, lines));
        let mut authors: Vec<Author> = old.chain(new).map(|(_, author)| *author).collect();
        authors.sort();
        authors.dedup();
        authors.into_iter().map(Author::name).collect::<Vec<_>>().join(", ")
    };
    let (unified, stat) = compare(&plan.at_rest, &plan.placeholder_form, &places, &heading);
    for conflict in &plan.conflicts {
        report.warning(&Warning {
            message: match conflict.is_other_kind {
                false => {
                    "there is a value where the template has a reference; `render` keeps it unless it is the secret itself"
                }
                true => "the template has something of another kind here; `render` keeps what is there",
            }
            .to_owned(),
            place: Some(Place::file(&target.path).slot(conflict.pointer.as_str())),
            hint: Some("`keystencil render --on-conflict replace` puts the template's there".to_owned()),
        });
    }
    let json = json!({
        "target": target.name,
        "path": target.path.display().to_string(),
        "in_sync": plan.patch.0.is_empty(),
        "patch": patch_json(&plan.patch),
        "conflicts": plan.conflicts.iter().map(|conflict| conflict.pointer.to_string()).collect::<Vec<_>>(),
        "not_allowed": plan.withheld.iter().map(started).collect::<Vec<_>>(),
        "changes": changes.iter().map(as_json).collect::<Vec<_>>(),
    });
    let name = report.path(&target.path);
    let (patch, withheld, is_recorded) = (plan.patch.clone(), plan.withheld.clone(), compared.is_recorded);
    Ok(Difference { name, sides: ("now", "rendered"), unified, stat, patch, json, changes, withheld, is_recorded })
}

fn started(start: &Flow) -> Value {
    json!({ "pointer": start.pointer.to_string(), "starts": start.starts() })
}

fn as_json(change: &Change) -> Value {
    let did = match change.did {
        Did::Added => "added",
        Did::Removed => "removed",
        Did::Changed => "changed",
    };
    let next = if change.next == Next::Template { "template" } else { "live" };
    json!({ "pointer": change.pointer.to_string(), "author": change.author.name(), "did": did, "after_render": next })
}
