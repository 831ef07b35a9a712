//! The command line as clap sees it: the list of verbs. What a verb takes is in its own file.

use super::commands::{
    absorb, allow, check, completions, demo, diff, doctor, exec, git, headers, hook, import, init, install, log, man,
    purge, recover, render, run, secret, status, unlock, unrender, vault,
};
use super::global::{ColorArg, GlobalArgs};
use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand, ValueEnum as _};
use std::ffi::OsString;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Inject secrets into config files while a program runs, then remove them again
///
/// A template is the config file you commit, with references where the keys would
/// be:
///
///     "OPENAI_API_KEY": "<< keyring('openai') >>"
///
/// keystencil puts the keys from your system's keyring into the live file while a
/// program needs them, and then removes exactly what it inserted.
/// Everything else in the file stays as it is, byte for byte.
///
/// Start here:
///
///     keystencil demo                     play a whole session in a scratch directory
///     keystencil secret set openai        store a key; asks for it
///     keystencil exec -- claude           run a program with the keys in place
///
/// Exit status: 0 success · 1 diff or check found something · 2 error, nothing was
/// changed · 3 success, but something needs your attention. `exec` and `run` exit
/// with the program's status.
#[derive(Debug, Parser)]
#[command(name = "keystencil", version, styles = STYLES, verbatim_doc_comment, max_term_width = 90)]
#[command(propagate_version = false, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// Reads a command line, without the program's own name.
    ///
    /// # Errors
    /// What clap has against it, or shows instead: help, the version.
    pub(super) fn parse_line(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let line = || std::iter::once("keystencil".into()).chain(arguments.iter().cloned());
        // To build all the verbs takes clap longer than a server takes to be given its secrets, and a host starts many.
        let is_hosts = arguments.first().is_some_and(|verb| verb == "run" || verb == "headers");
        match is_hosts.then(|| HostCli::try_parse_from(line())) {
            Some(Ok(HostCli { global, command: HostCommand::Run(args) })) => {
                Ok(Self { global, command: Command::Run(args) })
            }
            Some(Ok(HostCli { global, command: HostCommand::Headers(args) })) => {
                Ok(Self { global, command: Command::Headers(args) })
            }
            // Whatever is to be said about it is said by the whole.
            _ => Self::try_parse_from(line()),
        }
    }
}

/// The part of [`Cli`] that hosts call.
#[derive(Debug, Parser)]
struct HostCli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: HostCommand,
}

#[derive(Debug, Subcommand)]
enum HostCommand {
    Run(run::RunArgs),
    Headers(headers::HeadersArgs),
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Exec(exec::ExecArgs),
    Run(run::RunArgs),
    Headers(headers::HeadersArgs),
    Render(render::RenderArgs),
    Unrender(unrender::UnrenderArgs),
    Diff(diff::DiffArgs),
    Absorb(absorb::AbsorbArgs),
    Check(check::CheckArgs),
    Status(status::StatusArgs),
    Recover(recover::RecoverArgs),
    Log(log::LogArgs),
    Secret(secret::SecretArgs),
    Import(import::ImportArgs),
    Allow(allow::AllowArgs),
    Doctor(doctor::DoctorArgs),
    Purge(purge::PurgeArgs),
    Vault(vault::VaultArgs),
    Unlock(unlock::UnlockArgs),
    Lock(unlock::LockArgs),
    Init(init::InitArgs),
    Install(install::InstallArgs),
    Uninstall(install::UninstallArgs),
    Hook(hook::HookArgs),
    Git(git::GitArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// What has to be known of a command line that can't be parsed: the colour of the complaint, and whether `exec` was
/// meant, whose own failures have a status of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EarlyArgs {
    pub(super) color: ColorArg,
    pub(super) is_exec: bool,
    /// `secret set` or `secret rotate`: what is wrong with the line may be the value of a secret.
    pub(super) takes_value: bool,
}

impl EarlyArgs {
    pub(super) fn of(arguments: &[OsString]) -> Self {
        let mut early = Self { color: ColorArg::Auto, is_exec: false, takes_value: false };
        let mut rest = arguments.iter().map(|argument| argument.to_string_lossy());
        while let Some(argument) = rest.next() {
            let (option, value) = argument.split_once('=').map_or((argument.as_ref(), None), |(o, v)| (o, Some(v)));
            match option {
                "--color" => {
                    let value = value.map(ToOwned::to_owned).or_else(|| rest.next().map(|next| next.to_string()));
                    early.color = value.and_then(|value| ColorArg::from_str(&value, false).ok()).unwrap_or(early.color);
                }
                "--config" | "--store" if value.is_none() => drop(rest.next()),
                option if option.starts_with('-') => {}
                verb => {
                    early.is_exec |= ["exec", "run", "headers"].contains(&verb);
                    let mut words = rest.skip_while(|word| word.starts_with('-'));
                    early.takes_value |= verb == "secret" && words.next().is_some_and(|w| w == "set" || w == "rotate");
                    break;
                }
            }
        }
        early
    }

    /// Whether a complaint would repeat what may be the value of a secret: anything but a word, or an option of that
    /// name.
    pub(super) fn must_hide(self, error: &clap::Error) -> bool {
        let is_word = |text: &str| {
            let name = text.trim_start_matches('-');
            name.len() <= 16 && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        };
        let shown = [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| error.get(kind));
        let repeats = |value: &ContextValue| match value {
            ContextValue::String(text) => !text.split([' ', '=']).take(1).all(is_word),
            _ => false,
        };
        self.takes_value && shown.into_iter().flatten().any(repeats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early(line: &str) -> EarlyArgs {
        EarlyArgs::of(&line.split_whitespace().map(Into::into).collect::<Vec<_>>())
    }

    #[test]
    fn exec_is_recognised_behind_global_options_and_not_among_their_values() {
        assert!(early("--config exec exec --nonsense").is_exec);
        assert!(!early("--config exec render").is_exec);
        assert!(!early("render exec").is_exec);
    }

    #[test]
    fn the_colour_of_a_complaint_is_known_before_the_command_line_is() {
        assert_eq!(early("--color never --nonsense").color, ColorArg::Never);
        assert_eq!(early("--color=always render").color, ColorArg::Always);
        assert_eq!(early("--color").color, ColorArg::Auto);
    }

    #[test]
    fn the_verbs_of_hosts_are_read_as_all_are_and_what_is_wrong_is_said_by_the_whole() {
        for line in [
            "run --for claude:/mcpServers/a -- npx -y x",
            "run --for=claude:/mcpServers/a --bare --store vault -- npx",
            "headers --for claude:/mcpServers/a --config /c.toml",
            "run --env-file .env --mask -q -- npm test",
            "run --help",
            "headers",
            "run --for claude -- npx",
            "run npx",
            "run --version",
            "headers --nonsense",
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let whole = Cli::try_parse_from(std::iter::once("keystencil".into()).chain(words.clone()));
            let said =
                |parsed: Result<Cli, clap::Error>| parsed.map_or_else(|e| e.to_string(), |cli| format!("{cli:?}"));
            assert_eq!(said(Cli::parse_line(&words)), said(whole), "{line}");
        }
    }

    #[test]
    fn the_command_line_is_well_defined() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
