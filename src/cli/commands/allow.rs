//! `keystencil allow`.

use crate::cli::agents::{refuse, settle};
use crate::cli::context::{Context, Workplace};
use crate::cli::delivering::ensure_recorded;
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::{AllowNewArgs, Pending, cut, decide, in_use, one, shown, shown_commands};
use crate::cli::report::{BOLD, DIM, MARK, Report, Text, Warning, count, warning, wrap};
use crate::cli::targets::{TargetArgs, select};
use crate::consent::{Flow, Grant};
use crate::document::{Pointer, PointerError};
use crate::error::Explain as _;
use crate::plan::OnConflict;
use crate::session::{Revoked, Sealed, Session, Target};
use clap::Args;
use serde_json::{Value, json};

/// Approve where secrets may be sent, and what may be started
///
/// A template is somebody's text: a pull request could let it ask for any of your
/// keys and send it to any server. So a slot is filled only after you have seen
/// and allowed it: this secret, in this place, for this command or URL. `render`
/// and `exec` ask at a terminal; without one they leave a new slot closed, fill
/// the others, and exit with 3. Hooks never ask and never allow.
///
/// What a template starts is asked in the same question: a new or changed command,
/// its arguments, a hook, a helper, a variable that steers programs. Until you say
/// yes, that server or setting stays as it is in the live file. What you or the
/// program put there yourselves is not asked about.
///
/// What you allowed is kept in the state folder, never beside the template. It is
/// for what you saw: another secret, place, command, argument, variable or URL is
/// a new question.
///
/// It is sealed with a key that is kept in the store of the secret, so a record
/// from elsewhere does not count, and nor does an old one after --revoke. The
/// commands that the config declares are asked about in the same way.
///
/// For machines where nobody sits: --allow-new=N allows everything of a target
/// that is new, if that is N things. It does so once for each target, and nothing
/// later. KEYSTENCIL_GRANTS=off in the environment of `exec`, `render` and `run`
/// does without all this, but not below an AI tool; hooks and `run --for` do not
/// read it.
///
/// A yes counts for `run --for` and `headers` too. They also compare where the
/// command is found, and ask nothing: if it moved, `allow` asks again.
///
/// It is refused below an AI tool that keystencil knows: a yes is a person's.
/// `agents = "allow"` in the config lets tools say it, once you allowed that here.
///
/// Examples:
///
///     keystencil allow                       shows what is new, and asks
///     keystencil allow --pending             shows it only; exit status 1 if there is any
///     keystencil allow --list                what you allowed
///     keystencil allow --allow-new=3         allows what is new, if it is 3 things
///     keystencil allow --revoke claude       takes it back for one target
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
    /// Take back what was allowed
    #[arg(long, conflicts_with = "allow_new")]
    revoke: bool,
    /// Take back for this slot only, a JSON pointer as `--list` shows it
    #[arg(long, value_name = "POINTER", requires = "revoke")]
    slot: Vec<String>,
    /// Take back everything, of files in no config too, and forget that anything was decided
    #[arg(long, requires = "revoke", conflicts_with_all = ["targets", "slot"])]
    all: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &AllowArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    workplace.session(|session| {
        if args.list {
            return list(&workplace, session, args.json);
        }
        if args.all {
            let revoked = session.revoke_all()?;
            let report = workplace.report();
            report.note(Text::new().plain(format_args!("took back {}", count(revoked.gone, "grant"))));
            return Ok(doubtful(report, &revoked));
        }
        let asks = !args.pending && !args.revoke;
        if asks {
            refuse(session, "keystencil allow")?;
        }
        let targets = select(&workplace.config, &args.targets.targets, &args.targets.pair)?;
        if args.revoke {
            return revoke(&workplace, session, &targets, &args.slot);
        }
        // A target that can't be rendered is told of here.
        let jobs = session.open_all(&targets)?;
        for job in &jobs {
            job.preview(OnConflict::Keep)?;
        }
        let mut pending = Pending::of(session, &jobs, OnConflict::Keep)?;
        if args.json {
            workplace.report().json(&pending.all().map(|(job, flows)| pending_json(job.target, flows)).collect())?;
        }
        if args.pending {
            return show(&workplace, session, &pending, args.json);
        }
        if pending.is_empty() {
            workplace.report().note(Text::new().plain("nothing new: everything the templates ask for is allowed"));
        }
        decide(&workplace, session, &jobs, &mut pending, args.new)?;
        if is_interactive() {
            ensure_recorded(workplace.report(), session, &jobs)?;
        }
        settle(&workplace, session)?;
        match pending.slots() + usize::from(pending.commands) {
            0 => Ok(Exit::Done),
            things => Err(not_allowed(things)),
        }
    })
}

