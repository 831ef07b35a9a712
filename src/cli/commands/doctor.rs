//! `keystencil doctor`: is everything set up, and if not, how to fix it.
//!
//! Looks and never changes: no lock, no prompt, no program started, no secret read but what stands in a target by mistake.

mod finding;
mod host;
mod machine;
mod stores;
mod targets;

use crate::cli::config::Config;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::usage::Usage;
use clap::Args;
use finding::{Finding, Mood};

/// Check that everything is set up correctly
///
/// Checks the config, the templates, their files, the stores, the hooks and this
/// machine, and gives a hint for whatever is wrong. Changes nothing, asks for no
/// password, and starts no program.
///
///     ✓ in order    ! worth a look    ✗ does not work    - not set up, and optional
///
/// Exit status: 0 all in order · 3 something needs your attention.
///
/// Examples:
///
///     keystencil doctor
///     keystencil doctor -q                only what is not in order
///     keystencil doctor --json | jq '.[] | select(.state == "bad")'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DoctorArgs {
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &DoctorArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    let mut findings = Vec::new();
    let config = context.config().unwrap_or_else(|error| {
        findings.push(Finding::bad("config", targets::explained(report, &error), hints::of(&error)));
        Config::default()
    });
    let workplace = context.with_config(config).looking();
    if findings.is_empty() {
        findings.push(config_file(&workplace.config, &report.path(&context.config_file())));
    }
    let targets = &workplace.config.targets;
    let compiled: Vec<_> =
        workplace.session(|session| targets.iter().map(|target| session.blueprint(target)).collect());
    findings.extend(targets::look(&workplace, &compiled));
    let blueprints = targets.iter().zip(&compiled).filter_map(|(target, one)| Some((target, one.as_ref().ok()?)));
    findings.extend(stores::look(&workplace, &Usage::of_compiled(blueprints)));
    findings.extend(host::look(&workplace));
    findings.extend(machine::look(&workplace));
    if args.json {
        report.json(&findings.iter().map(Finding::as_json).collect())?;
    } else {
        let shown = |finding: &&Finding| !report.is_quiet() || finding.mood.wants_a_person();
        let shown: Vec<&Finding> = findings.iter().filter(shown).collect();
        report.out(&finding::list(&shown))?;
    }
    Ok(Exit::attention(findings.iter().any(|finding| finding.mood.wants_a_person())))
}

fn config_file(config: &Config, path: &str) -> Finding {
    let targets = crate::cli::report::count(config.targets.len(), "target");
    match (&config.file, config.targets.is_empty()) {
        (None, _) => Finding::new(Mood::Due, "config", format!("{path} does not exist"), Some("`keystencil init`")),
        (Some(_), true) => {
            let hint = "name a file and its template under `[targets.NAME]`";
            Finding::new(Mood::Due, "config", format!("{path} has no target"), Some(hint))
        }
        (Some(_), false) => Finding::good("config", format!("{path}, {targets}")),
    }
}
