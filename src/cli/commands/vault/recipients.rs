//! `keystencil vault recipients`.

use super::ListArgs;
use crate::cli::agents::for_a_person;
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, table};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Manage who else can read the vault, such as your other machines
///
/// The list is kept inside the vault, where only those on it can change it. Copy or
/// sync ~/.local/share/keystencil/vault.age to the other machine. Its own identity
/// opens the vault there, and this machine can read what it stores.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RecipientsArgs {
    #[command(subcommand)]
    command: RecipientsCommand,
}

#[derive(Debug, Subcommand)]
enum RecipientsCommand {
    /// List the public keys that can read the vault
    List(ListArgs),
    Add(AddArgs),
    Rm(RmArgs),
}

/// Let the owner of a public key read the vault
///
/// Examples:
///
///     keystencil vault recipients add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2… --name laptop
///     keystencil vault recipients add "$(ssh laptop cat .ssh/id_ed25519.pub)"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
struct AddArgs {
    /// A public key: age1…, ssh-ed25519 …, ssh-rsa …, or an age plugin's
    key: String,
    /// A name for its owner [default: the comment of an ssh key]
    #[arg(long)]
    name: Option<String>,
}

/// Re-encrypt the vault without one of its readers
///
/// Older copies of the vault can still be read with that key. If somebody else has
/// the key, give every secret a new value too.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
struct RmArgs {
    /// The public key, or the name of its owner
    key: String,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &RecipientsArgs) -> Result<Exit, CommandError> {
    match &args.command {
        RecipientsCommand::List(args) => list(workplace, args),
        RecipientsCommand::Add(args) => add(workplace, args),
        RecipientsCommand::Rm(args) => remove(workplace, args),
    }
}

fn list(workplace: &Workplace<'_>, args: &ListArgs) -> Result<Exit, CommandError> {
    let all = workplace.lookup.stores.vault().recipients()?;
    let report = workplace.report();
    if args.json {
        let all: Vec<Value> =
            all.iter().map(|one| json!({ "recipient": one.key, "name": one.name, "own": one.is_own })).collect();
        report.json(&all.into())?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        report.note(Text::new().plain("no vault yet"));
        return Ok(Exit::Done);
    }
    let rows: Vec<[String; 2]> = all
        .into_iter()
        .map(|one| {
            let name = one.name.unwrap_or_else(|| if one.is_own { "(this machine)" } else { "" }.to_owned());
            [name, one.key.unwrap_or_else(|| "(unknown: its plugin does not say)".to_owned())]
        })
        .collect();
    report.out(&table(["NAME", "RECIPIENT"], &rows))?;
    Ok(Exit::Done)
}

fn add(workplace: &Workplace<'_>, args: &AddArgs) -> Result<Exit, CommandError> {
    for_a_person(workplace, "keystencil vault recipients add")?;
    let added = workplace.lookup.stores.vault().add_recipient(&args.key, args.name.as_deref())?;
    let text = if added {
        Text::new().styled(GOOD, "added").plain(" the recipient: the vault is now encrypted to it too")
    } else {
        Text::new().plain("it is already a recipient")
    };
    workplace.report().note(text);
    Ok(Exit::Done)
}

fn remove(workplace: &Workplace<'_>, args: &RmArgs) -> Result<Exit, CommandError> {
    if !workplace.lookup.stores.vault().remove_recipient(&args.key)? {
        return Err(CommandError::new("the vault has no such recipient")
            .hint("`keystencil vault recipients list` shows who can read it"));
    }
    let report = workplace.report();
    report.note(Text::new().styled(GOOD, "removed").plain(" the recipient: it can't open the vault any more"));
    let text = "that key still opens older copies of the vault; if somebody else has it, give every secret a new value";
    report.note(Text::new().plain(text));
    Ok(Exit::Done)
}
