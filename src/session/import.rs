//! Import: keys in plain text leave a config for good. An import is the end of a render that never was: a journal is
//! written that lists every key found, and it is closed as `unrender` does. So the file's other bytes, a host that
//! writes at the same time, copies, and a crash in between are already taken care of.
//!
//! The order: nothing of the file is changed before its backup, every secret, the template and the config are stored,
//! and what they give when rendered is the file as it was. The journal is the point of no return: before it a failure
//! takes everything back, after it `recover` continues.

mod done;
mod keeper;
mod verify;

pub use verify::refuse_keys;

use super::write::{PATIENCE, Written, replace_by};
use super::{Closed, Session, SessionError, Target};
use crate::adopt::import::naming::Names;
use crate::adopt::import::{ImportPlan, Stored};
use crate::host::{Resolved, profile};
use crate::journal::Key;
use crate::secret::{Secret, SecretName};
use crate::store::{LookupError, StoreKind};
use done::{Done, Existing};
pub use keeper::Keeper;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is to be imported.
pub struct ImportRequest<'a> {
    /// The file's content that was planned from.
    pub text: &'a [u8],
    /// What is to be taken out of it.
    pub plan: &'a ImportPlan,
    /// The template's text, for the target's template file.
    pub template: &'a str,
    /// What is to become of the config, if it is to name the target.
    pub config: Option<&'a Rewrite>,
    /// Values that the config's templates use already; nothing that is written may hold one.
    pub stored: &'a [Stored],
}

/// A file that is given another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The file.
    pub path: PathBuf,
    /// What it held when the new text was made from it; nothing, if it was not there.
    pub before: String,
    /// What it is to hold.
    pub after: String,
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// The secrets that were stored, and where; those that were there already are not among them.
    pub stored: Vec<(SecretName, StoreKind)>,
    /// What the vault calls the backup of the file.
    pub backup: String,
    /// How the keys left the file and its copies.
    pub closed: Closed,
    /// Whether it could be noted that the keys may go where they went before.
    pub allowed: Result<(), SessionError>,
}

/// Gives each secret of a plan a name that is free, or has that very value already. Says which of them are stored.
///
/// # Errors
/// [`SessionError::Lookup`] if a store that may have one does not answer; [`SessionError::NameInUse`] if the user chose
/// a name that another value has.
pub fn settle_names(plan: &mut ImportPlan, keeper: &dyn Keeper) -> Result<Vec<bool>, SessionError> {
    let mut names = Names::taken(plan.secrets.iter().map(|found| found.name.clone()));
    let mut is_stored = Vec::new();
    for found in &mut plan.secrets {
        is_stored.push(loop {
            match keeper.stored(&found.name)? {
                None => break false,
                Some(value) if value == found.value => break true,
                Some(_) if found.is_chosen => return Err(SessionError::NameInUse { name: found.name.clone() }),
                Some(_) => found.name = names.beside(&found.name),
            }
        });
    }
    Ok(is_stored)
}

