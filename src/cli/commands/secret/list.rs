//! `keystencil secret list`.

use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::naming;
use crate::cli::report::{Report, Text, Warning, age, table, warning};
use crate::cli::rotation::{behind, changed, newer_in_vault};
use crate::cli::usage::{Usage, is_answer};
use crate::error::Explain as _;
use crate::secret::{Query, SecretName};
use crate::store::{Entry, StoreError, StoreKind};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// List the names of stored secrets, never their values
///
/// Shows what keystencil has stored, what your templates use even if another
/// program stored it, and what they use but no store has (`missing`). What they
/// find by attributes, or by a command of the config, is looked up only by a
/// render, and shown here without its age.
///
/// Examples:
///
///     keystencil secret list
///     keystencil secret list --unused         stored, and in no template
///     keystencil secret list --json | jq -r '.[] | select(.missing).name'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ListArgs {
    /// Only what no template of the config uses
    #[arg(long)]
    unused: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// A line of the list.
struct Row<'a> {
    what: What<'a>,
    used_by: Vec<String>,
    is_due: bool,
}

enum What<'a> {
    /// An entry of a store.
    Entry(&'a Entry),
    /// A name that no store has.
    Missing(&'a SecretName),
    /// Attributes of the keyring, or a reference of a declared command: only a render looks these up.
    Nameless(&'a Query),
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ListArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let usage = Usage::of(workplace);
    let wanted = usage.names();
    let listing = workplace.lookup.stores.survey(&wanted);
    let mut silent = listing.silent;
    if !listing.answered
        && let Some((_, error)) = silent.pop()
    {
        return Err(error.into());
    }
    // With a store that answers, one that is not there at all is nothing to warn of.
    silent.retain(|(_, error)| !error.is_absent() || listing.entries.is_empty());
    let is_whole = !warn_of(report, &silent);
    let is_told = !usage.warn(report);
    if workplace.lookup.stores.kinds().len() > 1 {
        for (message, hint) in newer_in_vault(&listing.entries).into_iter().map(behind) {
            report.warning(&Warning { hint: Some(hint), ..warning(message) });
        }
    }
    let now = Timestamp::now();
    let mut rows: Vec<Row<'_>> = Vec::new();
    rows.extend(listing.entries.iter().map(|entry| Row {
        what: What::Entry(entry),
        used_by: usage.of_entry(entry),
        is_due: workplace.config.rotate_after.is_due(changed(entry), now),
    }));
    // What a silent store may have is not missing for sure. One that a reference pins to the other store is.
    let is_there = |query: &Query| listing.entries.iter().any(|entry| is_answer(entry, query));
    rows.extend(usage.named().filter(|(query, ..)| is_whole && !is_there(query)).map(|(_, name, users)| Row {
        what: What::Missing(name),
        used_by: users.to_vec(),
        is_due: false,
    }));
    rows.sort_by_key(|row| (row.what.name().cloned(), row.what.entry().map(|entry| entry.store)));
    rows.extend(usage.nameless().map(|(query, users)| Row {
        what: What::Nameless(query),
        used_by: users.to_vec(),
        is_due: false,
    }));
    if args.unused {
        rows.retain(|row| row.used_by.is_empty());
    }
    if args.json {
        report.json(&rows.iter().map(as_json).collect())?;
    } else if rows.is_empty() && is_whole {
        let nothing = match (args.unused, listing.entries.is_empty()) {
            (true, false) => "every stored secret is used by a template",
            _ => "nothing is stored yet; store a key with `keystencil secret set NAME`",
        };
        report.note(Text::new().plain(nothing));
    } else {
        let header = ["NAME", "ACCOUNT", "STORE", "WRITER", "CREATED", "CHANGED", "USED BY"];
        report.out(&table(header, &rows.iter().map(|row| cells(row, now)).collect::<Vec<_>>()))?;
    }
    Ok(Exit::attention(!is_whole || !is_told))
}

/// Warns of stores that did not answer; whether there are any that a person should look after.
fn warn_of(report: &Report, silent: &[(StoreKind, StoreError)]) -> bool {
    for (store, error) in silent {
        if error.is_absent() {
            report.detail(Text::new().plain(format_args!("{store}: {error}")));
        } else {
            let (place, hint) = (error.place(), hints::of(error));
            report.warning(&Warning { place, hint, ..warning(format_args!("the {store} can't be listed: {error}")) });
        }
    }
    silent.iter().any(|(_, error)| !error.is_absent())
}

impl What<'_> {
    fn entry(&self) -> Option<&Entry> {
        if let Self::Entry(entry) = self { Some(entry) } else { None }
    }

    fn name(&self) -> Option<&SecretName> {
        match self {
            Self::Entry(entry) => Some(&entry.name),
            Self::Missing(name) => Some(name),
            Self::Nameless(_) => None,
        }
    }

    /// What stands for the service where there is no name, and where it is looked up.
    fn nameless(&self) -> Option<(String, &str)> {
        match self {
            Self::Nameless(Query::Command(provided)) => Some((provided.reference().to_owned(), provided.provider())),
            Self::Nameless(query) => Some((naming::of_query(query), "keyring")),
            Self::Entry(_) | Self::Missing(_) => None,
        }
    }
}

fn cells(row: &Row<'_>, now: Timestamp) -> [String; 7] {
    let used_by = row.used_by.join(", ");
    let empty = String::new;
    let (entry, name) = match &row.what {
        What::Entry(entry) => (entry, &entry.name),
        What::Missing(name) => {
            let (service, account) = (name.service().to_owned(), name.account().to_owned());
            return [service, account, "missing".to_owned(), empty(), empty(), empty(), used_by];
        }
        nameless @ What::Nameless(_) => {
            let (text, store) = nameless.nameless().unwrap_or_default();
            return [text, empty(), store.to_owned(), empty(), empty(), empty(), used_by];
        }
    };
    let (service, account) = (name.service().to_owned(), name.account().to_owned());
    let day = |time: Timestamp| time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d").to_string();
    let created = entry.created.map(day).unwrap_or_default();
    let due = if row.is_due { ", due" } else { "" };
    let changed = changed(entry).map(|time| format!("{}{due}", age(time, now))).unwrap_or_default();
    [service, account, entry.store.to_string(), writer(entry), created, changed, used_by]
}

/// The program that wrote an entry, in a word or two.
fn writer(entry: &Entry) -> String {
    match entry.writer.as_deref() {
        Some("Python keyring library") => "Python keyring".to_owned(),
        Some(name) => name.to_owned(),
        None => "?".to_owned(),
    }
}

fn as_json(row: &Row<'_>) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let (entry, name, nameless) = (row.what.entry(), row.what.name(), row.what.nameless());
    let store = entry.map(|entry| entry.store.to_string());
    json!({
        "name": name.map(SecretName::service).or(nameless.as_ref().map(|(text, _)| text.as_str())),
        "account": name.map(SecretName::account),
        "missing": matches!(row.what, What::Missing(_)),
        "store": store.or(nameless.as_ref().map(|(_, store)| (*store).to_owned())),
        "label": entry.and_then(|entry| entry.label.clone()),
        "writer": entry.and_then(|entry| entry.writer.clone()),
        "foreign": entry.is_some_and(|entry| entry.is_foreign),
        "created": time(entry.and_then(|entry| entry.created)),
        "stored": time(entry.and_then(changed)),
        "rotate": row.is_due,
        "used_by": row.used_by,
    })
}
