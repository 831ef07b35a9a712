//! Shows the user which secret would go where, and asks. Used by `allow`, and by `render` and `exec` before they fill.
//!
//! Nothing is allowed without the user at the terminal, but by `--allow-new=N`, once for each target: N is the number
//! of things that they have seen, so that a template with one more is not allowed in passing.

mod shown;

pub(super) use shown::{cut, in_use, one, shown};

use super::agents::{log, may_ask, refuse};
use super::context::Workplace;
use super::error::CommandError;
use super::recording::record;
use super::report::{BOLD, DIM, GOOD, Report, Text, count};
use crate::consent::Flow;
use crate::plan::OnConflict;
use crate::session::{Event, Job, Session, SessionError, Standing};
use clap::Args;
use shown::{MANY, is_long};

/// `--allow-new`, of `render`, `exec` and `allow`.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct AllowNewArgs {
    /// Allow all that is new without asking, if that is N things; once for each target
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true)]
    pub(super) allow_new: Option<Option<usize>>,
}

/// What wrapping changes besides the file.
pub(super) const WRAPPING: &str = "  Servers are wrapped: the host starts keystencil, which becomes the server. Where the host's allow-lists or trust\n  \
                        prompts go by the command, they see keystencil and ask again.";

/// What waits for the user's consent.
pub(super) struct Pending<'t> {
    /// Target by target: what was never allowed.
    pub(super) new: Vec<(&'t Job<'t>, Vec<Flow>)>,
    /// What was allowed, and is not sealed.
    pub(super) unsealed: Vec<(&'t Job<'t>, Vec<Flow>)>,
    /// Whether the config declares commands that are not allowed yet, and a template uses one.
    pub(super) commands: bool,
}

impl<'t> Pending<'t> {
    /// Collects what waits. Asks the stores once for all targets; a target that can't be rendered reports that itself.
    ///
    /// # Errors
    /// [`CommandError`] if what was allowed can't be read.
    pub(super) fn of(
        session: &Session<'_>,
        jobs: &'t [Job<'t>],
        on_conflict: OnConflict,
    ) -> Result<Self, CommandError> {
        session.ask_keys_for(jobs)?;
        let mut pending = Self { new: Vec::new(), unsealed: Vec::new(), commands: false };
        let runs = jobs.iter().flat_map(|job| job.blueprint.references());
        let runs = runs.filter_map(|reference| reference.source.query()).any(|query| query.provided().is_some());
        pending.commands = runs && session.are_commands_new();
        for job in jobs {
            let Ok(flows) = job.flows(on_conflict) else { continue };
            let of = |wanted: Standing| {
                let some = flows.iter().filter(|(_, standing)| *standing == wanted).map(|(flow, _)| flow.clone());
                some.collect::<Vec<Flow>>()
            };
            for (list, flows) in
                [(&mut pending.new, of(Standing::New)), (&mut pending.unsealed, of(Standing::Unsealed))]
            {
                if !flows.is_empty() {
                    list.push((job, flows));
                }
            }
        }
        Ok(pending)
    }

    /// How many slots these are.
    pub(super) fn slots(&self) -> usize {
        self.all().map(|(_, flows)| flows.len()).sum()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        !self.commands && self.slots() == 0
    }

    /// The part of it that is about slots.
    pub(super) fn all(&self) -> impl Iterator<Item = &(&'t Job<'t>, Vec<Flow>)> {
        self.unsealed.iter().chain(&self.new)
    }
}

