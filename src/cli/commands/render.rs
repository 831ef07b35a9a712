//! `keystencil render`.

use crate::cli::context::{Context, Workplace};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::{AllowNewArgs, cut, ensure};
use crate::cli::holder::{self, goes_without_grants};
use crate::cli::outcome;
use crate::cli::recording::tell_unfit;
use crate::cli::recovery::recover;
use crate::cli::report::{Text, count};
use crate::cli::targets::{TargetArgs, select};
use crate::plan::OnConflict;
use crate::session::{Job, RenderOptions, Rendered, Session, Target};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// Fill secrets into live files until `unrender`
///
/// Merges the template's settings into the live file, where they stay, and fills
/// its references with secrets from the keyring, which `keystencil unrender`
/// removes again. What the template does not name is left alone.
///
/// The rendered form is held by the process that --owner names, or else by the one
/// that CLAUDE_PID names. After that process has ended, the next `render`,
/// `unrender`, `exec` or `recover` removes the secrets. Without either, you hold it
/// yourself until `keystencil unrender` or the next restart of the machine. To run
/// a program, `keystencil exec` is simpler.
///
/// Examples:
///
///     keystencil render                               all targets of the config
///     keystencil render claude --dry-run              show what would be done
///     keystencil render --template t.json --to ~/.claude.json
///     keystencil render --on-conflict replace         replace literal keys by references
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RenderArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The session of the host application, for `unrender --session`
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The process that holds the rendered form [default: $CLAUDE_PID, else nobody]
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    owner: Option<u32>,
    #[command(flatten)]
    conflict: ConflictArgs,
    #[command(flatten)]
    allow: AllowNewArgs,
    /// Show what would be done; look up no secret and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// `--on-conflict`, of `render` and `exec`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ConflictArgs {
    /// How to handle existing values where the template has a reference
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_conflict: Conflict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Conflict {
    /// Keep the value, with a warning
    Keep,
    /// Replace it by the reference, and keep the file as it was in the vault's backups
    Replace,
    /// Fail, and change nothing
    Fail,
}

impl ConflictArgs {
    /// As a render takes it: `None` is an error.
    pub(in crate::cli) fn choice(&self) -> Option<OnConflict> {
        match self.on_conflict {
            Conflict::Keep => Some(OnConflict::Keep),
            Conflict::Replace => Some(OnConflict::Replace),
            Conflict::Fail => None,
        }
    }
}

pub(in crate::cli) fn run(context: &Context, args: &RenderArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    let off = workplace.session(|session| goes_without_grants(&context.report, session));
    let workplace = workplace.without_grants(off);
    let targets = select(&workplace.config, &args.targets.targets, &args.targets.pair)?;
    workplace.session(|session| {
        if args.dry_run {
            return dry_run(&workplace, session, &targets, args);
        }
        let holder = holder::of_render(args.owner, args.session.clone())?;
        let options = RenderOptions { holder, on_conflict: args.conflict.choice(), joins: false };
        let recovery = recover(workplace.report(), session);
        let jobs = session.open_all(&targets)?;
        ensure(&workplace, session, &jobs, options.on_conflict, args.allow)?;
        recovery.then(workplace.report(), render(&workplace, session, &jobs, &options, args.json))
    })
}

