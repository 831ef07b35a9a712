//! What a purge is going to do.

use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::hints;
use crate::cli::naming;
use crate::cli::report::{BOLD, Report, Text, Warning, count, warning};
use crate::cli::revocation::{self, Revocation};
use crate::cli::typed::Typed;
use crate::cli::usage::Usage;
use crate::error::Explain as _;
use crate::secret::{Query, SecretName, Wanted};
use crate::store::{Entry, StoreKind, Stores};
use std::path::PathBuf;

/// What there is to take away.
pub(super) struct Plan {
    /// All stores there are, unless the command line names one.
    pub(super) stores: Stores,
    /// Rendered files.
    pub(super) rendered: Vec<PathBuf>,
    /// Entries of stores, and whether each is to go.
    pub(super) entries: Vec<(Entry, bool)>,
    /// Where keys are revoked, as far as that is known.
    pub(super) revoke: Vec<(SecretName, Option<Revocation>)>,
    /// What templates use by attributes or from a declared command: which entry that is, no store has said.
    pub(super) elsewhere: Vec<Query>,
    /// Journals that can't be read, stores that don't answer, templates that don't say what they use.
    troubles: Vec<Warning>,
}

impl Plan {
    /// Looks at everything; reads the values, to know whose they are, and forgets them.
    pub(super) fn make(workplace: &Workplace<'_>, foreign: bool) -> Result<Self, CommandError> {
        let usage = Usage::of(workplace);
        let mut troubles: Vec<Warning> = Vec::new();
        for (target, error) in &usage.broken {
            let name = target.name.as_deref().unwrap_or_default();
            let message = format!("cannot tell which secrets the template of `{name}` uses; they may stay: {error}");
            troubles.push(Warning { place: error.place(), hint: hints::of(error), ..warning(message) });
        }
        let statuses = workplace.session(|session| session.status(&workplace.config.targets))?;
        let mut rendered = Vec::new();
        for status in statuses {
            match &status.trouble {
                Some(error) => {
                    let message = format!("cannot tell what is rendered there: {error}");
                    troubles.push(Warning { place: error.place(), hint: hints::of(&**error), ..warning(message) });
                }
                None if status.since.is_some() => rendered.push(status.path),
                None => {}
            }
        }
        let names = usage.names();
        let stores = workplace.all_stores();
        let listing = stores.survey(&names);
        for (kind, error) in listing.silent.iter().filter(|(_, error)| !error.is_absent()) {
            let message = format!("cannot tell what is in the {kind}; it stays: {error}");
            troubles.push(Warning { place: error.place(), hint: hints::of(error), ..warning(message) });
        }
        let entries: Vec<(Entry, bool)> = listing
            .entries
            .into_iter()
            .map(|entry| {
                let goes = foreign || !entry.is_foreign;
                (entry, goes)
            })
            .collect();
        let revoke = revocations(&stores, &entries);
        let elsewhere = usage.nameless().map(|(query, _)| query.clone()).collect();
        Ok(Self { stores, rendered, entries, revoke, elsewhere, troubles })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rendered.is_empty() && self.entries.is_empty()
    }

    /// Whether something could not be looked at.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.troubles.is_empty() || !self.elsewhere.is_empty()
    }

    pub(super) fn warn(&self, report: &Report) {
        self.troubles.iter().for_each(|trouble| report.warning(trouble));
    }

    /// The plan as the user reads it.
    pub(super) fn shown(&self, workplace: &Workplace<'_>) -> Text {
        let report = workplace.report();
        let head = |text: Text, title: &str| text.styled(BOLD, title).end();
        let mut text = Text::new();
        if !self.rendered.is_empty() {
            text = head(text, "take the keys out of");
            text = self.rendered.iter().fold(text, |text, path| text.plain("  ").plain(report.path(path)).end());
        }
        for (goes, title) in
            [(true, "delete"), (false, "leave, because another program made it (--foreign deletes it)")]
        {
            let entries: Vec<&Entry> =
                self.entries.iter().filter(|(_, g)| *g == goes).map(|(entry, _)| entry).collect();
            if !entries.is_empty() {
                text = head(text, title);
            }
            for entry in entries {
                let made = if entry.is_foreign { entry.label.as_deref() } else { None };
                let made = made.map(|label| format!(", the entry `{label}` of another program")).unwrap_or_default();
                text =
                    text.plain(format_args!("  {} in the {}{made}", naming::of_name(&entry.name), entry.store)).end();
            }
        }
        if !self.elsewhere.is_empty() {
            text = head(text, "delete these yourself; only the programs that store them know them by name");
        }
        text = self.elsewhere.iter().fold(text, |text, query| {
            let text = text.plain(format_args!("  {}", naming::of_query(query))).end();
            text.plain(format_args!("    {}", by_hand(query))).end()
        });
        if !self.revoke.is_empty() {
            text = head(text, "then revoke each key where you got it");
        }
        for (name, revocation) in &self.revoke {
            let place = revocation.as_ref().map_or_else(
                || "with its provider (keystencil can't tell which that is)".to_owned(),
                |known| format!("{}, {}", known.provider, known.url),
            );
            text = text.plain(format_args!("  {}: {place}", naming::of_name(name))).end();
        }
        let backups = workplace.lookup.stores.vault().list_backups().map(|all| all.len()).unwrap_or_default();
        if backups > 0 {
            let what = count(backups, "backup");
            text = text
                .plain(format_args!("{what} of configs in the vault may contain keys: `keystencil vault backups`"))
                .end();
        }
        if self.is_empty() {
            let nothing = match self.troubles.is_empty() {
                true => "nothing is rendered, and nothing is stored",
                false => "nothing that can be seen is rendered or stored",
            };
            text = text.plain(nothing).end();
        }
        text
    }
}

/// How the user deletes what a template uses without a name.
fn by_hand(query: &Query) -> String {
    match query {
        Query::Keyring(pinned) => match pinned.wanted() {
            Wanted::Attributes(attributes) => {
                let words = attributes.iter().flat_map(|(name, value)| [name, value]);
                words.fold(Typed::other("secret-tool clear"), Typed::operand).to_string()
            }
            Wanted::Name(_) => "in the keyring's own program".to_owned(),
        },
        Query::Command(provided) => format!("with {}, and revoke it where you got it", provided.provider()),
        Query::Name(_) | Query::Vault(_) => String::new(),
    }
}

/// Whose each key is, while its value can still be read.
fn revocations(stores: &Stores, entries: &[(Entry, bool)]) -> Vec<(SecretName, Option<Revocation>)> {
    let mut all: Vec<(SecretName, Option<Revocation>)> = Vec::new();
    for kind in [StoreKind::Native, StoreKind::Vault] {
        let names: Vec<SecretName> =
            entries.iter().filter(|(entry, _)| entry.store == kind).map(|(entry, _)| entry.name.clone()).collect();
        if names.is_empty() {
            continue;
        }
        let queries: Vec<Query> = names.iter().cloned().map(Query::from).collect();
        let values = stores.store(kind).get_many(&queries);
        for (name, value) in names.into_iter().zip(values) {
            let known = revocation::of(&name, value.ok().as_ref());
            if !all.contains(&(name.clone(), known.clone())) {
                all.push((name, known));
            }
        }
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}
