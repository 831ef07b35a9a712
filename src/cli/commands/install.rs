//! `keystencil install` and `keystencil uninstall`.

mod git;
mod settings;
mod shim;

pub(in crate::cli) use shim::{is_shim, real_program};

use crate::cli::agents::for_a_person;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::{Args, Subcommand};
pub(in crate::cli) use settings::offer_shield;

/// Set up hooks, a shim or a git filter that call keystencil for you
///
/// Examples:
///
///     keystencil install claude-code            hooks that repair and clean up
///     keystencil install claude-code --shield   and that keep keys from the agent
///     keystencil install shim claude            `claude` runs under `exec`
///     keystencil install shim claude --print zsh
///     keystencil install git                    files are committed without keys
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct InstallArgs {
    #[command(subcommand)]
    what: Install,
}

/// Remove what `keystencil install` set up, and nothing else
#[derive(Debug, Args)]
pub(in crate::cli) struct UninstallArgs {
    #[command(subcommand)]
    what: Uninstall,
}

#[derive(Debug, Subcommand)]
enum Install {
    ClaudeCode(settings::ClaudeCodeArgs),
    Shim(shim::ShimArgs),
    Git(git::GitArgs),
}

#[derive(Debug, Subcommand)]
enum Uninstall {
    /// The hooks in Claude Code's settings.json, and all that --shield added
    ClaudeCode,
    Shim(shim::UnshimArgs),
    Git(git::UngitArgs),
}

pub(in crate::cli) fn install(context: &Context, args: &InstallArgs) -> Result<Exit, CommandError> {
    match &args.what {
        Install::ClaudeCode(args) => settings::install(context, args),
        Install::Shim(args) => shim::install(context, args),
        Install::Git(args) => git::install(context, args),
    }
}

pub(in crate::cli) fn uninstall(context: &Context, args: &UninstallArgs) -> Result<Exit, CommandError> {
    for_a_person(&context.open_anyhow(), "keystencil uninstall")?;
    match &args.what {
        Uninstall::ClaudeCode => settings::uninstall(context),
        Uninstall::Shim(args) => shim::uninstall(context, args),
        Uninstall::Git(args) => git::uninstall(context, args),
    }
}
