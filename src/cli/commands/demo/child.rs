//! `keystencil demo-child`: the program that the demo runs, which shows that it got the key.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use clap::Args;

/// The program that the demo runs
#[derive(Debug, Args)]
#[command(hide = true)]
pub(in crate::cli) struct DemoChildArgs {}

pub(in crate::cli) fn run(_context: &Context, _args: &DemoChildArgs) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
