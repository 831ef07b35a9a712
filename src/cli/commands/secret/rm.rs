//! `keystencil secret rm`.

use super::NameArgs;
use crate::cli::context::Workplace;
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text};
use crate::cli::usage::Usage;
use clap::Args;
use serde_json::json;

/// Remove a secret from every store that has it
///
/// At a terminal it asks first, and says which templates still use the secret.
///
/// Examples:
///
///     keystencil secret rm openai
///     keystencil secret rm github --account work --yes
///     keystencil secret rm openai --store vault       leave the one in the keyring
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RmArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &RmArgs) -> Result<Exit, CommandError> {
    let (report, name) = (workplace.report(), args.name.name()?);
    let used = Usage::of(workplace).of_name(&name).join(", ");
    if !args.yes && is_interactive() {
        let use_of_it = if used.is_empty() { String::new() } else { format!(" (used by {used})") };
        if !report.ask_yes(&Text::new().plain(format_args!("Remove {name}{use_of_it}?")))? {
            return Err(CommandError::not_confirmed("nothing was removed"));
        }
    }
    let gone = workplace.lookup.stores.remove(&name)?;
    if gone.is_empty() {
        return Err(CommandError::no_secret(&name));
    }
    if args.json {
        let stores: Vec<String> = gone.iter().map(ToString::to_string).collect();
        report.json(&json!({ "name": name.service(), "account": name.account(), "removed_from": stores }))?;
    } else {
        let stores = gone.iter().map(|store| format!("the {store}")).collect::<Vec<_>>().join(" and ");
        report.note(Text::new().styled(GOOD, "removed").plain(format_args!(" {name} from {stores}")));
    }
    if !used.is_empty() {
        report.note(Text::new().plain(format_args!("{name} is still used by {used}: remove its reference there")));
    }
    Ok(Exit::Done)
}
