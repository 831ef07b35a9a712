//! `keystencil allow`.

mod list;
mod revoke;

use crate::cli::agents::{refuse, settle};
use crate::cli::context::{Context, Workplace};
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::{AllowNewArgs, Pending, decide, in_use, one, shown, shown_commands};
use crate::cli::recording::{ensure_recorded, shown_servers, tell_unfit, unrecorded};
use crate::cli::report::Text;
use crate::cli::targets::{TargetArgs, select};
use crate::consent::Flow;
use crate::plan::OnConflict;
use crate::session::{Job, Session, Target};
use clap::Args;
use serde_json::{Value, json};

/// Approve where secrets may be sent, and what may be started
///
/// A template may come from somebody else: a pull request could let it ask for any
/// of your keys and send it to any server. So a slot is filled only after you have
/// seen and allowed it: this secret, in this place, for this command or URL.
/// `render` and `exec` ask at a terminal. Elsewhere they leave a new slot empty,
/// fill the others, and exit with status 3. Hooks never ask and never allow.
///
/// What a template starts is part of the question: a new or changed command, its
/// arguments, a hook, a helper, a variable that steers programs. Until you say yes,
/// that server or setting stays as it is in the live file. What you or the program
/// put there yourselves is not asked about.
///
/// What you allowed is kept in the state folder, never next to the template. It is
/// valid for what you saw: another secret, place, command, argument, variable or
/// URL is a new question.
///
/// It is sealed with a key that is kept in the store of the secret. So a record
/// from elsewhere does not count, and neither does an old one after --revoke. The
/// commands that the config declares are asked about in the same way.
///
/// For machines without a user: --allow-new=N allows everything that is new for a
/// target, if that is N things. It does so once for each target, and never again.
/// KEYSTENCIL_GRANTS=off in the environment of `exec`, `render` and `run` turns all
/// this off, but not below an AI tool; hooks and `run --for` do not read it.
///
/// What you allow counts for `run --for` and `headers` too. They also compare where
/// the command is found, and never ask: if it has moved, `allow` asks again.
///
/// This command is refused below an AI tool that keystencil knows, because only you
/// should approve. `agents = "allow"` in the config lets tools do it, once you have
/// allowed that here.
///
/// Examples:
///
///     keystencil allow                       show what is new, and ask
///     keystencil allow --pending             only show it; exit status 1 if there is any
///     keystencil allow --list                what you allowed
///     keystencil allow --allow-new=3         allow what is new, if it is 3 things
///     keystencil allow --revoke claude       revoke everything for one target
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct AllowArgs {
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    new: AllowNewArgs,
    /// Show what is new and not allowed yet
    #[arg(long, conflicts_with_all = ["list", "revoke", "allow_new"])]
    pending: bool,
    /// Show what was allowed, for every file
    #[arg(long, conflicts_with_all = ["revoke", "allow_new", "targets"])]
    list: bool,
    /// Revoke what was allowed
    #[arg(long, conflicts_with = "allow_new")]
    revoke: bool,
    /// Revoke for this slot or server only, a JSON pointer as `--list` shows it
    #[arg(long, value_name = "POINTER", requires = "revoke")]
    slot: Vec<String>,
    /// Revoke for this command only, which you ran by hand, by the ID that `--list` shows
    #[arg(long, value_name = "ID", requires = "revoke", conflicts_with_all = ["targets", "slot"])]
    run: Vec<String>,
    /// Revoke everything, also for files in no config, and forget that anything was decided
    #[arg(long, requires = "revoke", conflicts_with_all = ["targets", "slot", "run"])]
    all: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &AllowArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    workplace.session(|session| {
        if args.list {
            return list::list(&workplace, session, args.json);
        }
        if args.all {
            return revoke::everything(&workplace, session);
        }
        if !args.run.is_empty() {
            return revoke::runs(&workplace, session, &args.run);
        }
        let asks = !args.pending && !args.revoke;
        if asks {
            refuse(session, "keystencil allow")?;
        }
        let targets = select(&workplace.config, &args.targets.targets, &args.targets.pair)?;
        if args.revoke {
            return revoke::targets(&workplace, session, &targets, &args.slot);
        }
        // A target that can't be rendered is told of here.
        let jobs = session.open_all(&targets)?;
        for job in &jobs {
            job.preview_flows(OnConflict::Keep)?;
        }
        let mut pending = Pending::of(session, &jobs, OnConflict::Keep)?;
        if args.json {
            workplace.report().json(&pending.all().map(|(job, flows)| pending_json(job.target, flows)).collect())?;
        }
        if args.pending {
            return show(&workplace, session, &jobs, &pending, args.json);
        }
        if pending.is_empty() {
            workplace.report().note(Text::new().plain("nothing new: everything that the templates ask for is allowed"));
        }
        decide(&workplace, session, &jobs, &mut pending, args.new)?;
        if is_interactive() {
            ensure_recorded(workplace.report(), session, &jobs)?;
        }
        settle(&workplace, session)?;
        let exit = jobs.iter().fold(Exit::Done, |exit, job| exit.and(tell_unfit(workplace.report(), job)));
        match pending.slots() + usize::from(pending.commands) {
            0 => Ok(exit),
            things => Err(not_allowed(things)),
        }
    })
}

/// Shows everything that is new, however much it is.
fn show(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    jobs: &[Job<'_>],
    pending: &Pending<'_>,
    json: bool,
) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let mut is_empty = pending.is_empty();
    for job in jobs.iter().filter(|_| session.guarded) {
        let servers = unrecorded(job)?;
        is_empty &= servers.is_empty();
        if !servers.is_empty() && !json {
            report.out(&shown_servers(report, job, &servers))?;
        }
    }
    if pending.commands && !json {
        report.out(&shown_commands(workplace))?;
    }
    let in_use = in_use(session, pending.all().flat_map(|(_, flows)| flows))?;
    for (list, is_new) in [(&pending.unsealed, false), (&pending.new, true)] {
        for (job, flows) in list.iter().filter(|_| !json) {
            let head = shown(report, job.target, &[], &in_use, is_new);
            report.out(&flows.iter().fold(head, |text, flow| text.text(&one(flow, &in_use))))?;
        }
    }
    Ok(if is_empty { Exit::Done } else { Exit::Differences })
}

fn pending_json(target: &Target, flows: &[Flow]) -> Value {
    let flows: Vec<Value> = flows
        .iter()
        .map(|flow| {
            json!({
                "kind": if flow.is_start() { "start" } else { "slot" },
                "slot": flow.pointer.to_string(),
                "text": flow.text,
                "references": flow.references,
                "server": flow.destination.server.as_ref().map(ToString::to_string),
                "address": flow.destination.address,
                "around": flow.destination.around.iter().collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "target": target.name, "path": target.path.display().to_string(), "new": flows })
}

fn not_allowed(things: usize) -> CommandError {
    let (s, are) = if things == 1 { ("", "is") } else { ("s", "are") };
    CommandError::new(format!("{things} new thing{s} {are} not allowed")).hint(
        "`keystencil allow --pending` shows them; allow them at a terminal, or the first time with `--allow-new=N`, where N is the number of all new things",
    )
}
