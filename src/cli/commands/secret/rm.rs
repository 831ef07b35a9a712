//! `keystencil secret rm`.

use super::NameArgs;
use crate::cli::context::Workplace;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text};
use clap::Args;

/// Remove a secret from every store that has it
#[derive(Debug, Args)]
pub(super) struct RmArgs {
    #[command(flatten)]
    name: NameArgs,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &RmArgs) -> Result<Exit, CliError> {
    let name = args.name.name()?;
    let gone = workplace.lookup.stores.remove(&name)?;
    if gone.is_empty() {
        return Err(CliError::NoSecret(name));
    }
    let stores = gone.iter().map(|store| format!("the {store}")).collect::<Vec<_>>().join(" and ");
    workplace.report().note(Text::new().styled(GOOD, "removed").plain(format_args!(" {name} from {stores}")));
    Ok(Exit::Done)
}
