//! Which keys a model has seen and that have no new value yet: what `status` and `doctor` tell until they have.

use super::hints;
use super::naming;
use super::report::{Report, clean};
use super::rotation::changed;
use super::usage::is_answer;
use crate::secret::{Query, SecretName};
use crate::session::State;
use crate::store::Listing;
use crate::template::{Reference, Source};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A key that was found in what a host keeps of its sessions.
pub(super) struct Exposed {
    placeholder: String,
    /// As a person calls it.
    pub(super) name: String,
    /// When it was found last.
    time: Timestamp,
    files: Vec<PathBuf>,
    /// The live files that it was filled into or delivered for.
    targets: Vec<PathBuf>,
}

/// Those that are noted and were not stored anew since, as far as the stores say when they were.
pub(super) fn all(state: &State, listing: &Listing) -> Vec<Exposed> {
    let mut all: BTreeMap<String, Exposed> = BTreeMap::new();
    for exposure in state.exposures() {
        for secret in &exposure.secrets {
            if stored(&secret.placeholder, listing).is_some_and(|stored| stored > exposure.time) {
                continue;
            }
            let name = naming::of_placeholder(&secret.placeholder);
            let one = all.entry(name.clone()).or_insert_with(|| Exposed {
                placeholder: secret.placeholder.clone(),
                name,
                time: exposure.time,
                files: Vec::new(),
                targets: Vec::new(),
            });
            one.time = one.time.max(exposure.time);
            one.files.extend(exposure.files.iter().cloned());
            one.targets.push(exposure.target.clone());
        }
    }
    for one in all.values_mut() {
        one.files.sort();
        one.files.dedup();
    }
    all.into_values().collect()
}

/// Forgets what was seen of the old value of a secret, which has a new one now. A failure is let go: it is told once more.
pub(super) fn forget(state: &State, name: &SecretName) {
    let is_it = |placeholder: &str| {
        let source = Reference::parse(placeholder).map(|reference| reference.source);
        source.as_ref().and_then(Source::query).and_then(Query::name) == Some(name)
    };
    if let Err(error) = state.forget_exposures(&is_it) {
        log::debug!("what was seen of {name} can't be forgotten: {error}");
    }
}

/// When the value behind a placeholder was stored, where the store tells.
fn stored(placeholder: &str, listing: &Listing) -> Option<Timestamp> {
    let source = Reference::parse(placeholder)?.source;
    let query = source.query()?;
    changed(listing.entries.iter().find(|entry| is_answer(entry, query))?)
}

impl Exposed {
    /// Whether it was filled into the file at one of these paths.
    pub(super) fn is_of(&self, paths: &[PathBuf]) -> bool {
        self.targets.iter().any(|target| paths.contains(target))
    }

    /// What is the matter, in one line.
    pub(super) fn message(&self, report: &Report) -> String {
        let when = self.time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M");
        let place = self.files.first().map(|first| format!(", in {}", report.path(first))).unwrap_or_default();
        let more = if self.files.len() > 1 { format!(" and {} more", self.files.len() - 1) } else { String::new() };
        format!("{} was seen by a model ({when}{place}{more})", clean(&self.name))
    }

    /// How it gets a new value.
    pub(super) fn rotate(&self) -> String {
        hints::sessions::rotate(&self.placeholder)
    }

    /// For `--json`.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "name": self.name,
            "found": self.time.to_string(),
            "files": self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "hint": self.rotate(),
        })
    }
}
