//! Where a Secret Service has the secret of a name.
//!
//! Matching is by subset: a search finds every item that has *at least* these attributes, and an empty one finds all.
//! So a search always has both parts of the name.

use super::super::{StoreError, StoreKind};
use super::service::{Found, Item, Service};
use crate::secret::SecretName;

/// Where other programs keep the two parts of a name, in the order of the lookup, which stops at the first that
/// matches: Python keyring, go-keyring, keyring-core; `secret-tool` as most people type it; git; KeePassXC.
const STEPS: [(&str, &str); 4] =
    [("service", "username"), ("service", "account"), ("service", "user"), ("Title", "UserName")];

/// The items of one name.
pub(super) struct Match {
    pub(super) step: (&'static str, &'static str),
    pub(super) items: Vec<Item>,
}

/// Looks all names up, each in the steps' order, and unlocks what has to be.
pub(super) fn find(
    service: &Service,
    names: &[SecretName],
    interactive: bool,
) -> Result<Vec<Result<Match, StoreError>>, StoreError> {
    let mut found = search(service, names)?;
    if found.iter().any(Option::is_none) {
        // Some providers don't search a locked collection at all.
        match service.default_collection() {
            Ok(default) if service.is_locked(&default)? => {
                if !interactive {
                    return Ok(settle(names, found, |_| StoreError::Locked, service));
                }
                service.unlock(&[default])?;
                found = search(service, names)?;
            }
            Ok(_) | Err(StoreError::NoCollection) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(settle(names, found, not_found, service))
}

type Step = ((&'static str, &'static str), Found);

/// The first step that matches, for each name; all names are asked about at once.
fn search(service: &Service, names: &[SecretName]) -> Result<Vec<Option<Step>>, StoreError> {
    let mut found: Vec<Option<Step>> = names.iter().map(|_| None).collect();
    for step in STEPS {
        let mut open: Vec<_> = names.iter().zip(&mut found).filter(|(_, found)| found.is_none()).collect();
        if open.is_empty() {
            break;
        }
        let queries: Vec<_> =
            open.iter().map(|(name, _)| vec![(step.0, name.service()), (step.1, name.account())]).collect();
        for ((_, slot), answer) in open.iter_mut().zip(service.search(&queries)?) {
            if !answer.unlocked.is_empty() || !answer.locked.is_empty() {
                **slot = Some((step, answer));
            }
        }
    }
    Ok(found)
}

/// Turns what was found into items that can be read; locked ones are unlocked together, if anybody can.
fn settle(
    names: &[SecretName],
    found: Vec<Option<Step>>,
    missing: impl Fn(&SecretName) -> StoreError,
    service: &Service,
) -> Vec<Result<Match, StoreError>> {
    let needed: Vec<Item> = found
        .iter()
        .flatten()
        .filter(|(_, found)| found.unlocked.is_empty())
        .flat_map(|(_, found)| found.locked.iter().cloned())
        .collect();
    let unlocked = if needed.is_empty() { Ok(()) } else { service.unlock(&needed) };
    let settled = names.iter().zip(found).map(|(name, found)| match found {
        None => Err(missing(name)),
        Some((step, found)) if !found.unlocked.is_empty() => Ok(Match { step, items: found.unlocked }),
        Some((step, found)) => unlocked.clone().map(|()| Match { step, items: found.locked }),
    });
    settled.collect()
}

pub(super) fn not_found(name: &SecretName) -> StoreError {
    StoreError::NotFound { name: name.clone(), store: StoreKind::Native }
}
