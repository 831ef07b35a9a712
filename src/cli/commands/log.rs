//! `keystencil log`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::of_placeholder;
use crate::cli::report::{Text, count, table};
use crate::session::{Event, Record, State, Who};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Show which secrets were in plain text, where, and for how long
///
/// Every render, unrender and recovery is recorded, by the names of the secrets, never by their values. Where the last
/// holder left, the time is how long the secrets stood in plain text. The record is bounded: the older half goes when it has grown past a megabyte.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct LogArgs {
    /// Show only the newest N records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    last: usize,
    /// Report as JSON lines on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &LogArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    let records = State::new(context.environment.state.clone()).records();
    let shown = records.get(records.len().saturating_sub(args.last)..).unwrap_or_default();
    if args.json {
        let lines: String =
            shown.iter().filter_map(|record| serde_json::to_string(record).ok()).map(|line| line + "\n").collect();
        report.raw(lines.as_bytes())?;
    } else if shown.is_empty() {
        report.note(Text::new().plain("nothing was rendered yet"));
    } else {
        let rows: Vec<[String; 5]> = shown
            .iter()
            .map(|record| [when(record.time), what(record), report.path(&record.target), who(record), secrets(record)])
            .collect();
        report.out(&table(["WHEN", "WHAT", "FILE", "HOLDER", "SECRETS"], &rows))?;
    }
    Ok(Exit::Done)
}

fn when(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::system()).strftime("%m-%d %H:%M:%S").to_string()
}

fn what(record: &Record) -> String {
    let verb = match record.event {
        Event::Render => "render",
        Event::Unrender => "unrender",
        Event::Recover => "recover",
        Event::Run => "run",
        Event::Headers => "headers",
    };
    match (record.seconds, record.remaining) {
        (Some(seconds), _) => format!("{verb}, {seconds} s"),
        (None, 0 | 1) => verb.to_owned(),
        (None, holders) => format!("{verb}, held by {holders}"),
    }
}

fn secrets(record: &Record) -> String {
    let mut names: Vec<String> = record.secrets.iter().map(|secret| of_placeholder(secret)).collect();
    names.dedup();
    names.join(", ")
}

fn who(record: &Record) -> String {
    let names: Vec<String> = record.holders.iter().map(name).collect();
    if names.len() > 2 { count(names.len(), "holder") } else { names.join(", ") }
}

fn name(who: &Who) -> String {
    match (who.pid, &who.program) {
        (None, _) => "by hand".to_owned(),
        (Some(pid), Some(program)) => format!("{program} {pid}"),
        (Some(pid), None) => pid.to_string(),
    }
}
