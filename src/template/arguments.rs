//! From the arguments of a call to what it refers to. The engine's calls and the placeholders of a target come
//! through here alike, so that one reads what the other wrote.

use super::blueprint::Source;
use super::names;
use crate::secret::{Attributes, DEFAULT_ACCOUNT, NameError, Pinned, Provided, Query, SecretName, Wanted};
use std::collections::BTreeMap;

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    Text(String),
    Map(BTreeMap<String, String>),
}

/// The arguments of one call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Argument>,
    pub(super) named: BTreeMap<String, Argument>,
}

/// Why a call refers to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// What the function takes instead.
    Takes(&'static str),
    /// No argument has that name.
    Unknown { name: String, similar: Option<Box<str>> },
    /// No store may be asked for that.
    Name(NameError),
    /// No variable of the environment has such a name.
    VariableName,
}

impl From<NameError> for Fault {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

const KEYRING: &str = "the name of a secret and, if wanted, an account";
const ENV: &str = "the name of an environment variable";
const COMMAND: &str = "one text: what that command should look up";
const MAP: &str = "`attributes` as a map of texts";
const EITHER: &str = "a name or `attributes`, not both";
const STORES: &str = "`native` or `vault` as `store`";
const VAULT: &str = "no `attributes` and no `collection` with `store='vault'`: the vault has none";

/// Whether an environment variable can have this name.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

impl Arguments {
    /// What a call of `function` with these refers to.
    pub(super) fn source(self, function: &str) -> Result<Source, Fault> {
        match function {
            "keyring" => self.keyring().map(Source::Secret),
            "env" => {
                let [name] = self.texts(ENV, ["name"])?;
                let name = name.ok_or(Fault::Takes(ENV))?;
                if is_variable_name(&name) { Ok(Source::Env(name)) } else { Err(Fault::VariableName) }
            }
            provider => {
                let [reference] = self.texts(COMMAND, ["ref"])?;
                let provided = Provided::new(provider, reference.ok_or(Fault::Takes(COMMAND))?)?;
                Ok(Source::Secret(Query::Command(provided)))
            }
        }
    }

    fn keyring(mut self) -> Result<Query, Fault> {
        let attributes = match self.named.remove("attributes") {
            Some(Argument::Map(attributes)) => Some(Attributes::new(attributes)?),
            Some(Argument::Text(_)) => return Err(Fault::Takes(MAP)),
            None => None,
        };
        let [collection, store] = ["collection", "store"].map(|name| self.named.remove(name));
        let (collection, store) = (text(collection, KEYRING)?, text(store, STORES)?);
        let [service, account] = self.texts(KEYRING, ["service", "account"])?;
        let wanted = match (service, account, attributes) {
            (None, None, Some(attributes)) => Wanted::Attributes(attributes),
            (_, _, Some(_)) => return Err(Fault::Takes(EITHER)),
            (None, _, None) => return Err(Fault::Takes(KEYRING)),
            (Some(service), account, None) => {
                Wanted::Name(SecretName::new(service, account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()))?)
            }
        };
        match (store.as_deref(), wanted, collection) {
            (None, Wanted::Name(name), None) => Ok(Query::Name(name)),
            (Some("vault"), Wanted::Name(name), None) => Ok(Query::Vault(name)),
            (Some("vault"), ..) => Err(Fault::Takes(VAULT)),
            (None | Some("native"), wanted, collection) => Ok(Query::Keyring(Pinned::new(wanted, collection)?)),
            (Some(_), ..) => Err(Fault::Takes(STORES)),
        }
    }

    /// Texts by position or by name; nothing else may be left.
    fn texts<const N: usize>(self, expected: &'static str, names: [&str; N]) -> Result<[Option<String>; N], Fault> {
        let (mut positional, mut named) = (self.positional.into_iter(), self.named);
        let mut texts = [const { None }; N];
        for (slot, name) in texts.iter_mut().zip(names) {
            *slot = match (positional.next(), named.remove(name)) {
                (Some(_), Some(_)) => return Err(Fault::Takes(expected)),
                (value, None) | (None, value) => text(value, expected)?,
            };
        }
        if let Some((name, _)) = named.pop_first() {
            if expected == COMMAND {
                return Err(Fault::Takes(COMMAND));
            }
            let pins = ["attributes", "collection", "store"];
            let pins = if expected == KEYRING { pins.as_slice() } else { &[] };
            let similar = names::similar(&name, names.into_iter().chain(pins.iter().copied()));
            return Err(Fault::Unknown { name, similar });
        }
        if positional.next().is_some() { Err(Fault::Takes(expected)) } else { Ok(texts) }
    }
}

fn text(value: Option<Argument>, expected: &'static str) -> Result<Option<String>, Fault> {
    match value {
        Some(Argument::Text(text)) => Ok(Some(text)),
        Some(Argument::Map(_)) => Err(Fault::Takes(expected)),
        None => Ok(None),
    }
}
