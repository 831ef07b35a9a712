//! `keystencil install` and `keystencil uninstall`.

mod git;
mod shim;

pub(in crate::cli) use shim::{is_shim, real_program};

use crate::cli::agents::for_a_person;
use crate::cli::context::Context;
use crate::cli::environment::{own_program, search_path, variable_os};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text};
use crate::host::profile::{ClaudeCode, Profile};
use crate::host::shell::word;
use clap::{Args, Subcommand};

/// Set up hooks, a git filter or a shim that manage sessions for you
///
/// Examples:
///
///     keystencil install claude-code          hooks that repair, report and clean up
///     keystencil install shim claude          a `claude` that runs the real one under `keystencil exec`
///     keystencil install shim claude --print zsh
///     keystencil install git                  a filter: a rendered file is committed without its keys
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
    /// Hooks in Claude Code's settings.json: a session started without keystencil is repaired, every end cleans up
    ClaudeCode,
    Shim(shim::ShimArgs),
    Git(git::GitArgs),
}

#[derive(Debug, Subcommand)]
enum Uninstall {
    /// The hooks in Claude Code's settings.json
    ClaudeCode,
    Shim(shim::UnshimArgs),
    Git(git::UngitArgs),
}

pub(in crate::cli) fn install(context: &Context, args: &InstallArgs) -> Result<Exit, CommandError> {
    match &args.what {
        Install::ClaudeCode => {
            let program = program();
            hooks(context, Some(&program), "installed", "are there already")
        }
        Install::Shim(args) => shim::install(context, args),
        Install::Git(args) => git::install(context, args),
    }
}

pub(in crate::cli) fn uninstall(context: &Context, args: &UninstallArgs) -> Result<Exit, CommandError> {
    for_a_person(&context.open_anyhow(), "keystencil uninstall")?;
    match &args.what {
        Uninstall::ClaudeCode => hooks(context, None, "uninstalled", "are not there"),
        Uninstall::Shim(args) => shim::uninstall(context, args),
        Uninstall::Git(args) => git::uninstall(context, args),
    }
}

fn hooks(context: &Context, program: Option<&str>, done: &str, nothing: &str) -> Result<Exit, CommandError> {
    let report = &context.report;
    let Some(settings) = ClaudeCode.settings(&context.environment.home, &variable_os) else { return Ok(Exit::Done) };
    if program.is_none() && !settings.exists() {
        report.note(Text::new().plain(format_args!("the hooks {nothing}: there is no {}", report.path(&settings))));
        return Ok(Exit::Done);
    }
    if let Some(folder) = settings.parent() {
        let failed = |source| CommandError::file("make the folder", folder, &source);
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let changed = context.open_anyhow().session(|session| session.change_hooks(&ClaudeCode, &settings, program))?;
    let shown = report.path(&settings);
    report.note(match changed {
        true => Text::new().styled(GOOD, done).plain(format_args!(" the SessionStart and SessionEnd hooks in {shown}")),
        false => Text::new().plain(format_args!("the hooks in {shown} {nothing}; nothing was changed")),
    });
    Ok(Exit::Done)
}

/// How a shell calls this program: by its name if that finds it, so that settings can be shared between machines.
fn program() -> String {
    let Some(own) = own_program() else { return "keystencil".to_owned() };
    let found = search_path().into_iter().map(|folder| folder.join("keystencil")).find(|file| file.is_file());
    match found.and_then(|file| file.canonicalize().ok()) {
        Some(found) if found == own => "keystencil".to_owned(),
        _ => word(&own.to_string_lossy()),
    }
}
