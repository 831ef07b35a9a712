//! What a render would change.

use super::{Difference, compare, patch_json};
use crate::cli::error::CliError;
use crate::cli::report::{Report, Warning};
use crate::error::Place;
use crate::plan::OnConflict;
use crate::session::{Session, Target};
use serde_json::json;

pub(super) fn of(report: &Report, session: &Session<'_>, target: &Target) -> Result<Difference, CliError> {
    let plan = session.preview(target, OnConflict::Keep)?;
    let conflicts = plan.conflicts.iter().map(|conflict| conflict.pointer.clone());
    let places: Vec<_> = conflicts.chain(plan.undone.changed.iter().cloned()).collect();
    let (unified, stat) = compare(&plan.at_rest, &plan.placeholder_form, &places);
    for conflict in &plan.conflicts {
        report.warning(&Warning {
            message:
                "a value stands where the template has a reference; `render` keeps it unless it is the secret itself"
                    .to_owned(),
            place: Some(Place::file(&target.path).slot(conflict.pointer.as_str())),
            hint: Some("`keystencil render --on-conflict replace` puts the reference there".to_owned()),
        });
    }
    let json = json!({
        "target": target.name,
        "path": target.path.display().to_string(),
        "in_sync": plan.patch.0.is_empty(),
        "patch": patch_json(&plan.patch),
        "conflicts": plan.conflicts.iter().map(|conflict| conflict.pointer.to_string()).collect::<Vec<_>>(),
    });
    let name = report.path(&target.path);
    Ok(Difference { name, sides: ("now", "rendered"), unified, stat, patch: plan.patch, json })
}
