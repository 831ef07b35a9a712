//! Answers of the Secret Service as values; what does not have the promised type is an error, never a panic.

use super::super::{StoreError, StoreKind};
use dbus::Message;
use dbus::arg::{Arg, Get, PropMap, RefArg, prop_cast};
use std::collections::HashMap;

/// The properties of an item.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) label: String,
    pub(super) attributes: HashMap<String, String>,
    pub(super) created: u64,
    pub(super) modified: u64,
}

impl Properties {
    pub(super) fn read(reply: &Message) -> Result<Self, StoreError> {
        let (all,) = read::<(PropMap,)>(reply)?;
        let number = |key| all.get(key).and_then(|value| value.0.as_u64()).unwrap_or_default();
        Ok(Self {
            label: prop_cast::<String>(&all, "Label").cloned().unwrap_or_default(),
            attributes: all.get("Attributes").map(|value| attributes(&*value.0)).unwrap_or_default(),
            created: number("Created"),
            modified: number("Modified"),
        })
    }
}

/// A dictionary of strings comes as its keys and values in turn.
fn attributes(value: &dyn RefArg) -> HashMap<String, String> {
    let mut texts = value.as_iter().into_iter().flatten().map(|text| text.as_str().unwrap_or_default().to_owned());
    let mut all = HashMap::new();
    while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
        all.insert(key, value);
    }
    all
}

pub(super) trait Reply<'a>: Sized {
    fn read(message: &'a Message) -> Option<Self>;
}

impl<'a, A: Arg + Get<'a>> Reply<'a> for (A,) {
    fn read(message: &'a Message) -> Option<Self> {
        message.read1().ok().map(|a| (a,))
    }
}

impl<'a, A: Arg + Get<'a>, B: Arg + Get<'a>> Reply<'a> for (A, B) {
    fn read(message: &'a Message) -> Option<Self> {
        message.read2().ok()
    }
}

pub(super) fn read<'a, T: Reply<'a>>(message: &'a Message) -> Result<T, StoreError> {
    T::read(message).ok_or_else(unreadable)
}

pub(super) fn unreadable() -> StoreError {
    StoreError::Unavailable { store: StoreKind::Native, reason: "its answer can't be read".to_owned() }
}
