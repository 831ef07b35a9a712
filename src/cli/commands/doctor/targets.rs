//! Each target: its template, its secrets, the live file, and who holds it.

use super::finding::Finding;
use crate::adopt::PlainText;
use crate::cli::context::Workplace;
use crate::cli::environment;
use crate::cli::granting::{not_allowed, things};
use crate::cli::hints;
use crate::cli::outcome::lost_hint;
use crate::cli::recording::deliveries;
use crate::cli::report::{Report, count};
use crate::cli::typed::Typed;
use crate::document::Document;
use crate::error::Explain;
use crate::host::Resolved;
use crate::plan::OnConflict;
use crate::scan;
use crate::session::{Job, Session, SessionError, SlotDelivery, Target, TargetStatus};
use crate::template::{Blueprint, Source};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn look(workplace: &Workplace<'_>, compiled: &[Result<Blueprint, SessionError>]) -> Vec<Finding> {
    workplace.session(|session| {
        let targets = &workplace.config.targets;
        let statuses = match session.status(targets) {
            Ok(statuses) => statuses,
            Err(error) => return vec![Finding::bad("state", explained(workplace.report(), &error), hints::of(&error))],
        };
        let mut findings = Vec::new();
        for (index, status) in statuses.iter().enumerate() {
            let target = targets.get(index);
            let subject = match &status.name {
                Some(name) => name.clone(),
                None => workplace.report().path(&status.path),
            };
            let mut job = None;
            if let (Some(target), Some(compiled)) = (target, compiled.get(index)) {
                match compiled {
                    Ok(blueprint) => {
                        let opened = session.open_with(target, blueprint.clone());
                        findings.extend(template(job.insert(opened), &subject));
                    }
                    Err(error) => {
                        findings.push(Finding::bad(&subject, explained(workplace.report(), error), hints::of(error)));
                    }
                }
            }
            let looked = session.plain_text(&status.path, job.as_ref().map(|job| &job.blueprint));
            let holds_keys = status.since.is_some() || !looked.as_ref().is_ok_and(Vec::is_empty);
            findings.extend(target.into_iter().flat_map(|target| file(workplace, target, &subject, holds_keys)));
            let is_known = looked.as_ref().is_ok_and(Vec::is_empty);
            findings.extend(holders(workplace, status, &subject, is_known));
            if let (Err(error), None, None) = (&looked, &job, &status.trouble) {
                findings.push(Finding::bad(&subject, explained(workplace.report(), error), hints::of(error)));
            }
            let plain = looked.unwrap_or_default();
            for owed in &status.owed {
                let message = format!("{} filled in and not found again", count(owed.secrets(), "secret"));
                let hint = lost_hint(workplace.report(), &owed.journal.target, owed.looked());
                findings.push(Finding::bad(&subject, message, Some(hint)));
            }
            let mut told = Vec::new();
            if let Some(target) = target.filter(|_| status.trouble.is_none()) {
                // A template that can't be used has been told of.
                if let Some(job) = &job {
                    findings.extend(content(workplace, job, &subject, &mut told));
                    findings.extend(grants(job, &subject));
                    findings.extend(wrapping(job, &subject));
                }
                findings.extend(filters(workplace, session, target, &subject));
            }
            findings.extend(plain_text(&plain, &told, &status.path, &subject));
        }
        findings
    })
}

