//! `keystencil secret get`.

use super::NameArgs;
use crate::cli::agents::{for_a_person, log_reading};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::placeholder;
use crate::cli::usage::Usage;
use crate::session::Event;
use clap::Args;
use std::path::PathBuf;

/// Print a secret to a pipe
///
/// On a terminal it is printed only with --reveal. It is refused below an AI tool
/// that keystencil knows (docs/AGENTS.md), and each reading is in `keystencil log`.
///
/// Examples:
///
///     keystencil secret get openai | wl-copy
///     keystencil secret get openai --reveal
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct GetArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Print it on a terminal too
    #[arg(long)]
    reveal: bool,
    /// Print no line break after it
    #[arg(short, long)]
    no_newline: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &GetArgs) -> Result<Exit, CommandError> {
    let name = args.name.name()?;
    for_a_person(workplace, "keystencil secret get")?;
    if workplace.report().is_out_terminal() && !args.reveal {
        return Err(CommandError::hidden(&format!("secret {name}")));
    }
    let (_, secret) = workplace.lookup.stores.get(&name).map_err(|error| error.near(&Usage::of(workplace).names()))?;
    log_reading(workplace, Event::Get, PathBuf::new(), vec![placeholder(&name)]);
    workplace.report().secret(&secret, !args.no_newline)?;
    Ok(Exit::Done)
}