/// Asks about everything that is new in these targets; what is not allowed then is refused by the render.
///
/// # Errors
/// [`CommandError`] if what was allowed can't be read, sealed or written.
pub(super) fn ensure(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    jobs: &[Job<'_>],
    on_conflict: Option<OnConflict>,
    allow_new: AllowNewArgs,
) -> Result<(), CommandError> {
    if !session.guarded {
        return Ok(());
    }
    let mut pending = Pending::of(session, jobs, on_conflict.unwrap_or_default())?;
    decide(workplace, session, jobs, &mut pending, allow_new)
}

/// How many slots of a target a render would leave closed because they are not allowed. Asks no store.
///
/// # Errors
/// As [`Job::preview`].
pub(super) fn not_allowed(job: &Job<'_>) -> Result<Vec<Flow>, SessionError> {
    Ok(job.preview(OnConflict::Keep)?.asked().cloned().collect())
}

/// Asks, and keeps the answers; what is left in `pending` was not allowed.
///
/// # Errors
/// As [`ensure`].
pub(super) fn decide<'t>(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    jobs: &'t [Job<'t>],
    pending: &mut Pending<'t>,
    allow_new: AllowNewArgs,
) -> Result<(), CommandError> {
    let report = workplace.report();
    if let Some(given) = allow_new.allow_new {
        refuse(session, "--allow-new")?;
        without_asking(workplace, session, jobs, pending, given)?;
    }
    if pending.is_empty() || !may_ask(workplace, session) {
        return Ok(());
    }
    if pending.commands && ask_commands(workplace)? {
        allow_commands(workplace, session)?;
        pending.commands = false;
    }
    let in_use = in_use(session, pending.all().flat_map(|(_, flows)| flows))?;
    if !pending.unsealed.is_empty() {
        for (job, flows) in &pending.unsealed {
            report.tell(&shown(report, job.target, flows, &in_use, false));
        }
        let all: Vec<&Flow> = pending.unsealed.iter().flat_map(|(_, flows)| flows).collect();
        if ask(report, &all)? {
            for (job, flows) in std::mem::take(&mut pending.unsealed) {
                allow(report, session, job, &flows)?;
            }
        }
    }
    for (job, flows) in std::mem::take(&mut pending.new) {
        report.tell(&shown(report, job.target, &flows, &in_use, true));
        if !job.target.deliveries.are_files() {
            report.tell(&Text::new().plain(WRAPPING).end());
        }
        if ask(report, &flows.iter().collect::<Vec<_>>())? {
            allow(report, session, job, &flows)?;
        } else {
            pending.new.push((job, flows));
        }
    }
    jobs.iter().for_each(Job::forget_grants);
    Ok(())
}

fn allow_commands(workplace: &Workplace<'_>, session: &Session<'_>) -> Result<(), CommandError> {
    session.allow_commands()?;
    log(session, Event::Allow, workplace.context.real_config(), Vec::new());
    Ok(())
}

fn allow(report: &Report, session: &Session<'_>, job: &Job<'_>, flows: &[Flow]) -> Result<(), CommandError> {
    job.allow(flows)?;
    record(job)?;
    log(session, Event::Allow, job.target.path.clone(), placeholders(flows));
    let (things, path) = (things(flows), report.path(&job.target.path));
    report.note(Text::new().styled(GOOD, "allowed").plain(format_args!(" {things} of {path}")));
    Ok(())
}

/// The references of flows, each once.
pub(super) fn placeholders(flows: &[Flow]) -> Vec<String> {
    let mut all: Vec<String> = flows.iter().flat_map(|flow| flow.references.iter().cloned()).collect();
    all.sort();
    all.dedup();
    all
}

/// The first set-up of targets, by a user who says how many things they saw.
fn without_asking<'t>(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    jobs: &'t [Job<'t>],
    pending: &mut Pending<'t>,
    given: Option<usize>,
) -> Result<(), CommandError> {
    let mut first = Vec::new();
    for job in jobs {
        if session.is_undecided(job.target)? {
            first.push(job.target);
        }
    }
    let is_first = |(job, _): &(&Job<'_>, Vec<Flow>)| first.iter().any(|one| one.path == job.target.path);
    let commands = pending.commands && session.are_commands_undecided();
    let declared = if commands { workplace.config.providers.names().count() } else { 0 };
    let number = declared + pending.all().filter(|one| is_first(one)).map(|(_, flows)| flows.len()).sum::<usize>();
    if first.is_empty() && !commands {
        // A line in a script that was of use the first time.
        return Ok(());
    }
    if given != Some(number) {
        return Err(not_the_number(given, number));
    }
    if commands {
        allow_commands(workplace, session)?;
        pending.commands = false;
    }
    for list in [&mut pending.unsealed, &mut pending.new] {
        let (ours, others) = std::mem::take(list).into_iter().partition(is_first);
        *list = others;
        for (job, flows) in ours {
            allow(workplace.report(), session, job, &flows)?;
        }
    }
    for target in first {
        session.note_set_up(target)?;
    }
    Ok(())
}

/// How many these are, by their kind.
pub(super) fn things(flows: &[Flow]) -> String {
    count(flows.len(), if flows.iter().any(Flow::is_start) { "thing" } else { "slot" })
}

fn ask(report: &Report, flows: &[&Flow]) -> Result<bool, CommandError> {
    let number = flows.len();
    if number <= MANY && flows.iter().any(|flow| is_long(flow)) {
        let question =
            format!("Not all of it is shown: `keystencil allow --pending --json` does. To allow it, type {number}: ");
        return Ok(report.ask(&question)?.trim() == number.to_string());
    }
    if number <= MANY {
        let these = if number == 1 { "this".to_owned() } else { format!("these {number}") };
        return report.ask_yes(&Text::new().plain(format_args!("Allow {these}?")));
    }
    let question = format!("These are {number}, too many to read. To allow them all, type the number: ");
    Ok(report.ask(&question)?.trim() == number.to_string())
}

/// Shows the commands that the config declares, and asks whether they may run.
fn ask_commands(workplace: &Workplace<'_>) -> Result<bool, CommandError> {
    let report = workplace.report();
    report.tell(&shown_commands(workplace));
    report.ask_yes(&Text::new().plain("Let templates run them?"))
}

/// What the config would run.
pub(super) fn shown_commands(workplace: &Workplace<'_>) -> Text {
    let config = workplace.config.file.as_deref().map(|file| workplace.report().path(file));
    let head =
        Text::new().styled(BOLD, config.unwrap_or_default()).plain(" declares commands, and a template uses one");
    workplace.config.providers.shown().into_iter().fold(head.end(), |text, (name, line)| {
        text.plain(format_args!("  {name}: ")).plain(cut(&line)).styled(DIM, "").end()
    })
}

/// `--allow-new` gives the wrong number.
fn not_the_number(given: Option<usize>, number: usize) -> CommandError {
    let given =
        given.map_or("`--allow-new` needs a number".to_owned(), |given| format!("`--allow-new={given}` was given"));
    let are = if number == 1 { "thing is" } else { "things are" };
    CommandError::new(format!("{given}, and {number} {are} new"))
        .hint(format!("look at them with `keystencil allow --pending`; to allow them all, use `--allow-new={number}`"))
}
