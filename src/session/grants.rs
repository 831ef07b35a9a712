//! What the user allowed, for each target: kept in the state folder, and sealed with the key of the store that the
//! value comes from, so that neither a template nor a folder from elsewhere can bring its own. Asked by render before
//! it fills a slot; written by `allow` only.

use super::sealing::{Renewal, Sealed, holds, references};
use super::state::id_of;
use super::state::{TargetState, make_private};
use super::{Session, SessionError, Target};
use crate::consent::record::Server;
use crate::consent::{Flow, Grant, Grants};
use crate::host::Resolved;
use crate::host::replace::{ReplaceError, sync_folder};
use crate::secret::{Provided, Query, SealKey};
use crate::store::{Answers, Keys, Origin, StoreError, StoreKind};
use crate::template::Reference;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version this program writes. The first one had no seals; it is read, and counts for nothing until it is sealed.
const VERSION: u32 = 2;
const UNSEALED: u32 = 1;

/// The grants of one target as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Format of the file.
    version: u32,
    /// The target, every symlink resolved.
    #[serde(with = "crate::journal::path")]
    pub target: PathBuf,
    /// The target as it was named: a link of that name may lead elsewhere by now.
    #[serde(default, with = "crate::journal::path")]
    pub named: PathBuf,
    /// What was allowed. Nothing, if it was all taken back.
    pub grants: Vec<Sealed<Grant>>,
    /// The servers that secrets may be delivered to without a file, as they were then.
    #[serde(default)]
    pub servers: Vec<Sealed<Server>>,
}

/// What is kept for a target; what of it holds, the keys of the stores say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Kept {
    target: PathBuf,
    grants: Vec<Sealed<Grant>>,
    servers: Vec<Sealed<Server>>,
}

/// A flow, and whether somebody allowed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is allowed.
    Allowed,
    /// There is a record, without a seal or with one that does not hold: of an older keystencil, or from elsewhere.
    Unsealed,
    /// Nobody ever allowed it.
    New,
}

/// What came of taking grants back.
#[derive(Debug, Default)]
pub struct Revoked {
    /// How many went.
    pub gone: usize,
    /// Stores that could not be given a new key: an old copy of the record would still count there.
    pub doubtful: Vec<(StoreKind, StoreError)>,
}

impl Kept {
    /// What the records say, whether they hold or not: what may be looked up, and what is shown without asking a store.
    pub(super) fn claimed(&self) -> Grants {
        self.grants.iter().filter(|sealed| sealed.is_sealed()).map(|sealed| &sealed.what).collect()
    }

    /// The same of secrets alone, and not of what is started.
    pub(super) fn claimed_flows(&self) -> Grants {
        let flows = self.grants.iter().filter(|sealed| sealed.is_sealed() && !sealed.what.is_start());
        flows.map(|sealed| &sealed.what).collect()
    }

    /// The servers that are on record.
    pub(super) fn servers(&self) -> &[Sealed<Server>] {
        &self.servers
    }

    /// Whether there is a record about something that is started.
    pub(super) fn has_starts(&self) -> bool {
        self.grants.iter().any(|sealed| sealed.is_sealed() && sealed.what.is_start())
    }

    /// What the records say, sealed or not.
    pub(super) fn all(&self) -> Grants {
        self.grants.iter().map(|sealed| &sealed.what).collect()
    }

    /// What holds.
    pub(super) fn verified(&self, answers: &Answers) -> Grants {
        self.grants.iter().filter(|sealed| self.holds(sealed, answers)).map(|sealed| &sealed.what).collect()
    }

    /// Whether a record holds that lets the value of a declared command's reference go somewhere.
    pub(super) fn wants(&self, provided: &Provided, keys: &Keys) -> bool {
        let asks = |reference: &Reference| reference.source.query().and_then(Query::provided) == Some(provided);
        let keys = keys.of(Origin::Elsewhere);
        let mut asking = self.grants.iter().filter(|sealed| references(&sealed.what.text).iter().any(asks));
        asking.any(|sealed| sealed.verifies(&self.target, keys))
    }

    fn holds(&self, sealed: &Sealed<Grant>, answers: &Answers) -> bool {
        if sealed.what.is_start() {
            // It is about no secret: the store that a new one would go to answers for it.
            return sealed.verifies(&self.target, answers.keys.of(Origin::Elsewhere));
        }
        holds(sealed, &self.target, &references(&sealed.what.text), answers)
    }
}

