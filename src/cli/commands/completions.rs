//! `keystencil completions`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// Print a completion script for a shell
///
/// Examples:
///
///     keystencil completions bash > ~/.local/share/bash-completion/completions/keystencil
///     keystencil completions zsh > ~/.zfunc/_keystencil
///     keystencil completions fish > ~/.config/fish/completions/keystencil.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(in crate::cli) fn run(
    context: &Context,
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "keystencil", &mut script);
    context.report.raw(&script)?;
    Ok(Exit::Done)
}
