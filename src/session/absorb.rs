//! Takes over into the template what the host changed in the live file. The one place that edits a template: whole
//! files, staged beside it, synced, renamed. It must never leave a secret in one.

use super::import::refuse_keys;
use super::template_file::read_include;
use super::{Session, SessionError, Target};
use crate::adopt::absorb::{Hunk, Refusal};
use crate::adopt::import::{ImportPlan, Stored};
use crate::document::{Document, Pointer};
use crate::host::replace::{ReplaceError, Staged, leftovers, sync_folder};
use crate::host::{Resolved, read};
use crate::journal::fingerprint::is_searched_for;
use crate::journal::{Journal, undo_raw};
use crate::secret::Secret;
use crate::template::trace::{SourceFile, Trace, trace};
use crate::template::{Encoding, Template};
use std::fs;
use std::path::{Path, PathBuf};

/// A template and the hunks that it may take over.
pub struct Absorbing {
    /// What the host changed, in document order.
    pub hunks: Vec<Hunk>,
    before: Trace,
    now: Trace,
    /// The live file's journal when it was read.
    journal: Option<Journal>,
    /// Values that the stores have, with the placeholders that stand for them.
    known: Vec<(String, Secret)>,
}

impl Absorbing {
    /// The files that are going to be written, before and after.
    fn changed(&self) -> impl Iterator<Item = (&SourceFile, &SourceFile)> {
        self.before.files.iter().zip(&self.now.files).filter(|(before, now)| before.text != now.text)
    }

    /// Where a string of a hunk is a secret that was filled into the live file. A short one is found by nobody else,
    /// since it is closed in its own place only.
    fn owed_in(&self, hunk: &Hunk) -> Option<Pointer> {
        let journal = self.journal.as_ref()?;
        let document = Document::parse(hunk.change.live.as_deref()?.as_bytes()).ok()?;
        let mut found = false;
        document.strings(|token| {
            let is_it = |text: &str| journal.secrets().any(|(_, print)| print.matches(&journal.key, text));
            found |= token.node.as_str().is_some_and(|text| is_it(&text));
        });
        found.then(|| hunk.change.pointer.clone())
    }

    /// How many secrets a text holds in the open, as far as the journal and the stores tell.
    fn secrets_in(&self, text: &str) -> usize {
        let owed = self.journal.as_ref().map_or(0, |journal| undo_raw(text.as_bytes(), journal).removed);
        let is_long = |known: &&(String, Secret)| is_searched_for(known.1.expose());
        owed + self.known.iter().filter(is_long).map(|(_, secret)| text.matches(secret.expose()).count()).sum::<usize>()
    }
}

