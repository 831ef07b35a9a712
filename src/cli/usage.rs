//! Which secrets the templates of the config ask for, and which template asks for which.
//!
//! Asked by every command that shows or removes a secret. It compiles templates and asks no store.

use super::context::Workplace;
use super::report::{Report, Warning, warning};
use crate::cli::hints;
use crate::error::Explain as _;
use crate::secret::{Query, SecretName};
use crate::session::{SessionError, Target};
use crate::store::{Entry, StoreKind};
use crate::template::Blueprint;
use std::collections::BTreeMap;

/// What all templates want.
#[derive(Debug, Default)]
pub(super) struct Usage {
    wanted: BTreeMap<Query, Vec<String>>,
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
                Ok(blueprint) => usage.add(target, &blueprint),
            }
        }
        usage
    }

    /// The same of templates that are compiled already.
    pub(super) fn of_compiled<'a>(compiled: impl IntoIterator<Item = (&'a Target, &'a Blueprint)>) -> Self {
        let mut usage = Self::default();
        compiled.into_iter().for_each(|(target, blueprint)| usage.add(target, blueprint));
        usage
    }

    fn add(&mut self, target: &Target, blueprint: &Blueprint) {
        let label = target.name.clone().unwrap_or_else(|| target.path.display().to_string());
        for query in queries(blueprint) {
            self.wanted.entry(query.clone()).or_default().push(label.clone());
        }
    }

    /// Every secret that a template wants by a name, sorted.
    pub(super) fn names(&self) -> Vec<SecretName> {
        let mut names: Vec<SecretName> = self.wanted.keys().filter_map(Query::name).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// The targets whose templates want a secret of this name, from whichever store.
    pub(super) fn of_name(&self, name: &SecretName) -> Vec<String> {
        self.users(|query| query.name() == Some(name))
    }

    /// The targets whose templates can be given this entry.
    pub(super) fn of_entry(&self, entry: &Entry) -> Vec<String> {
        self.users(|query| is_answer(entry, query))
    }

    /// What templates want by a name, and by whom.
    pub(super) fn named(&self) -> impl Iterator<Item = (&Query, &SecretName, &[String])> {
        self.wanted.iter().filter_map(|(query, users)| Some((query, query.name()?, users.as_slice())))
    }

    /// What templates want by something other than a name: attributes of the keyring, a declared command.
    pub(super) fn nameless(&self) -> impl Iterator<Item = (&Query, &[String])> {
        self.wanted.iter().filter(|(query, _)| query.name().is_none()).map(|(query, users)| (query, users.as_slice()))
    }

    fn users(&self, wants: impl Fn(&Query) -> bool) -> Vec<String> {
        let wanted = self.wanted.iter().filter(|(query, _)| wants(query));
        let mut users: Vec<String> = wanted.flat_map(|(_, users)| users).cloned().collect();
        users.sort();
        users.dedup();
        users
    }

    /// Warns of the templates that could not be asked; whether there are any.
    pub(super) fn warn(&self, report: &Report) -> bool {
        for (target, error) in &self.broken {
            let name = target.name.as_deref().unwrap_or_default();
            let message = format!("cannot tell which secrets the template of `{name}` uses: {error}");
            report.warning(&Warning { place: error.place(), hint: hints::of(error), ..warning(message) });
        }
        !self.broken.is_empty()
    }
}

/// Whether an entry is what a query by name finds, as far as its name and its store say: a reference may be pinned.
pub(super) fn is_answer(entry: &Entry, query: &Query) -> bool {
    let is_there = match query {
        Query::Name(_) => true,
        Query::Vault(_) => entry.store == StoreKind::Vault,
        Query::Keyring(_) => entry.store == StoreKind::Native,
        Query::Command(_) => false,
    };
    is_there && query.name() == Some(&entry.name)
}

/// What a template asks for, each once, sorted.
fn queries(blueprint: &Blueprint) -> Vec<&Query> {
    let mut queries: Vec<&Query> =
        blueprint.references().into_iter().filter_map(|reference| reference.source.query()).collect();
    queries.sort();
    queries.dedup();
    queries
}

/// The secrets that a template asks stores for by a name, each once, sorted.
pub(super) fn names(blueprint: &Blueprint) -> Vec<&SecretName> {
    let mut names: Vec<&SecretName> = queries(blueprint).into_iter().filter_map(Query::name).collect();
    names.sort();
    names.dedup();
    names
}
