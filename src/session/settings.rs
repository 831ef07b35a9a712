//! Edits a host's settings file: hooks and rules are added and removed, and nothing else in it changes.

use super::write::{PATIENCE, Written, replace_by};
use super::{Session, SessionError};
use crate::document::{Document, Operation, Patch, Pointer, Syntax, edit};
use crate::host::profile::shield::{self, Item};
use crate::host::profile::{HookChange, Profile, UnfitSettings};
use crate::host::{ReplaceError, Resolved};
use crate::plan::render::{PlanError, target as check};
use std::fs;
use std::path::Path;

/// What to write where there are no settings yet.
const NEW_SETTINGS: &str = "{}\n";

/// What is to stand in a host's settings.
#[derive(Debug, Clone, Copy)]
pub struct Hooks<'a> {
    /// Our program as a shell calls it.
    pub program: &'a str,
    /// What shields keys from the host's agent, with the hooks that do; nothing is changed there if that is not said.
    pub shield: Option<&'a [Item]>,
}

/// What an installation has added: members, and items of lists.
#[derive(Debug, Clone, Default, PartialEq)]
struct Added {
    made: Vec<Pointer>,
    items: Vec<Item>,
}

impl Session<'_> {
    /// What was added to lists of a host's settings to shield keys from its agent.
    ///
    /// # Errors
    /// [`SessionError::File`] if links lead nowhere.
    pub fn shield(&self, settings: &Path) -> Result<Vec<Item>, SessionError> {
        Ok(self.state.of(&Resolved::follow(settings)?).items())
    }

    /// Installs our hooks in a host's settings, or takes them out; `false` if there was nothing to do. What an installation
    /// adds is noted before, so that exactly that is taken out again.
    ///
    /// # Errors
    /// [`SessionError::Target`] and [`SessionError::Settings`] if the settings can't be understood; they are as they
    /// were then.
    pub fn change_hooks(
        &self,
        profile: &dyn Profile,
        settings: &Path,
        install: Option<Hooks<'_>>,
    ) -> Result<bool, SessionError> {
        let file = Resolved::follow(settings)?;
        let state = self.state.of(&file);
        let (made, items) = (state.made(), state.items());
        let (mut has_changed, mut is_empty) = (false, false);
        replace_by(&file, profile, PATIENCE, Resolved::stage_plainly, &mut Written::default(), |text| {
            let failed = |error| SessionError::Target { path: settings.to_owned(), error };
            let unfit = |error| SessionError::Settings { path: settings.to_owned(), error };
            let before = text.unwrap_or(NEW_SETTINGS.as_bytes());
            let before = check(before).map_err(failed)?.text().to_owned();
            // With comments it would be no settings file to a host that reads JSON.
            Syntax::Json.open(before.as_bytes()).map_err(|error| failed(PlanError::Syntax(error)))?;
            let mut added = Added { made: made.clone().unwrap_or_default(), items: items.clone() };
            let mut after = before.clone();
            let steps: &[Step] = if install.is_some() { &[Step::Outdated, Step::Install] } else { &[Step::Uninstall] };
            for step in steps {
                let document = Document::parse(after.as_bytes()).map_err(|error| failed(PlanError::Syntax(error)))?;
                let operations = match (step, install) {
                    (Step::Install, Some(hooks)) => added.install(profile, &document, hooks).map_err(unfit)?,
                    (Step::Outdated, Some(hooks)) => added.outdate(&document, hooks),
                    _ => {
                        let change = HookChange::Uninstall { made: made.as_deref() };
                        let mut patch = profile.hooks(&document, change).map_err(unfit)?.0;
                        patch.extend(shield::removals(&document, &items, &added.made));
                        patch
                    }
                };
                after = edit::apply(&after, &Patch(operations)).map_err(|error| failed(error.into()))?;
            }
            if after == before {
                return Ok(None);
            }
            if install.is_some() {
                added.made.extend(text.is_none().then(Pointer::root));
                state.note_made(&added.made, &added.items)?;
            }
            has_changed = true;
            is_empty = Document::parse(after.as_bytes()).is_ok_and(|after| after.root().members().next().is_none());
            Ok(Some(after.into_bytes()))
        })?;
        if has_changed && install.is_none() {
            if is_empty && made.is_some_and(|made| made.contains(&Pointer::root())) {
                // The file itself was ours.
                fs::remove_file(file.path()).map_err(ReplaceError::io("remove it", file.path()))?;
            }
            state.forget_made();
        }
        Ok(has_changed)
    }
}

/// One pass over the settings.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// What an earlier installation added and this one does not want goes.
    Outdated,
    Install,
    Uninstall,
}

impl Added {
    fn install(
        &mut self,
        profile: &dyn Profile,
        settings: &Document<'_>,
        hooks: Hooks<'_>,
    ) -> Result<Vec<Operation>, UnfitSettings> {
        let change = HookChange::Install { program: hooks.program, shield: hooks.shield.is_some() };
        let mut operations = profile.hooks(settings, change)?.0;
        let (lacking, additions) = shield::additions(settings, hooks.shield.unwrap_or_default())?;
        operations.extend(additions);
        self.items.extend(lacking);
        let paths = operations.iter().map(Operation::path);
        self.made.extend(paths.filter(|path| path.last().is_none_or(|last| last != "-")).cloned());
        Ok(operations)
    }

    fn outdate(&mut self, settings: &Document<'_>, hooks: Hooks<'_>) -> Vec<Operation> {
        let Some(wanted) = hooks.shield else { return Vec::new() };
        let (kept, outdated) = std::mem::take(&mut self.items).into_iter().partition(|item| wanted.contains(item));
        self.items = kept;
        shield::removals(settings, &outdated, &self.made)
    }
}
