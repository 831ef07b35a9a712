//! The native keyring of Linux and the BSDs as a [`Store`]: what an entry of ours looks like, and which entries are not
//! ours to change.
//!
//! Ours has `application = keystencil`; nothing else is ever written to, or deleted: the program that made it would not
//! know. Creating with fewer attributes than an item has replaces that item (measured), so ours are made with all.

use super::super::{Entry, SealKeys, Store, StoreError, StoreKind};
use super::find::{find, not_found};
use super::service::{Item, Service};
use super::wire::Properties;
use super::{Bus, Notice};
use crate::host::shell::word;
use crate::secret::{Attributes, Pinned, Query, SealKey, Secret, SecretName, Wanted};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

const APPLICATION: (&str, &str) = ("application", "keystencil");
/// The attributes that we file a name under.
const OURS: (&str, &str) = ("service", "username");
const SCHEMA: (&str, &str) = ("xdg:schema", "org.freedesktop.Secret.Generic");

/// The key of seals: of no service and no user, so that no lookup of a name finds it.
const SEAL: [(&str, &str); 3] = [APPLICATION, ("keystencil", "seal"), SCHEMA];
const SEAL_LABEL: &str = "keystencil: seals what you allowed";

/// The native keyring. Nothing is opened before the first question.
#[derive(Debug, Clone)]
pub struct Native {
    bus: Bus,
    limit: Option<Duration>,
    interactive: bool,
    notice: Notice,
}

impl Native {
    /// The keyring on this bus. `limit` is for each call as a whole, except while the user is asked for a password,
    /// which only happens if `interactive`.
    #[must_use]
    pub fn new(bus: Bus, limit: Option<Duration>, interactive: bool) -> Self {
        Self { bus, limit, interactive, notice: Notice::default() }
    }

    /// Reports when the user is waited for.
    #[must_use]
    pub fn telling(mut self, notice: Notice) -> Self {
        self.notice = notice;
        self
    }

    fn connect(&self) -> Result<Service, StoreError> {
        Service::connect(&self.bus, self.limit, self.interactive, self.notice.clone())
    }

    fn get_all(&self, queries: &[Query]) -> Result<(Vec<Result<Secret, StoreError>>, SealKeys), StoreError> {
        let service = self.connect()?;
        // One question more in the same go, and one value more in the same reply.
        let seal = Query::Keyring(seal_query()?);
        let asked: Vec<Query> = queries.iter().cloned().chain([seal]).collect();
        let mut matches = find(&service, &asked, self.interactive)?;
        let seals = matches.pop().unwrap_or_else(|| Ok(Vec::new()));
        let is_seal = |item: &Item| seals.as_ref().is_ok_and(|seals| seals.contains(item));
        // A reference by attributes may be as wide as `application`, and the key of seals is nobody's secret.
        matches.iter_mut().flatten().for_each(|found| found.retain(|item| !is_seal(item)));
        let every = matches.iter().chain([&seals]).flatten();
        let all: Vec<Item> = every.flat_map(|found| found.iter().cloned()).collect();
        let values = if all.is_empty() { HashMap::new() } else { service.values(&all)? };
        let secrets = queries.iter().zip(matches);
        let secrets = secrets.map(|(query, found)| pick(&service, query, &found?, &values)).collect();
        Ok((secrets, seal_keys(seals, &values)))
    }

    /// The items that hold keys of seals.
    fn seals(&self, service: &Service) -> Result<Vec<Item>, StoreError> {
        match find(service, &[Query::Keyring(seal_query()?)], self.interactive)?.pop() {
            Some(Err(error)) if !error.is_not_found() => Err(error),
            found => Ok(found.and_then(Result::ok).unwrap_or_default()),
        }
    }

    fn add_seal_key(service: &Service, key: &SealKey) -> Result<(), StoreError> {
        let collection = open_collection(service)?;
        // A second item, if another process made one meanwhile: in its place, that process's seals would not hold.
        service.create(&collection, SEAL_LABEL, &SEAL, key.to_secret().expose().as_bytes(), false)
    }

