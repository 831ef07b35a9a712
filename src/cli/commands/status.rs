//! `keystencil status`.

use crate::adopt::PlainText;
use crate::cli::context::{Context, Workplace};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::exposed::{self, Exposed};
use crate::cli::granting::{not_allowed, things};
use crate::cli::outcome::{holder, lost_hint, seen_warning};
use crate::cli::recording::deliveries;
use crate::cli::report::{BAD, BOLD, DIM, GOOD, Text, WARN, age, clean, count};
use crate::cli::rotation::changed;
use crate::cli::usage::{self, is_answer};
use crate::cli::{environment, naming};
use crate::consent::Flow;
use crate::document::Pointer;
use crate::host::Resolved;
use crate::journal::Lease;
use crate::secret::SecretName;
use crate::session::{SessionError, SlotDelivery, TargetStatus};
use crate::store::Listing;
use crate::template::Source;
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show which files are rendered, since when, and for whom
///
/// Shows the names of the secrets that each file uses and how old they are, never
/// their values. Rendered files that are in no config are shown too. `plain text`
/// is a key in the file that no render put there; `missing` is a secret that no
/// store has. Nothing is unlocked for this.
///
/// Exit status 3: a program left secrets behind, which `keystencil recover`
/// removes; or filled-in secrets were not found again; or a file can't be read.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct StatusArgs {
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// So many places of keys are shown of each file.
const SHOWN: usize = 5;

/// A secret that a target uses.
struct Used {
    /// As the template refers to it.
    name: String,
    /// When it was stored, where the store tells.
    stored: Option<Timestamp>,
    /// Whether it is older than `rotate_after`.
    is_old: bool,
    /// Whether another program made it, and has to change it.
    is_foreign: bool,
    /// Whether no store has it, or the environment lacks the variable; what a silent store may have is not missing.
    is_missing: bool,
}

