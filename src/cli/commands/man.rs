//! `keystencil man`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::{Args, Command};
use clap_mangen::Man;
use std::path::PathBuf;

/// Print the manual page, or write one per command
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

pub(in crate::cli) fn run(context: &Context, args: &ManArgs, command: Command) -> Result<Exit, CommandError> {
    match &args.dir {
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page).map_err(CommandError::output)?;
            context.report.raw(&page)?;
        }
        Some(folder) => {
            let failed = |source| CommandError::file("write the pages", folder, &source);
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(command, folder).map_err(failed)?;
        }
    }
    Ok(Exit::Done)
}
