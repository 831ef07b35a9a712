//! What a session asks for: the secret of one reference, as the template pins it down.
//!
//! The template makes a [`Query`], the session passes it on unread, and the stores answer it. A query that could be
//! taken for a wider one than it is can't be made: a search with no attributes finds everything there is (measured).

use super::name::check;
use super::{NameError, SecretName};
use std::collections::BTreeMap;
use std::fmt;

/// One question. Two references that ask for the same make equal queries, and are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Query {
    /// `keyring('github')`: from the first store that has it.
    Name(SecretName),
    /// `keyring('github', store='vault')`: from the vault and nowhere else.
    Vault(SecretName),
    /// From the native keyring and nowhere else.
    Keyring(Pinned),
    /// `op('op://Private/OpenAI/key')`: what a command of the config prints.
    Command(Provided),
}

/// What the native keyring alone is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pinned {
    wanted: Wanted,
    collection: Option<String>,
}

/// By what an entry of the native keyring is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// By its name, wherever another program keeps the two parts of it.
    Name(SecretName),
    /// By these attributes, all of them.
    Attributes(Attributes),
}

/// Attributes to search for: at least one that says what is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes(BTreeMap<String, String>);

/// A reference that a declared command resolves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provided {
    provider: String,
    reference: String,
}

impl Query {
    /// The name, if it is asked for by one.
    #[must_use]
    pub fn name(&self) -> Option<&SecretName> {
        match self {
            Self::Name(name) | Self::Vault(name) => Some(name),
            Self::Keyring(Pinned { wanted: Wanted::Name(name), .. }) => Some(name),
            Self::Keyring(_) | Self::Command(_) => None,
        }
    }

    /// What a declared command is asked for, if it is one.
    #[must_use]
    pub fn provided(&self) -> Option<&Provided> {
        match self {
            Self::Command(provided) => Some(provided),
            _ => None,
        }
    }
}

impl From<SecretName> for Query {
    fn from(name: SecretName) -> Self {
        Self::Name(name)
    }
}

impl Pinned {
    /// An entry of the native keyring, in a collection if one is named: by its label, its alias or the end of its path.
    ///
    /// # Errors
    /// [`NameError`] if the collection is empty or holds a NUL byte.
    pub fn new(wanted: Wanted, collection: Option<String>) -> Result<Self, NameError> {
        collection.as_deref().map_or(Ok(()), |name| check("collection", name))?;
        Ok(Self { wanted, collection })
    }

    /// By what it is found.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The only collection it may be in.
    #[must_use]
    pub fn collection(&self) -> Option<&str> {
        self.collection.as_deref()
    }
}

impl Attributes {
    /// Checks that a search for these can't find more than they say.
    ///
    /// ```
    /// use keystencil::secret::Attributes;
    /// assert!(Attributes::new([("Title".into(), "OpenAI".into())].into()).is_ok());
    /// assert!(Attributes::new([].into()).is_err());
    /// assert!(Attributes::new([("xdg:schema".into(), "org.gnome.keyring.Note".into())].into()).is_err());
    /// ```
    ///
    /// # Errors
    /// [`NameError`] if there is none, if one is empty or holds a NUL byte, or if `xdg:schema` is the only one.
    pub fn new(attributes: BTreeMap<String, String>) -> Result<Self, NameError> {
        for (key, value) in &attributes {
            check("attribute name", key)?;
            check("attribute value", value)?;
        }
        // The schema says what kind of entry it is, and a thousand entries are of one kind.
        if attributes.keys().all(|key| key == "xdg:schema") {
            return Err(NameError::NoAttributes);
        }
        Ok(Self(attributes))
    }

    /// All of them, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Provided {
    /// What `provider`, a name in the config, is asked for.
    ///
    /// # Errors
    /// [`NameError`] if a part is empty or holds a NUL byte.
    pub fn new(provider: impl Into<String>, reference: impl Into<String>) -> Result<Self, NameError> {
        let (provider, reference) = (provider.into(), reference.into());
        check("provider", &provider)?;
        check("reference", &reference)?;
        Ok(Self { provider, reference })
    }

    /// The name of the command in the config, and of the function in the template.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What the command gets for `{ref}`.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

/// As it is after the word "secret" in a message.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) | Self::Vault(name) => name.fmt(f),
            Self::Keyring(pinned) => pinned.fmt(f),
            Self::Command(provided) => {
                write!(f, "`{}` of `{}`", provided.reference.escape_debug(), provided.provider.escape_debug())
            }
        }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted {
            Wanted::Name(name) => name.fmt(f)?,
            Wanted::Attributes(attributes) => attributes.fmt(f)?,
        }
        match &self.collection {
            Some(collection) => write!(f, " in the collection `{}`", collection.escape_debug()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            let before = if index == 0 { "with " } else { ", " };
            write!(f, "{before}{} `{}`", key.escape_debug(), value.escape_debug())?;
        }
        Ok(())
    }
}
