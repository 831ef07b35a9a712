//! `keystencil log`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::{of_placeholder, parse_name};
use crate::cli::report::{Report, Text, count, table};
use crate::session::{Event, Record, State, Via, Who};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// This many programs of a chain are shown; `--json` has all.
const SHOWN: usize = 5;

/// Show which secrets were in plain text, where, for how long, and who read them
///
/// Records every render, unrender, recovery and delivery, every secret that was
/// printed and every approval, with the names of the secrets, never their values.
/// When the last holder has left, the time is how long the secrets were in plain
/// text. When the record has grown past a megabyte, its older half is removed.
///
/// --secret shows who read one secret, when, and through which programs: the
/// nearest first, as far as they could be seen. AI tools are shown by their names.
///
/// Examples:
///
///     keystencil log
///     keystencil log --secret github
///     keystencil log --secret github --account work --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct LogArgs {
    /// Show only the newest N records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    last: usize,
    /// Show only what was done with this secret, and through which programs
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Which account of it [default: any]
    #[arg(long, requires = "secret")]
    account: Option<String>,
    /// Report as JSON lines on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &LogArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    let mut records = State::new(context.environment.state.clone()).records();
    records.retain(|record| args.wants(record));
    let shown = records.get(records.len().saturating_sub(args.last)..).unwrap_or_default();
    if args.json {
        let lines: String =
            shown.iter().filter_map(|record| serde_json::to_string(record).ok()).map(|line| line + "\n").collect();
        report.raw(lines.as_bytes())?;
    } else if shown.is_empty() {
        report.note(Text::new().plain(match &args.secret {
            Some(secret) => format!("nothing is recorded of {secret}"),
            None => "nothing was rendered yet".to_owned(),
        }));
    } else if args.secret.is_some() {
        let row = |record: &Record| [when(record.time), what(record), file(report, record), who(record), via(record)];
        let rows: Vec<[String; 5]> = shown.iter().map(row).collect();
        report.out(&table(["WHEN", "WHAT", "FILE", "BY", "THROUGH"], &rows))?;
    } else {
        let rows: Vec<[String; 5]> = shown
            .iter()
            .map(|record| [when(record.time), what(record), file(report, record), who(record), secrets(record)])
            .collect();
        report.out(&table(["WHEN", "WHAT", "FILE", "HOLDER", "SECRETS"], &rows))?;
    }
    Ok(Exit::Done)
}

impl LogArgs {
    /// Whether a record is about the secret that is meant, if one is.
    fn wants(&self, record: &Record) -> bool {
        let Some(wanted) = &self.secret else { return true };
        let is_it = |secret: &String| {
            let called = of_placeholder(secret);
            match (parse_name(&called), &self.account) {
                (Ok(name), Some(account)) => name.service() == wanted && name.account() == account,
                (Ok(name), None) => name.service() == wanted || called == *wanted,
                (Err(_), account) => account.is_none() && called == *wanted,
            }
        };
        record.secrets.iter().any(is_it)
    }
}

/// What a record is about, if it is about anything.
fn file(report: &Report, record: &Record) -> String {
    if record.target.as_os_str().is_empty() { "-".to_owned() } else { report.path(&record.target) }
}

/// The programs that led to it, as far as a line takes them.
fn via(record: &Record) -> String {
    // The first process of the system says nothing.
    let all: Vec<&Via> = record.via.iter().filter(|via| via.pid > 1).collect();
    let one = |via: &&Via| format!("{} {}", via.agent.as_ref().unwrap_or(&via.program), via.pid);
    let shown: Vec<String> = all.iter().take(SHOWN).map(one).collect();
    let more = if all.len() > SHOWN { " < ..." } else { "" };
    if shown.is_empty() { "-".to_owned() } else { format!("{}{more}", shown.join(" < ")) }
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
        Event::Get => "get",
        Event::Export => "vault export",
        Event::Backup => "backups show",
        Event::Allow => "allow",
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
    if record.holders.is_empty() {
        return "-".to_owned();
    }
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
