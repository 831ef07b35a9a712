//! Where a Secret Service has what a query asks for.
//!
//! Matching is by subset: a search finds every item that has *at least* these attributes, and an empty one finds all.
//! So a search always has both parts of a name, or all attributes that the reference gives.

use super::super::{StoreError, StoreKind};
use super::service::{Found, Item, Service};
use crate::secret::{Query, SecretName, Wanted};
use dbus::strings::Path;
use std::collections::BTreeMap;

/// Where other programs keep the two parts of a name, in the order of the lookup, which stops at the first that
/// matches: Python keyring, go-keyring, keyring-core; `secret-tool` as most people type it; git; KeePassXC.
const STEPS: [(&str, &str); 4] =
    [("service", "username"), ("service", "account"), ("service", "user"), ("Title", "UserName")];

/// The items of all queries: looks them up, each name in the steps' order, and unlocks what has to be.
pub(super) fn find(
    service: &Service,
    queries: &[Query],
    interactive: bool,
) -> Result<Vec<Result<Vec<Item>, StoreError>>, StoreError> {
    let mut homes = Homes::of(service, queries)?;
    let mut found = search(service, queries, &homes)?;
    let missing: Vec<&Query> =
        queries.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(query, _)| query).collect();
    // Some providers don't search a locked collection at all.
    let locked = homes.locked(service, &missing)?;
    if !locked.is_empty() && interactive {
        service.unlock(&locked)?;
        found = search(service, queries, &homes)?;
    }
    let missing = |query: &Query| match homes.of_query(query) {
        Err(error) => error,
        Ok(Some(home)) if !interactive && locked.contains(home) => StoreError::Locked,
        Ok(_) => not_found(query),
    };
    Ok(settle(queries, found, missing, service))
}

/// The collections that queries name.
struct Homes {
    by_name: BTreeMap<String, Path<'static>>,
    labels: Vec<String>,
    default: Option<Path<'static>>,
}

impl Homes {
    fn of(service: &Service, queries: &[Query]) -> Result<Self, StoreError> {
        let mut homes = Self { by_name: BTreeMap::new(), labels: Vec::new(), default: None };
        let named: Vec<&str> = queries.iter().filter_map(collection).collect();
        if named.is_empty() {
            return Ok(homes);
        }
        let all = service.collections()?;
        for name in named {
            let labelled = || all.iter().find(|(_, label)| label == name).map(|(path, _)| path.clone());
            let at_path =
                || all.iter().find(|(path, _)| path.rsplit('/').next() == Some(name)).map(|all| all.0.clone());
            let found = match labelled() {
                Some(path) => Some(path),
                None => service.alias(name)?.or_else(at_path),
            };
            homes.by_name.extend(found.map(|path| (name.to_owned(), path)));
        }
        // A database of KeePassXC may have no name; then the end of its path is one.
        let callable = |(path, label): (Path<'_>, String)| match label.as_str() {
            "" => path.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => label,
        };
        homes.labels = all.into_iter().map(callable).collect();
        Ok(homes)
    }

    /// The collection that a query names, or else the default one if that is known.
    fn of_query(&self, query: &Query) -> Result<Option<&Path<'static>>, StoreError> {
        match collection(query) {
            None => Ok(self.default.as_ref()),
            Some(name) => self.by_name.get(name).map(Some).ok_or_else(|| StoreError::NoSuchCollection {
                collection: name.to_owned(),
                known: self.labels.clone(),
            }),
        }
    }

    /// The locked ones among the collections where something missing may be.
    fn locked(&mut self, service: &Service, missing: &[&Query]) -> Result<Vec<Path<'static>>, StoreError> {
        let mut asked: Vec<Path<'static>> = Vec::new();
        for query in missing {
            if collection(query).is_none() && self.default.is_none() {
                self.default = match service.default_collection() {
                    Ok(default) => Some(default),
                    Err(StoreError::NoCollection) => None,
                    Err(error) => return Err(error),
                };
            }
            asked.extend(self.of_query(query).ok().flatten().cloned());
        }
        asked.sort();
        asked.dedup();
        let mut locked = Vec::new();
        for path in asked {
            if service.is_locked(&path)? {
                locked.push(path);
            }
        }
        Ok(locked)
    }
}

fn collection(query: &Query) -> Option<&str> {
    match query {
        Query::Keyring(pinned) => pinned.collection(),
        _ => None,
    }
}

/// The attributes that a query is searched by in one step; none if it has no such step.
fn attributes(query: &Query, step: usize) -> Option<Vec<(&str, &str)>> {
    let wanted = match query {
        Query::Keyring(pinned) => pinned.wanted(),
        Query::Name(name) => return by_name(name, step),
        Query::Vault(_) | Query::Command(_) => return None,
    };
    match wanted {
        Wanted::Name(name) => by_name(name, step),
        Wanted::Attributes(attributes) => (step == 0).then(|| attributes.iter().collect()),
    }
}

fn by_name(name: &SecretName, step: usize) -> Option<Vec<(&str, &str)>> {
    STEPS.get(step).map(|(first, second)| vec![(*first, name.service()), (*second, name.account())])
}

/// The first step that matches, for each query; all are asked about at once.
fn search(service: &Service, queries: &[Query], homes: &Homes) -> Result<Vec<Option<Found>>, StoreError> {
    let mut found: Vec<Option<Found>> = queries.iter().map(|_| None).collect();
    for step in 0..STEPS.len() {
        let open =
            queries.iter().zip(&mut found).filter(|(query, found)| found.is_none() && homes.of_query(query).is_ok());
        let mut open: Vec<_> =
            open.filter_map(|(query, found)| Some((query, attributes(query, step)?, found))).collect();
        if open.is_empty() {
            continue;
        }
        let asked: Vec<_> = open.iter().map(|(_, attributes, _)| attributes.clone()).collect();
        for ((query, _, slot), mut answer) in open.iter_mut().zip(service.search(&asked)?) {
            if let (Some(_), Ok(Some(home))) = (collection(query), homes.of_query(query)) {
                // An item's path begins with that of its collection (Secret Service API draft 0.2, "Object Paths").
                let is_inside = |item: &Item| item.strip_prefix(&**home).is_some_and(|rest| rest.starts_with('/'));
                answer.unlocked.retain(is_inside);
                answer.locked.retain(is_inside);
            }
            if !answer.unlocked.is_empty() || !answer.locked.is_empty() {
                **slot = Some(answer);
            }
        }
    }
    Ok(found)
}

/// Turns what was found into items that can be read; locked ones are unlocked together, if anybody can.
fn settle(
    queries: &[Query],
    found: Vec<Option<Found>>,
    missing: impl Fn(&Query) -> StoreError,
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
    let settled = queries.iter().zip(found).map(|(query, found)| match found {
        None => Err(missing(query)),
        Some(found) if !found.unlocked.is_empty() => Ok(found.unlocked),
        Some(found) => unlocked.clone().map(|()| found.locked),
    });
    settled.collect()
}

/// An item that is locked in an open collection waits for the user's consent (KeePassXC asks for each program).
fn why(error: StoreError, item: &Item, service: &Service) -> StoreError {
    let collection = item.rsplit_once('/').and_then(|(collection, _)| Path::new(collection).ok());
    match (&error, collection.map(|collection| service.is_locked(&collection.into_static()))) {
        (StoreError::Locked, Some(Ok(false))) => StoreError::Unconfirmed,
        _ => error,
    }
}

pub(super) fn not_found(query: &Query) -> StoreError {
    StoreError::NotFound { query: query.clone(), store: StoreKind::Native }
}
