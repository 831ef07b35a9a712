//! `keystencil vault rekey`.

use super::new_passphrase;
use crate::cli::agents::for_a_person;
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text};
use crate::store::vault::NewIdentity;
use clap::Args;
use std::path::PathBuf;

/// Change the identity that opens the vault
///
/// Without options a new identity is made. The vault is encrypted to it, and it
/// replaces ~/.config/keystencil/identity.txt. The old identity is kept next to it:
/// it opens older copies of the vault, but not the new vault. If somebody else has
/// the old identity, give every secret a new value too.
///
/// Examples:
///
///     keystencil vault rekey
///     keystencil vault rekey --passphrase
///     keystencil vault rekey --identity ~/.ssh/id_ed25519
///     age-plugin-yubikey --identity > key.txt
///     keystencil vault rekey --identity key.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RekeyArgs {
    /// Use a copy of this identity: an age identity, one of an age plugin, or an ssh key
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    identity: Option<PathBuf>,
    /// Make an identity protected with a passphrase, which is asked for
    #[arg(long)]
    passphrase: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &RekeyArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    for_a_person(workplace, "keystencil vault rekey")?;
    let new = match &args.identity {
        Some(file) => NewIdentity::File(file.clone()),
        None if args.passphrase => NewIdentity::Protected(new_passphrase(report)?),
        None => NewIdentity::Fresh,
    };
    let done = workplace.lookup.stores.vault().rekey(&new)?;
    let (verb, rest) =
        if done.had_vault { ("rekeyed", " the vault") } else { ("set", " the identity of the future vault") };
    report.note(Text::new().styled(GOOD, verb).plain(rest));
    if let Some(old) = done.old {
        let text = format_args!("the old identity is now {}; it opens older copies of the vault", report.path(&old))
            .to_string();
        report.note(Text::new().plain(text));
    }
    Ok(Exit::Done)
}
