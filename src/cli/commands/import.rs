//! `keystencil import`: from a config with keys in plain text to secrets, a template and the placeholder form.

mod args;
mod destination;
mod error;
mod keep;
mod other;
mod rename;
mod show;

pub(in crate::cli) use error::ImportError;

use crate::adopt::import::{Extent, ImportPlan, plan_knowing};
use crate::cli::agents::{log, refuse};
use crate::cli::commands::check::known;
use crate::cli::context::{Context, Workplace};
use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::WRAPPING;
use crate::cli::naming::placeholder;
use crate::cli::outcome::closed_warnings;
use crate::cli::progress::Progress;
use crate::cli::recording::record;
use crate::cli::recovery::recover;
use crate::cli::report::{Text, Warning, count};
use crate::cli::typed::Typed;
use crate::document::{Document, Syntax};
use crate::error::{Explain as _, Place};
use crate::host::{ReplaceError, Resolved};
use crate::plan::render::{open, target as check};
use crate::plan::wrap;
use crate::session::import::settle_names;
use crate::session::{Event, ImportRequest, Imported, Session, SessionError};
pub(in crate::cli) use args::ImportArgs;
use args::{check_selection, selection};
use destination::{Destination, from_home};
use keep::{Stored, named};
use rename::Answer;
use std::io::ErrorKind;
use std::path::Path;
use zeroize::Zeroizing;

/// A program that writes the file faster than it is read is not waited for for ever.
const ATTEMPTS: usize = 10;

pub(in crate::cli) fn run(context: &Context, args: &ImportArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    workplace.session(|session| {
        if args.dry_run {
            return import(&workplace, session, args);
        }
        refuse(session, "keystencil import")?;
        let recovery = recover(workplace.report(), session);
        recovery.then(workplace.report(), import(&workplace, session, args))
    })
}

