//! `keystencil diff`.

mod filled;
mod pending;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::{BAD, GOOD, MARK, Report, Text};
use crate::cli::targets::{TargetArgs, select};
use crate::json::{Operation, Patch, Pointer};
use crate::plan::diff::{is_readable, stat, unified};
use clap::Args;
use serde_json::Value;

/// Show what `render` would change, or what is filled now
///
/// Compares the live file with what the template would make of it, secrets left
/// out on both sides: no keyring is asked, and what looks like a key of yours is
/// shown as [redacted]. A slot that is filled now counts as in sync.
///
/// Exit status: 0 no difference · 1 differences · 2 error.
///
/// Examples:
///
///     keystencil diff                         what would `render` merge into the live files?
///     keystencil diff claude --stat           how much would it be?
///     keystencil diff --rendered              which slots are filled now?
///     keystencil diff --rendered --patch      the undo patch (RFC 6902), as any tool could apply it
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DiffArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Show what is filled now instead, with the secrets redacted
    #[arg(long)]
    rendered: bool,
    /// Show only how many lines differ
    #[arg(long, conflicts_with_all = ["json", "patch"])]
    stat: bool,
    /// Show the changes as JSON, for programs
    #[arg(long, conflicts_with = "patch")]
    json: bool,
    /// Show the changes as a JSON patch (RFC 6902)
    #[arg(long)]
    patch: bool,
}

/// What differs in one target: two texts without secrets, and the patch between them.
struct Difference {
    /// The target's file, as a person names it.
    name: String,
    /// What the two sides are called.
    sides: (&'static str, &'static str),
    /// The unified difference; empty where lines are too long to be read.
    unified: String,
    /// Lines that come and go.
    stat: (usize, usize),
    patch: Patch,
    /// Everything about it that `--json` shows.
    json: Value,
}

pub(in crate::cli) fn run(context: &Context, args: &DiffArgs) -> Result<Exit, CliError> {
    let workplace = context.open()?;
    let report = workplace.report();
    let targets = select(&workplace.config, &args.targets.targets, &args.targets.pair)?;
    let differences = workplace.session(|session| {
        let of = if args.rendered { filled::of } else { pending::of };
        targets.iter().map(|target| of(report, session, target)).collect::<Result<Vec<_>, _>>()
    })?;
    if args.json {
        report.json(&differences.iter().map(|difference| difference.json.clone()).collect())?;
    } else if args.patch {
        // One patch is one document; of several targets the patches follow one another.
        for difference in &differences {
            report.json(&patch_json(&difference.patch))?;
        }
    } else {
        for difference in differences.iter().filter(|difference| !difference.patch.0.is_empty()) {
            show(report, difference, args.stat)?;
        }
    }
    let differs = differences.iter().any(|difference| !difference.patch.0.is_empty());
    Ok(if differs { Exit::Differences } else { Exit::Done })
}

fn show(report: &Report, difference: &Difference, only_stat: bool) -> Result<(), CliError> {
    let (added, removed) = difference.stat;
    if only_stat {
        let text = Text::new().plain(format_args!("{} | ", difference.name));
        return report.out(
            &text.styled(GOOD, format_args!("+{added}")).plain(" ").styled(BAD, format_args!("-{removed}")).end(),
        );
    }
    let hunks = after_lines(&difference.unified, 2);
    if hunks.is_empty() {
        return report.out(&operations(difference));
    }
    let (old, new) = difference.sides;
    let name = &difference.name;
    report.out(&Text::new().difference(&format!("--- {name} ({old})\n+++ {name} ({new})\n{hunks}")))
}

/// One line an operation, for a document that is no text of lines.
fn operations(difference: &Difference) -> Text {
    let mut text = Text::new().plain(&difference.name).end();
    for operation in &difference.patch.0 {
        let (style, sign) = match operation {
            Operation::Add { .. } | Operation::Copy { .. } => (GOOD, "+"),
            Operation::Remove { .. } => (BAD, "-"),
            Operation::Replace { .. } | Operation::Move { .. } | Operation::Test { .. } => (MARK, "~"),
        };
        text = text.styled(style, format_args!("  {sign} {}", operation.path())).end();
    }
    text
}

fn after_lines(text: &str, lines: usize) -> &str {
    text.match_indices('\n').nth(lines - 1).and_then(|(end, _)| text.get(end + 1..)).unwrap_or_default()
}

fn patch_json(patch: &Patch) -> Value {
    serde_json::to_value(patch).unwrap_or_default()
}

/// The unified difference if both texts are laid out in lines, and how many lines come and go.
fn compare(before: &str, after: &str, places: &[Pointer]) -> (String, (usize, usize)) {
    let readable = is_readable(before) && is_readable(after);
    let unified = if readable { unified(before, after, places, "") } else { String::new() };
    (unified, stat(before, after))
}
