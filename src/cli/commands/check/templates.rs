//! Templates of the config: a reference that does not work, names what no store has, or would be logged; and a literal
//! in a target where the template has a reference.

use super::known::Secrets;
use super::{Checked, Scope};
use crate::cli::context::Workplace;
use crate::error::{Explain, Place};
use crate::host::Resolved;
use crate::plan::OnConflict;
use crate::plan::check::{Finding, Kind};
use crate::session::{SessionError, Target};
use crate::template::Blueprint;
use std::path::Path;

/// Adds what is found in the templates and targets that are looked through; in all of them with `everything`.
pub(super) fn check(
    workplace: &Workplace<'_>,
    scope: &Scope,
    secrets: &Secrets,
    everything: bool,
    checked: &mut Checked,
) {
    for (target, blueprint) in &secrets.blueprints {
        if everything || scope.has(&target.template) {
            let staged = staged(workplace, scope, target);
            match staged.as_ref().unwrap_or(blueprint) {
                Ok(blueprint) => references(workplace, secrets, target, blueprint, checked),
                Err(error) => checked.findings.push(broken(target, error)),
            }
        }
        if everything {
            literals(workplace, target, checked);
        }
    }
    checked.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
}

/// The blueprint of the staged text, if the template is staged.
fn staged(workplace: &Workplace<'_>, scope: &Scope, target: &Target) -> Option<Result<Blueprint, SessionError>> {
    let Scope::Staged(index) = scope else { return None };
    let template = Resolved::follow(&target.template).ok()?;
    let text = index.text(template.path())?.ok()?;
    Some(workplace.session(|session| session.blueprint_of(target, text)))
}

fn references(
    workplace: &Workplace<'_>,
    secrets: &Secrets,
    target: &Target,
    blueprint: &Blueprint,
    checked: &mut Checked,
) {
    let logged = workplace.session(|session| session.warnings(target, blueprint));
    for slot in &blueprint.slots {
        if let Some((_, why)) = logged.iter().find(|(pointer, _)| *pointer == slot.pointer) {
            checked.findings.push(at(&slot.place, &target.template, Kind::Logged(why.clone())));
        }
    }
    for unknown in &secrets.unknown {
        let asks = |slot: &&crate::template::Slot| {
            slot.references().any(|reference| reference.source.query() == Some(&unknown.query))
        };
        if let Some(slot) = blueprint.slots.iter().find(asks) {
            checked.findings.push(at(&slot.place, &target.template, Kind::Unknown(unknown.to_string())));
        }
    }
}

fn literals(workplace: &Workplace<'_>, target: &Target, checked: &mut Checked) {
    // What is wrong with the template is found above; a target that can't be read, when it is.
    let Ok(plan) = workplace.session(|session| session.preview(target, OnConflict::Keep)) else { return };
    for conflict in plan.conflicts {
        let kind = Kind::Literal(conflict.pointer.to_string());
        checked.findings.push(at(&Place::file(&target.path), &target.path, kind));
    }
}

fn broken(target: &Target, error: &SessionError) -> Finding {
    at(&error.place().unwrap_or_default(), &target.template, Kind::Broken(error.to_string(), error.hint()))
}

fn at(place: &Place, file: &Path, kind: Kind) -> Finding {
    let (line, column) = place.position.unwrap_or((1, 1));
    let file = place.file.clone().unwrap_or_else(|| file.to_owned());
    Finding { file, line, column, kind, shown: String::new(), print: None }
}
