//! The calls of the Secret Service: search, read, create, change, delete. Unlocking and prompts are
//! [`person`](super::person)'s.
//!
//! It knows the protocol (Secret Service API draft 0.2) and not which attributes mean which name; that is
//! [`secret_service`](super::secret_service)'s. Lists of questions are pipelined.

use super::super::StoreError;
use super::bus::{Connection, Pending};
use super::session::{Cipher, ENCRYPTED, KeyPair, PLAIN};
use super::wire::{Properties, read, unreadable};
use super::{Bus, Notice};
use dbus::Message;
use dbus::arg::{AppendAll, PropMap, RefArg, Variant};
use dbus::strings::Path;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) const NAME: &str = "org.freedesktop.secrets";
pub(super) const ROOT: &str = "/org/freedesktop/secrets";
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The default collection under its other name; asking there saves the question for its path.
const DEFAULT: &str = "/org/freedesktop/secrets/aliases/default";

/// Calls in flight at once. The bus daemon's built-in limit is 128 unanswered calls (a session bus raises it).
const IN_FLIGHT: usize = 100;

pub(super) type Item = Path<'static>;

pub(super) struct Service {
    pub(super) bus: Connection,
    pub(super) interactive: bool,
    pub(super) notice: Cell<Option<Notice>>,
    exchange: KeyPair,
    opening: Cell<Option<Pending>>,
    pub(super) is_locked: Cell<Option<Pending>>,
    session: OnceCell<(Path<'static>, Cipher)>,
}

/// A value as it crosses the bus: the session, the initial vector, the sealed bytes, their type.
type Sealed = (Path<'static>, Vec<u8>, Vec<u8>, &'static str);

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) unlocked: Vec<Item>,
    pub(super) locked: Vec<Item>,
}

impl Service {
    /// Connects and begins the key exchange; the service works on it while it gets the first questions.
    pub(super) fn connect(
        bus: &Bus,
        limit: Option<Duration>,
        interactive: bool,
        notice: Notice,
    ) -> Result<Self, StoreError> {
        let bus = Connection::open(bus, limit)?;
        let exchange = KeyPair::generate()?;
        let public = Variant(Box::new(exchange.public()) as Box<dyn RefArg>);
        let opening = bus.send(call(ROOT, SERVICE, "OpenSession", (ENCRYPTED, public)))?;
        let is_locked = bus.send(call(DEFAULT, PROPERTIES, "Get", (COLLECTION, "Locked")))?;
        let (opening, is_locked) = (Some(opening).into(), Some(is_locked).into());
        let notice = Some(notice).into();
        Ok(Self { bus, interactive, notice, exchange, opening, is_locked, session: OnceCell::new() })
    }

