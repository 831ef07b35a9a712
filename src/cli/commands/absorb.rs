//! `keystencil absorb`.

mod hunks;

use crate::adopt::import::Selection;
use crate::cli::commands::check::known;
use crate::cli::context::{Context, Workplace};
use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Report, Text, count};
use crate::cli::targets::{TargetArgs, select};
use crate::session::{Session, Target};
use clap::Args;
use hunks::{Answer, Fate, Outcome};

/// Bring the host's changes to the live file back into the template
///
/// Takes what the host (the program the file belongs to, or you) has changed since
/// the last render, and edits the template's text hunk by hunk: a server that
/// `claude mcp add` wrote, a permission, a removed server. The template keeps its
/// comments, conditions and layout. What an expression or a loop produces is left
/// to you, with its line number. `diff` shows beforehand what there is to absorb.
///
/// Keys are left out. A value that keystencil filled in becomes its reference in
/// the template; anything else that looks like a key is refused. This works while
/// the file is rendered and at rest. It allows nothing: the next render asks where
/// a secret may go.
///
/// At a terminal you are asked about each hunk. If both the template and the live
/// file changed something, `--yes` leaves it to you, unless `--only` names it.
///
/// Exit status: 0 success · 2 error, nothing was changed · 3 success, but a hunk
/// was refused or is left to you.
///
/// Examples:
///
///     keystencil absorb                             ask about each hunk of every target
///     keystencil absorb claude --dry-run            show what there is
///     keystencil absorb --yes --only '/mcpServers/*'    all servers, without asking
///     keystencil absorb --only /theme               a setting outside the template's own
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct AbsorbArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Show what would be absorbed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Absorb everything that only the host changed, without asking
    #[arg(short, long)]
    yes: bool,
    /// Only hunks at or below this JSON pointer, `*` for any step; may be repeated
    #[arg(long, value_name = "POINTER")]
    only: Vec<String>,
    /// No hunks at or below this JSON pointer; may be repeated
    #[arg(long, value_name = "POINTER")]
    skip: Vec<String>,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &AbsorbArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    let targets = select(&workplace.config, &args.targets.targets, &args.targets.pair)?;
    workplace.session(|session| {
        let (mut exit, mut all) = (Exit::Done, Vec::new());
        for target in &targets {
            let (done, json) = absorb(&workplace, session, target, args)?;
            exit = exit.and(done);
            all.push(json);
        }
        if args.json {
            workplace.report().json(&all.into_iter().collect())?;
        }
        Ok(exit)
    })
}

fn absorb(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    target: &Target,
    args: &AbsorbArgs,
) -> Result<(Exit, serde_json::Value), CommandError> {
    let report = workplace.report();
    let selection = Selection { only: args.only.clone(), skip: args.skip.clone() };
    let mut absorbing = session.absorbing(target, &|place| selection.names(place))?;
    absorbing.hunks.retain(|hunk| hunk.is_wanted(&selection));
    session.close_known(target, &mut absorbing);
    let interactive = environment::is_interactive() && !args.yes && !args.dry_run;
    if !(interactive || args.yes || args.dry_run || absorbing.hunks.is_empty()) {
        let shown = absorbing.hunks.iter().fold(Text::new(), |text, hunk| text.text(&hunks::shown(hunk)));
        report.tell(&shown);
        return Err(CommandError::not_confirmed(
            "nothing was absorbed: this is not a terminal, so the changes can't be confirmed",
        ));
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut answer = Answer::One;
    for hunk in absorbing.hunks.clone() {
        let mut tried = |outcome: &mut Vec<Outcome>| {
            let fate = session.take(&mut absorbing, &hunk).map_or_else(Fate::Refused, |()| Fate::Taken);
            outcome.push(Outcome { hunk: hunk.clone(), fate });
        };
        if interactive && !matches!(answer, Answer::All | Answer::Stop) {
            report.tell(&hunks::shown(&hunk));
            answer = hunks::ask(report)?;
        }
        match answer {
            Answer::Skip | Answer::Stop => outcomes.push(Outcome { hunk: hunk.clone(), fate: Fate::Declined }),
            Answer::One | Answer::All if !interactive && hunks::is_disputed(&hunk) && args.only.is_empty() => {
                outcomes.push(Outcome { hunk: hunk.clone(), fate: Fate::Disputed });
            }
            Answer::One | Answer::All => tried(&mut outcomes),
        }
    }
    let written =
        if args.dry_run { Vec::new() } else { session.absorb(target, &absorbing, &known::values(workplace))? };
    let json = hunks::as_json(target, &outcomes, args.dry_run);
    if args.dry_run && !args.json {
        let taken = outcomes.iter().filter(|outcome| outcome.fate == Fate::Taken);
        report.out(&taken.fold(Text::new(), |text, outcome| text.text(&hunks::shown(&outcome.hunk))))?;
    }
    for warning in outcomes.iter().filter_map(|outcome| hunks::warning(outcome, target)) {
        report.warning(&warning);
    }
    let written: Vec<String> = written.iter().map(|path| report.path(path)).collect();
    say(report, target, &outcomes, &written.join(", "), args);
    let is_left = |outcome: &Outcome| matches!(outcome.fate, Fate::Refused(_) | Fate::Disputed);
    Ok((Exit::attention(outcomes.iter().any(is_left)), json))
}

fn say(report: &Report, target: &Target, outcomes: &[Outcome], written: &str, args: &AbsorbArgs) {
    let taken = outcomes.iter().filter(|outcome| outcome.fate == Fate::Taken).count();
    if outcomes.is_empty() {
        let path = report.path(&target.path);
        report.note(Text::new().plain(format_args!("nothing to absorb from {path}")));
    } else if !args.dry_run && taken > 0 {
        let hunks = count(taken, "change");
        report.note(Text::new().styled(GOOD, "absorbed").plain(format_args!(" {hunks} into {written}")));
    }
}
