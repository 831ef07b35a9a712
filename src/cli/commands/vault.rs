//! `keystencil vault`: what only the vault has.

mod backups;
mod export;
mod import;
mod recipients;
mod rekey;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::Report;
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

/// Look after the vault, the encrypted file of secrets
///
/// The vault is used where no keyring answers, or with --store vault. It is an
/// age file, ~/.local/share/keystencil/vault.age, and the key to it is an age
/// identity, ~/.config/keystencil/identity.txt. The age tool reads it as well:
///
///     age -d -i ~/.config/keystencil/identity.txt ~/.local/share/keystencil/vault.age
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct VaultArgs {
    #[command(subcommand)]
    command: VaultCommand,
}

#[derive(Debug, Subcommand)]
enum VaultCommand {
    Rekey(rekey::RekeyArgs),
    Recipients(recipients::RecipientsArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Backups(backups::BackupsArgs),
}

/// Options of whatever lists something the vault has.
#[derive(Debug, Args)]
struct ListArgs {
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &VaultArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    match &args.command {
        VaultCommand::Rekey(args) => rekey::run(&workplace, args),
        VaultCommand::Recipients(args) => recipients::run(&workplace, args),
        VaultCommand::Export(args) => export::run(&workplace, args),
        VaultCommand::Import(args) => import::run(&workplace, args),
        VaultCommand::Backups(args) => backups::run(&workplace, args),
    }
}

const TYPE_ONE: &str = "nothing was changed; run it at a terminal and type one";

/// A new passphrase, asked for twice.
fn new_passphrase(report: &Report) -> Result<Zeroizing<String>, CommandError> {
    let typed = report
        .ask_hidden("New passphrase: ")
        .map_err(|_| CommandError::new("a passphrase is typed at a terminal, and there is none").hint(TYPE_ONE))?;
    if typed.is_empty() {
        return Err(CommandError::new("a passphrase can't be empty").hint(TYPE_ONE));
    }
    let again = report.ask_hidden("New passphrase again: ")?;
    if typed == again {
        Ok(typed)
    } else {
        Err(CommandError::new("the two values differ").hint("nothing was changed; try again"))
    }
}
