//! What one lookup of a run answers: values, where each came from, and the keys of seals of the stores that were asked.
//!
//! The session asks; [`Stores`] answers over one connection to each store. Which record a key verifies is the
//! session's.

use super::lookup::Stores;
use super::request::{Answers, Origin, Request};
use super::unresolved::passes_on;
use super::{StoreError, StoreKind};
use crate::secret::{Query, Secret};
use std::collections::BTreeMap;
use std::time::Duration;

impl Stores {
    /// Asks each store once for all that it may have and for its keys, then the declared commands that are permitted.
    ///
    /// Each store gets `limit`; with `None` the vault is waited for as long as it takes, and the native keyring for as
    /// long as the user is at its dialog.
    #[must_use]
    pub fn look_up(&self, request: &Request<'_>, limit: Option<Duration>) -> Answers {
        let queries = request.queries;
        let wants_usual = request.usual;
        let mut answers = Answers::default();
        let mut open: BTreeMap<Query, Vec<StoreError>> =
            queries.iter().map(|query| (query.clone(), Vec::new())).collect();
        let mut usual = None;
        for kind in [StoreKind::Native, StoreKind::Vault] {
            // An entry that exists and can't be used is for the user to repair, not for the next store to hide.
            let asked: Vec<_> = open
                .iter()
                .filter(|(query, _)| self.kinds_for(query).contains(&kind))
                .filter(|(_, answers)| answers.iter().all(passes_on))
                .map(|(query, _)| query.clone())
                .collect();
            let may_be_usual = usual.is_none() && self.kinds().contains(&kind);
            if asked.is_empty() && !(wants_usual && may_be_usual) {
                continue;
            }
            let (found, keys) = self.ask_sealing(kind, &asked, limit);
            for (query, answer) in asked.iter().zip(found) {
                match answer {
                    Ok(secret) => {
                        open.remove(query);
                        answers.values.insert(query.clone(), (Origin::Store(kind), secret));
                    }
                    Err(error) => open.entry(query.clone()).or_default().push(error),
                }
            }
            match keys {
                Ok(keys) => answers.keys.put(kind, keys),
                Err(error) if error.is_absent() => continue,
                Err(error) => answers.silent.push((kind, error)),
            }
            if may_be_usual {
                usual = Some(kind);
            }
        }
        answers.keys.usual = usual.filter(|_| wants_usual);
        self.ask_commands(request, &mut answers, &mut open);
        answers.missing = if open.is_empty() { Vec::new() } else { self.missing(open) };
        answers
    }

    /// Last, so that the user is not asked for a fingerprint before everything else was tried, and no message shows a
    /// value.
    fn ask_commands(&self, request: &Request<'_>, answers: &mut Answers, open: &mut BTreeMap<Query, Vec<StoreError>>) {
        let all = request.queries.iter().filter_map(Query::provided);
        let (asked, barred): (Vec<_>, Vec<_>) =
            all.cloned().partition(|provided| (request.permit)(provided, &answers.keys));
        for query in barred.into_iter().map(Query::Command) {
            open.remove(&query);
            answers.barred.push(query);
        }
        if asked.is_empty() {
            return;
        }
        let known: Vec<&Secret> = answers.values.values().map(|(_, secret)| secret).collect();
        let said = self.providers.resolve(&asked, self.interactive, &known);
        for (provided, answer) in asked.into_iter().zip(said) {
            let query = Query::Command(provided);
            match answer {
                Ok(secret) => {
                    open.remove(&query);
                    answers.values.insert(query, (Origin::Elsewhere, secret));
                }
                Err(error) => open.entry(query).or_default().push(error),
            }
        }
    }
}
