//! The stores: which of them answer, what they lack, and which keys are old. Names only, and never a prompt.

use super::finding::Finding;
use super::targets::explained;
use crate::cli::context::Workplace;
use crate::cli::naming;
use crate::cli::report::{age, count};
use crate::cli::rotation::changed;
use crate::cli::usage::Usage;
use crate::error::Explain as _;
use crate::store::{Listing, StoreError, StoreKind, secret_command};
use jiff::Timestamp;

pub(super) fn look(workplace: &Workplace<'_>) -> Vec<Finding> {
    let usage = Usage::of(workplace);
    let names = usage.names();
    let stores = workplace.lookup.stores.clone().interactive(false);
    let listing = stores.survey(&names);
    let mut findings: Vec<Finding> = stores.kinds().iter().map(|kind| store(workplace, &listing, *kind)).collect();
    let before = findings.len();
    let is_known = listing.silent.iter().all(|(_, error)| error.is_absent());
    for name in &names {
        let (label, users) = (naming::of_name(name), usage.of_name(name).join(", "));
        let Some(entry) = listing.entries.iter().find(|entry| entry.name == *name) else {
            let message = format!("{label} is in no store, and used by {users}");
            if is_known {
                findings.push(Finding::bad("secrets", message, Some(format!("`{}`", secret_command("set", name)))));
            }
            continue;
        };
        let now = Timestamp::now();
        if let Some(then) = changed(entry).filter(|then| workplace.config.rotate_after.is_due(Some(*then), now)) {
            let message = format!("{label} was stored {}", age(then, now));
            findings.push(Finding::due("secrets", message, Some(format!("`{}`", secret_command("rotate", name)))));
        }
    }
    if is_known && findings.len() == before && !names.is_empty() {
        findings
            .push(Finding::good("secrets", format!("{} for the templates, all there", count(names.len(), "secret"))));
    }
    findings
}

fn store(workplace: &Workplace<'_>, listing: &Listing, kind: StoreKind) -> Finding {
    let subject = kind.to_string();
    let entries = listing.entries.iter().filter(|entry| entry.store == kind).count();
    let silent = listing.silent.iter().find(|(silent, _)| *silent == kind).map(|(_, error)| error);
    match (kind, silent) {
        (_, Some(error)) if error.is_absent() && listing.answered => {
            Finding::idle(&subject, format!("{error}; the vault has to do"))
        }
        (_, Some(StoreError::CannotList)) => {
            Finding::idle(&subject, "it answers, and does not tell which entries it has")
        }
        (_, Some(error)) => Finding::bad(&subject, explained(workplace.report(), error), error.hint()),
        (StoreKind::Vault, None) if entries == 0 => Finding::idle(&subject, "nothing is in it"),
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