impl Session<'_> {
    /// Reads a target and its template, and finds what the host changed. `wants`: as for [`super::Job::compare`].
    ///
    /// # Errors
    /// As [`super::Job::compare`].
    pub fn absorbing(&self, target: &Target, wants: &dyn Fn(&Pointer) -> bool) -> Result<Absorbing, SessionError> {
        let state = self.state.of(&Resolved::follow(&target.path)?);
        // No process may remove the secrets between the reading of the file and of its journal.
        let _lock = state.lock()?;
        let journal = state.journal()?;
        let before = self.trace(target)?;
        let job = self.open_with(target, before.blueprint.clone());
        let hunks = Hunk::of(&job.compare(wants)?.changes);
        Ok(Absorbing { hunks, now: before.clone(), before, journal, known: Vec::new() })
    }

    /// Puts placeholders where literals of the hunks are values of the template's references. Asks the stores, but only
    /// if there are literals that look like keys; and only for what was allowed.
    pub fn close_known(&self, target: &Target, absorbing: &mut Absorbing) {
        if absorbing.hunks.iter().all(|hunk| hunk.keys().is_empty()) {
            return;
        }
        let kept = self.kept(&target.path);
        let values = kept.and_then(|kept| self.values(&absorbing.now.blueprint, kept.as_ref(), false));
        // A value that no store gives is not known, and then what looks like a key is refused.
        let known = values.unwrap_or_default().of.into_iter().map(|(reference, secret)| {
            let encode = |text: Secret, encoding: &Encoding| Secret::new(encoding.apply(text.expose()));
            (reference.to_string(), reference.encodings.iter().fold(secret, encode))
        });
        absorbing.known = known.collect();
        for hunk in &mut absorbing.hunks {
            if !hunk.keys().is_empty() {
                hunk.close(&absorbing.known);
            }
        }
    }

    /// Takes a hunk over, in memory.
    ///
    /// # Errors
    /// [`Refusal`]; the hunk is not in the template then.
    pub fn take(&self, absorbing: &mut Absorbing, hunk: &Hunk) -> Result<(), Refusal> {
        if let Some(pointer) = absorbing.owed_in(hunk) {
            return Err(Refusal::Key { pointer });
        }
        absorbing.now = hunk.apply(&absorbing.now, self.variables)?;
        Ok(())
    }

    /// Writes what was taken over, and says which files that were. Grants nothing. No file is written in which `check`
    /// would find more than before; `stored` are the values that the config's templates use.
    ///
    /// # Errors
    /// [`SessionError::Changed`] if a file is not what it was made from; [`SessionError::SecretInTemplate`];
    /// [`SessionError::KeyInTemplate`].
    pub fn absorb(
        &self,
        target: &Target,
        absorbing: &Absorbing,
        stored: &[Stored],
    ) -> Result<Vec<PathBuf>, SessionError> {
        let state = self.state.of(&Resolved::follow(&target.path)?);
        let _lock = state.lock()?;
        let folder = target.template.parent().unwrap_or(Path::new(""));
        let own = ImportPlan::default().own(&[stored, &absorbing.known].concat());
        let mut staged = Vec::new();
        for (before, now) in absorbing.changed() {
            let path = now.include.as_ref().map_or_else(|| target.template.clone(), |name| folder.join(name));
            if absorbing.secrets_in(&now.text) > absorbing.secrets_in(&before.text) {
                return Err(SessionError::SecretInTemplate { path });
            }
            refuse_keys(&path, &before.text, &now.text, &own)?;
            let file = Resolved::follow(&path)?;
            // What a killed `absorb` left here; it holds no secret.
            for left in leftovers(file.path())? {
                fs::remove_file(&left).map_err(ReplaceError::io("remove it", &left))?;
            }
            let found = file.read()?.unwrap_or_default();
            let mark = if found.starts_with("\u{feff}".as_bytes()) { "\u{feff}" } else { "" };
            if found != [mark, &before.text].concat().as_bytes() {
                return Err(SessionError::Changed { path });
            }
            let new = [mark, &now.text].concat().into_bytes();
            let one = file.stage_plainly(&new)?;
            staged.push((path, file, found, new, one));
        }
        let mut written = Vec::new();
        let outcome = staged.into_iter().try_for_each(|(path, file, found, new, one)| {
            if !file.is_still(Some(&found))? {
                return Err(SessionError::Changed { path });
            }
            one.commit()?;
            let folder = file.path().parent().map(Path::to_owned);
            written.push((path, file, found, new));
            Ok(folder.as_deref().map_or(Ok(()), sync_folder)?)
        });
        if let Err(error) = outcome {
            // An error says that nothing was changed, so what is written goes back, unless somebody wrote there
            // meanwhile.
            for (_, file, found, _) in
                written.iter().filter(|(_, file, _, new)| file.is_still(Some(new)).unwrap_or(false))
            {
                let _ = file.stage_plainly(found).and_then(Staged::commit);
            }
            return Err(error);
        }
        Ok(written.into_iter().map(|(path, ..)| path).collect())
    }

    fn trace(&self, target: &Target) -> Result<Trace, SessionError> {
        let path = &target.template;
        let failed = |source| SessionError::NoTemplate { path: path.clone(), source };
        let text = read::text(path).map_err(failed)?;
        log::debug!("compiling {}", path.display());
        let template = Template { name: path, text: &text };
        Ok(trace(template, self.variables, &|name| read_include(path, name))?)
    }
}
