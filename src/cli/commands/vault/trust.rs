//! `keystencil vault trust`.

use crate::cli::agents::for_a_person;
use crate::cli::context::Workplace;
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{BAD, GOOD, Text, count};
use clap::Args;

/// Accept the vault that is there, after another file took its place
///
/// Anybody who can write to the folder of the vault can put one of their own
/// there, encrypted to your public key and to theirs; what you store next would be
/// theirs too. So this machine remembers its vault, and writes to no other. After
/// a restore from a backup, or when another machine of yours changed the
/// identity or removed a reader, look at who can read the vault, and accept it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct TrustArgs {
    /// Accept it without a question
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &TrustArgs) -> Result<Exit, CommandError> {
    for_a_person(workplace, "keystencil vault trust")?;
    let (vault, report) = (workplace.lookup.stores.vault(), workplace.report());
    let Some(found) = vault.untrusted()? else {
        report.note(Text::new().plain("this machine knows the vault that is there; nothing was changed"));
        return Ok(Exit::Done);
    };
    report.tell(&Text::new().plain(&found.error).plain(format_args!("; {} in it", count(found.secrets, "secret"))));
    for (key, is_known) in &found.readers {
        let mark = if *is_known { Text::new().styled(GOOD, "known  ") } else { Text::new().styled(BAD, "unknown") };
        report.tell(&mark.plain(format_args!("  {key}")));
    }
    if !args.yes {
        let question = Text::new().plain("Encrypt what you store from now on to all of these?");
        if !(is_interactive() && report.ask_yes(&question)?) {
            return Err(CommandError::not_confirmed("the vault was not accepted"));
        }
    }
    vault.trust()?;
    report.note(Text::new().styled(GOOD, "accepted").plain(" the vault"));
    Ok(Exit::Done)
}
