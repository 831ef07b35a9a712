//! Where a Secret Service has the secret of a name.
//!
//! Matching is by subset: a search finds every item that has *at least* these attributes, and an empty one finds all.
//! So a search always has both parts of the name.

use super::super::{StoreError, StoreKind};
use super::service::{Found, Item, Service};
use crate::secret::SecretName;
use dbus::strings::Path;

/// Where other programs keep the two parts of a name, in the order of the lookup, which stops at the first that
/// matches: Python keyring, go-keyring, keyring-core; `secret-tool` as most people type it; git; KeePassXC.
const STEPS: [(&str, &str); 4] =
    [("service", "username"), ("service", "account"), ("service", "user"), ("Title", "UserName")];

/// The items of all names: looks them up, each in the steps' order, and unlocks what has to be.
pub(super) fn find(
    service: &Service,
    names: &[SecretName],
    interactive: bool,
) -> Result<Vec<Result<Vec<Item>, StoreError>>, StoreError> {
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

/// The first step that matches, for each name; all names are asked about at once.
fn search(service: &Service, names: &[SecretName]) -> Result<Vec<Option<Found>>, StoreError> {
    let mut found: Vec<Option<Found>> = names.iter().map(|_| None).collect();
    for step in STEPS {
        let mut open: Vec<_> = names.iter().zip(&mut found).filter(|(_, found)| found.is_none()).collect();
        if open.is_empty() {
            break;
        }
        let queries: Vec<_> =
            open.iter().map(|(name, _)| vec![(step.0, name.service()), (step.1, name.account())]).collect();
        for ((_, slot), answer) in open.iter_mut().zip(service.search(&queries)?) {
            if !answer.unlocked.is_empty() || !answer.locked.is_empty() {
                **slot = Some(answer);
            }
        }
    }
    Ok(found)
}

/// Turns what was found into items that can be read; locked ones are unlocked together, if anybody can.
fn settle(
    names: &[SecretName],
    found: Vec<Option<Found>>,
    missing: impl Fn(&SecretName) -> StoreError,
    service: &Service,
) -> Vec<Result<Vec<Item>, StoreError>> {
    let needed: Vec<Item> = found
        .iter()
        .flatten()
        .filter(|found| found.unlocked.is_empty())
        .flat_map(|found| found.locked.iter().cloned())
        .collect();
    let unlocked = match needed.first() {
        None => Ok(()),
        Some(first) => service.unlock(&needed).map_err(|error| why(error, first, service)),
    };
    let settled = names.iter().zip(found).map(|(name, found)| match found {
        None => Err(missing(name)),
        Some(found) if !found.unlocked.is_empty() => Ok(found.unlocked),
        Some(found) => unlocked.clone().map(|()| found.locked),
    });
    settled.collect()
}

/// An item that is locked in an open collection waits for a person's word (KeePassXC asks for each program).
fn why(error: StoreError, item: &Item, service: &Service) -> StoreError {
    let collection = item.rsplit_once('/').and_then(|(collection, _)| Path::new(collection).ok());
    match (&error, collection.map(|collection| service.is_locked(&collection.into_static()))) {
        (StoreError::Locked, Some(Ok(false))) => StoreError::Unconfirmed,
        _ => error,
    }
}

pub(super) fn not_found(name: &SecretName) -> StoreError {
    StoreError::NotFound { name: name.clone(), store: StoreKind::Native }
}