impl Session<'_> {
    /// Allows these flows of a target, besides what is allowed already, and seals that with the keys of the stores that
    /// the values come from.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`]; [`SessionError::Lookup`] and [`SessionError::Store`] if a
    /// store does not answer.
    pub fn allow(&self, path: &Path, flows: &[Flow]) -> Result<(), SessionError> {
        let file = Resolved::follow(path)?;
        let state = self.state.of(&file);
        let keys = self.keys_for(flows)?;
        let _lock = state.lock()?;
        state.add_grants(&file, path, flows, &keys)
    }

    /// The same, under the lock that the caller has.
    pub(super) fn note_allowed(
        &self,
        state: &TargetState,
        file: &Resolved,
        path: &Path,
        flows: &[Flow],
    ) -> Result<(), SessionError> {
        state.add_grants(file, path, flows, &self.keys_for(flows)?)
    }

    fn keys_for(&self, flows: &[Flow]) -> Result<Vec<Vec<SealKey>>, SessionError> {
        let texts: Vec<&str> = flows.iter().map(|flow| flow.text.as_str()).collect();
        if texts.is_empty() { Ok(Vec::new()) } else { self.sealing_keys(&texts) }
    }

    /// Whether nothing was ever decided for this target: by its name in a config, for its file, or for a link to
    /// it. What was taken back was decided: a template must not come by it again without a question. What an older
    /// keystencil kept without a seal decides nothing, since anybody can have written that.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`].
    pub fn is_undecided(&self, target: &Target) -> Result<bool, SessionError> {
        if target.name.as_ref().is_some_and(|name| self.state.set_up().contains(name)) {
            return Ok(false);
        }
        let own = self.state.of(&Resolved::follow(&target.path)?).grants()?;
        let decides = |allowed: &Allowed| allowed.version != UNSEALED || allowed.grants.is_empty();
        let others = self.all_allowed()?;
        let of_name = others.iter().filter(|allowed| allowed.named == target.path);
        Ok(own.as_ref().into_iter().chain(of_name).all(|allowed| !decides(allowed)))
    }

    /// Notes that a target was set up without a question, which is done once.
    ///
    /// # Errors
    /// [`SessionError::File`].
    pub fn note_set_up(&self, target: &Target) -> Result<(), SessionError> {
        target.name.as_ref().map_or(Ok(()), |name| self.state.note_set_up(name))
    }

    /// Takes back what was allowed, as far as `which` says so, and gives the stores new keys: an old record that comes
    /// back does not count.
    ///
    /// # Errors
    /// [`SessionError::File`]. A record that can't be read is replaced by an empty one.
    pub fn revoke(&self, path: &Path, which: impl Fn(&Grant) -> bool) -> Result<Revoked, SessionError> {
        let file = Resolved::follow(path)?;
        let state = self.state.of(&file);
        let gone = {
            let _lock = state.lock()?;
            let nothing = || Allowed {
                version: VERSION,
                target: file.path().to_owned(),
                named: path.to_owned(),
                grants: Vec::new(),
                servers: Vec::new(),
            };
            let mut allowed = match state.grants() {
                Ok(Some(allowed)) => allowed,
                Ok(None) => return Ok(Revoked::default()),
                Err(_) => nothing(),
            };
            let before = allowed.grants.len();
            for grant in allowed.grants.extract_if(.., |sealed| which(&sealed.what)) {
                allowed.servers.retain(|sealed| !grant.what.pointer.is_within(&sealed.what.pointer));
            }
            allowed.version = VERSION;
            let gone = before - allowed.grants.len();
            state.write_grants(&allowed)?;
            gone
        };
        // Also if nothing is left to go: one that was killed here has not come so far.
        let doubtful = self.renew_keys()?;
        Ok(Revoked { gone, doubtful })
    }

    /// Takes everything back, for every target, and forgets that anything was decided; the keys of seals go too.
    ///
    /// # Errors
    /// [`SessionError::File`]. A record that can't be read is removed as well.
    pub fn revoke_all(&self) -> Result<Revoked, SessionError> {
        let mut revoked = Revoked::default();
        for state in self.state.granting()? {
            let _lock = state.lock()?;
            revoked.gone += state.grants().ok().flatten().map_or(0, |allowed| allowed.grants.len());
            state.remove_grants()?;
        }
        self.state.forget_set_up()?;
        self.state.forget_runs()?;
        self.state.forget_agents()?;
        for (kind, keys) in self.sources.seal_keys() {
            let removed = keys.and_then(|_| self.sources.replace_seal_key(kind, None));
            revoked.doubtful.extend(removed.err().map(|error| (kind, error)));
        }
        Ok(revoked)
    }

    /// A new key for every store, under which all is sealed that holds now.
    pub(super) fn renew_keys(&self) -> Result<Vec<(StoreKind, StoreError)>, SessionError> {
        let mut doubtful = Vec::new();
        let mut renewals = Vec::new();
        for (kind, old) in self.sources.seal_keys() {
            match old {
                Ok(old) if old.is_empty() => {}
                Ok(old) => {
                    let new = SealKey::generate().map_err(|_| SessionError::Random)?;
                    renewals.push(Renewal { kind, old, new });
                }
                Err(error) => doubtful.push((kind, error)),
            }
        }
        if renewals.is_empty() {
            return Ok(doubtful);
        }
        for state in self.state.granting()? {
            let _lock = state.lock()?;
            // One that can't be read holds for nothing.
            let Ok(Some(mut allowed)) = state.grants() else { continue };
            let target = allowed.target.clone();
            allowed.grants.iter_mut().for_each(|sealed| sealed.renew(&target, &renewals));
            allowed.servers.iter_mut().for_each(|sealed| sealed.renew(&target, &renewals));
            state.write_grants(&allowed)?;
        }
        self.state.renew_commands(&renewals)?;
        self.state.renew_runs(&renewals)?;
        self.state.renew_agents(&renewals)?;
        for Renewal { kind, new, .. } in &renewals {
            doubtful.extend(self.sources.replace_seal_key(*kind, Some(new)).err().map(|error| (*kind, error)));
        }
        Ok(doubtful)
    }

    /// What is kept for a target; `None` if nothing has to be allowed.
    pub(super) fn kept(&self, path: &Path) -> Result<Option<Kept>, SessionError> {
        if !self.guarded {
            return Ok(None);
        }
        self.kept_anyway(path).map(Some)
    }

    /// The same, whether anything has to be allowed or not.
    pub(super) fn kept_anyway(&self, path: &Path) -> Result<Kept, SessionError> {
        let file = Resolved::follow(path)?;
        let allowed = self.state.of(&file).grants()?;
        let (grants, servers) = allowed.map(|allowed| (allowed.grants, allowed.servers)).unwrap_or_default();
        Ok(Kept { target: file.path().to_owned(), grants, servers })
    }

    /// Everything that was allowed, target by target.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`].
    pub fn all_allowed(&self) -> Result<Vec<Allowed>, SessionError> {
        let mut all: Vec<Allowed> = self
            .state
            .granting()?
            .iter()
            .map(TargetState::grants)
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        all.sort_by(|a, b| a.target.cmp(&b.target));
        Ok(all)
    }
}