    fn session(&self) -> Result<&(Path<'static>, Cipher), StoreError> {
        if let Some(opening) = self.opening.take() {
            let session = match self.bus.reply(opening) {
                Err(StoreError::Unavailable { reason, .. }) if reason == "org.freedesktop.DBus.Error.NotSupported" => {
                    let nothing = Variant(String::new());
                    let reply = self.bus.call(call(ROOT, SERVICE, "OpenSession", (PLAIN, nothing)))?;
                    (read::<(Variant<Box<dyn RefArg>>, Path<'static>)>(&reply)?.1, Cipher::Plain)
                }
                reply => {
                    let reply = reply?;
                    let (theirs, path) = read::<(Variant<Vec<u8>>, Path<'static>)>(&reply)?;
                    (path, self.exchange.agree(&theirs.0)?)
                }
            };
            let _ = self.session.set(session);
        }
        self.session.get().ok_or_else(unreadable)
    }

    /// The items that have all attributes of a query, for each query.
    pub(super) fn search(&self, queries: &[Vec<(&str, &str)>]) -> Result<Vec<Found>, StoreError> {
        let questions = queries.iter().map(|query| {
            let attributes: HashMap<&str, &str> = query.iter().copied().collect();
            call(ROOT, SERVICE, "SearchItems", (attributes,))
        });
        let answers = self.call_all(questions)?;
        let found = answers.into_iter().map(|answer| {
            let (unlocked, locked) = read::<(Vec<Item>, Vec<Item>)>(&answer?)?;
            Ok(Found { unlocked, locked })
        });
        found.collect()
    }

    /// The values of unlocked items, in one call. What is locked or gone is left out.
    pub(super) fn values(&self, items: &[Item]) -> Result<HashMap<Item, Zeroizing<Vec<u8>>>, StoreError> {
        type Borrowed<'a> = (Path<'static>, &'a [u8], &'a [u8], &'a str);
        let (session, cipher) = self.session()?;
        let reply = self.bus.call(call(ROOT, SERVICE, "GetSecrets", (items, session)))?;
        let (sealed,) = read::<(HashMap<Item, Borrowed<'_>>,)>(&reply)?;
        sealed.into_iter().map(|(item, (_, iv, value, _))| Ok((item, cipher.decrypt(iv, value)?))).collect()
    }

    /// The attributes of each item; `None` for one that is gone.
    pub(super) fn properties(&self, items: &[Item]) -> Result<Vec<Option<Properties>>, StoreError> {
        let answers = self.call_all(items.iter().map(|item| call(item, PROPERTIES, "GetAll", (ITEM,))))?;
        answers.into_iter().map(|answer| answer.ok().map(|reply| Properties::read(&reply)).transpose()).collect()
    }

    /// Makes a new item; one with the very same attributes is replaced, if `replace` says so.
    pub(super) fn create(
        &self,
        collection: &Path<'static>,
        label: &str,
        attributes: &[(&str, &str)],
        value: &[u8],
        replace: bool,
    ) -> Result<(), StoreError> {
        let attributes: HashMap<String, String> =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut properties = PropMap::new();
        properties.insert(format!("{ITEM}.Label"), Variant(Box::new(label.to_owned())));
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(attributes)));
        let reply =
            self.bus.call(call(collection, COLLECTION, "CreateItem", (properties, self.seal(value)?, replace)))?;
        let (_, prompt) = read::<(Path<'static>, Path<'static>)>(&reply)?;
        self.confirm(&prompt)
    }

    /// Replaces the value of an item and nothing else.
    pub(super) fn change(&self, item: &Item, value: &[u8]) -> Result<(), StoreError> {
        self.bus.call(call(item, ITEM, "SetSecret", (self.seal(value)?,))).map(drop)
    }

    pub(super) fn delete(&self, item: &Item) -> Result<(), StoreError> {
        let (prompt,) = read::<(Path<'static>,)>(&self.bus.call(call(item, ITEM, "Delete", ()))?)?;
        self.confirm(&prompt)
    }

    fn seal(&self, value: &[u8]) -> Result<Sealed, StoreError> {
        let (session, cipher) = self.session()?;
        let (iv, sealed) = cipher.encrypt(value)?;
        Ok((session.clone(), iv, sealed, "text/plain"))
    }

    /// The collection that new items go to.
    pub(super) fn default_collection(&self) -> Result<Path<'static>, StoreError> {
        self.alias("default")?.ok_or(StoreError::NoCollection)
    }

    /// All collections with their labels.
    pub(super) fn collections(&self) -> Result<Vec<(Path<'static>, String)>, StoreError> {
        let reply = self.bus.call(call(ROOT, PROPERTIES, "Get", (SERVICE, "Collections")))?;
        let paths = read::<(Variant<Vec<Path<'static>>>,)>(&reply)?.0.0;
        let asked = paths.iter().map(|path| call(path, PROPERTIES, "Get", (COLLECTION, "Label")));
        let labels = self.call_all(asked)?.into_iter().map(|answer| {
            let label = answer.ok().and_then(|reply| Some(read::<(Variant<String>,)>(&reply).ok()?.0.0));
            label.unwrap_or_default()
        });
        let labels: Vec<String> = labels.collect();
        Ok(paths.into_iter().zip(labels).collect())
    }

    /// The collection of an alias, `default` say.
    pub(super) fn alias(&self, name: &str) -> Result<Option<Path<'static>>, StoreError> {
        let (path,) = read::<(Path<'static>,)>(&self.bus.call(call(ROOT, SERVICE, "ReadAlias", (name,)))?)?;
        Ok(if is_none(&path) { None } else { Some(path) })
    }

    pub(super) fn is_locked(&self, collection: &Path<'static>) -> Result<bool, StoreError> {
        let reply = self.bus.call(call(collection, PROPERTIES, "Get", (COLLECTION, "Locked")))?;
        Ok(read::<(Variant<bool>,)>(&reply)?.0.0)
    }

    fn call_all(
        &self,
        questions: impl Iterator<Item = Message>,
    ) -> Result<Vec<Result<Message, StoreError>>, StoreError> {
        let mut answers = Vec::new();
        let mut questions = questions.peekable();
        while questions.peek().is_some() {
            let sent: Vec<_> =
                questions.by_ref().take(IN_FLIGHT).map(|question| self.bus.send(question)).collect::<Result<_, _>>()?;
            if let Some(first) = sent.first() {
                self.await_unlocking(*first)?;
            }
            for pending in sent {
                answers.push(match self.bus.reply(pending) {
                    Err(error @ StoreError::TimedOut { .. }) => return Err(error),
                    answer => answer,
                });
            }
        }
        Ok(answers)
    }
}

pub(super) fn call<A: AppendAll>(path: &str, interface: &str, method: &str, arguments: A) -> Message {
    Message::call_with_args(NAME, path, interface, method, arguments)
}

pub(super) fn is_none(path: &Path<'_>) -> bool {
    &**path == "/"
}
