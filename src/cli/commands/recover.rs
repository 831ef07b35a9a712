//! `keystencil recover`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::outcome::say_owed;
use crate::cli::recovery::recover;
use crate::cli::report::Text;
use clap::Args;

/// Remove what crashed programs left behind
///
/// Looks at every rendered file. If a program that held it is gone (killed,
/// crashed, or the machine was restarted), its hold ends, and with the last hold
/// the secrets are removed. Secrets that were not found again, because their file
/// was moved, are searched for once more. `render`, `unrender` and `exec` do this
/// first, so you need it only to be sure.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RecoverArgs {}

pub(in crate::cli) fn run(context: &Context, _args: &RecoverArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    let workplace = context.open_anyhow();
    workplace.session(|session| {
        let before = session.state.owed().unwrap_or_default();
        let recovery = recover(report, session);
        let owed = session.state.owed()?;
        if !recovery.did_any && recovery.errors.is_empty() && owed.is_empty() {
            report.note(Text::new().plain("nothing to recover"));
        }
        let exit = recovery.exit.and(say_owed(report, &before, &owed));
        let errors = recovery.errors.into_iter().map(CommandError::from);
        CommandError::several(errors).map_or(Ok(exit), Err)
    })
}
