//! The stores: which of them answer, what they lack, and which keys are old. Names only, and never a prompt.

use super::finding::Finding;
use super::targets::explained;
use crate::cli::context::Workplace;
use crate::cli::exposed::{self, Exposed};
use crate::cli::hints;
use crate::cli::report::{age, count};
use crate::cli::rotation::{behind, changed, newer_in_vault};
use crate::cli::usage::{Usage, is_answer};
use crate::cli::{environment, naming};
use crate::secret::{Query, SecretName};
use crate::store::{Entry, Listing, StoreError, StoreKind};
use jiff::Timestamp;
use std::path::Path;

pub(super) fn look(workplace: &Workplace<'_>, usage: &Usage) -> Vec<Finding> {
    let names = usage.names();
    let stores = workplace.lookup.stores.clone();
    let listing = stores.survey(&names);
    let mut findings: Vec<Finding> = stores.kinds().iter().map(|kind| store(workplace, &listing, *kind)).collect();
    let before = findings.len();
    let is_known = listing.silent.iter().all(|(_, error)| error.is_absent());
    for (query, name, users) in usage.named() {
        let found: Vec<&Entry> = listing.entries.iter().filter(|entry| is_answer(entry, query)).collect();
        match found.first() {
            // What a silent store may have is not missing for sure.
            None if is_known => findings.push(missing(query, name, users)),
            None => {}
            Some(entry) => {
                findings.extend(several(&found, name));
                findings.extend(due(workplace, entry));
            }
        }
    }
    if stores.kinds().len() > 1 {
        let told = newer_in_vault(&listing.entries).into_iter().map(behind);
        findings.extend(told.map(|(message, hint)| Finding::due("secrets", message, Some(hint))));
    }
    findings.extend(usage.nameless().filter_map(|(query, users)| absent(workplace, query, users)));
    if is_known && findings.len() == before && !names.is_empty() {
        findings
            .push(Finding::good("secrets", format!("{} for the templates, all there", count(names.len(), "secret"))));
    }
    findings.extend(seen(workplace, &listing));
    findings
}

/// Keys that a model has seen, and that have no new value yet.
fn seen(workplace: &Workplace<'_>, listing: &Listing) -> Vec<Finding> {
    let exposed = workplace.session(|session| exposed::all(&session.state, listing));
    let finding = |one: Exposed| Finding::due("sessions", one.message(workplace.report()), Some(one.rotate()));
    exposed.into_iter().map(finding).collect()
}

/// A declared program that is not there. It is not started: nobody is to be asked for a password here.
fn absent(workplace: &Workplace<'_>, query: &Query, users: &[String]) -> Option<Finding> {
    let provider = query.provided()?.provider();
    let program = workplace.config.providers.program(provider)?;
    // As the system does: a name without a folder is looked for on PATH.
    let is_path = program.components().count() > 1;
    let is_there = is_path && program.exists()
        || !is_path && environment::search_path().iter().any(|folder| is_program(&folder.join(program)));
    (!is_there).then(|| {
        let (program, users) = (workplace.report().path(program), users.join(", "));
        let message = format!("there is no program `{program}`, which `{provider}` of {users} needs");
        Finding::bad("secrets", message, Some(format!("install it, or change `[providers.{provider}]` in the config")))
    })
}

fn is_program(path: &Path) -> bool {
    path.is_file() || cfg!(windows) && path.with_extension("exe").is_file()
}

fn missing(query: &Query, name: &SecretName, users: &[String]) -> Finding {
    let (place, store) = match query {
        Query::Vault(_) => ("not in the vault", Some("vault")),
        Query::Keyring(_) => ("not in the keyring", Some("native")),
        Query::Name(_) | Query::Command(_) => ("not in any store", None),
    };
    let message = format!("{} is {place}, and used by {}", naming::of_name(name), users.join(", "));
    Finding::bad("secrets", message, Some(format!("`{}`", hints::secret_command("set", name, store))))
}

/// Several entries of one name in the keyring: a render takes them only if their values are equal, and they are not
/// read here.
fn several(found: &[&Entry], name: &SecretName) -> Option<Finding> {
    let found: Vec<&&Entry> = found.iter().filter(|entry| entry.store == StoreKind::Native).collect();
    let mut labels: Vec<&str> = found.iter().filter_map(|entry| entry.label.as_deref()).collect();
    labels.sort_unstable();
    (found.len() > 1).then(|| {
        let (name, many) = (naming::of_name(name), found.len());
        let message = format!("{name} is in the keyring {many} times, as {}", labels.join(", "));
        let hint = "a render is refused if their values differ: delete all but one in the program that made them";
        Finding::due("secrets", message, Some(hint.to_owned()))
    })
}

/// A key that is older than the config allows, with the program that can replace it.
fn due(workplace: &Workplace<'_>, entry: &Entry) -> Option<Finding> {
    let now = Timestamp::now();
    let then = changed(entry).filter(|then| workplace.config.rotate_after.is_due(Some(*then), now))?;
    let message = format!("{} was stored {}", naming::of_name(&entry.name), age(then, now));
    let hint = if entry.is_foreign {
        "get a new key, and store it with the program that made the entry".to_owned()
    } else {
        format!("`{}`", hints::secret_command("rotate", &entry.name, None))
    };
    Some(Finding::due("secrets", message, Some(hint)))
}

fn store(workplace: &Workplace<'_>, listing: &Listing, kind: StoreKind) -> Finding {
    let subject = kind.to_string();
    let entries = listing.entries.iter().filter(|entry| entry.store == kind).count();
    let silent = listing.silent.iter().find(|(silent, _)| *silent == kind).map(|(_, error)| error);
    let untrusted = match (kind, silent) {
        (StoreKind::Vault, None) => workplace.lookup.stores.vault().untrusted().ok().flatten(),
        _ => None,
    };
    if let Some(found) = untrusted {
        return Finding::bad(&subject, explained(workplace.report(), &found.error), hints::of(&found.error));
    }
    match (kind, silent) {
        (_, Some(error)) if error.is_absent() && listing.answered => {
            Finding::idle(&subject, format!("{error}; the vault has to do"))
        }
        (_, Some(StoreError::CannotList)) => {
            Finding::idle(&subject, "it answers, and does not tell which entries it has")
        }
        (_, Some(error)) => Finding::bad(&subject, explained(workplace.report(), error), hints::of(error)),
        (StoreKind::Vault, None) if entries == 0 => {
            let backups = workplace.lookup.stores.vault().list_backups().map(|all| all.len()).unwrap_or_default();
            match backups {
                0 => Finding::idle(&subject, "nothing is in it"),
                _ => Finding::idle(&subject, format!("no secret is in it, and {}", count(backups, "backup"))),
            }
        }
        (StoreKind::Vault, None) => {
            let paths = workplace.context.environment.vault();
            let path = workplace.report().path(&paths.vault);
            Finding::good(&subject, format!("{} in {path}", count(entries, "secret")))
        }
        (StoreKind::Native, None) => {
            Finding::good(&subject, format!("it answers, and has {}", count(entries, "secret")))
        }
    }
}
