//! `keystencil diff`.

mod authors;
mod difference;
mod filled;
mod pending;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::cut;
use crate::cli::report::{BAD, DIM, GOOD, MARK, Report, Text, WARN};
use crate::cli::targets::{TargetArgs, select};
use crate::document::Operation;
use crate::plan::threeway::Change;
use clap::Args;
use difference::{Difference, compare, patch_json};
use serde_json::Value;

/// Show what `render` would change and who changed it, or what is filled in now
///
/// Compares three things: the template, what the last render made of it, and the
/// live file at rest. So each difference has an author, shown after the `@@` of its
/// hunk: the template changed since the last render, the host (the program the file
/// belongs to, or you) changed the live file, or both did. After the hunks comes
/// what the host changed or added next to the template's settings, and what
/// `render` and `absorb` would do about it. Last comes what the template would
/// start and you have not allowed yet.
///
/// No secret is shown: the keyring is not asked, and what looks like a key of yours
/// is shown as [redacted]. A slot that is filled in now counts as unchanged.
///
/// Exit status: 0 no difference · 1 differences · 2 error.
///
/// Examples:
///
///     keystencil diff                       what would `render` merge into the live files?
///     keystencil diff claude --stat         how much would that be?
///     keystencil diff --rendered            which slots are filled in now?
///     keystencil diff --rendered --patch    the undo patch (RFC 6902), for any tool
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DiffArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Show what is filled in now instead, with the secrets redacted
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

pub(in crate::cli) fn run(context: &Context, args: &DiffArgs) -> Result<Exit, CommandError> {
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
            match patch_json(&difference.patch) {
                Value::Null => report.json_text(&serde_json::to_string_pretty(&difference.patch).unwrap_or_default()),
                patch => report.json(&patch),
            }?;
        }
    } else {
        for difference in differences.iter().filter(|difference| difference.differs()) {
            show(report, difference, args.stat)?;
        }
    }
    let differs = differences.iter().any(Difference::differs);
    Ok(if differs { Exit::Differences } else { Exit::Done })
}

fn show(report: &Report, difference: &Difference, only_stat: bool) -> Result<(), CommandError> {
    let (added, removed) = difference.stat;
    let name = &difference.name;
    if only_stat {
        let text = Text::new().plain(format_args!("{name} | "));
        let text = text.styled(GOOD, format_args!("+{added}")).plain(" ").styled(BAD, format_args!("-{removed}"));
        let authors = difference.authors();
        return report.out(&if authors.is_empty() { text } else { text.plain(format_args!(" | {authors}")) }.end());
    }
    let (old, new) = difference.sides;
    let body = match (difference.unified.is_empty(), difference.patch.0.is_empty()) {
        (false, _) => {
            Text::new().difference(&format!("--- {name} ({old})\n+++ {name} ({new})\n{}", difference.unified))
        }
        (true, true) => Text::new().plain(name).end(),
        (true, false) => operations(difference),
    };
    report.out(&body.text(&authors::summary(difference)).text(&started(difference)))
}

/// What of it is merged only when somebody allowed it, since it starts programs.
fn started(difference: &Difference) -> Text {
    if difference.withheld.is_empty() {
        return Text::new();
    }
    let head =
        Text::new().styled(WARN, "this starts programs; `render` merges it once it is allowed (`keystencil allow`):");
    difference.withheld.iter().fold(head.end(), |text, start| {
        let text = text.styled(WARN, format_args!("  ! {}", start.pointer));
        text.plain("  starts ").plain(cut(&start.starts())).end()
    })
}

/// One line an operation, for a document that is not laid out in lines.
fn operations(difference: &Difference) -> Text {
    let mut text = Text::new().plain(&difference.name).end();
    for operation in &difference.patch.0 {
        let (style, sign) = match operation {
            Operation::Add { .. } | Operation::Copy { .. } => (GOOD, "+"),
            Operation::Remove { .. } => (BAD, "-"),
            Operation::Replace { .. } | Operation::Move { .. } | Operation::Test { .. } => (MARK, "~"),
        };
        let path = operation.path();
        let of_this = |change: &&Change| change.pointer.is_within(path) || path.is_within(&change.pointer);
        let author = difference.changes.iter().find(of_this).map_or("", |change| change.author.name());
        text = text.styled(style, format_args!("  {sign} {path}"));
        text = if author.is_empty() { text } else { text.plain("  ").styled(DIM, author) }.end();
    }
    text
}