/// Shows everything that is new, however much it is.
fn show(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    pending: &Pending<'_>,
    json: bool,
) -> Result<Exit, CommandError> {
    let report = workplace.report();
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
    Ok(if pending.is_empty() { Exit::Done } else { Exit::Differences })
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

fn list(workplace: &Workplace<'_>, session: &Session<'_>, json: bool) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let all = session.all_allowed()?;
    if json {
        let one = |Sealed { what: grant, .. }: &Sealed<Grant>| {
            let kind = if grant.is_start() { "start" } else { "slot" };
            json!({"kind": kind, "slot": grant.pointer, "text": grant.text, "address": grant.address})
        };
        let file = |allowed: &crate::session::Allowed| {
            let grants: Vec<Value> = allowed.grants.iter().map(one).collect();
            json!({ "path": allowed.target.display().to_string(), "grants": grants })
        };
        report.json(&all.iter().map(file).collect())?;
        return Ok(Exit::Done);
    }
    if all.iter().all(|allowed| allowed.grants.is_empty()) {
        report.note(Text::new().plain("nothing was allowed yet; `keystencil allow` shows what the templates ask for"));
    }
    for allowed in all.iter().filter(|allowed| !allowed.grants.is_empty()) {
        let mut text = Text::new().styled(BOLD, report.path(&allowed.target)).end();
        for Sealed { what: grant, .. } in &allowed.grants {
            let to = if grant.address.is_empty() { "the file itself" } else { &grant.address };
            // A line of its own for what is long: nothing is wider than 80 columns, but for a word that is.
            let what = if grant.is_start() { "starts".to_owned() } else { cut(&grant.text) };
            let to = wrap(&cut(to), 6);
            let fits = !to.contains('\n') && what.chars().count() + to.chars().count() + 5 <= 80;
            text = text.plain("  ").styled(MARK, what);
            text = if fits { text.plain(" → ") } else { text.end().plain("    → ") }.block(&to).end();
            text = text.styled(DIM, format_args!("    in {}", grant.pointer)).end();
        }
        report.out(&text)?;
    }
    Ok(Exit::Done)
}

fn revoke(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    targets: &[Target],
    slots: &[String],
) -> Result<Exit, CommandError> {
    let slots: Vec<Pointer> =
        slots.iter().map(|slot| Pointer::parse(slot)).collect::<Result<_, _>>().map_err(|error: PointerError| {
            CommandError::new(error.to_string())
                .hint("write it as `keystencil allow --list` shows it: /mcpServers/github/env/TOKEN")
        })?;
    let (report, mut gone, mut exit) = (workplace.report(), 0, Exit::Done);
    for target in targets {
        let revoked = session.revoke(&target.path, |grant| slots.is_empty() || slots.contains(&grant.pointer))?;
        exit = exit.and(doubtful(report, &revoked));
        gone += revoked.gone;
    }
    report.note(Text::new().plain(format_args!("took back {}", count(gone, "grant"))));
    for target in targets {
        if session.journal(&target.path)?.is_some() {
            let path = report.path(&target.path);
            report.note(
                Text::new().plain(format_args!("{path} is rendered: `keystencil unrender` takes out what is in it")),
            );
        }
    }
    Ok(exit.and(Exit::attention(gone == 0)))
}

/// Says of which stores an old record may come back.
fn doubtful(report: &Report, revoked: &Revoked) -> Exit {
    for (kind, error) in &revoked.doubtful {
        report.warning(&Warning {
            place: error.place(),
            hint: Some("when it answers, take back any one grant, or `keystencil allow --revoke --all`".to_owned()),
            ..warning(format_args!(
                "the {kind} keeps its old key, so an old copy of what was taken back counts: {error}"
            ))
        });
    }
    Exit::attention(!revoked.doubtful.is_empty())
}

fn not_allowed(things: usize) -> CommandError {
    let (s, are) = if things == 1 { ("", "is") } else { ("s", "are") };
    CommandError::new(format!("{things} new thing{s} {are} not allowed")).hint(
        "see it with `keystencil allow --pending`, and say yes at a terminal; the first time `--allow-new=N` does it \
         without one, where N is the number of all things",
    )
}
