//! `keystencil demo`.

pub(in crate::cli) mod child;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use clap::Args;

/// Show a whole session in a scratch folder
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DemoArgs {
    /// Leave the scratch folder behind, to look around in it
    #[arg(long)]
    keep: bool,
}

pub(in crate::cli) fn run(_context: &Context, _args: &DemoArgs) -> Result<Exit, CliError> {
    Err(CliError::Demo("not written yet"))
}
