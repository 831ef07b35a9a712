//! `keystencil man`.

use crate::cli::args::Cli;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use clap::{Args, CommandFactory as _};
use clap_mangen::Man;
use std::path::PathBuf;

/// Print the manual page, or write one for each command
///
/// Examples:
///
///     keystencil man | man -l -
///     keystencil man --dir ~/.local/share/man/man1
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ManArgs {
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(in crate::cli) fn run(context: &Context, args: &ManArgs) -> Result<Exit, CliError> {
    let command = Cli::command();
    match &args.dir {
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).map_err(CliError::Output)?;
            context.report.raw(&page)?;
        }
        Some(folder) => {
            let failed = |source| CliError::File { step: "write the pages", path: folder.clone(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(command, folder).map_err(failed)?;
        }
    }
    Ok(Exit::Done)
}
