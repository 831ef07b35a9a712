//! `keystencil secret list`.

use crate::cli::context::Workplace;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::{Report, Text, Warning, age, table, warning};
use crate::cli::rotation::changed;
use crate::cli::usage::Usage;
use crate::error::Explain as _;
use crate::secret::SecretName;
use crate::store::{Entry, StoreError, StoreKind};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// List the names of stored secrets, never their values
///
/// Shows what keystencil has stored, what your templates use wherever another
/// program stored it, and what they want and no store has (`missing`).
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

/// A line of the list: an entry of a store, or a name that none has.
struct Row<'a> {
    name: &'a SecretName,
    entry: Option<&'a Entry>,
    used_by: &'a [String],
    is_due: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ListArgs) -> Result<Exit, CliError> {
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
    let now = Timestamp::now();
    let mut rows: Vec<Row<'_>> = Vec::new();
    rows.extend(listing.entries.iter().map(|entry| Row {
        name: &entry.name,
        entry: Some(entry),
        used_by: usage.of_name(&entry.name),
        is_due: workplace.config.rotate_after.is_due(changed(entry), now),
    }));
    // What a silent store may have is not missing for sure.
    let is_missing = |name: &&SecretName| is_whole && !listing.entries.iter().any(|entry| entry.name == **name);
    rows.extend(wanted.iter().filter(is_missing).map(|name| Row {
        name,
        entry: None,
        used_by: usage.of_name(name),
        is_due: false,
    }));
    rows.sort_by_key(|row| (row.name, row.entry.map(|entry| entry.store)));
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
            let (place, hint) = (error.place(), error.hint());
            report.warning(&Warning { place, hint, ..warning(format_args!("the {store} can't be listed: {error}")) });
        }
    }
    silent.iter().any(|(_, error)| !error.is_absent())
}

fn cells(row: &Row<'_>, now: Timestamp) -> [String; 7] {
    let (service, account) = (row.name.service().to_owned(), row.name.account().to_owned());
    let used_by = row.used_by.join(", ");
    let Some(entry) = row.entry else {
        return [service, account, "missing".to_owned(), String::new(), String::new(), String::new(), used_by];
    };
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
    let entry = row.entry;
    json!({
        "name": row.name.service(),
        "account": row.name.account(),
        "missing": entry.is_none(),
        "store": entry.map(|entry| entry.store.to_string()),
        "label": entry.and_then(|entry| entry.label.clone()),
        "writer": entry.and_then(|entry| entry.writer.clone()),
        "foreign": entry.is_some_and(|entry| entry.is_foreign),
        "created": time(entry.and_then(|entry| entry.created)),
        "stored": time(entry.and_then(changed)),
        "rotate": row.is_due,
        "used_by": row.used_by,
    })
}
