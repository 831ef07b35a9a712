//! `keystencil secret set`.

use super::NameArgs;
use crate::cli::context::Workplace;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Report, Text};
use crate::secret::Secret;
use crate::store::StoreError;
use clap::Args;
use std::io::{self, IsTerminal as _, Read as _};
use zeroize::Zeroizing;

/// More than any key; so that an endless input ends.
const LIMIT: usize = 1 << 20;

/// Store a secret, or give it a new value
///
/// Asks for the value twice without showing it; or reads it from standard input,
/// less one line break at its end. Never takes it as an argument: other programs
/// can read those, and the shell keeps them.
///
/// Examples:
///
///     keystencil secret set openai
///     keystencil secret set github --account work
///     pass show openai | keystencil secret set openai
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct SetArgs {
    #[command(flatten)]
    name: NameArgs,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &SetArgs) -> Result<Exit, CliError> {
    let name = args.name.name()?;
    let value =
        if io::stdin().is_terminal() { typed(workplace.report(), &format!("Value of {name}"))? } else { piped()? };
    if value.is_empty() {
        return Err(StoreError::EmptyValue { name }.into());
    }
    let store = workplace.lookup.stores.set(&name, &Secret::new(value.as_str().to_owned()))?;
    workplace.report().note(Text::new().styled(GOOD, "stored").plain(format_args!(" {name} in the {store}")));
    Ok(Exit::Done)
}

fn typed(report: &Report, question: &str) -> Result<Zeroizing<String>, CliError> {
    let value = report.ask_hidden(&format!("{question}: "))?;
    if value.is_empty() {
        return Ok(value);
    }
    let again = report.ask_hidden(&format!("{question} again: "))?;
    if value == again { Ok(value) } else { Err(CliError::Mistyped) }
}

fn piped() -> Result<Zeroizing<String>, CliError> {
    // Room for any key at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
    io::stdin().lock().take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(CliError::Input)?;
    if bytes.len() > LIMIT {
        return Err(CliError::TooLong);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| CliError::NotText)?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(text.to_owned()))
}
