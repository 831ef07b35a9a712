//! The user's own secrets, and what is rendered now: asked once, before any file is read.

use super::CheckError;
use crate::adopt::import::Stored;
use crate::cli::context::Workplace;
use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::hints;
use crate::cli::report::{Text, Warning, count, warning};
use crate::error::Explain as _;
use crate::journal::Journal;
use crate::lint::Own;
use crate::secret::{Query, Secret};
use crate::session::{SessionError, State, Target};
use crate::store::{LIMIT, LookupError, Unresolved};
use crate::template::{Blueprint, Reference, Source};

/// What is known of the secrets that the templates ask for.
pub(super) struct Secrets {
    pub(super) own: Own,
    /// Those that no store has, where stores could be asked at all.
    pub(super) unknown: Vec<Unresolved>,
    /// Each target of the config with its blueprint.
    pub(super) blueprints: Vec<(Target, Result<Blueprint, SessionError>)>,
}

pub(super) fn random() -> Result<[u8; 32], CommandError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| CheckError::NoRandom)?;
    Ok(bytes)
}

/// What the stores have of what the templates of the config use.
struct Found {
    /// Each value with the placeholder that stands for it.
    values: Vec<Stored>,
    missing: Vec<Unresolved>,
    blueprints: Vec<(Target, Result<Blueprint, SessionError>)>,
}

/// The values that the templates of the config use, with the placeholders that stand for them: no command may write one into
/// a file that is committed. What can't be looked up is a warning.
pub(in crate::cli::commands) fn values(workplace: &Workplace<'_>) -> Vec<Stored> {
    let found = ask(workplace);
    tell(workplace, found.missing, false);
    found.values
}

/// Fingerprints of what the templates of the config use.
pub(super) fn own(workplace: &Workplace<'_>) -> Result<Secrets, CommandError> {
    let Found { values, missing, blueprints } = ask(workplace);
    let mut own = Own::new(random()?);
    let short = values.iter().filter(|(placeholder, value)| !own.add(placeholder, value)).count();
    if short > 0 {
        let text = format!("{} too short or too common to be searched for", count(short, "secret"));
        workplace.report().detail(Text::new().plain(text));
    }
    let unknown = tell(workplace, missing, own.is_empty() && stores_are_empty(workplace));
    Ok(Secrets { own, unknown, blueprints })
}

/// Asks the stores. Nobody is asked for a password.
fn ask(workplace: &Workplace<'_>) -> Found {
    let blueprints: Vec<_> = workplace.session(|session| {
        workplace.config.targets.iter().map(|target| (target.clone(), session.blueprint(target))).collect()
    });
    let references = blueprints.iter().filter_map(|(_, blueprint)| blueprint.as_ref().ok());
    let mut sources: Vec<Source> =
        references.flat_map(Blueprint::references).map(|reference| reference.source.clone()).collect();
    sources.sort();
    sources.dedup();
    // A declared command may ask for a password; a hook must not hang on one.
    let mut queries: Vec<Query> =
        sources.iter().filter_map(Source::query).filter(|query| !matches!(query, Query::Command(_))).cloned().collect();
    let stores = workplace.lookup.stores.clone();
    let mut unknown = Vec::new();
    let mut found = std::collections::BTreeMap::new();
    if !queries.is_empty() {
        // Those that are missing are told instead of the others, so the others are asked for once more.
        if let Err(LookupError::Missing(missing)) = stores.resolve(&queries, Some(LIMIT)).map(|all| found.extend(all)) {
            queries.retain(|query| !missing.iter().any(|one| one.query == *query));
            unknown = missing;
            if !queries.is_empty()
                && let Ok(all) = stores.resolve(&queries, Some(LIMIT))
            {
                found.extend(all);
            }
        }
    }
    let value = |source: Source| {
        let value = match &source {
            Source::Secret(query) => found.remove(query).map(Secret::without_line_break),
            Source::Env(name) => environment::variable(name).map(Secret::new),
        };
        value.map(|value| (Reference { source, encodings: Vec::new() }.to_string(), value))
    };
    let values = sources.into_iter().filter_map(value).collect();
    Found { values, missing: unknown, blueprints }
}

/// On a machine without secrets (a build server) no name says anything about a template.
fn stores_are_empty(workplace: &Workplace<'_>) -> bool {
    workplace.lookup.stores.list().entries.is_empty()
}

/// Warns of secrets that could not be looked up; what is left is in no store.
fn tell(workplace: &Workplace<'_>, missing: Vec<Unresolved>, is_bare: bool) -> Vec<Unresolved> {
    let (never_stored, silent): (Vec<_>, Vec<_>) = missing.into_iter().partition(Unresolved::was_never_stored);
    if let Some(first) = silent.first() {
        let message = format!(
            "{} could not be looked up, so no file was searched for it: {first}",
            count(silent.len(), "secret")
        );
        workplace.report().warning(&Warning { place: first.place(), hint: hints::of(first), ..warning(message) });
    }
    if is_bare && !never_stored.is_empty() {
        let text = "no store has any secret here, so the names in the templates were not checked";
        workplace.report().note(Text::new().plain(text));
        return Vec::new();
    }
    never_stored
}

/// What every rendered file owes.
pub(super) fn journals(workplace: &Workplace<'_>) -> Result<Vec<Journal>, CommandError> {
    let state = State::new(workplace.context.environment.state.clone());
    let mut journals = Vec::new();
    for target in state.owing()? {
        match target.journal() {
            Ok(journal) => journals.extend(journal),
            Err(error) => {
                let message = format!("cannot tell which secrets are in a rendered file: {error}");
                workplace.report().warning(&Warning {
                    place: error.place(),
                    hint: hints::of(&error),
                    ..warning(message)
                });
            }
        }
    }
    Ok(journals)
}
