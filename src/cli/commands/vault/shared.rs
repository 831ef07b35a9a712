//! What several of the vault's verbs take and ask.

use crate::cli::error::CommandError;
use crate::cli::report::Report;
use clap::Args;
use zeroize::Zeroizing;

/// Options of whatever lists something the vault has.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Report as JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
}

const TYPE_ONE: &str = "nothing was changed; run it at a terminal and type one";

/// A new passphrase, asked for twice.
pub(super) fn new_passphrase(report: &Report) -> Result<Zeroizing<String>, CommandError> {
    let typed = report.ask_all_hidden(|ask| {
        let typed = ask("New passphrase: ")?;
        let is_same = typed.is_empty() || ask("New passphrase again: ")? == typed;
        Ok((typed, is_same))
    });
    match typed {
        Err(_) => {
            Err(CommandError::new("a passphrase must be typed at a terminal, and this is not one").hint(TYPE_ONE))
        }
        Ok((typed, _)) if typed.is_empty() => Err(CommandError::new("a passphrase can't be empty").hint(TYPE_ONE)),
        Ok((typed, true)) => Ok(typed),
        Ok(_) => Err(CommandError::new("the two values differ").hint("nothing was changed; try again")),
    }
}