fn import(workplace: &Workplace<'_>, session: &Session<'_>, args: &ImportArgs) -> Result<Exit, CommandError> {
    let keeper = Stored::new(&workplace.lookup.stores);
    let stored = known::values(workplace);
    let mut agreed: Option<ImportPlan> = None;
    // What was typed at the prompt comes on top.
    let mut renames = args.rename.clone();
    let mut attempts = 0;
    while attempts < ATTEMPTS {
        let text = read(&args.file)?;
        let failed = |error| SessionError::Target { path: args.file.clone(), error };
        // Its lines look like those of a file of variables.
        if Syntax::of(&args.file) == Syntax::Toml {
            open(&args.file, &text).map_err(failed)?;
        }
        if let Some(exit) = other::import(workplace, session, args, &text, &stored)? {
            return Ok(exit);
        }
        let bar = Progress::bytes(workplace.report(), "reading", text.len() as u64);
        let mut before = 0;
        let mut progress = |done: usize| bar.advance((done - std::mem::replace(&mut before, done)) as u64);
        // The template is to have the servers as they are without us.
        let plain = wrap::plain(&text);
        let mut plan = plan_knowing(&plain, &selection(args), &stored, &mut progress).map_err(failed)?;
        drop(bar);
        refuse_rendered(session, args)?;
        check_selection(&plan, &plain, args)?;
        rename::apply(&mut plan, &renames)?;
        let is_stored = settle_names(&mut plan, &keeper)?;
        let document = check(&plain).map_err(failed)?;
        let destination = Destination::choose(workplace, args)?;
        let template = template(&plan, &document, workplace, args);
        let shown = show::Shown { workplace, plan: &plan, is_stored: &is_stored, destination: &destination };
        if plan.is_empty() {
            return shown.nothing(args.json);
        }
        destination.check(&template)?;
        if args.dry_run {
            return shown.plan(args.json);
        }
        if agreed.as_ref() != Some(&plan) {
            match ask(&shown, args)? {
                Answer::Yes => {}
                Answer::No => return Err(CommandError::not_confirmed("nothing was imported")),
                Answer::Names => {
                    renames.extend(rename::ask(workplace.report(), &plan, &keeper)?);
                    continue;
                }
            }
        }
        let config = destination.config.as_ref();
        let request = ImportRequest { text: &text, plan: &plan, template: &template, config, stored: &stored };
        match session.import(&destination.target, &request, &keeper) {
            Ok(imported) => {
                let exit = done(session, &shown, &imported, args)?;
                let allowed = imported.allowed.and_then(|()| record(&session.open(&destination.target)?));
                if allowed.is_ok() {
                    let secrets = plan.secrets.iter().map(|found| placeholder(&found.name)).collect();
                    log(session, Event::Allow, destination.target.path.clone(), secrets);
                }
                return Ok(exit.and(not_allowed(workplace, allowed)));
            }
            // Planned again, and shown again if that makes a difference.
            Err(SessionError::Changed { .. }) => {
                agreed = Some(plan);
                attempts += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(SessionError::Raced { path: args.file.clone() }.into())
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    match Resolved::follow(file).and_then(|file| file.read()) {
        Ok(Some(text)) => Ok(Zeroizing::new(text)),
        Ok(None) => Err(ImportError::no_file(file).into()),
        Err(ReplaceError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(ImportError::no_file(file).into())
        }
        Err(error) => Err(SessionError::from(error).into()),
    }
}

/// What a render has put into the file is not a finding.
fn refuse_rendered(session: &Session<'_>, args: &ImportArgs) -> Result<(), SessionError> {
    match session.journal(&args.file)? {
        Some(_) => Err(SessionError::Rendered { path: args.file.clone() }),
        None => Ok(()),
    }
}

fn template(plan: &ImportPlan, document: &Document<'_>, workplace: &Workplace<'_>, args: &ImportArgs) -> String {
    let extent = if args.whole { Extent::Whole } else { Extent::Parts };
    plan.template(document, extent, &from_home(workplace, &named(&args.file)))
}

/// Shows the plan and asks for a yes.
fn ask(shown: &show::Shown<'_>, args: &ImportArgs) -> Result<Answer, CommandError> {
    if args.yes {
        return Ok(Answer::Yes);
    }
    if !environment::is_interactive() || args.json {
        return Err(CommandError::not_confirmed(
            "nothing was imported: this is not a terminal, so the import can't be confirmed",
        ));
    }
    shown.plan(false)?;
    if !shown.destination.target.deliveries.are_files() {
        shown.workplace.report().tell(&Text::new().plain(WRAPPING).end());
    }
    let question = format!("import {}?", count(shown.plan.secrets.len(), "secret"));
    rename::confirm(shown.workplace.report(), &question)
}

/// The import is done whatever came of that.
fn not_allowed(workplace: &Workplace<'_>, allowed: Result<(), SessionError>) -> Exit {
    let Err(error) = allowed else { return Exit::Done };
    workplace.report().warning(&Warning {
        message: format!("cannot record that the keys may go back where they were: {error}"),
        place: error.place(),
        hint: Some("`keystencil allow` records it".to_owned()),
    });
    Exit::Attention
}

fn done(
    session: &Session<'_>,
    shown: &show::Shown<'_>,
    imported: &Imported,
    args: &ImportArgs,
) -> Result<Exit, CommandError> {
    let report = shown.workplace.report();
    if args.json {
        report.json(&shown.as_json(Some(imported)))?;
    } else {
        shown.done(imported);
    }
    let target = &shown.destination.target;
    // A call names a target of the config.
    if shown.destination.lines.is_none() && !target.deliveries.are_files() && session.wrap_at_rest(target)? {
        report.note(Text::new().plain(format_args!("wrapped the servers of {}", report.path(&target.path))));
    }
    let left = shown.warn_of_left();
    let closed = closed_warnings(report, &shown.destination.target.path, &imported.closed);
    if !args.json {
        let command = if shown.destination.target.profile.name() == "claude-code" { "claude" } else { "PROGRAM" };
        let next = match &shown.destination.lines {
            None => {
                format!("next: `{}` starts it with the keys in place", Typed::ours("exec --").operand(command))
            }
            Some(lines) => {
                format!("next: add these lines to {}\n\n{lines}", report.path(&shown.workplace.context.config_file()))
            }
        };
        report.note(Text::new().block(&next));
    }
    Ok(left.and(closed).and(logged(session, shown)))
}

/// A key in a place of which the program is known to log what is there: no template helps there.
fn logged(session: &Session<'_>, shown: &show::Shown<'_>) -> Exit {
    let target = &shown.destination.target;
    let Ok(job) = session.open(target) else { return Exit::Done };
    let logged = job.warnings();
    for (pointer, why) in &logged {
        shown.workplace.report().warning(&Warning {
            message: format!("a key is filled in where it will be logged: {why}"),
            place: Some(Place::file(&target.template).slot(pointer.as_str())),
            hint: Some("put the reference into `env` or `headers` of the server".to_owned()),
        });
    }
    Exit::attention(!logged.is_empty())
}
