//! Carries out a purge. An error with one thing does not stop the others.

use super::plan::Plan;
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::naming;
use crate::cli::outcome::unrendered;
use crate::cli::report::{GOOD, Report, Text, Warning, count, warning};
use crate::cli::revocation::Revocation;
use crate::error::Explain as _;
use crate::secret::SecretName;
use crate::session::Release;
use crate::store::{Entry, SealKeys, StoreError};
use serde_json::{Value, json};

/// What came of a purge.
#[derive(Default)]
pub(super) struct Done {
    /// Files whose secrets could not be taken out, or not without something being left.
    errors: Vec<CommandError>,
    is_doubtful: bool,
    deleted: usize,
    failed: Vec<Failure>,
    /// Entries that are there afterwards.
    left: Vec<Entry>,
}

impl Done {
    pub(super) fn carry_out(workplace: &Workplace<'_>, plan: &Plan) -> Self {
        let mut done = Self::default();
        workplace.session(|session| {
            for path in &plan.rendered {
                match session.unrender(path, &Release::All) {
                    Ok(outcome) => done.is_doubtful |= unrendered(workplace.report(), &outcome) != Exit::Done,
                    Err(error) => done.errors.push(error.into()),
                }
            }
        });
        let stores = &plan.stores;
        for (entry, _) in plan.entries.iter().filter(|(_, goes)| *goes) {
            let store = stores.store(entry.store);
            let removed = if entry.is_foreign { store.erase(&entry.name) } else { store.remove(&entry.name) };
            match removed {
                Ok(was_there) => done.deleted += usize::from(was_there),
                Err(error) => done.failed.push((entry.clone(), error)),
            }
        }
        // What is there now is what counts, whatever each store said.
        let names: Vec<_> = plan.entries.iter().map(|(entry, _)| entry.name.clone()).collect();
        let listing = stores.survey(&names);
        done.is_doubtful |= listing.silent.iter().any(|(_, error)| !error.is_absent());
        done.left = listing.entries;
        done.errors.extend(close_vault(plan).err());
        done.errors.extend(forget_deliveries(workplace).err());
        // What was allowed was allowed for keys that are gone.
        let has_key = |(_, keys): &(_, SealKeys)| keys.as_ref().is_ok_and(|keys| !keys.is_empty());
        for (kind, _) in stores.seal_keys().into_iter().filter(has_key) {
            done.errors.extend(stores.replace_seal_key(kind, None).err().map(CommandError::from));
        }
        done
    }

    pub(super) fn is_whole(&self) -> bool {
        self.errors.is_empty() && self.failed.is_empty() && self.left.is_empty() && !self.is_doubtful
    }

    pub(super) fn is_left(&self, entry: &Entry) -> bool {
        self.left.iter().any(|left| left.name == entry.name && left.store == entry.store)
    }

    pub(super) fn messages(&self) -> Vec<String> {
        let errors = self.errors.iter().map(ToString::to_string);
        errors.chain(self.failed.iter().map(|(_, error)| error.to_string())).collect()
    }

    pub(super) fn tell(&self, report: &Report, plan: &Plan) {
        for error in &self.errors {
            report.error(error);
        }
        let told = |entry: &Entry, error: &StoreError| {
            let message = format!("{} is still in the {}: {error}", naming::of_name(&entry.name), entry.store);
            report.warning(&Warning { place: error.place(), hint: hints::of(error), ..warning(message) });
        };
        self.failed.iter().for_each(|(entry, error)| told(entry, error));
        let is_told = |entry: &&Entry| !self.failed.iter().any(|(failed, _)| failed.name == entry.name);
        for entry in self.left.iter().filter(is_told) {
            let hint = entry.is_foreign.then(|| "delete it in its own program, or with `--foreign`".to_owned());
            // There may be several of one name; their labels tell them apart.
            let label = entry.label.as_deref().filter(|_| entry.is_foreign);
            let label = label.map(|label| format!(" as the entry `{label}`")).unwrap_or_default();
            let message = format!("{} is still in the {}{label}", naming::of_name(&entry.name), entry.store);
            report.warning(&Warning { hint, ..warning(message) });
        }
        report
            .note(Text::new().styled(GOOD, "deleted").plain(format_args!(" {}", count(self.deleted, "stored secret"))));
        if !plan.revoke.is_empty() {
            report.note(
                Text::new().plain("now revoke the keys: anyone who had access to this machine may have read them"),
            );
        }
    }
}

/// Removes the notes of what was delivered to servers, which say which of them have a key.
///
/// # Errors
/// [`CommandError`] if one can't be removed.
pub(super) fn forget_deliveries(workplace: &Workplace<'_>) -> Result<(), CommandError> {
    workplace.session(|session| {
        let failed = |source| CommandError::file("remove the notes of deliveries", session.state.folder(), &source);
        session.state.forget_deliveries().and(session.state.forget_exposures(&|_| true).map(drop)).map_err(failed)
    })
}

/// Forgets an identity that `unlock` keeps: it opens what the vault's backups hold.
///
/// # Errors
/// [`CommandError`] if it can't be forgotten.
pub(super) fn close_vault(plan: &Plan) -> Result<(), CommandError> {
    plan.stores.vault().forget()?;
    Ok(())
}

/// An error that a store gave for an entry.
pub(super) type Failure = (Entry, StoreError);

impl Plan {
    /// What is to be deleted, or was, for programs.
    pub(super) fn as_json(&self, workplace: &Workplace<'_>, done: Option<&Done>) -> Value {
        let entry = |(entry, goes): &(Entry, bool)| {
            json!({
                "name": entry.name.service(),
                "account": entry.name.account(),
                "store": entry.store.to_string(),
                "label": entry.label,
                "foreign": entry.is_foreign,
                "delete": goes,
                "left": done.map(|done| done.is_left(entry)),
            })
        };
        let revoke = |(name, known): &(SecretName, Option<Revocation>)| {
            json!({
                "name": name.service(),
                "account": name.account(),
                "provider": known.as_ref().map(|known| known.provider),
                "url": known.as_ref().map(|known| known.url),
            })
        };
        let backups = workplace.lookup.stores.vault().list_backups().map(|all| all.len()).unwrap_or_default();
        json!({
            "dry_run": done.is_none(),
            "rendered": self.rendered.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "entries": self.entries.iter().map(entry).collect::<Vec<_>>(),
            "revoke": self.revoke.iter().map(revoke).collect::<Vec<_>>(),
            "elsewhere": self.elsewhere.iter().map(naming::of_query).collect::<Vec<_>>(),
            "vault_backups": backups,
            "errors": done.map(Done::messages).unwrap_or_default(),
        })
    }
}
