//! `keystencil vault`: what only the vault has.

mod backups;
mod export;
mod import;
mod recipients;
mod rekey;
mod shared;
mod trust;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::{Args, Subcommand};
use shared::{ListArgs, new_passphrase};

/// Manage the vault, the encrypted file of secrets
///
/// The vault is used where there is no keyring, or with --store vault. It is an age
/// file, ~/.local/share/keystencil/vault.age. Its key is an age identity,
/// ~/.config/keystencil/identity.txt. The age tool can read it too:
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
    Trust(trust::TrustArgs),
}

pub(in crate::cli) fn run(context: &Context, args: &VaultArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    match &args.command {
        VaultCommand::Rekey(args) => rekey::run(&workplace, args),
        VaultCommand::Recipients(args) => recipients::run(&workplace, args),
        VaultCommand::Export(args) => export::run(&workplace, args),
        VaultCommand::Import(args) => import::run(&workplace, args),
        VaultCommand::Backups(args) => backups::run(&workplace, args),
        VaultCommand::Trust(args) => trust::run(&workplace, args),
    }
}
