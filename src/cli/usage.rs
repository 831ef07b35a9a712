//! Which secrets the templates of the config ask for, and which template asks for which.
//!
//! Asked by every command that shows or removes a secret. It compiles templates and asks no store.

use super::context::Workplace;
use super::report::{Report, Warning, warning};
use crate::error::Explain as _;
use crate::secret::{Query, SecretName};
use crate::session::{SessionError, Target};
use crate::template::Blueprint;
use std::collections::BTreeMap;

/// What all templates want.
#[derive(Debug, Default)]
pub(super) struct Usage {
    wanted: BTreeMap<SecretName, Vec<String>>,
    /// Templates that don't say what they want, and why.
    pub(super) broken: Vec<(Target, SessionError)>,
}

impl Usage {
    /// Compiles every template of the config.
    pub(super) fn of(workplace: &Workplace<'_>) -> Self {
        let mut usage = Self::default();
        for target in &workplace.config.targets {
            match workplace.session(|session| session.blueprint(target)) {
                Err(error) => usage.broken.push((target.clone(), error)),
                Ok(blueprint) => {
                    let label = target.name.clone().unwrap_or_else(|| target.path.display().to_string());
                    for name in names(&blueprint) {
                        usage.wanted.entry(name.clone()).or_default().push(label.clone());
                    }
                }
            }
        }
        usage
    }

    /// Every secret that a template wants, sorted.
    pub(super) fn names(&self) -> Vec<SecretName> {
        self.wanted.keys().cloned().collect()
    }

    /// The targets whose templates want this secret.
    pub(super) fn of_name(&self, name: &SecretName) -> &[String] {
        self.wanted.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Warns of the templates that could not be asked; whether there are any.
    pub(super) fn warn(&self, report: &Report) -> bool {
        for (target, error) in &self.broken {
            let name = target.name.as_deref().unwrap_or_default();
            let message = format!("what the template of `{name}` uses can't be told: {error}");
            report.warning(&Warning { place: error.place(), hint: error.hint(), ..warning(message) });
        }
        !self.broken.is_empty()
    }
}

/// The secrets that a template asks stores for, each once, sorted.
pub(super) fn names(blueprint: &Blueprint) -> Vec<&SecretName> {
    let queries = blueprint.references().into_iter().filter_map(|reference| reference.source.query());
    let mut names: Vec<&SecretName> = queries.filter_map(Query::name).collect();
    names.sort();
    names.dedup();
    names
}
