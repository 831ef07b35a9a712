//! `keystencil vault export`.

use super::new_passphrase;
use crate::cli::agents::{for_a_person, log_reading};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::placeholder;
use crate::session::Event;
use crate::store::vault::Sealing;
use clap::Args;
use std::path::PathBuf;

/// Print the vault's secrets, encrypted for another machine
///
/// The output is armored age, which `keystencil vault import` and the age tool can
/// read. It contains the secrets with their names and dates, but no backups, and
/// not the key of the vault.
///
/// Examples:
///
///     keystencil vault export --to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2… > keys.age
///     keystencil vault export --passphrase > keys.age
///     keystencil vault export --plaintext | jq -r '.entries[].service'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[group(id = "sealing", required = true, multiple = false, args = ["to", "passphrase", "plaintext"])]
pub(super) struct ExportArgs {
    /// Encrypt it to this public key: age1…, ssh-ed25519 …, ssh-rsa …; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    to: Vec<String>,
    /// Encrypt it with a passphrase, which is asked for
    #[arg(long)]
    passphrase: bool,
    /// Do not encrypt it: JSON with every key in plain text, into a pipe only
    #[arg(long)]
    plaintext: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ExportArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    for_a_person(workplace, "keystencil vault export")?;
    if args.plaintext && report.is_out_terminal() {
        return Err(CommandError::hidden("a vault in plain text"));
    }
    let sealing = if args.plaintext {
        Sealing::Plaintext
    } else if args.passphrase {
        Sealing::Passphrase(new_passphrase(report)?)
    } else {
        Sealing::Recipients(args.to.clone())
    };
    let (export, names) = workplace.lookup.stores.vault().export(&sealing)?;
    let secrets = names.iter().map(placeholder).collect();
    log_reading(workplace, Event::Export, PathBuf::new(), secrets);
    report.raw(&export)?;
    Ok(Exit::Done)
}
