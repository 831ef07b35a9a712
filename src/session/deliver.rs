//! Values for a process instead of a file: what `run` and `headers` fill in, and the records of servers that they need.
//!
//! Nothing here writes a target, takes a hold or recovers. A record is made of what the user has just allowed: the
//! server of a target as a whole, once all of its slots are. It is kept and sealed beside the grants, renewed, moved
//! and taken back with them.

use super::grants::Standing;
use super::job::Job;
use super::sealing::{Sealable, Sealed, holds, origin, references};
use super::{Session, SessionError, Target};
use crate::consent::Flow;
use crate::consent::record::{Machine, Run, Server};
use crate::document::{Document, Pointer};
use crate::error::{Explain, Place};
use crate::host::Resolved;
use crate::journal::{DeliveredSecret, Key};
use crate::plan::{OnConflict, fill};
use crate::secret::Secret;
use crate::store::{LookupError, Origin, StoreError, StoreKind};
use crate::template::{Reference, Source, parse_parts};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The values of the references in some texts.
#[derive(Debug, Default)]
pub struct Delivery {
    values: HashMap<Reference, Secret>,
}

/// The record of a server, which says nothing until a store's key was asked.
#[derive(Debug)]
pub struct Recorded {
    /// The target, every symlink resolved.
    target: PathBuf,
    sealed: Sealed<Server>,
}

/// Why nothing is delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// It was not allowed, or not by the owner of these stores.
    #[error("nobody allowed secrets for this")]
    NotAllowed,
    /// Values that no store has.
    #[error(transparent)]
    Missing(#[from] LookupError),
    /// A variable that a reference names.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// The store does not say whether it was allowed.
    #[error("cannot tell whether this was allowed, because the {0} fails: {1}")]
    Silent(StoreKind, StoreError),
    /// No store that is found here has a key that could have sealed it: another home, or a session without its keyring.
    #[error("no store that is found here says whether this was allowed")]
    NoKeys,
    /// The records can't be read.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Explain for DeliverError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Missing(error) => error.place(),
            Self::Silent(_, error) => error.place(),
            Self::Session(error) => error.place(),
            Self::NotAllowed | Self::Unset(_) | Self::NoKeys => None,
        }
    }
}

impl Recorded {
    /// What was recorded. It is to be compared, and proves nothing yet.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.sealed.what
    }

    /// The target it is about.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }
}

impl Delivery {
    /// The text with its references filled; itself if it has none.
    ///
    /// ```
    /// use keystencil::session::Delivery;
    /// assert_eq!(Delivery::default().fill("plain").as_str(), "plain");
    /// ```
    #[must_use]
    pub fn fill(&self, text: &str) -> Zeroizing<String> {
        let filled = parse_parts(text).and_then(|parts| fill(&parts, &|reference| self.values.get(reference)));
        filled.unwrap_or_else(|| Zeroizing::new(text.to_owned()))
    }

    /// Each value with the name of its placeholder, and as its references encode it.
    pub fn values(&self) -> impl Iterator<Item = (String, Zeroizing<String>)> {
        self.values.keys().map(|reference| {
            let placeholder = reference.to_string();
            let value = self.fill(&placeholder);
            (placeholder, value)
        })
    }

    /// What is noted of the values: each as it is and as its reference encodes it.
    pub(super) fn noted(&self, key: &Key) -> Vec<DeliveredSecret> {
        let noted = self.values.iter().map(|(reference, secret)| {
            let placeholder = reference.to_string();
            let encoded = self.fill(&placeholder);
            DeliveredSecret::new(key, placeholder, [secret.expose(), encoded.as_str()])
        });
        noted.collect()
    }

    /// The placeholders that are filled, sorted.
    #[must_use]
    pub fn placeholders(&self) -> Vec<String> {
        let mut all: Vec<String> = self.values.keys().map(ToString::to_string).collect();
        all.sort();
        all
    }
}

