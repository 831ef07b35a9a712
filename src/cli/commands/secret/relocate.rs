//! `keystencil secret move`. (`move` is no name for a module.)

use crate::cli::agents::for_a_person;
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, Warning, warning};
use crate::error::Explain as _;
use crate::secret::{DEFAULT_ACCOUNT, SecretName};
use crate::store::{Moved, StoreError, StoreKind, relocate};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// Move a secret between the keyring and the vault
///
/// It is written to the new store, read back and compared, and only then removed
/// from the old one: whatever happens, one of the two has it. An entry that another
/// program keeps track of is copied and not removed (exit status 3). What you
/// allowed for it is still allowed in the new store.
///
/// Examples:
///
///     keystencil secret move openai --to vault
///     keystencil secret move --all --to native        all that keystencil stored
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct MoveArgs {
    /// The service that the secret is for, as a template refers to it
    #[arg(required_unless_present = "all")]
    name: Option<String>,
    /// Which of your accounts with that service
    #[arg(long, default_value = DEFAULT_ACCOUNT)]
    account: String,
    /// The store to move it to
    #[arg(long, value_name = "STORE")]
    to: To,
    /// Move everything that keystencil has stored in the other one
    #[arg(long, conflicts_with_all = ["name", "account"])]
    all: bool,
    /// Replace a different value that the new store has under the same name
    #[arg(long)]
    replace: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// The encrypted file
    Vault,
    /// The keyring of the operating system
    #[value(alias = "keyring")]
    Native,
}

type Outcome = (SecretName, Result<Moved, CommandError>);

pub(super) fn run(workplace: &Workplace<'_>, args: &MoveArgs) -> Result<Exit, CommandError> {
    for_a_person(workplace, "keystencil secret move")?;
    let (from, to) = match args.to {
        To::Vault => (StoreKind::Native, StoreKind::Vault),
        To::Native => (StoreKind::Vault, StoreKind::Native),
    };
    let stores = &workplace.lookup.stores;
    let (old, new) = (stores.store(from), stores.store(to));
    let names = match &args.name {
        Some(name) => vec![SecretName::new(name, &args.account)?],
        None => old.list()?.into_iter().map(|entry| entry.name).collect(),
    };
    let moved = |name: SecretName| {
        let prepare = || Ok(workplace.session(|session| session.seal_for_move(&name, from, to))?);
        let outcome = relocate(&*old, &*new, &name, args.replace, prepare);
        (name, outcome)
    };
    let outcomes: Vec<Outcome> = names.into_iter().map(moved).collect();
    if args.json {
        workplace.report().json(&outcomes.iter().map(|outcome| as_json(outcome, from, to)).collect())?;
    } else if outcomes.is_empty() {
        workplace.report().note(Text::new().plain(format_args!("keystencil has stored nothing in the {from}")));
    }
    let did_any = outcomes.iter().any(|(_, outcome)| outcome.is_ok());
    let (mut exit, mut errors) = (Exit::Done, Vec::new());
    for (name, outcome) in outcomes {
        match outcome {
            Ok(moved) => exit = exit.and(say(workplace, &name, &moved, (from, to), args.json)),
            Err(error) if error.is_not_found() => errors.push(CommandError::no_secret(&name)),
            Err(error) => errors.push(error),
        }
    }
    match CommandError::several(errors) {
        None => Ok(exit),
        Some(error) if !did_any => Err(error),
        // Of several some were moved, so this is no failure that changed nothing.
        Some(error) => {
            workplace.report().error(&error);
            Ok(Exit::Attention)
        }
    }
}

/// Says what came of a move; nothing but warnings if the rest is said as JSON.
fn say(
    workplace: &Workplace<'_>,
    name: &SecretName,
    moved: &Moved,
    (from, to): (StoreKind, StoreKind),
    is_told: bool,
) -> Exit {
    let report = workplace.report();
    let done = |verb: &str, rest: String| {
        if !is_told {
            report.note(Text::new().styled(GOOD, verb).plain(format_args!(" {name} {rest}")));
        }
    };
    match moved {
        Moved::Whole => {
            done("moved", format!("from the {from} to the {to}"));
            Exit::Done
        }
        Moved::Already => {
            if !is_told {
                report.note(Text::new().plain(format_args!("{name} is already in the {to}, and not in the {from}")));
            }
            Exit::Done
        }
        Moved::Copied { left, reason } => {
            done("copied", format!("from the {from} to the {to}"));
            let labels: Vec<String> = left.iter().map(|label| format!("`{label}`")).collect();
            let entry = if labels.is_empty() { String::new() } else { format!(" as {}", labels.join(", ")) };
            let why = match reason {
                Some(StoreError::Foreign { .. }) => ": another program keeps track of it".to_owned(),
                Some(error) => format!(": {error}"),
                None => ", where another program stored it too".to_owned(),
            };
            let hint = match from {
                StoreKind::Native => "the keyring is asked first, so remove it there, in its own program",
                StoreKind::Vault => "it is not used while the keyring answers; `keystencil secret rm` removes both",
            };
            report.warning(&Warning {
                place: reason.as_ref().and_then(StoreError::place),
                hint: Some(hint.to_owned()),
                ..warning(format_args!("{name} is still in the {from}{entry}{why}"))
            });
            Exit::Attention
        }
    }
}

fn as_json((name, outcome): &Outcome, from: StoreKind, to: StoreKind) -> Value {
    let left = match outcome {
        Ok(Moved::Copied { left, .. }) => Some(left),
        _ => None,
    };
    json!({
        "name": name.service(),
        "account": name.account(),
        "from": from.to_string(),
        "to": to.to_string(),
        "moved": matches!(outcome, Ok(Moved::Whole)),
        "left": left,
        "error": outcome.as_ref().err().map(ToString::to_string),
    })
}
