//! `run --for`: a server as its host starts it. The host's config, its environment and its folder may be anybody's; what was
//! recorded decides.

use super::start::{Failed, Start};
use crate::cli::context::Context;
use crate::cli::delivering::{Delivered, differs, explained, note, recorded};
use crate::cli::environment::{NESTING, nesting, variables, working_folder};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::recording::found;
use crate::consent::record::{Entry, Now, Started};
use crate::consent::steering::steers;
use crate::plan::wrap::For;
use crate::session::Event;
use std::ffi::OsString;

/// So many servers may start each other: one that calls `run --for` on itself would start for ever. A host that is a server
/// itself has its own servers, so it is not one.
const MOST_NESTED: usize = 8;

/// Becomes the server; returns only if that can't be.
pub(super) fn run(context: &Context, server: &For, command: &[OsString]) -> Result<Exit, Failed> {
    let nesting = nesting();
    if nesting >= MOST_NESTED {
        let error = CommandError::new(format!("{MOST_NESTED} servers have started each other"));
        return Err(error.hint("a server must not start itself: look at its command").into());
    }
    let workplace = context.open()?.unattended();
    let start = workplace.session(|session| {
        let recorded = recorded(server, &workplace, session)?;
        let Entry::Started(started) = &recorded.server().entry else {
            let error = CommandError::new("you allowed a URL here, not a command");
            return Err(error
                .hint("a server that the host connects to gets its headers through `keystencil headers`")
                .into());
        };
        let argv: Vec<String> = command
            .iter()
            .map(|argument| argument.clone().into_string())
            .collect::<Result<_, _>>()
            .map_err(|_| CommandError::new("an argument is not UTF-8").hint("write it as text in the config"))?;
        let folder = working_folder();
        let found = argv.first().map(|command| found(command, None)).unwrap_or_default();
        let Some(program) = found.first().cloned() else {
            return Err(Failed::not_found(argv.first().map_or("", String::as_str)));
        };
        let now =
            Now { argv: &argv, variable: &crate::cli::environment::variable, folder: folder.as_deref(), found: &found };
        started.compare(&now).map_err(|found| differs(server, &found))?;
        let delivery = session.deliver(&recorded).map_err(|error| explained(server, error))?;
        let (environment, dropped) = environment(started);
        let delivered = Delivered {
            target: recorded.target(),
            server: Some(&server.pointer),
            program: Some(&program),
            delivery: &delivery,
            dropped,
        };
        note(session, Event::Run, delivered);
        let mut start = Start::new(program);
        argv.iter().for_each(|argument| start.argument(delivery.fill(argument)));
        for (name, value) in environment {
            let text = value.to_str().filter(|_| name.to_str().is_some_and(|name| started.env.contains_key(name)));
            match text {
                Some(text) => start.variable(&name, &delivery.fill(text)),
                None => start.plain_variable(name, &value),
            }
        }
        start.plain_variable(NESTING.into(), (nesting + 1).to_string().as_ref());
        Ok::<_, Failed>(start)
    })?;
    drop(workplace);
    start.become_it(&context.hardened)
}

/// The environment that goes on, and the names of what does not: variables that steer programs and that nobody allowed.
fn environment(started: &Started) -> (Vec<(OsString, OsString)>, Vec<String>) {
    let mut dropped = Vec::new();
    let kept = variables().into_iter().filter(|(name, value)| {
        let shown = name.to_string_lossy();
        if shown == NESTING {
            return false;
        }
        let passes = !steers(&shown) || value.to_str().is_some_and(|value| started.passes(&shown, value));
        if !passes {
            dropped.push(shown.into_owned());
        }
        passes
    });
    let kept = kept.collect();
    dropped.sort();
    (kept, dropped)
}
