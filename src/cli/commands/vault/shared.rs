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
    let typed = report.ask_hidden("New passphrase: ").map_err(|_| {
        CommandError::new("a passphrase must be typed at a terminal, and this is not one").hint(TYPE_ONE)
    })?;
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
