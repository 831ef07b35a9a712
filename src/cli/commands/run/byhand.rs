//! `run` by a person: the references in the environment, in files of variables and in the arguments.

use super::masked;
use super::start::{Failed, Start};
use crate::adopt::import::dotenv;
use crate::cli::agents::{log, may_ask};
use crate::cli::context::{Context, Workplace};
use crate::cli::delivering::{Delivered, note};
use crate::cli::environment::{is_interactive, variables, working_folder};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::cut;
use crate::cli::hints;
use crate::cli::holder::goes_without_grants;
use crate::cli::recording::{found, is_own};
use crate::cli::report::{BOLD, DIM, MARK, Report, Text};
use crate::consent::record::Run;
use crate::consent::steering::steers;
use crate::session::{DeliverError, Delivery, Event, Session, placeholders};
use crate::template::{Part, parse_parts};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What stands on the command line.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) env_files: &'a [PathBuf],
    pub(super) mask: bool,
    pub(super) command: &'a [OsString],
}

/// What is to be run.
struct Asked {
    argv: Vec<String>,
    program: PathBuf,
    /// The variables of files, which go before those of the environment.
    files: BTreeMap<String, String>,
    record: Run,
    /// Those with references, and those of files that steer programs, as a person is shown them.
    shown: BTreeMap<String, String>,
    folder: PathBuf,
}

/// Becomes the program; returns if that can't be, or its output goes through a mask.
pub(super) fn run(context: &Context, line: Line<'_>) -> Result<Exit, Failed> {
    let asked = asked(line)?;
    if !asked.record.has_references() {
        return start(&asked, &Delivery::default()).become_it(&context.hardened);
    }
    let workplace = context.open()?;
    let off = workplace.session(|session| goes_without_grants(&context.report, session));
    let workplace = match off || is_interactive() {
        true => workplace.without_grants(off),
        false => workplace.unattended(),
    };
    let delivery = workplace.session(|session| deliver(&workplace, session, &asked))?;
    workplace.session(|session| {
        let (program, dropped) = (&asked.program, Vec::new());
        let delivered =
            Delivered { target: program, server: None, program: Some(program), delivery: &delivery, dropped };
        note(session, Event::Run, delivered);
    });
    drop(workplace);
    let start = start(&asked, &delivery);
    if line.mask { masked::run(context, &start, &delivery) } else { start.become_it(&context.hardened) }
}

fn asked(line: Line<'_>) -> Result<Asked, Failed> {
    let text = |argument: &OsString| argument.clone().into_string().ok();
    let argv: Option<Vec<String>> = line.command.iter().map(text).collect();
    let argv = argv.ok_or_else(|| CommandError::new("an argument is not UTF-8"))?;
    let command = argv.first().map_or("", String::as_str);
    let found = found(command, None);
    let program = found.first().cloned().ok_or_else(|| Failed::not_found(command))?;
    if is_own(&program) {
        let error = CommandError::new("the command is keystencil itself");
        return Err(error.hint("name the program that needs the secrets after `--`").into());
    }
    let mut files = BTreeMap::new();
    for file in line.env_files {
        files.extend(read(file)?);
    }
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let mut shown: BTreeMap<String, String> = variables().into_iter().filter_map(text).collect();
    shown.retain(|name, text| text.contains("<<") && !files.contains_key(name));
    for (index, argument) in argv.iter().enumerate() {
        check(argument, || format!("argument {index}"))?;
    }
    for (name, text) in shown.iter().chain(&files) {
        check(text, || format!("the variable `{name}`"))?;
    }
    shown.retain(|_, text| parse_parts(text).is_some());
    let of_files = files.iter().filter(|(name, text)| parse_parts(text).is_some() || steers(name));
    shown.extend(of_files.map(|(name, text)| (name.clone(), text.clone())));
    let folder = working_folder().ok_or_else(|| CommandError::new("the working folder is gone"))?;
    let paths = found.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let record = Run::new(paths, &argv, folder.to_string_lossy().into_owned(), shown.clone());
    Ok(Asked { argv, program, files, record, shown, folder })
}