fn render(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    jobs: &[Job<'_>],
    options: &RenderOptions,
    json: bool,
) -> Result<Exit, CommandError> {
    let done = session.prepare(jobs)?.render(options)?;
    let done = || jobs.iter().map(|job| job.target).zip(&done);
    if json {
        let report: Vec<Value> = done().map(|(target, rendered)| as_json(target, rendered)).collect();
        workplace.report().json(&report.into())?;
    }
    let say = if json { outcome::render_warnings } else { outcome::rendered };
    let exit = done().fold(Exit::Done, |exit, (target, rendered)| exit.and(say(workplace.report(), target, rendered)));
    Ok(jobs.iter().fold(exit, |exit, job| exit.and(tell_unfit(workplace.report(), job))))
}

fn as_json(target: &Target, rendered: &Rendered) -> Value {
    let pointers = |pointers: &[crate::document::Pointer]| pointers.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "target": target.name,
        "path": target.path.display().to_string(),
        "slots": rendered.slots,
        "wrapped": rendered.wrapped,
        "unwrappable": rendered.unwrappable.iter().map(|(pointer, _)| pointer.to_string()).collect::<Vec<_>>(),
        "changed": rendered.changed,
        "holders": rendered.holders,
        "conflicts": rendered.conflicts.iter().map(|conflict| conflict.pointer.to_string()).collect::<Vec<_>>(),
        "replaced": pointers(&rendered.replaced),
        "backup": rendered.backup,
        "drifted": pointers(&rendered.drifted),
        "refused": rendered.refused.iter().map(|flow| flow.pointer.to_string()).collect::<Vec<_>>(),
        "foreign": pointers(&rendered.foreign),
        "lock_ignored": rendered.lock_ignored,
    })
}

fn dry_run(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    targets: &[Target],
    args: &RenderArgs,
) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let (mut all, mut kept) = (Vec::new(), false);
    for target in targets {
        let job = session.open(target)?;
        let plan = job.preview_now(args.conflict.choice().unwrap_or_default())?;
        let slots = job.blueprint.slots.iter().filter(|slot| plan.delivered.is_file(&slot.pointer));
        let slots: Vec<&crate::template::Slot> = slots.collect();
        if !slots.is_empty() {
            session.refuse_committable(target)?;
        }
        let stays = |slot: &&crate::template::Slot| plan.conflicts.iter().any(|kept| kept.pointer == slot.pointer);
        let conflicts = slots.iter().filter(|slot| stays(slot)).count();
        let is_refused = |slot: &crate::template::Slot| plan.refused.iter().any(|flow| flow.pointer == slot.pointer);
        let refused = slots.iter().filter(|slot| is_refused(slot)).count();
        kept |= !plan.delivered.refused.is_empty();
        kept |= !plan.conflicts.is_empty() || !plan.refused.is_empty() || !plan.withheld.is_empty();
        all.push(json!({
            "target": target.name,
            "path": target.path.display().to_string(),
            "slots": slots.iter().map(|slot| slot.pointer.to_string()).collect::<Vec<_>>(),
            "wrapped": plan.delivered.wrapped.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "patch": plan.patch,
            "refused": plan.asked().map(|one| one.pointer.to_string()).collect::<Vec<_>>(),
            "conflicts": plan.conflicts.iter().map(|conflict| conflict.pointer.to_string()).collect::<Vec<_>>(),
        }));
        if !args.json {
            let shown = report.path(&target.path);
            let (filled, changes) =
                (count(slots.len().saturating_sub(conflicts + refused), "slot"), count(plan.patch.0.len(), "setting"));
            let waiting = if refused > 0 { format!(", {refused} not allowed yet") } else { String::new() };
            let mut text = Text::new()
                .plain(format_args!(
                    "would render {shown}: {filled} to fill{waiting}, {changes} to merge, {conflicts} to keep"
                ))
                .end();
            for pointer in &plan.delivered.wrapped {
                text = text.plain(format_args!("  {pointer}  is never in the file: its server is wrapped")).end();
            }
            for (pointer, why) in &plan.delivered.refused {
                text = text.plain(format_args!("  {pointer}  stays closed: {why}")).end();
            }
            for slot in slots.iter().filter(|slot| !stays(slot)) {
                let more = if is_refused(slot) { "  not allowed yet: `keystencil allow`" } else { "" };
                text = text.plain(format_args!("  {}  {}{more}", slot.pointer, slot.placeholder())).end();
            }
            for start in plan.asked().filter(|flow| flow.is_start()) {
                let (at, what) = (&start.pointer, cut(&start.starts()));
                text = text.plain(format_args!("  {at}  starts {what}  not allowed yet: `keystencil allow`")).end();
            }
            report.out(&text)?;
        }
    }
    if args.json {
        report.json(&all.into())?;
    }
    Ok(Exit::attention(kept))
}
