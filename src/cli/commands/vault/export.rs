//! `keystencil vault export`.

use super::new_passphrase;
use crate::cli::agents::{for_a_person, log_reading};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::naming::placeholder;
use crate::cli::report::{GOOD, Text, Warning, count, warning};
use crate::cli::usage::Usage;
use crate::secret::{Query, Secret, SecretName};
use crate::session::Event;
use crate::store::Request;
use crate::store::vault::Sealing;
use clap::Args;
use std::path::PathBuf;

/// Print your secrets, encrypted for another machine
///
/// The output is armored age, which `keystencil vault import` and the age tool can
/// read. It contains the secrets of the vault, and those that your templates use and
/// that the keyring has, with their names and dates; but no backups, and not the key
/// of the vault. With `--store vault`, only the vault is read. Exits with 3 if
/// something that your templates use is not in it.
///
/// Examples:
///
///     keystencil vault export --to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2… > keys.age
///     keystencil vault export --passphrase > keys.age
///     keystencil vault export --plaintext | jq -r '.entries[].service'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[group(id = "sealing", required = true, multiple = false, args = ["to", "passphrase", "plaintext"])]
pub(super) struct ExportArgs {
    /// Encrypt it to this public key: age1…, ssh-ed25519 …, ssh-rsa …; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    to: Vec<String>,
    /// Encrypt it with a passphrase, which is asked for
    #[arg(long)]
    passphrase: bool,
    /// Do not encrypt it: JSON with every key in plain text, into a pipe only
    #[arg(long)]
    plaintext: bool,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ExportArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    for_a_person(workplace, "keystencil vault export")?;
    if args.plaintext && report.is_out_terminal() {
        return Err(CommandError::hidden("a vault in plain text"));
    }
    let sealing = if args.plaintext {
        Sealing::Plaintext
    } else if args.passphrase {
        Sealing::Passphrase(new_passphrase(report)?)
    } else {
        Sealing::Recipients(args.to.clone())
    };
    let (others, is_whole) = used(workplace);
    let (export, names) = workplace.lookup.stores.vault().export(&sealing, &others)?;
    if names.is_empty() {
        return Err(
            CommandError::new("there is no secret to export").hint("`keystencil secret list` shows what there is")
        );
    }
    let secrets = names.iter().map(placeholder).collect();
    log_reading(workplace, Event::Export, PathBuf::new(), secrets);
    report.raw(&export)?;
    report.note(Text::new().styled(GOOD, "exported").plain(format_args!(" {}", count(names.len(), "secret"))));
    Ok(Exit::attention(!is_whole))
}

/// What the templates use, from whichever store gives it to them, and whether that is all; what is missing is told.
fn used(workplace: &Workplace<'_>) -> (Vec<(SecretName, Secret)>, bool) {
    let report = workplace.report();
    let usage = Usage::of(workplace);
    let mut is_whole = !usage.warn(report);
    let queries: Vec<Query> = usage.names().into_iter().map(Query::from).collect();
    let stores = workplace.all_stores();
    let answers =
        stores.look_up(&Request { queries: &queries, usual: false, permit: &|_, _| false }, workplace.lookup.limit());
    for missing in &answers.missing {
        is_whole = false;
        let message = format!("this is not in the export: {missing}");
        report.warning(&Warning { hint: hints::of(missing), ..warning(message) });
    }
    for (query, users) in usage.nameless() {
        let what = format!("{query}, which {} uses, is not in the export", users.join(", "));
        match query.provided() {
            // The other machine can ask its own program.
            Some(_) => report.note(Text::new().plain(what)),
            None => {
                is_whole = false;
                let hint = Some("store it under a name: `keystencil secret set NAME`".to_owned());
                report.warning(&Warning { hint, ..warning(what) });
            }
        }
    }
    let found = answers.values.into_iter().filter_map(|(query, (_, secret))| Some((query.name()?.clone(), secret)));
    (found.collect(), is_whole)
}
