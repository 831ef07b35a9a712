//! `keystencil install claude-code`: hooks in its settings, and what shields keys from its agent.

use crate::cli::context::Context;
use crate::cli::environment::{is_interactive, own_program, search_path, variable_os};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, Warning, warning};
use crate::host::profile::shield::{Item, items};
use crate::host::profile::{ClaudeCode, Profile};
use crate::host::shell::word;
use crate::session::Hooks;
use clap::Args;
use std::path::PathBuf;

/// The first version whose sandbox was seen to hide files by `credentials`.
const HIDES: [u32; 3] = [2, 1, 330];

/// Hooks in Claude Code's settings.json: a session started without keystencil is repaired, every end cleans up
///
/// With --shield, also rules and hooks that keep keys from the agent: it may not
/// read the files that hold keys now and then, their copies, the vault and the
/// state, and may not call `keystencil run` and `headers`. Keys in what its tools
/// put out are closed before it sees them. This is friction and no wall: what runs
/// as you can read what you can read.
///
/// Do it again when targets came or went. `keystencil uninstall claude-code` takes
/// out exactly what was added.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ClaudeCodeArgs {
    /// Keep keys from the agent: rules, and hooks before and after each tool
    #[arg(long)]
    shield: bool,
}

pub(super) fn install(context: &Context, args: &ClaudeCodeArgs) -> Result<Exit, CommandError> {
    let Some(settings) = settings(context) else { return Ok(Exit::Done) };
    if let Some(folder) = settings.parent() {
        let failed = |source| CommandError::file("make the folder", folder, &source);
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let workplace = if args.shield { context.open()? } else { context.open_anyhow() };
    let shield = args.shield.then(|| shield(context, &workplace.protected()));
    let program = program();
    let hooks = Hooks { program: &program, shield: shield.as_deref() };
    let changed = workplace.session(|session| session.change_hooks(&ClaudeCode, &settings, Some(hooks)))?;
    let shown = context.report.path(&settings);
    let what = if args.shield { "the hooks and the shield" } else { "the SessionStart and SessionEnd hooks" };
    context.report.note(match changed {
        true => Text::new().styled(GOOD, "installed").plain(format_args!(" {what} in {shown}")),
        false => Text::new().plain(format_args!("{what} in {shown} are there already; nothing was changed")),
    });
    Ok(Exit::Done)
}

pub(super) fn uninstall(context: &Context) -> Result<Exit, CommandError> {
    let Some(settings) = settings(context) else { return Ok(Exit::Done) };
    let shown = context.report.path(&settings);
    if !settings.exists() {
        context.report.note(Text::new().plain(format_args!("the hooks are not there: there is no {shown}")));
        return Ok(Exit::Done);
    }
    let changed = context.open_anyhow().session(|session| session.change_hooks(&ClaudeCode, &settings, None))?;
    context.report.note(match changed {
        true => Text::new().styled(GOOD, "uninstalled").plain(format_args!(" what was added to {shown}")),
        false => Text::new().plain(format_args!("the hooks in {shown} are not there; nothing was changed")),
    });
    Ok(Exit::Done)
}

/// Asks at a terminal whether the agent is to be kept from keys; without one, says how that is done.
///
/// # Errors
/// [`CommandError`] if the terminal can't be read, or as for [`install`].
pub(in crate::cli) fn offer_shield(context: &Context) -> Result<(), CommandError> {
    let is_there = settings(context).is_some_and(|settings| settings.parent().is_some_and(std::path::Path::is_dir));
    if !is_there && client().is_none() {
        return Ok(());
    }
    if !is_interactive() {
        context.report.note(Text::new().plain(
            "to keep keys from the agent in Claude Code, once targets are set up: `keystencil install claude-code --shield`",
        ));
        return Ok(());
    }
    let question = "Keep keys from the agent in Claude Code, by rules and hooks in its settings?";
    if context.report.ask_yes(&Text::new().plain(question))? {
        install(context, &ClaudeCodeArgs { shield: true })?;
    }
    Ok(())
}

fn settings(context: &Context) -> Option<PathBuf> {
    ClaudeCode.settings(&context.environment.home, &variable_os)
}

/// What the settings are to say; without what this version of the client does not know.
fn shield(context: &Context, protected: &crate::host::profile::shield::Protected) -> Vec<Item> {
    let version = client().and_then(|client| ClaudeCode::version(&client));
    let is_known = version.as_deref().is_some_and(|version| {
        let numbers: Vec<u32> = version.split('.').map_while(|number| number.parse().ok()).collect();
        numbers.as_slice() >= HIDES.as_slice()
    });
    if !is_known {
        let which = version.map_or_else(
            || "which version of Claude Code this is, is not known".to_owned(),
            |version| format!("Claude Code is of version {version}"),
        );
        let hint = Some("with 2.1.330 or newer in PATH, install it again".to_owned());
        let message = format!("{which}: what its sandbox is to hide is left out");
        context.report.warning(&Warning { hint, ..warning(message) });
    }
    items(protected, &context.environment.home, is_known)
}

/// The client that `PATH` finds.
fn client() -> Option<PathBuf> {
    let names = ["claude", "claude.exe"];
    let all = search_path().into_iter().flat_map(|folder| names.map(|name| folder.join(name)));
    // A shim of ours says nothing about the version of what it starts.
    all.into_iter().filter(|file| file.is_file()).find(|file| !super::is_shim(file))
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