    fn describe_all(&self, names: &[SecretName]) -> Result<Vec<Result<Vec<Entry>, StoreError>>, StoreError> {
        let service = self.connect()?;
        let queries: Vec<Query> = names.iter().cloned().map(Query::from).collect();
        let matches = find(&service, &queries, self.interactive)?;
        let all: Vec<Item> = matches.iter().flatten().flat_map(|found| found.iter().cloned()).collect();
        let mut properties = service.properties(&all)?.into_iter();
        let described = names.iter().zip(matches).map(|(name, found)| match found {
            Ok(found) => {
                let items = properties.by_ref().take(found.len()).flatten();
                Ok(items.map(|item| entry(name.clone(), item)).collect())
            }
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        });
        Ok(described.collect())
    }

    /// The items of `name` that keystencil made, and one that another program made.
    fn own(&self, service: &Service, name: &SecretName) -> Result<(Vec<Item>, Option<Properties>), StoreError> {
        let query = [name.clone().into()];
        let items = match find(service, &query, self.interactive)?.pop() {
            Some(Err(error)) if !error.is_not_found() => return Err(error),
            found => found.and_then(Result::ok).unwrap_or_default(),
        };
        let (mut own, mut foreign) = (Vec::new(), None);
        for (item, properties) in items.iter().zip(service.properties(&items)?) {
            match properties {
                Some(one) if is_foreign(&one) => foreign = Some(one),
                Some(_) => own.push(item.clone()),
                None => {} // gone meanwhile
            }
        }
        Ok((own, foreign))
    }
}

impl Store for Native {
    fn kind(&self) -> StoreKind {
        StoreKind::Native
    }

    fn get_many(&self, queries: &[Query]) -> Vec<Result<Secret, StoreError>> {
        self.get_sealing(queries).0
    }

    fn get_sealing(&self, queries: &[Query]) -> (Vec<Result<Secret, StoreError>>, SealKeys) {
        self.get_all(queries).unwrap_or_else(|error| (queries.iter().map(|_| Err(error.clone())).collect(), Err(error)))
    }

    fn make_seal_key(&self) -> Result<SealKey, StoreError> {
        let key = || self.get_all(&[]).and_then(|(_, keys)| keys).map(|keys| keys.into_iter().next());
        if let Some(key) = key()? {
            return Ok(key);
        }
        Self::add_seal_key(&self.connect()?, &new_seal_key()?)?;
        key()?.ok_or_else(|| StoreError::Unavailable {
            store: StoreKind::Native,
            reason: "it did not return what was stored".to_owned(),
        })
    }

    fn replace_seal_key(&self, new: Option<&SealKey>) -> Result<bool, StoreError> {
        let service = self.connect()?;
        let old = self.seals(&service)?;
        if let Some(new) = new {
            Self::add_seal_key(&service, new)?;
        }
        old.iter().try_for_each(|item| service.delete(item))?;
        Ok(!old.is_empty())
    }

    fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), StoreError> {
        if secret.expose().is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() });
        }
        let service = self.connect()?;
        match self.own(&service, name)? {
            (_, Some(theirs)) => return Err(foreign(name, theirs)),
            (own, None) if !own.is_empty() => {
                return own.iter().try_for_each(|item| service.change(item, secret.expose().as_bytes()));
            }
            _ => {}
        }
        let collection = open_collection(&service)?;
        let label = format!("{} ({})", name.service(), name.account());
        let attributes = [(OURS.0, name.service()), (OURS.1, name.account()), APPLICATION, SCHEMA];
        service.create(&collection, &label, &attributes, secret.expose().as_bytes(), true)
    }

    fn remove(&self, name: &SecretName) -> Result<bool, StoreError> {
        let service = self.connect()?;
        match self.own(&service, name)? {
            (own, Some(theirs)) if own.is_empty() => Err(foreign(name, theirs)),
            (own, _) => own.iter().try_for_each(|item| service.delete(item)).map(|()| !own.is_empty()),
        }
    }

    fn erase(&self, name: &SecretName) -> Result<bool, StoreError> {
        let service = self.connect()?;
        let mut did_any = false;
        // After what one way of filing a name finds may be what another one finds.
        for _ in 0..8 {
            let items = match find(&service, &[name.clone().into()], self.interactive)?.pop() {
                Some(Err(error)) if !error.is_not_found() => return Err(error),
                Some(Ok(items)) if !items.is_empty() => items,
                _ => break,
            };
            items.iter().try_for_each(|item| service.delete(item))?;
            did_any = true;
        }
        Ok(did_any)
    }

    fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let service = self.connect()?;
        let found = service.search(&[vec![APPLICATION]])?.pop().unwrap_or_default();
        if !found.locked.is_empty() {
            service.unlock(&found.locked)?;
        }
        let items: Vec<Item> = found.unlocked.into_iter().chain(found.locked).collect();
        let ours = |item: Properties| {
            let attribute = |key: &str| item.attributes.get(key).map(String::as_str);
            let name = SecretName::new(attribute(OURS.0)?, attribute(OURS.1)?).ok()?;
            Some(entry(name, item))
        };
        let mut entries: Vec<Entry> = service.properties(&items)?.into_iter().flatten().filter_map(ours).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn describe(&self, names: &[SecretName]) -> Vec<Result<Vec<Entry>, StoreError>> {
        self.describe_all(names).unwrap_or_else(|error| names.iter().map(|_| Err(error.clone())).collect())
    }
}

/// By what the key of seals is found: all attributes that it has, but for the schema, which a provider may not keep.
fn seal_query() -> Result<Pinned, StoreError> {
    let attributes = [SEAL[0], SEAL[1]].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let broken = |_| StoreError::Unavailable { store: StoreKind::Native, reason: "its key has no name".to_owned() };
    let attributes = Attributes::new(attributes.into()).map_err(broken)?;
    Pinned::new(Wanted::Attributes(attributes), None).map_err(broken)
}

/// The keys in the items that were found; one that is not ours does not count.
fn seal_keys(seals: Result<Vec<Item>, StoreError>, values: &HashMap<Item, Zeroizing<Vec<u8>>>) -> SealKeys {
    let mut items = match seals {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        seals => seals?,
    };
    // In one order for all, so that two processes that made one each continue with the same.
    items.sort();
    if !items.is_empty() && items.iter().all(|item| !values.contains_key(item)) {
        return Err(StoreError::Locked);
    }
    Ok(items.iter().filter_map(|item| SealKey::parse(values.get(item)?)).collect())
}

fn new_seal_key() -> Result<SealKey, StoreError> {
    SealKey::generate().map_err(|_| StoreError::Unavailable {
        store: StoreKind::Native,
        reason: "the system has no random numbers".to_owned(),
    })
}

/// The collection that new entries go to, unlocked.
fn open_collection(service: &Service) -> Result<Item, StoreError> {
    let collection = service.default_collection()?;
    if service.is_locked(&collection)? {
        service.unlock(std::slice::from_ref(&collection))?;
    }
    Ok(collection)
}

