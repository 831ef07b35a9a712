//! `keystencil secret list`.

use crate::cli::context::Workplace;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::{Text, Warning, age, table, warning};
use crate::error::Explain as _;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

/// List the names of what keystencil has stored, never the values
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ListArgs) -> Result<Exit, CliError> {
    let listing = workplace.lookup.stores.list();
    let report = workplace.report();
    let mut silent = listing.silent;
    if !listing.answered
        && let Some((_, error)) = silent.pop()
    {
        return Err(error.into());
    }
    // With a store that answers, one that is not there at all is nothing to warn of.
    silent.retain(|(_, error)| !error.is_absent() || listing.entries.is_empty());
    for (store, error) in &silent {
        if error.is_absent() {
            report.detail(Text::new().plain(format_args!("{store}: {error}")));
        } else {
            let (place, hint) = (error.place(), error.hint());
            report.warning(&Warning { place, hint, ..warning(format_args!("the {store} can't be listed: {error}")) });
        }
    }
    let is_whole = silent.iter().all(|(_, error)| error.is_absent());
    if args.json {
        let entries: Vec<Value> = listing
            .entries
            .iter()
            .map(|entry| {
                json!({
                    "name": entry.name.service(),
                    "account": entry.name.account(),
                    "store": entry.store.to_string(),
                    "stored": entry.modified.or(entry.created).map(|time| time.to_string()),
                })
            })
            .collect();
        report.json(&entries.into())?;
        return Ok(Exit::attention(!is_whole));
    }
    if listing.entries.is_empty() && is_whole {
        report.note(Text::new().plain("nothing is stored yet; store a key with `keystencil secret set NAME`"));
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let rows: Vec<[String; 4]> = listing
        .entries
        .iter()
        .map(|entry| {
            let stored = entry.modified.or(entry.created).map(|time| age(time, now)).unwrap_or_default();
            let (service, account) = (entry.name.service().to_owned(), entry.name.account().to_owned());
            [service, account, entry.store.to_string(), stored]
        })
        .collect();
    if !rows.is_empty() {
        report.out(&table(["NAME", "ACCOUNT", "STORE", "STORED"], &rows))?;
    }
    Ok(Exit::attention(!is_whole))
}
