//! Names as attributes of the Secret Service: where to look for a secret, what an entry of ours looks like, and which
//! entries are not ours to change.
//!
//! Matching in a Secret Service is by subset: a search finds every item that has *at least* these attributes, an empty
//! search finds all, and creating with fewer attributes than an item has replaces that item (measured). So a search
//! always has both parts of the name, and an item that has more than a name is not written to.

use super::super::{Entry, Store, StoreError, StoreKind};
use super::Bus;
use super::service::{Found, Item, Properties, Service};
use crate::secret::{Secret, SecretName};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// Where other programs keep the two parts of a name, in the order of the lookup, which stops at the first that
/// matches: Python keyring, go-keyring, keyring-core; `secret-tool` as most people type it; git; KeePassXC.
const STEPS: [(&str, &str); 4] =
    [("service", "username"), ("service", "account"), ("service", "user"), ("Title", "UserName")];

/// Attributes that say who wrote an entry and not what it is. An entry with any other has a meaning of its own.
const NEUTRAL: [&str; 3] = ["application", "target", "xdg:schema"];

const APPLICATION: (&str, &str) = ("application", "keystencil");
const SCHEMA: (&str, &str) = ("xdg:schema", "org.freedesktop.Secret.Generic");

/// The native keyring. Nothing is opened before the first question.
#[derive(Debug, Clone)]
pub struct Native {
    bus: Bus,
    limit: Option<Duration>,
    interactive: bool,
}

impl Native {
    /// The keyring on this bus. `limit` is for each call as a whole, except while a person is asked for a password,
    /// which only happens if `interactive`.
    #[must_use]
    pub fn new(bus: Bus, limit: Option<Duration>, interactive: bool) -> Self {
        Self { bus, limit, interactive }
    }

    fn connect(&self) -> Result<Service, StoreError> {
        Service::connect(&self.bus, self.limit, self.interactive)
    }

    fn not_found(name: &SecretName) -> StoreError {
        StoreError::NotFound { name: name.clone(), store: StoreKind::Native }
    }

    fn get_all(&self, names: &[SecretName]) -> Result<Vec<Result<Secret, StoreError>>, StoreError> {
        let service = self.connect()?;
        let matches = find(&service, names, self.interactive)?;
        let all: Vec<Item> = matches.iter().flatten().flat_map(|found| found.items.iter().cloned()).collect();
        let mut values = if all.is_empty() { HashMap::new() } else { service.values(&all)? };
        let secrets = names.iter().zip(matches);
        Ok(secrets.map(|(name, found)| pick(&service, name, &found?.items, &mut values)).collect())
    }

    /// The items a change of `name` is about, once it is clear that they are not another program's.
    fn own(&self, service: &Service, name: &SecretName) -> Result<Option<Vec<Item>>, StoreError> {
        let found = match find(service, std::slice::from_ref(name), self.interactive)?.pop() {
            Some(Err(error)) if error.is_not_found() => return Ok(None),
            Some(found) => found?,
            None => return Ok(None),
        };
        let (first, second) = found.step;
        for properties in service.properties(&found.items)?.into_iter().flatten() {
            let known = |key: &str| key == first || key == second || NEUTRAL.contains(&key);
            if !properties.attributes.keys().all(|key| known(key)) {
                return Err(StoreError::Foreign { name: name.clone(), label: properties.label });
            }
        }
        Ok(Some(found.items))
    }
}

impl Store for Native {
    fn kind(&self) -> StoreKind {
        StoreKind::Native
    }

    fn get_many(&self, names: &[SecretName]) -> Vec<Result<Secret, StoreError>> {
        self.get_all(names).unwrap_or_else(|error| names.iter().map(|_| Err(error.clone())).collect())
    }

    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError> {
        if secret.expose().is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() });
        }
        let service = self.connect()?;
        if let Some(items) = self.own(&service, name)? {
            return items.iter().try_for_each(|item| service.change(item, secret.expose().as_bytes()));
        }
        let collection = service.default_collection()?;
        if service.is_locked(&collection)? {
            service.unlock(std::slice::from_ref(&collection))?;
        }
        let label = format!("{} ({})", name.service(), name.account());
        let attributes = [("service", name.service()), ("username", name.account()), APPLICATION, SCHEMA];
        service.create(&collection, &label, &attributes, secret.expose().as_bytes())
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        let service = self.connect()?;
        let Some(items) = self.own(&service, name)? else { return Ok(false) };
        items.iter().try_for_each(|item| service.delete(item))?;
        Ok(true)
    }

    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let service = self.connect()?;
        let found = service.search(&[vec![APPLICATION]])?.pop().unwrap_or_default();
        if !found.locked.is_empty() {
            service.unlock(&found.locked)?;
        }
        let items: Vec<Item> = found.unlocked.into_iter().chain(found.locked).collect();
        let mut entries: Vec<Entry> = service.properties(&items)?.into_iter().flatten().filter_map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

/// The items of one name.
struct Match {
    step: (&'static str, &'static str),
    items: Vec<Item>,
}

/// Looks all names up, each in the steps' order, and unlocks what has to be.
fn find(
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
    Ok(settle(names, found, Native::not_found, service))
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

/// The one value of the items of a name.
fn pick(
    service: &Service,
    name: &SecretName,
    items: &[Item],
    values: &mut HashMap<Item, Zeroizing<Vec<u8>>>,
) -> Result<Secret, StoreError> {
    // A value that is not given out although its item was found is locked: some providers ask per item.
    let mut distinct: Option<&Zeroizing<Vec<u8>>> = None;
    for item in items {
        let value = values.get(item).ok_or(StoreError::Locked)?;
        if distinct.is_some_and(|other| other != value) {
            let labels = service.properties(items)?.into_iter().flatten().map(|item| item.label).collect();
            return Err(StoreError::Ambiguous { name: name.clone(), labels });
        }
        distinct = Some(value);
    }
    let value = distinct.ok_or_else(|| Native::not_found(name))?;
    if value.is_empty() {
        return Err(StoreError::Empty { name: name.clone(), store: StoreKind::Native });
    }
    String::from_utf8(value.to_vec()).map(Secret::new).map_err(|error| {
        error.into_bytes().zeroize();
        StoreError::NotText { name: name.clone(), store: StoreKind::Native }
    })
}

fn entry(item: Properties) -> Option<Entry> {
    let attribute = |key: &str| item.attributes.get(key).map(String::as_str);
    Some(Entry {
        name: SecretName::new(attribute("service")?, attribute("username")?).ok()?,
        store: StoreKind::Native,
        writer: attribute(APPLICATION.0).map(str::to_owned),
        created: timestamp(item.created),
        modified: timestamp(item.modified),
        label: Some(item.label),
    })
}

/// Seconds since 1970; providers that don't know say 0.
fn timestamp(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().filter(|seconds| *seconds > 0).and_then(|s| Timestamp::from_second(s).ok())
}
