//! `keystencil recover`.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome::recovered_from;
use crate::cli::report::Text;
use crate::session::{Outcome, Unrendered};
use clap::Args;

/// Take out what crashed programs left
///
/// Looks at every rendered file. Where a program that held it is gone (killed, crashed, or the machine was restarted),
/// its hold ends, and with the last hold the secrets leave the file. `render`, `unrender` and `exec` do this first, so
/// you need it only to be sure.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RecoverArgs {}

pub(in crate::cli) fn run(context: &Context, _args: &RecoverArgs) -> Result<Exit, CliError> {
    let report = &context.report;
    let workplace = context.open_anyhow();
    workplace.session(|session| {
        let (mut exit, mut errors, mut closed_any) = (Exit::Done, Vec::new(), false);
        for recovered in session.recover() {
            match recovered {
                Ok(Unrendered { path, outcome: Outcome::Closed(closed) }) => {
                    closed_any = true;
                    exit = exit.and(recovered_from(report, &path, &closed));
                }
                Ok(_) => {}
                Err(error) => errors.push(CliError::from(error)),
            }
        }
        if !closed_any && errors.is_empty() {
            report.note(Text::new().plain("nothing to recover"));
        }
        CliError::several(errors).map_or(Ok(exit), Err)
    })
}
