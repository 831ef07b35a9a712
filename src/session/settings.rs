//! Edits a host's settings file: hooks are added and removed, and nothing else in it changes.

use super::write::{PATIENCE, Written, replace_by};
use super::{Session, SessionError};
use crate::document::{Document, Operation, Pointer, Syntax, edit};
use crate::host::profile::{HookChange, Plain, Profile};
use crate::host::{ReplaceError, Resolved};
use crate::plan::render::{PlanError, target as check};
use std::fs;
use std::path::Path;

/// What to write where there are no settings yet.
const NEW_SETTINGS: &str = "{}\n";

impl Session<'_> {
    /// Installs our hooks in a host's settings, with `program` as what a shell calls, or takes them out; `false` if
    /// there was nothing to do. What an installation added is noted, so that exactly that is taken out again.
    ///
    /// # Errors
    /// [`SessionError::Target`] and [`SessionError::Settings`] if the settings can't be understood; they are as they
    /// were then.
    pub fn change_hooks(
        &self,
        profile: &dyn Profile,
        settings: &Path,
        program: Option<&str>,
    ) -> Result<bool, SessionError> {
        let file = Resolved::follow(settings)?;
        let state = self.state.of(&file);
        let mut made = state.made();
        let change = match program {
            Some(program) => HookChange::Install { program },
            None => HookChange::Uninstall { made: made.as_deref() },
        };
        let (mut patched, mut was_there, mut is_empty) = (None, true, false);
        replace_by(&file, &Plain, PATIENCE, Resolved::stage_plainly, &mut Written::default(), |text| {
            let failed = |error| SessionError::Target { path: settings.to_owned(), error };
            was_there = text.is_some();
            let text = text.unwrap_or(NEW_SETTINGS.as_bytes());
            let document = check(text).map_err(failed)?;
            // With comments it would be no settings file to a host that reads JSON.
            Syntax::Json.open(text).map_err(|error| failed(PlanError::Syntax(error)))?;
            let patch = profile
                .hooks(&document, change)
                .map_err(|error| SessionError::Settings { path: settings.to_owned(), error })?;
            if patch.0.is_empty() {
                return Ok(None);
            }
            let after = edit::apply(document.text(), &patch).map_err(|error| failed(error.into()))?;
            patched = Some(patch);
            is_empty = Document::parse(after.as_bytes()).is_ok_and(|after| after.root().members().next().is_none());
            Ok(Some(after.into_bytes()))
        })?;
        let Some(patch) = patched else { return Ok(false) };
        if program.is_some() {
            let made = made.get_or_insert_default();
            made.extend(
                patch.0.iter().map(Operation::path).filter(|path| path.last().is_none_or(|last| last != "-")).cloned(),
            );
            made.extend((!was_there).then(Pointer::root));
            state.note_made(made)?;
        } else {
            if is_empty && made.is_some_and(|made| made.contains(&Pointer::root())) {
                // The file itself was ours.
                fs::remove_file(file.path()).map_err(ReplaceError::io("remove it", file.path()))?;
            }
            state.forget_made();
        }
        Ok(true)
    }
}