/// An error with its place, in one line.
pub(super) fn explained(report: &Report, error: &(dyn Explain + 'static)) -> String {
    let Some(mut place) = error.place() else { return error.to_string() };
    place.file = place.file.map(|file| report.path(&file).into());
    format!("{error} ({place})")
}

fn template(job: &Job<'_>, subject: &str) -> Vec<Finding> {
    let blueprint = &job.blueprint;
    let secrets = blueprint.references().len();
    let (slots, secrets) = (count(blueprint.slots.len(), "slot"), count(secrets, "secret"));
    let mut findings = vec![Finding::good(subject, format!("the template has {slots} for {secrets}"))];
    for reference in blueprint.references() {
        let Source::Env(name) = &reference.source else { continue };
        if environment::variable(name).is_none_or(|value| value.is_empty()) {
            let hint = Some(format!(
                "set it where you start keystencil, or store it: `<< keyring('{}') >>`",
                name.to_lowercase()
            ));
            findings.push(Finding::due(subject, format!("the variable `{name}` is not set here"), hint));
        }
    }
    for (pointer, reason) in job.warnings() {
        findings.push(Finding::due(subject, format!("{reason} ({pointer})"), None));
    }
    findings
}

/// The live file as the system has it: where it really is, and who may read it.
/// Where the live file is; others may read one that holds no key.
fn file(workplace: &Workplace<'_>, target: &Target, subject: &str, holds_keys: bool) -> Vec<Finding> {
    let report = workplace.report();
    let shown = report.path(&target.path);
    let resolved = match Resolved::follow(&target.path) {
        Ok(resolved) => resolved,
        Err(error) => return vec![Finding::bad(subject, explained(workplace.report(), &error), hints::of(&error))],
    };
    let Ok(metadata) = fs::metadata(resolved.path()) else {
        return vec![Finding::good(subject, format!("{shown} is made by the first render"))];
    };
    let is_link = fs::symlink_metadata(&target.path).is_ok_and(|link| link.is_symlink());
    let whole = if is_link { format!("{shown}, a link to {}", report.path(resolved.path())) } else { shown };
    match open_to_others(&metadata).filter(|_| holds_keys) {
        Some(mode) => {
            let message = format!("{whole} can be read by other users (mode {mode:o})");
            let hint = format!("`{}`", Typed::other("chmod 600").file(resolved.path()));
            vec![Finding::due(subject, message, Some(hint))]
        }
        None => vec![Finding::good(subject, whole)],
    }
}

#[cfg(unix)]
pub(super) fn open_to_others(metadata: &fs::Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_: &fs::Metadata) -> Option<u32> {
    None
}

/// Who holds it. What holds a key in plain text is not at rest, which [`plain_text`] says, nor is what can't be read.
fn holders(workplace: &Workplace<'_>, status: &TargetStatus, subject: &str, is_known: bool) -> Option<Finding> {
    let living = status.holders.iter().filter(|holder| holder.alive).count();
    Some(match (&status.trouble, status.since) {
        (None, None) if !is_known => return None,
        (Some(error), _) => Finding::bad(subject, explained(workplace.report(), &**error), hints::of(&**error)),
        (None, None) if !status.owed.is_empty() => return None,
        (None, None) => Finding::good(subject, "at rest"),
        (None, Some(_)) if status.is_abandoned() => {
            let path = workplace.report().path(&status.path);
            let message = format!("a program that is gone left its secrets in {path}");
            Finding::bad(subject, message, Some("`keystencil recover`".to_owned()))
        }
        (None, Some(_)) => Finding::good(subject, format!("rendered for {}", count(living, "holder"))),
    })
}

/// The keys that nothing else has told of.
fn plain_text(plain: &[PlainText], told: &[String], path: &Path, subject: &str) -> Option<Finding> {
    let places: Vec<String> = plain.iter().map(ToString::to_string).filter(|place| !told.contains(place)).collect();
    let first = places.first()?;
    let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
    let message = format!("a key stands in plain text at {first}{more}");
    Some(Finding::due(subject, message, Some(moves_it(path))))
}

fn moves_it(path: &Path) -> String {
    format!("`{}` moves it into the store", Typed::ours("import").file(path))
}

/// What the template asks for and nobody has allowed.
fn grants(job: &Job<'_>, subject: &str) -> Option<Finding> {
    let name = job.target.name.as_deref().unwrap_or(subject);
    let hint = Some(format!("`{}`", Typed::ours("allow").operand(name)));
    match not_allowed(job) {
        Ok(new) if new.is_empty() => None,
        Ok(new) => {
            let message = format!("{} that nobody allowed yet: a render leaves them closed", things(&new));
            Some(Finding::due(subject, message, hint))
        }
        // A template or a file that can't be used has been told of.
        Err(error @ SessionError::Grants { .. }) => Some(Finding::bad(subject, error.to_string(), hints::of(&error))),
        Err(_) => None,
    }
}

/// Servers that do not stand in the file as the config wants them, and keys that stand in a command line.
fn wrapping(job: &Job<'_>, subject: &str) -> Vec<Finding> {
    if job.target.deliveries.are_files() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let slots = deliveries(job);
    for (pointer, delivery) in &slots {
        let (message, hint) = match delivery {
            SlotDelivery::File | SlotDelivery::Wrapped => continue,
            SlotDelivery::Unrecorded(None) => (
                format!(
                    "the server of {pointer} is wrapped, and has changed since you allowed it, so it would not start"
                ),
                "`keystencil allow`".to_owned(),
            ),
            SlotDelivery::Unrecorded(Some(why)) => (
                format!("the server of {pointer} is wrapped, and would not start: {why}"),
                hints::delivery::unfit(job.target.name.as_deref().unwrap_or_default(), why),
            ),
            SlotDelivery::NotWrapped => {
                (format!("the server of {pointer} is not wrapped"), "`keystencil render`".to_owned())
            }
            SlotDelivery::ProgramGone(program) => (
                format!("the server of {pointer} is wrapped by {program}, which is gone"),
                "`keystencil render`".to_owned(),
            ),
            SlotDelivery::Refused(why) => {
                (format!("the server of {pointer} can't be wrapped: {why}"), hints::unwrappable(why))
            }
        };
        findings.push(Finding::due(subject, message, Some(hint)));
    }
    let wrapped = slots.iter().filter(|(_, delivery)| *delivery == SlotDelivery::Wrapped).count();
    if wrapped > 0 {
        findings.push(Finding::good(subject, format!("{} never in the file: wrapped", count(wrapped, "slot"))));
    }
    findings
}

/// Git filters that do not protect the file as they should.
fn filters(workplace: &Workplace<'_>, session: &Session<'_>, target: &Target, subject: &str) -> Vec<Finding> {
    let stale = session.stale_filters(target).into_iter();
    let message = |(root, why): (PathBuf, &str)| format!("the git filter of {} {why}", workplace.report().path(&root));
    stale.map(|one| Finding::due(subject, message(one), Some("`keystencil install git`".to_owned()))).collect()
}

/// What stands in the file that should not: keys in the place of a reference, and keys of a known form anywhere else. `told`
/// gets their places.
fn content(workplace: &Workplace<'_>, job: &Job<'_>, subject: &str, told: &mut Vec<String>) -> Vec<Finding> {
    let plan = match job.preview(OnConflict::Keep) {
        Ok(plan) => plan,
        Err(error) => return vec![Finding::bad(subject, explained(workplace.report(), &error), hints::of(&error))],
    };
    let mut findings = Vec::new();
    if !plan.patch.0.is_empty() {
        let changes = count(plan.patch.0.len(), "setting");
        findings
            .push(Finding::idle(subject, format!("the next render merges {changes}; `keystencil diff` shows them")));
    }
    for conflict in &plan.conflicts {
        told.push(conflict.pointer.to_string());
        let at = &conflict.pointer;
        let (message, hint) = match conflict.is_other_kind {
            false => (
                format!("a value of yours stands at {at} in plain text, where the template has a reference"),
                "`keystencil secret set NAME`, then `keystencil render --on-conflict replace`",
            ),
            true => (
                format!("the template has something of another kind than what stands at {at}, which stays"),
                "change the template; or `keystencil render --on-conflict replace`",
            ),
        };
        findings.push(Finding::due(subject, message, Some(hint.to_owned())));
    }
    for (provider, places) in literals(&plan.at_rest) {
        let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
        let first = places.first().map(String::as_str).unwrap_or_default();
        told.extend(places.iter().cloned());
        let message = format!("a key of {provider} stands in plain text at {first}{more}");
        findings.push(Finding::due(subject, message, Some(moves_it(&job.target.path))));
    }
    findings
}

/// The keys of known forms in a document, by who issues them.
fn literals(text: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let Ok(document) = Document::parse_relaxed(text.as_bytes()) else { return found };
    document.strings(|token| {
        if let Some(hit) = scan::find(token.node.raw().as_bytes()).first() {
            found.entry(hit.rule.provider).or_default().push(token.pointer().to_string());
        }
    });
    found
}