/// The variables of a file.
fn read(file: &Path) -> Result<BTreeMap<String, String>, CommandError> {
    let text = std::fs::read_to_string(file).map_err(|source| CommandError::file("read it", file, &source))?;
    let no_file = || CommandError::about(file, "not a file of variables, with one `NAME=value` per line");
    let json = dotenv(&text).ok_or_else(no_file)?;
    let whole: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&json).map_err(|_| no_file())?;
    Ok(whole.into_values().flatten().collect())
}

/// Refuses what looks like a reference and can't be read as one: the program would get it as text, in the place of a key.
fn check(text: &str, place: impl FnOnce() -> String) -> Result<(), CommandError> {
    let is_call = |text: &str| {
        let name = ["keyring", "env"].iter().find_map(|name| text.strip_prefix(name));
        name.is_some_and(|rest| rest.trim_start().starts_with('('))
    };
    let is_broken = |(at, _): (usize, &str)| {
        let rest = text.get(at..).unwrap_or_default();
        let is_read = matches!(parse_parts(rest).as_deref(), Some([Part::Secret(_), ..]));
        is_call(rest.trim_start_matches('<').trim_start()) && !is_read
    };
    if text.match_indices("<<").any(is_broken) {
        let error = CommandError::new(format!("{} has a reference that can't be read", place()));
        return Err(error.hint("write it as `<< keyring('name') >>`, or `<< keyring('name', 'account') >>`"));
    }
    Ok(())
}

fn deliver(workplace: &Workplace<'_>, session: &Session<'_>, asked: &Asked) -> Result<Delivery, CommandError> {
    let explained = |error: DeliverError| match error {
        DeliverError::Missing(error) => CommandError::from(error),
        DeliverError::Session(error) => error.into(),
        DeliverError::Silent(_, ref store) => {
            let hint = hints::of(store).unwrap_or_default();
            CommandError::of(error).hint(hint)
        }
        DeliverError::Unset(_) => CommandError::of(error).hint("set it, or store its value and refer to that"),
        DeliverError::NoKeys => CommandError::of(error).hint("is your keyring there, and HOME your own?"),
        DeliverError::NotAllowed => {
            CommandError::new("this command is not allowed to have these secrets in this folder")
                .hint("run it once at a terminal, where you are asked")
        }
    };
    match session.deliver_run(&asked.record) {
        Err(DeliverError::NotAllowed) if session.guarded && may_ask(workplace, session) => {
            workplace.report().tell(&question(workplace.report(), asked));
            if workplace.report().ask_yes(&Text::new().plain("Allow this?"))? {
                session.allow_run(asked.record.clone())?;
                log(session, Event::Allow, asked.program.clone(), placeholders(&asked.record.texts()));
            }
            session.deliver_run(&asked.record).map_err(explained)
        }
        done => done.map_err(explained),
    }
}

/// What a person is shown: all of it that a yes is for.
fn question(report: &Report, asked: &Asked) -> Text {
    let head = Text::new().styled(BOLD, asked.program.display()).plain(" asks for secrets").end();
    let mut text = head.plain("  runs ").styled(BOLD, cut(&asked.argv.join(" "))).end();
    text = text.styled(DIM, format_args!("    in {}", report.path(&asked.folder))).end();
    for (name, value) in &asked.shown {
        text = text.plain(format_args!("    with {}=", cut(name))).styled(MARK, cut(value)).end();
    }
    text
}

/// The program with what it is given.
fn start(asked: &Asked, delivery: &Delivery) -> Start {
    let mut start = Start::new(asked.program.clone());
    asked.argv.iter().for_each(|argument| start.argument(delivery.fill(argument)));
    let is_of_file = |name: &OsString| name.to_str().is_some_and(|name| asked.files.contains_key(name));
    for (name, value) in variables().into_iter().filter(|(name, _)| !is_of_file(name)) {
        match value.to_str() {
            Some(text) => start.variable(&name, &delivery.fill(text)),
            None => start.plain_variable(name, &value),
        }
    }
    for (name, text) in &asked.files {
        start.variable(name.as_ref(), &delivery.fill(text));
    }
    start
}