struct Row {
    status: TargetStatus,
    used: Vec<Used>,
    /// Where keys stand that no render put there.
    plain: Vec<PlainText>,
    /// Why nobody knows what stands in the file.
    unread: Option<String>,
    /// What the host has noted of the filled secrets.
    seen: Option<String>,
    /// Keys of earlier sessions that a model has seen, and that have no new value yet.
    exposed: Vec<Exposed>,
    /// How each slot gets to its server, where that is not by the file alone.
    delivery: Vec<(Pointer, SlotDelivery)>,
    /// Slots that a render leaves closed, because nobody allowed them.
    not_allowed: Vec<Flow>,
    /// Work trees whose git filter has to be installed anew, and why.
    filters: Vec<(PathBuf, &'static str)>,
    /// Why the template says nothing.
    trouble: Option<String>,
}

pub(in crate::cli) fn run(context: &Context, args: &StatusArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?.looking();
    let rows = rows(&workplace)?;
    let is_due = |row: &Row| row.status.is_abandoned() || !row.status.owed.is_empty() || row.unread.is_some();
    let abandoned = rows.iter().any(is_due);
    if args.json {
        let guarded = !environment::is_grants_off();
        workplace.report().json(&rows.iter().map(|row| as_json(row, guarded)).collect())?;
    } else if rows.is_empty() {
        let hint = "no target is configured and nothing is rendered; start with `keystencil init`";
        workplace.report().note(Text::new().plain(hint));
    } else {
        let text = rows.iter().fold(Text::new(), |text, row| text.text(&shown(&workplace, row)));
        let off = "grants are off: exec and render fill every slot, wherever its secret goes (KEYSTENCIL_GRANTS)";
        workplace.report().out(&if environment::is_grants_off() { text.styled(WARN, off).end() } else { text })?;
    }
    let troubles: Vec<_> = rows.iter().filter_map(|row| row.status.trouble.as_deref()).collect();
    troubles.iter().for_each(|error| workplace.report().error(*error));
    Ok(if troubles.is_empty() { Exit::attention(abandoned) } else { Exit::Failed })
}

fn rows(workplace: &Workplace<'_>) -> Result<Vec<Row>, CommandError> {
    let targets = &workplace.config.targets;
    workplace.session(|session| {
        let statuses = session.status(targets)?;
        let jobs: Vec<_> = targets.iter().map(|target| session.open(target)).collect();
        let blueprints = || jobs.iter().flatten().map(|job| &job.blueprint);
        let asks = blueprints().any(|blueprint| !blueprint.slots.is_empty());
        let stores = &workplace.lookup.stores;
        let mut names: Vec<SecretName> = blueprints().flat_map(usage::names).cloned().collect();
        names.sort();
        names.dedup();
        let listing = if asks { stores.survey(&names) } else { Listing::default() };
        let mut jobs = targets.iter().zip(jobs);
        let row = |status: TargetStatus| match jobs.next() {
            Some((target, Ok(job))) => {
                let sources = job.blueprint.references().into_iter().map(|reference| reference.source.clone());
                let mut sources: Vec<Source> = sources.collect();
                sources.sort();
                sources.dedup();
                let used = sources.iter().map(|source| used(workplace, source, &listing)).collect();
                let (plain, unread) = looked_at(session.plain_text(&target.path, Some(&job.blueprint)));
                let not_allowed = not_allowed(&job).unwrap_or_default();
                Row {
                    status,
                    used,
                    plain,
                    unread,
                    seen: None,
                    exposed: Vec::new(),
                    delivery: deliveries(&job),
                    not_allowed,
                    filters: session.stale_filters(target),
                    trouble: None,
                }
            }
            Some((target, Err(error))) => {
                let (plain, unread) = looked_at(session.plain_text(&target.path, None));
                let trouble = Some(error.to_string());
                Row {
                    status,
                    used: Vec::new(),
                    plain,
                    unread,
                    seen: None,
                    exposed: Vec::new(),
                    delivery: Vec::new(),
                    not_allowed: Vec::new(),
                    filters: Vec::new(),
                    trouble,
                }
            }
            None => {
                let used = status.secrets.iter().map(|placeholder| Used {
                    name: naming::of_placeholder(placeholder),
                    stored: None,
                    is_old: false,
                    is_foreign: false,
                    is_missing: false,
                });
                let (plain, unread) = looked_at(session.plain_text(&status.path, None));
                Row {
                    used: used.collect(),
                    status,
                    plain,
                    unread,
                    seen: None,
                    exposed: Vec::new(),
                    delivery: Vec::new(),
                    not_allowed: Vec::new(),
                    filters: Vec::new(),
                    trouble: None,
                }
            }
        };
        let mut rows: Vec<Row> = statuses.into_iter().map(row).collect();
        let mut exposed = exposed::all(&session.state, &listing);
        for row in &mut rows {
            let seen = row.status.since.and_then(|_| session.seen(&row.status.path).ok()).unwrap_or_default();
            row.seen = seen_warning(workplace.report(), &seen).map(|warning| warning.message);
            let real = Resolved::follow(&row.status.path).map(|file| file.path().to_owned());
            let paths: Vec<PathBuf> = real.into_iter().chain([row.status.path.clone()]).collect();
            row.exposed = exposed.extract_if(.., |one| one.is_of(&paths)).collect();
        }
        // Those of a file that is in no config any more, and of programs that were started by hand.
        if let Some(first) = rows.first_mut() {
            first.exposed.append(&mut exposed);
        }
        Ok(rows)
    })
}

/// How one slot is delivered, in a few words, and what the matter is if something is.
fn in_words(delivery: &SlotDelivery) -> (&'static str, Option<String>) {
    match delivery {
        SlotDelivery::File => ("file", None),
        SlotDelivery::Wrapped => ("wrap", None),
        SlotDelivery::Unrecorded(None) => ("would not start", Some("it changed: `keystencil allow`".to_owned())),
        SlotDelivery::Unrecorded(Some(why)) => ("would not start", Some(clean(&why.to_string()))),
        SlotDelivery::NotWrapped => ("not wrapped", Some("`keystencil render` mends it".to_owned())),
        SlotDelivery::ProgramGone(program) => {
            ("not wrapped", Some(format!("{} is gone; `keystencil render` mends it", clean(program))))
        }
        SlotDelivery::Refused(why) => ("can't be wrapped", Some(clean(&why.to_string()))),
    }
}

/// Where keys stand in a file; else why that is not known. What is wrong with the journal is told as the row's trouble.
fn looked_at(found: Result<Vec<PlainText>, SessionError>) -> (Vec<PlainText>, Option<String>) {
    match found {
        Ok(plain) => (plain, None),
        Err(SessionError::Journal { .. }) => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    }
}

fn used(workplace: &Workplace<'_>, source: &Source, listing: &Listing) -> Used {
    let entry = listing.entries.iter().find(|entry| source.query().is_some_and(|query| is_answer(entry, query)));
    let stored = entry.and_then(changed);
    let is_old = workplace.config.rotate_after.is_due(stored, Timestamp::now());
    let is_foreign = entry.is_some_and(|entry| entry.is_foreign);
    let is_missing = match source {
        Source::Env(name) => environment::variable(name).is_none_or(|value| value.is_empty()),
        // A declared command is not started, and what has no name is found by a lookup only.
        source => {
            let is_named = source.query().is_some_and(|query| query.name().is_some());
            is_named && entry.is_none() && listing.silent.iter().all(|(_, error)| error.is_absent())
        }
    };
    Used { name: naming::of_source(source), stored, is_old, is_foreign, is_missing }
}

fn shown(workplace: &Workplace<'_>, row: &Row) -> Text {
    let (status, now) = (&row.status, Timestamp::now());
    let path = workplace.report().path(&status.path);
    let mut text = match &status.name {
        Some(name) => Text::new().styled(BOLD, name).plain("  ").plain(path).end(),
        None => Text::new().styled(BOLD, path).end(),
    };
    text = match (&status.trouble, status.since) {
        (Some(trouble), _) => text.plain("  ").styled(BAD, "not known").plain(format_args!(": {trouble}")).end(),
        (None, None) if row.plain.is_empty() && status.owed.is_empty() && row.unread.is_none() => {
            text.plain("  at rest").end()
        }
        (None, None) => text,
        (None, Some(since)) => {
            let head = text.plain("  ").styled(GOOD, "rendered");
            head.plain(format_args!(" since {}, {}", clock(since), age(since, now))).end()
        }
    };
    if let Some(why) = &row.unread {
        text = text.plain("  ").styled(BAD, "not known").plain(format_args!(" what stands in it: {why}")).end();
    }
    for owed in &status.owed {
        let (target, secrets) = (&owed.journal.target, count(owed.secrets(), "secret"));
        text = text.plain("  ").styled(BAD, "not accounted for");
        text =
            text.plain(format_args!(": {secrets} filled in {}, and not found again", clock(owed.journal.since))).end();
        text = text.plain("  ").plain(lost_hint(workplace.report(), target, owed.looked())).end();
    }
    for place in row.plain.iter().take(SHOWN) {
        let what = if matches!(place, PlainText::Slot(_)) { ", where the template has a reference" } else { "" };
        text = text
            .plain("  ")
            .styled(BAD, "plain text")
            .plain(format_args!(" at {}{what}", clean(&place.to_string())))
            .end();
    }
    match row.plain.len() {
        0 => {}
        all if all > SHOWN => {
            let more = count(all - SHOWN, "more place");
            text = text.plain(format_args!("  and {more}: `keystencil doctor` says what to do")).end();
        }
        _ => text = text.plain("  `keystencil doctor` says what to do").end(),
    }
    if let Some(seen) = &row.seen {
        text = text.plain("  ").styled(WARN, format_args!("{seen}: `keystencil secret rotate`")).end();
    }
    for exposed in &row.exposed {
        let message = exposed.message(workplace.report());
        text = text.plain("  ").styled(WARN, format_args!("{message}: {}", exposed.rotate())).end();
    }
    for held in &status.holders {
        text = text.plain(format_args!("  held by {}", holder(&held.lease)));
        text = if held.alive { text } else { text.plain(" ").styled(BAD, "which is gone") }.end();
    }
    if status.is_abandoned() {
        text = text.plain("  ").styled(WARN, "nobody is left to use it: run `keystencil recover`").end();
    }
    for used in &row.used {
        text = text.plain("  uses ").plain(&used.name);
        text = match used.stored {
            Some(stored) => text.styled(DIM, format_args!("  stored {}", age(stored, now))),
            None if used.is_missing => text.plain("  ").styled(BAD, "missing"),
            None => text,
        };
        text = match (used.is_old, used.is_foreign) {
            (false, _) => text,
            (true, false) => text.plain("  ").styled(WARN, "due for a new one: `keystencil secret rotate`"),
            (true, true) => text.plain("  ").styled(WARN, "due for a new one, in the program that made it"),
        }
        .end();
    }
    for (pointer, delivery) in &row.delivery {
        let (how, matter) = in_words(delivery);
        let pointer = clean(pointer.as_str());
        text = text.plain(format_args!("  {pointer}  "));
        text = match matter {
            None => text.plain(format_args!("by {how}")).end(),
            Some(matter) => text.styled(WARN, how).plain(format_args!(": {matter}")).end(),
        };
    }
    if !row.not_allowed.is_empty() {
        let slots = things(&row.not_allowed);
        text = text.plain("  ").styled(WARN, format_args!("{slots} nobody allowed yet: `keystencil allow`")).end();
    }
    for (root, why) in &row.filters {
        let root = workplace.report().path(root);
        let message = format!("the git filter of {root} {why}: `keystencil install git`");
        text = text.plain("  ").styled(WARN, message).end();
    }
    match &row.trouble {
        Some(trouble) => text.plain("  ").styled(BAD, "template").plain(format_args!(": {trouble}")).end(),
        None => text,
    }
}

/// A time in the user's own zone, to the minute.
fn clock(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn as_json(row: &Row, guarded: bool) -> Value {
    let lease = |lease: &Lease, alive: bool| {
        json!({
            "pid": lease.pid,
            "program": lease.program,
            "session": lease.session,
            "since": lease.since.to_string(),
            "alive": alive,
        })
    };
    json!({
        "target": row.status.name,
        "path": row.status.path.display().to_string(),
        "rendered": row.status.since.is_some(),
        "since": row.status.since.map(|since| since.to_string()),
        "holders": row.status.holders.iter().map(|held| lease(&held.lease, held.alive)).collect::<Vec<_>>(),
        "abandoned": row.status.is_abandoned(),
        "slots": row.status.slots,
        "owed": row.status.owed.iter().map(|owed| json!({
            "target": owed.journal.target.display().to_string(),
            "since": owed.journal.since.to_string(),
            "secrets": owed.secrets(),
            "looked": owed.looked().map(|folder| folder.display().to_string()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "delivery": row.delivery.iter().map(|(pointer, delivery)| {
            let (how, matter) = in_words(delivery);
            json!({ "slot": pointer.to_string(), "how": how, "matter": matter })
        }).collect::<Vec<_>>(),
        "not_allowed": row.not_allowed.len(),
        "grants": if guarded { "on" } else { "off" },
        "seen": row.seen,
        "exposed": row.exposed.iter().map(Exposed::as_json).collect::<Vec<_>>(),
        "plain_text": row.plain.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "secrets": row.used.iter().map(|used| json!({
            "name": used.name,
            "stored": used.stored.map(|stored| stored.to_string()),
            "rotate": used.is_old,
            "missing": used.is_missing,
        })).collect::<Vec<_>>(),
        "error": row.status.trouble.as_ref().map(ToString::to_string).or_else(|| row.unread.clone()).or_else(|| row.trouble.clone()),
    })
}