impl Session<'_> {
    /// Imports: all of it or nothing.
    ///
    /// # Errors
    /// [`SessionError::Changed`] if the file, or the config, is not what was planned from: plan again. Else any other;
    /// all is as it was then, unless the error comes after the file was changed, when the next command continues.
    pub fn import(
        &self,
        target: &Target,
        request: &ImportRequest<'_>,
        keeper: &dyn Keeper,
    ) -> Result<Imported, SessionError> {
        let file = Resolved::follow(&target.path)?;
        let state = self.state.of(&file);
        let _lock = state.lock()?;
        if state.is_owing()? {
            return Err(SessionError::Rendered { path: target.path.clone() });
        }
        if !file.is_still(Some(request.text))? {
            return Err(SessionError::Changed { path: target.path.clone() });
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| SessionError::Random)?;
        let key = Key::new(random);
        let (placeholder_form, flows) = self.verify(target, request, &key)?;
        // Whether the file can be replaced at all is known before anything is stored.
        drop(file.stage(placeholder_form.as_bytes())?);

        let mut done = Done::default();
        let result = self.keep(target, &file, request, keeper, &mut done).and_then(|()| {
            // Before the keys leave: a rerun of an import that was killed afterwards finds nothing to ask about.
            let allowed = self.note_allowed(&state, &file, &target.path, &flows);
            let journal = self.owed_by(target, request, &key)?;
            state.write_journal(&journal)?;
            Ok((allowed, self.close(&state, &journal, PATIENCE)?))
        });
        match result {
            Ok((allowed, closed)) => {
                let backup = done.backup.unwrap_or_default();
                Ok(Imported { stored: done.stored, backup, closed, allowed })
            }
            Err(error) => {
                // What has left the file must not leave the stores.
                if file.is_still(Some(request.text)).unwrap_or(false) || matches!(error, SessionError::Changed { .. }) {
                    let _ = state.remove_journal(&key);
                    done.take_back(keeper);
                }
                Err(error)
            }
        }
    }

    /// Backup, secrets, template and config, in this order.
    fn keep(
        &self,
        target: &Target,
        file: &Resolved,
        request: &ImportRequest<'_>,
        keeper: &dyn Keeper,
        done: &mut Done,
    ) -> Result<(), SessionError> {
        self.keep_all(file.named(), request.text, request.plan, keeper, done)?;
        done.write(&target.template, request.template, Existing::MustBeEqual)?;
        if let Some(config) = request.config {
            done.write(&config.path, &config.after, Existing::MustBe(&config.before))?;
        }
        match file.is_still(Some(request.text))? {
            true => Ok(()),
            false => Err(SessionError::Changed { path: target.path.clone() }),
        }
    }

    /// Stores the secrets of a file that is not a target, and writes the file anew if that is wanted: all of it or
    /// nothing.
    ///
    /// # Errors
    /// [`SessionError::Store`] and [`SessionError::Lookup`]; [`SessionError::Changed`] if the file to be written is no
    /// longer `text`.
    pub fn keep_values(
        &self,
        path: &Path,
        text: &[u8],
        plan: &ImportPlan,
        keeper: &dyn Keeper,
        anew: Option<&str>,
    ) -> Result<Imported, SessionError> {
        let mut done = Done::default();
        let kept = self.keep_all(path, text, plan, keeper, &mut done);
        match kept.and_then(|()| anew.map_or(Ok(()), |anew| write_anew(path, text, anew))) {
            Ok(()) => {
                let backup = done.backup.unwrap_or_default();
                Ok(Imported { stored: done.stored, backup, closed: Closed::default(), allowed: Ok(()) })
            }
            Err(error) => {
                done.take_back(keeper);
                Err(error)
            }
        }
    }

    /// Writes a template, unless there is another one.
    ///
    /// # Errors
    /// [`SessionError::TemplateExists`] and [`SessionError::File`].
    pub fn write_template(&self, path: &Path, text: &str) -> Result<(), SessionError> {
        Done::default().write(path, text, Existing::MustBeEqual)
    }

    /// The backup and the secrets, which must come back from the store as they were put in.
    fn keep_all(
        &self,
        path: &Path,
        text: &[u8],
        plan: &ImportPlan,
        keeper: &dyn Keeper,
        done: &mut Done,
    ) -> Result<(), SessionError> {
        done.backup = Some(keeper.back_up(path, text)?);
        for found in &plan.secrets {
            match keeper.stored(&found.name)? {
                None => {
                    let kind = keeper.store(&found.name, &found.value)?;
                    done.stored.push((found.name.clone(), kind));
                }
                Some(value) if value == found.value => {}
                // Somebody else was faster.
                Some(_) => return Err(SessionError::Changed { path: path.to_owned() }),
            }
        }
        let read_back: BTreeMap<&SecretName, Secret> = plan
            .secrets
            .iter()
            .map(|found| Ok((&found.name, keeper.stored(&found.name)?)))
            .filter_map(|read: Result<_, LookupError>| read.map(|(name, value)| Some((name, value?))).transpose())
            .collect::<Result<_, _>>()?;
        let differs = |found: &&crate::adopt::import::Found| read_back.get(&found.name) != Some(&found.value);
        if let Some(found) = plan.secrets.iter().find(differs) {
            return Err(SessionError::NotKept { name: found.name.clone() });
        }
        Ok(())
    }
}

/// Replaces a file that is not a target, which must still be what it was. It keeps its mode: no secret is put in.
fn write_anew(path: &Path, before: &[u8], after: &str) -> Result<(), SessionError> {
    let file = Resolved::follow(path)?;
    replace_by(&file, &profile::Plain, PATIENCE, Resolved::stage_plainly, &mut Written::default(), |text| match text {
        Some(text) if text == before => Ok(Some(after.as_bytes().to_vec())),
        _ => Err(SessionError::Changed { path: path.to_owned() }),
    })
}
