//! What a person allowed, for each target: kept in the state folder, outside of every repository, so that no template
//! can bring its own. Asked by render before it fills a slot; written by `allow` only.

use super::state::{TargetState, make_private};
use super::{Session, SessionError, Target};
use crate::host::Resolved;
use crate::host::replace::{ReplaceError, sync_folder};
use crate::plan::OnConflict;
use crate::plan::grants::{Flow, Grant, Grants};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version this program writes; it reads this one only.
const VERSION: u32 = 1;

/// The grants of one target as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Format of the file.
    version: u32,
    /// The target, every symlink resolved.
    pub target: PathBuf,
    /// The target as it was named: a link of that name may lead elsewhere by now.
    #[serde(default)]
    pub named: PathBuf,
    /// What was allowed. Nothing, if it was all taken back.
    pub grants: Vec<Grant>,
}

impl Session<'_> {
    /// Where the values of a target's slots would go now, each with whether that is allowed. No store is asked.
    ///
    /// # Errors
    /// [`SessionError`] as for a preview, and [`SessionError::Grants`].
    pub fn flows(&self, target: &Target) -> Result<Vec<(Flow, bool)>, SessionError> {
        let flows = self.preview(target, OnConflict::Keep)?.flows;
        let allowed: Grants = self.allowed(&target.path)?.iter().collect();
        Ok(flows.into_iter().map(|flow| (flow.clone(), allowed.allow(&flow))).collect())
    }

    /// Allows these flows of a target, besides what is allowed already.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`].
    pub fn allow(&self, path: &Path, flows: &[Flow]) -> Result<(), SessionError> {
        let file = Resolved::follow(path)?;
        let (state, target) = (self.state.of(&file), file.path().to_owned());
        let _lock = state.lock()?;
        let mut grants = state.grants()?.map(|allowed| allowed.grants).unwrap_or_default();
        let known: Grants = grants.iter().collect();
        grants.extend(flows.iter().filter(|flow| !known.allow(flow)).map(Flow::grant));
        state.write_grants(&Allowed { version: VERSION, target, named: path.to_owned(), grants })
    }

    /// Whether nobody ever decided anything for this file, under its own name or that of a link to it. What was taken
    /// back was decided: a template must not come by it again without a question.
    ///
    /// # Errors
    /// [`SessionError::Grants`] and [`SessionError::File`].
    pub fn is_undecided(&self, path: &Path) -> Result<bool, SessionError> {
        let own = self.state.of(&Resolved::follow(path)?).grants()?;
        Ok(own.is_none() && self.all_allowed()?.iter().all(|allowed| allowed.named != path))
    }

    /// Takes back what was allowed, as far as `which` says so; says how many grants went.
    ///
    /// # Errors
    /// [`SessionError::File`]. A record that can't be read is replaced by an empty one.
    pub fn revoke(&self, path: &Path, which: impl Fn(&Grant) -> bool) -> Result<usize, SessionError> {
        let file = Resolved::follow(path)?;
        let state = self.state.of(&file);
        let _lock = state.lock()?;
        let nothing =
            || Allowed { version: VERSION, target: file.path().to_owned(), named: path.to_owned(), grants: Vec::new() };
        let mut allowed = match state.grants() {
            Ok(Some(allowed)) => allowed,
            Ok(None) => return Ok(0),
            Err(_) => nothing(),
        };
        let before = allowed.grants.len();
        allowed.grants.retain(|grant| !which(grant));
        let gone = before - allowed.grants.len();
        state.write_grants(&allowed)?;
        Ok(gone)
    }

    /// Takes everything back, for every target, and forgets that anything was decided; says how many grants went.
    ///
    /// # Errors
    /// [`SessionError::File`]. A record that can't be read is removed as well.
    pub fn revoke_all(&self) -> Result<usize, SessionError> {
        let mut gone = 0;
        for state in self.state.granting()? {
            let _lock = state.lock()?;
            gone += state.grants().ok().flatten().map_or(0, |allowed| allowed.grants.len());
            state.remove_grants()?;
        }
        Ok(gone)
    }

    /// What was allowed for a target.
    ///
    /// # Errors
    /// [`SessionError::Grants`] if the record can't be read.
    pub fn allowed(&self, path: &Path) -> Result<Vec<Grant>, SessionError> {
        Ok(self.state.of(&Resolved::follow(path)?).grants()?.map(|allowed| allowed.grants).unwrap_or_default())
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
    fn grants(&self) -> Result<Option<Allowed>, SessionError> {
        let path = self.grants_path();
        match fs::read(&path) {
            Ok(text) => match serde_json::from_slice::<Allowed>(&text) {
                Ok(allowed) if allowed.version == VERSION => Ok(Some(allowed)),
                _ => Err(SessionError::Grants { path }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReplaceError::Io { step: "read it", path, source }.into()),
        }
    }

    /// Writes what is allowed, whole and synced: a grant that a power cut loses would be asked for again, one that it
    /// tears would refuse everything.
    fn write_grants(&self, allowed: &Allowed) -> Result<(), SessionError> {
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
