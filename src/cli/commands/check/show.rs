//! Says what was found, to people and to programs. Nothing here has a secret: findings hold none.

use super::{CheckArgs, Checked, Scope};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::report::{BAD, BOLD, DIM, GOOD, MARK, Text, Warning, count, warning};
use crate::error::Place;
use crate::lint::{Finding, sarif};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

/// Reports everything, and says how the command ends.
pub(super) fn all(
    workplace: &Workplace<'_>,
    args: &CheckArgs,
    scope: Option<&Scope>,
    checked: Checked,
) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let mut findings = checked.findings;
    for finding in &mut findings {
        let file = finding.file.strip_prefix(".").unwrap_or(&finding.file).to_owned();
        finding.file = report.path(&file).into();
    }
    if args.sarif {
        report.json(&sarif::document(&findings, checked.unread.is_empty(), &hints::finding))?;
    } else if args.json {
        report.json(&json!({
            "files": checked.files,
            "findings": findings.iter().map(as_json).collect::<Vec<_>>(),
            "unread": checked.unread.iter().map(|(path, reason)| {
                json!({ "file": path.display().to_string(), "reason": reason })
            }).collect::<Vec<_>>(),
        }))?;
    } else {
        people(workplace, &findings)?;
    }
    for (path, reason) in &checked.unread {
        report.warning(&Warning {
            place: Some(Place::file(path)),
            hint: Some("make it readable, or leave it out".to_owned()),
            ..warning(format!("this was not checked: {reason}"))
        });
    }
    let mut looked = count(checked.files, if args.index { "staged file" } else { "file" });
    if args.sessions {
        looked = format!("{looked} of sessions");
    } else if args.files.is_empty() && !args.index {
        let targets = workplace.config.targets.len();
        looked = format!("{looked}: templates and live files of {}", count(targets, "target"));
    }
    if let Some(Scope::Staged(index)) = scope
        && index.submodules > 0
    {
        looked = format!("{looked}; {} left to their own repositories", count(index.submodules, "submodule"));
    }
    let outcome = match findings.len() {
        0 => Text::new().styled(GOOD, "nothing found"),
        found => Text::new().styled(BAD, count(found, "finding")),
    };
    report.note(outcome.plain(format_args!(" in {looked}")));
    Ok(match (findings.is_empty(), checked.unread.is_empty()) {
        (false, _) => Exit::Differences,
        (true, unread) => Exit::attention(!unread),
    })
}

fn people(workplace: &Workplace<'_>, findings: &[Finding]) -> Result<(), CommandError> {
    let mut cured = HashSet::new();
    let mut text = Text::new();
    for finding in findings {
        let place = format!("{}:{}:{}", finding.file.display(), finding.line, finding.column);
        text = text.styled(BOLD, place).plain(": ").plain(finding.kind.message());
        if !finding.shown.is_empty() {
            text = text.plain("  ").styled(DIM, &finding.shown);
        }
        text = text.end();
        // The same advice once.
        let hint = hints::finding(&finding.kind);
        if cured.insert(hint.clone()) {
            text = text.plain("  ").styled(MARK, "hint").plain(": ").plain(hint).end();
        }
    }
    workplace.report().out(&text)
}

fn as_json(finding: &Finding) -> Value {
    json!({
        "file": finding.file.display().to_string(),
        "line": finding.line,
        "column": finding.column,
        "rule": finding.kind.rule(),
        "message": finding.kind.message(),
        "shown": finding.shown,
        "hint": hints::finding(&finding.kind),
    })
}

/// Says what was written.
pub(super) fn updated(workplace: &Workplace<'_>, path: &Path, findings: usize) {
    let shown = workplace.report().path(path);
    let text = Text::new().styled(GOOD, "wrote").plain(format_args!(" {shown}: {}", count(findings, "finding")));
    workplace.report().note(text);
}
