//! Templates of the config: a reference that does not work, names what no store has, or would be logged; and a literal
//! in a target where the template has a reference. Of templates that no config names, what is wrong in any case.

use super::known::Secrets;
use super::{Checked, Scope, relative};
use crate::cli::context::Workplace;
use crate::cli::environment::variable_os;
use crate::cli::hints;
use crate::error::{Explain, Place};
use crate::host::{Resolved, profile};
use crate::lint::allow::is_allowed;
use crate::lint::{Baseline, Finding, Kind, stray};
use crate::plan::OnConflict;
use crate::session::{SessionError, Target};
use crate::template::Blueprint;
use std::path::Path;

/// What is found in the templates and targets that are looked through; in all of them with `everything`.
pub(super) fn check(
    workplace: &Workplace<'_>,
    scope: &Scope,
    secrets: &Secrets,
    everything: bool,
    checked: &Checked,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (target, blueprint) in &secrets.blueprints {
        if everything || scope.has(&target.template) {
            let staged = staged(workplace, scope, target);
            match staged.as_ref().unwrap_or(blueprint) {
                Ok(blueprint) => references(workplace, secrets, target, blueprint, &mut found),
                Err(error) => found.push(broken(target, error)),
            }
        }
        if let (true, Ok(blueprint)) = (everything, blueprint) {
            literals(workplace, target, blueprint, &mut found);
        }
    }
    let real = |path: &Path| path.canonicalize().ok();
    let known: Vec<_> = secrets.blueprints.iter().map(|(target, _)| target).collect();
    let is_known = |path: &Path| {
        let path = real(path);
        path.is_some() && known.iter().any(|target| [real(&target.template), real(&target.path)].contains(&path))
    };
    for path in checked.templates.iter().filter(|path| !is_known(path)) {
        stray(workplace, scope, path, &mut found);
    }
    found
}

/// A template that the config does not name: what is wrong with it wherever it is used.
fn stray(workplace: &Workplace<'_>, scope: &Scope, path: &Path, found: &mut Vec<Finding>) {
    // Its host is not known; only that of Claude Code is known to log, and only what only it has.
    let profile = profile::of(Path::new(".claude.json"), &variable_os);
    let target = Target {
        name: None,
        template: path.to_owned(),
        path: path.to_owned(),
        profile,
        deliveries: Default::default(),
    };
    let Some(text) = scope.text(path) else { return };
    match workplace.session(|session| session.blueprint_of(&target, text)) {
        Ok(blueprint) => logged(workplace, &target, &blueprint, found),
        Err(SessionError::Template(error)) if !stray::is_certain(&error) => {}
        // Not UTF-8, or a live file with servers in wrapped form: no template, as far as can be seen.
        Err(SessionError::NoTemplate { .. } | SessionError::WrappedTemplate(_)) => {}
        Err(error) => found.push(broken(&target, &error)),
    }
}

/// Adds the findings in templates, but for those that a comment allows; a baseline may hold them.
pub(super) fn add(checked: &mut Checked, found: Vec<Finding>, scope: &Scope, baseline: &Baseline, root: &Path) {
    for mut finding in found {
        let rule = finding.kind.rule();
        if finding.kind.may_be_known() {
            let text = scope.text(&finding.file).unwrap_or_default();
            let mut lines = text.split_inclusive(|byte| *byte == b'\n');
            let start: usize = lines.by_ref().take(finding.line - 1).map(<[u8]>::len).sum();
            if is_allowed(&text, &(start..start), rule) {
                continue;
            }
            // By its line: what is said of it may be said in other words tomorrow.
            let line = lines.next().unwrap_or_default().trim_ascii();
            finding.print = Some(baseline.print(rule, &relative(&finding.file, root), line));
        }
        checked.findings.push(finding);
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
    found: &mut Vec<Finding>,
) {
    logged(workplace, target, blueprint, found);
    for unknown in &secrets.unknown {
        let asks = |slot: &&crate::template::Slot| {
            slot.references().any(|reference| reference.source.query() == Some(&unknown.query))
        };
        if let Some(slot) = blueprint.slots.iter().find(asks) {
            found.push(at(&slot.place, &target.template, Kind::Unknown(unknown.to_string())));
        }
    }
}

fn logged(workplace: &Workplace<'_>, target: &Target, blueprint: &Blueprint, found: &mut Vec<Finding>) {
    let logged = workplace.session(|session| session.open_with(target, blueprint.clone()).warnings());
    for slot in &blueprint.slots {
        if let Some((_, why)) = logged.iter().find(|(pointer, _)| *pointer == slot.pointer) {
            found.push(at(&slot.place, &target.template, Kind::Logged(why.clone())));
        }
    }
}

fn literals(workplace: &Workplace<'_>, target: &Target, blueprint: &Blueprint, found: &mut Vec<Finding>) {
    // What is wrong with the template is found above; a target that can't be read, when it is.
    let plan = workplace.session(|session| session.open_with(target, blueprint.clone()).preview(OnConflict::Keep));
    let Ok(plan) = plan else { return };
    for conflict in plan.conflicts.iter().filter(|conflict| !conflict.is_other_kind) {
        let kind = Kind::Literal(conflict.pointer.to_string());
        found.push(at(&Place::file(&target.path), &target.path, kind));
    }
}

fn broken(target: &Target, error: &SessionError) -> Finding {
    at(&error.place().unwrap_or_default(), &target.template, Kind::Broken(error.to_string(), hints::of(error)))
}

fn at(place: &Place, file: &Path, kind: Kind) -> Finding {
    let (line, column) = place.position.unwrap_or((1, 1));
    let file = place.file.clone().unwrap_or_else(|| file.to_owned());
    Finding { file, line, column, kind, shown: String::new(), print: None }
}
