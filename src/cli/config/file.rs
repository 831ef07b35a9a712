//! The config file as it is written.

use crate::cli::global::StoreArg;
use crate::plan::wrap::Deliver;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf, is_separator};
use toml::{Spanned, Value};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) targets: BTreeMap<String, Spanned<TargetEntry>>,
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) providers: BTreeMap<String, Spanned<ProviderEntry>>,
    pub(super) store: Option<StoreArg>,
    pub(super) rotate_after: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) repositories: Vec<String>,
    pub(super) agents: Option<AgentsEntry>,
}

/// `[targets.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetEntry {
    pub(super) template: String,
    pub(super) path: Option<String>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) git: Option<GitEntry>,
    pub(super) deliver: Option<DeliverEntry>,
    #[serde(default)]
    pub(super) servers: BTreeMap<String, ServerEntry>,
}

/// `[targets.NAME.servers.SERVER]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerEntry {
    pub(super) deliver: DeliverEntry,
}

/// `deliver`: how the secrets of servers get to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeliverEntry {
    #[default]
    File,
    Wrap,
    Auto,
}

impl From<DeliverEntry> for Deliver {
    fn from(entry: DeliverEntry) -> Self {
        match entry {
            DeliverEntry::File => Self::File,
            DeliverEntry::Wrap => Self::Wrap,
            DeliverEntry::Auto => Self::Auto,
        }
    }
}

/// `agents`: whether AI tools may do what is asked of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AgentsEntry {
    Refuse,
    Allow,
}

/// `git`: whether a target may be rendered where git could commit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum GitEntry {
    Refuse,
    Allow,
}

/// `[providers.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderEntry {
    pub(super) command: Vec<String>,
    pub(super) timeout: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) first_line: bool,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
}

/// A variable as templates see it. A date is its text: JSON has none.
pub(super) fn json(value: Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Boolean(yes) => yes.into(),
        Value::Datetime(date) => date.to_string().into(),
        Value::Array(items) => items.into_iter().map(json).collect(),
        Value::Table(members) => members.into_iter().map(|(name, value)| (name, json(value))).collect(),
    }
}

/// `~` is the home folder; what is relative is relative to the config file.
pub(super) fn expand(path: &str, folder: &Path, home: &Path) -> PathBuf {
    match path.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with(is_separator) => {
            home.join(rest.trim_start_matches(is_separator)).components().collect()
        }
        // Component by component, so that `./` is dropped.
        _ => folder.join(path).components().collect(),
    }
}