impl TargetState {
    /// What was allowed for this target; `None` if nothing ever was.
    pub(super) fn grants(&self) -> Result<Option<Allowed>, SessionError> {
        let path = self.grants_path();
        log::debug!("reading what was allowed: {}", path.display());
        match fs::read(&path) {
            Ok(text) => match serde_json::from_slice::<Allowed>(&text) {
                // A copy under another target's name is about nothing, and must not get a new seal.
                Ok(allowed) if !names(&path, &allowed.target) => Ok(None),
                Ok(allowed) if [UNSEALED, VERSION].contains(&allowed.version) => Ok(Some(unsealed(allowed))),
                _ => Err(SessionError::Grants { path }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReplaceError::Io { step: "read it", path, source }.into()),
        }
    }

    fn add_grants(
        &self,
        file: &Resolved,
        path: &Path,
        flows: &[Flow],
        keys: &[Vec<SealKey>],
    ) -> Result<(), SessionError> {
        let target = file.path().to_owned();
        let (mut grants, servers) = self.grants()?.map(|allowed| (allowed.grants, allowed.servers)).unwrap_or_default();
        for (flow, keys) in flows.iter().zip(keys) {
            let grant = flow.grant();
            grants.retain(|old| old.what.hash != grant.hash);
            grants.push(Sealed::new(grant, &target, keys));
        }
        self.write_grants(&Allowed { version: VERSION, target, named: path.to_owned(), grants, servers })
    }

    /// Writes what is allowed, whole and synced: a grant that a power cut loses would be asked for again, one that it
    /// tears would refuse everything.
    pub(super) fn write_grants(&self, allowed: &Allowed) -> Result<(), SessionError> {
        let path = self.grants_path();
        make_private(self.folder()).map_err(ReplaceError::io("make the state folder", self.folder()))?;
        let text = serde_json::to_string_pretty(allowed).unwrap_or_default();
        self.stage(&text, true)?.persist(&path).map_err(|error| ReplaceError::io("write it", &path)(error.error))?;
        // What was taken back must not be allowed again after a power cut.
        Ok(sync_folder(self.folder())?)
    }

    fn remove_grants(&self) -> Result<(), SessionError> {
        let path = self.grants_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ReplaceError::io("remove it", &path)(error).into())
            }
            _ => Ok(sync_folder(self.folder())?),
        }
    }
}

/// Whether a file in the state folder is called after this target.
fn names(path: &Path, target: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&id_of(target)))
}

/// A record of the first version has no seals, whatever is in it.
fn unsealed(mut allowed: Allowed) -> Allowed {
    if allowed.version == UNSEALED {
        allowed.grants.iter_mut().for_each(Sealed::strip);
        allowed.servers.clear();
    }
    allowed
}
