//! `keystencil vault backups`.

use super::ListArgs;
use crate::cli::agents::{for_a_person, log_reading};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, age, table};
use crate::session::Event;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::PathBuf;

/// List, show, and remove backups in the vault
///
/// A backup is a config file as it was before keystencil moved its keys to a store.
/// It contains those keys, so it is kept encrypted, and no template can refer to
/// it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct BackupsArgs {
    #[command(subcommand)]
    command: BackupsCommand,
}

#[derive(Debug, Subcommand)]
enum BackupsCommand {
    /// List the backups, oldest first
    List(ListArgs),
    Show(ShowArgs),
    Rm(RmArgs),
}

/// Print a backup to a pipe, byte for byte
///
/// On a terminal it is printed only with --reveal.
///
/// Example:
///
///     keystencil vault backups show NAME > claude.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
struct ShowArgs {
    /// Its name, as `list` shows it
    name: String,
    /// Print it on a terminal too
    #[arg(long)]
    reveal: bool,
}

/// Delete a backup permanently
#[derive(Debug, Args)]
struct RmArgs {
    /// Its name, as `list` shows it
    name: String,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &BackupsArgs) -> Result<Exit, CommandError> {
    match &args.command {
        BackupsCommand::List(args) => list(workplace, args),
        BackupsCommand::Show(args) => show(workplace, args),
        BackupsCommand::Rm(args) => remove(workplace, args),
    }
}

fn list(workplace: &Workplace<'_>, args: &ListArgs) -> Result<Exit, CommandError> {
    let backups = workplace.lookup.stores.vault().list_backups()?;
    let report = workplace.report();
    if args.json {
        let all: Vec<Value> = backups
            .iter()
            .map(|one| json!({ "name": one.name, "bytes": one.size, "stored": one.created.to_string() }))
            .collect();
        report.json(&all.into())?;
    } else if backups.is_empty() {
        report.note(Text::new().plain("the vault has no backups"));
    } else {
        let now = Timestamp::now();
        let rows: Vec<[String; 3]> =
            backups.into_iter().map(|one| [one.name, one.size.to_string(), age(one.created, now)]).collect();
        report.out(&table(["NAME", "BYTES", "STORED"], &rows))?;
    }
    Ok(Exit::Done)
}

fn show(workplace: &Workplace<'_>, args: &ShowArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    for_a_person(workplace, "keystencil vault backups show")?;
    if report.is_out_terminal() && !args.reveal {
        return Err(CommandError::hidden("a backup"));
    }
    let found = workplace.lookup.stores.vault().get_backup(&args.name)?;
    let content = found.ok_or_else(|| no_backup(&args.name))?;
    log_reading(workplace, Event::Backup, PathBuf::from(&args.name), Vec::new());
    report.raw(&content)?;
    Ok(Exit::Done)
}

fn remove(workplace: &Workplace<'_>, args: &RmArgs) -> Result<Exit, CommandError> {
    if !workplace.lookup.stores.vault().remove_backup(&args.name)? {
        return Err(no_backup(&args.name));
    }
    let text = Text::new().styled(GOOD, "removed").plain(format_args!(" the backup `{}`", args.name));
    workplace.report().note(text);
    Ok(Exit::Done)
}

fn no_backup(name: &str) -> CommandError {
    CommandError::new(format!("the vault has no backup `{}`", name.escape_debug()))
        .hint("`keystencil vault backups list` shows them all")
}