impl Session<'_> {
    /// The record of a target's server.
    ///
    /// # Errors
    /// [`DeliverError::NotAllowed`] if there is none.
    pub fn recorded(&self, target: &Target, pointer: &Pointer) -> Result<Recorded, DeliverError> {
        let file = Resolved::follow(&target.path).map_err(SessionError::from)?;
        let allowed = self.state.of(&file).grants()?;
        let all = allowed.into_iter().flat_map(|allowed| allowed.servers);
        let sealed = all.into_iter().find(|sealed| sealed.what.pointer == *pointer && sealed.is_sealed());
        Ok(Recorded { target: file.path().to_owned(), sealed: sealed.ok_or(DeliverError::NotAllowed)? })
    }

    /// The values for a server that was compared with its record.
    ///
    /// # Errors
    /// [`DeliverError`].
    pub fn deliver(&self, recorded: &Recorded) -> Result<Delivery, DeliverError> {
        self.filled_texts(&recorded.sealed.what.texts(), Some((&recorded.sealed, &recorded.target)))
    }

    /// The values for a command that the user runs by hand; for one that nobody has to allow if there is no record.
    ///
    /// # Errors
    /// [`DeliverError`].
    pub fn deliver_run(&self, run: &Run) -> Result<Delivery, DeliverError> {
        if !self.guarded {
            return self.filled_texts::<Run>(&run.texts(), None);
        }
        let records = self.state.runs();
        let sealed = records.iter().find(|sealed| sealed.what == *run).ok_or(DeliverError::NotAllowed)?;
        self.filled_texts(&run.texts(), Some((sealed, Path::new(super::runs::NOWHERE))))
    }

    /// Asks the stores once, for values and keys, and fills only if the record holds.
    fn filled_texts<T: Sealable>(
        &self,
        texts: &[&str],
        record: Option<(&Sealed<T>, &Path)>,
    ) -> Result<Delivery, DeliverError> {
        let mut asked: Vec<Reference> = texts.iter().flat_map(|text| references(text)).collect();
        let mut seen = std::collections::HashSet::new();
        asked.retain(|reference| seen.insert(reference.clone()));
        let answers = self.ask_with(&asked, false, &|_, keys| {
            record.is_none_or(|(sealed, target)| {
                self.may_run(keys) && sealed.verifies(target, keys.of(Origin::Elsewhere))
            })
        });
        if !answers.missing.is_empty() {
            return Err(LookupError::Missing(answers.missing).into());
        }
        if let Some((sealed, target)) = record
            && !holds(sealed, target, &asked, &answers)
        {
            let has_none = asked.iter().any(|one| {
                origin(&one.source, &answers) == Some(Origin::Elsewhere)
                    && answers.keys.of(Origin::Elsewhere).is_empty()
            });
            let otherwise = if has_none { DeliverError::NoKeys } else { DeliverError::NotAllowed };
            let silent = answers.silent.into_iter().next();
            return Err(silent.map_or(otherwise, |(kind, error)| DeliverError::Silent(kind, error)));
        }
        let mut values = HashMap::new();
        for reference in asked {
            let value = match &reference.source {
                Source::Secret(query) => answers.values.get(query).map(|(_, secret)| secret.clone()),
                Source::Env(name) => {
                    let value = (self.env)(name).filter(|value| !value.is_empty());
                    Some(Secret::new(value.ok_or_else(|| DeliverError::Unset(name.clone()))?))
                }
            };
            values.insert(reference, value.ok_or(DeliverError::NotAllowed)?);
        }
        Ok(Delivery { values })
    }
}

impl Job<'_> {
    /// Whether somebody has to allow anything.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.session.guarded
    }

    /// The servers of the target all of whose slots are allowed, as they would be recorded now; without those that
    /// can't be. Asks the stores what is allowed.
    ///
    /// # Errors
    /// As for [`Self::flows`].
    pub fn servers(&self, machine: &Machine<'_>) -> Result<Vec<Server>, SessionError> {
        let flows = self.flows(OnConflict::Keep)?;
        let in_unit = |unit: &Pointer, flow: &Flow| flow.unit() == Some(unit) || flow.pointer.is_within(unit);
        let mut units: Vec<Pointer> = flows.iter().filter_map(|(flow, _)| flow.unit().cloned()).collect();
        units.sort();
        units.dedup();
        let is_allowed = |unit: &Pointer| {
            let mut own = flows.iter().filter(|(flow, _)| in_unit(unit, flow));
            own.all(|(_, standing)| *standing == Standing::Allowed)
        };
        units.retain(is_allowed);
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let plan = self.preview_flows(OnConflict::Keep)?;
        let Ok(document) = Document::parse_relaxed(plan.placeholder_form.as_bytes()) else { return Ok(Vec::new()) };
        let nodes = document.find_all(&units);
        // A server that can't be delivered so has no record; asking for it is an error that says so.
        let read = |(unit, node): (&Pointer, Option<_>)| Server::read(unit, node?, machine).ok().flatten();
        Ok(units.iter().zip(nodes).filter_map(read).collect())
    }

    /// Those of these servers for which there is no record that says the same and holds.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`].
    pub fn unrecorded(&self, servers: Vec<Server>) -> Result<Vec<Server>, SessionError> {
        let file = Resolved::follow(&self.target.path)?;
        let known = self.kept_anyway()?;
        let holds = |sealed: &Sealed<Server>, server: &Server| {
            let references: Vec<Reference> = server.texts().into_iter().flat_map(references).collect();
            let answers = self.session.ask_with(&references, false, &|_, _| false).unbarred();
            sealed.what.is_as(server) && holds(sealed, file.path(), &references, &answers)
        };
        let is_new = |server: &Server| !known.servers().iter().any(|sealed| holds(sealed, server));
        Ok(servers.into_iter().filter(is_new).collect())
    }

    /// Records servers that the user allowed, each in the place of an older record of the same place.
    ///
    /// # Errors
    /// As [`Session::allow`].
    pub fn record_servers(&self, servers: Vec<Server>) -> Result<(), SessionError> {
        if servers.is_empty() {
            return Ok(());
        }
        let file = Resolved::follow(&self.target.path)?;
        let texts: Vec<String> = servers.iter().map(|server| server.texts().join("\n")).collect();
        let keys = self.session.sealing_keys(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
        let state = self.session.state.of(&file);
        let _lock = state.lock()?;
        let Some(mut allowed) = state.grants()? else { return Ok(()) };
        for (server, keys) in servers.into_iter().zip(&keys) {
            allowed.servers.retain(|sealed| sealed.what.pointer != server.pointer);
            allowed.servers.push(Sealed::new(server, file.path(), keys));
        }
        self.forget_grants();
        state.write_grants(&allowed)
    }
}