/// The one value of the items of a query.
fn pick(
    service: &Service,
    query: &Query,
    items: &[Item],
    values: &HashMap<Item, Zeroizing<Vec<u8>>>,
) -> Result<Secret, StoreError> {
    // A value that is not given out although its item was found is locked: some providers ask per item.
    let mut distinct: Option<&Zeroizing<Vec<u8>>> = None;
    for item in items {
        let value = values.get(item).ok_or(StoreError::Locked)?;
        if distinct.is_some_and(|other| other != value) {
            // In one order, whatever the provider's.
            let all: Vec<Properties> = service.properties(items)?.into_iter().flatten().collect();
            let with_own = !all.iter().all(is_foreign);
            let mut labels: Vec<_> = all.into_iter().map(|item| item.label).collect();
            labels.sort();
            return Err(StoreError::Ambiguous { query: query.clone(), labels, with_own });
        }
        distinct = Some(value);
    }
    let value = distinct.ok_or_else(|| not_found(query))?;
    // Ours are never wrapped: what was stored is what comes back.
    let unwrapped = super::decode::unwrapped(value);
    let is_theirs = |properties: Vec<Option<Properties>>| properties.iter().flatten().any(is_foreign);
    let value = match unwrapped {
        Some(plain) if is_theirs(service.properties(items)?) => plain,
        _ => value.clone(),
    };
    if value.is_empty() {
        return Err(StoreError::Empty { query: query.clone(), store: StoreKind::Native });
    }
    String::from_utf8(value.to_vec()).map(Secret::new).map_err(|error| {
        error.into_bytes().zeroize();
        StoreError::NotText { query: query.clone(), store: StoreKind::Native }
    })
}

fn entry(name: SecretName, item: Properties) -> Entry {
    Entry {
        name,
        store: StoreKind::Native,
        writer: writer(&item.attributes),
        is_foreign: is_foreign(&item),
        change: change(&item).filter(|_| is_foreign(&item)),
        created: timestamp(item.created),
        modified: timestamp(item.modified),
        label: Some(item.label),
    }
}

/// Whether another program made it; also one that replaced ours, which gnome-keyring allows.
fn is_foreign(item: &Properties) -> bool {
    item.attributes.get(APPLICATION.0).is_none_or(|by| by != APPLICATION.1)
}

/// Who wrote an item: as it says itself, or else the program whose attributes it has (measured; `secret-tool`
/// leaves nothing that tells).
fn writer(attributes: &HashMap<String, String>) -> Option<String> {
    let has = |key: &str| attributes.contains_key(key);
    let known = match attributes.get("xdg:schema").map(String::as_str) {
        Some("org.git.Password") => Some("git"),
        _ if has("Title") && has("Uuid") => Some("KeePassXC"),
        _ => None,
    };
    attributes.get(APPLICATION.0).map(String::as_str).filter(|name| !name.is_empty()).or(known).map(str::to_owned)
}

fn foreign(name: &SecretName, theirs: Properties) -> StoreError {
    StoreError::Foreign { name: name.clone(), change: change(&theirs), label: theirs.label }
}

/// The command line that gives an entry a new value and asks for it: its program's own, else `secret-tool`'s with the
/// very same attributes, which gnome-keyring takes for the same entry (measured). None where only a window does it, and
/// where the schema is one that `secret-tool` does not write.
fn change(item: &Properties) -> Option<String> {
    let get = |key: &str| item.attributes.get(key).map(String::as_str);
    if get("Uuid").is_some() || get("xdg:schema").is_some_and(|schema| schema != SCHEMA.1) {
        return None;
    }
    if let (Some("Python keyring library"), Some(service), Some(user)) = (get(APPLICATION.0), get(OURS.0), get(OURS.1))
    {
        return Some(format!("keyring set {}", operands([service, user])));
    }
    let attributes: BTreeMap<_, _> = item.attributes.iter().filter(|(key, _)| *key != SCHEMA.0).collect();
    let operands = operands(attributes.into_iter().flat_map(|(key, value)| [key.as_str(), value]));
    Some(format!("secret-tool store --label={} {operands}", word(&item.label)))
}

/// Words that are no options, whatever they begin with.
fn operands<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<&str> = texts.into_iter().collect();
    let end = texts.iter().any(|text| text.starts_with('-')).then(|| "--".to_owned());
    end.into_iter().chain(texts.into_iter().map(word)).collect::<Vec<_>>().join(" ")
}

/// Seconds since 1970; providers that don't know say 0.
fn timestamp(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().filter(|seconds| *seconds > 0).and_then(|s| Timestamp::from_second(s).ok())
}
