//! `keystencil secret set`.

use super::{NameArgs, ValueArgs, ValueError, refuse_foreign};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::exposed;
use crate::cli::report::{GOOD, Text, age};
use crate::cli::rotation::changed;
use crate::cli::usage::Usage;
use crate::scan::keylike::looks_like_key;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::io::{self, IsTerminal as _};

/// Store a secret, or replace its value
///
/// Asks for the value twice without showing it, or reads it from standard input,
/// without one line break at its end. Never takes it as an argument: other programs
/// can read those, and the shell keeps them.
///
/// To replace a key that is in use, `keystencil secret rotate` is better: it also
/// puts the new value into the files that are rendered now.
///
/// Examples:
///
///     keystencil secret set openai
///     keystencil secret set github --account work
///     pass show openai | keystencil secret set openai
///     keystencil secret set openai --from-env OPENAI_API_KEY
///     keystencil secret set openai --from-file ~/key.txt && rm ~/key.txt
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct SetArgs {
    #[command(flatten)]
    name: NameArgs,
    #[command(flatten)]
    value: ValueArgs,
    /// Fail if the secret exists already
    #[arg(long)]
    no_overwrite: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &SetArgs) -> Result<Exit, CommandError> {
    args.value.check()?;
    let (report, name) = (workplace.report(), args.name.name()?);
    let stores = &workplace.lookup.stores;
    let mut before = stores.survey(std::slice::from_ref(&name)).entries;
    before.retain(|entry| entry.name == name);
    // A key in the place of the name was meant for the value; only what is referred to or stored can be a name like that.
    if looks_like_key(name.service()) && before.is_empty() && Usage::of(workplace).of_name(&name).is_empty() {
        return Err(ValueError::KeyAsName.into());
    }
    if let Some(entry) = before.first().filter(|_| args.no_overwrite) {
        return Err(CommandError::new(format!("secret {name} is already stored in the {}", entry.store))
            .hint("leave `--no-overwrite` out to replace it"));
    }
    refuse_foreign(&before)?;
    if let Some(entry) = before.first().filter(|_| io::stdin().is_terminal()) {
        let since = changed(entry).map(|then| format!(", {}", age(then, Timestamp::now()))).unwrap_or_default();
        let what = format!("{name} is stored already ({}{since}) and is replaced; Ctrl-C keeps it", entry.store);
        report.note(Text::new().plain(what));
    }
    let value = args.value.read(report, &name)?;
    let store = stores.set(&name, &value)?;
    workplace.session(|session| exposed::forget(&session.state, &name));
    let replaced = before.iter().find(|entry| entry.store == store);
    if args.json {
        report.json(&json!({
            "name": name.service(),
            "account": name.account(),
            "store": store.to_string(),
            "replaced": replaced.is_some(),
            "previous": replaced.and_then(changed).map(|time| time.to_string()),
        }))?;
    } else {
        let verb = if replaced.is_some() { "replaced" } else { "stored" };
        report.note(Text::new().styled(GOOD, verb).plain(format_args!(" {name} in the {store}")));
    }
    if let Some(other) = before.iter().find(|entry| entry.store != store) {
        let what = format!("the {} still has its old value, which is not used while the {store} answers", other.store);
        report.note(Text::new().plain(what));
    }
    args.value.tell_leftovers(report);
    Ok(Exit::Done)
}
