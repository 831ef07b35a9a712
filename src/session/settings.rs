//! Edits a host's settings file: hooks are put in and taken out, nothing else of it changes.

use super::write::{PATIENCE, Written, replace_by};
use super::{Session, SessionError};
use crate::host::Resolved;
use crate::host::profile::{HookChange, Plain, Profile};
use crate::json::edit;
use crate::plan::render::target as check;
use std::path::Path;

/// What stands where there are no settings yet.
const NEW_SETTINGS: &str = "{}\n";

impl Session<'_> {
    /// Installs or uninstalls our hooks in a host's settings; `false` if there was nothing to do.
    ///
    /// # Errors
    /// [`SessionError::Target`] and [`SessionError::Settings`] if the settings can't be understood; they are as they
    /// were then.
    pub fn change_hooks(
        &self,
        profile: &dyn Profile,
        settings: &Path,
        change: HookChange<'_>,
    ) -> Result<bool, SessionError> {
        let file = Resolved::follow(settings)?;
        let mut changed = false;
        replace_by(&file, &Plain, PATIENCE, Resolved::stage_plainly, &mut Written::default(), |text| {
            let failed = |error| SessionError::Target { path: settings.to_owned(), error };
            let text = text.unwrap_or(NEW_SETTINGS.as_bytes());
            let document = check(text).map_err(failed)?;
            let patch = profile
                .hooks(&document, change)
                .map_err(|error| SessionError::Settings { path: settings.to_owned(), error })?;
            if patch.0.is_empty() {
                return Ok(None);
            }
            changed = true;
            edit::apply(document.text(), &patch)
                .map(|text| Some(text.into_bytes()))
                .map_err(|error| failed(error.into()))
        })?;
        Ok(changed)
    }
}
