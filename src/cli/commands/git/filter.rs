//! The filter of one run of git: the journals, the objects and the templates it asks, each read when it is first
//! needed.

use crate::cli::context::{Context, Workplace};
use crate::cli::environment::variable;
use crate::cli::environment::working_folder;
use crate::cli::error::CommandError;
use crate::host::Resolved;
use crate::host::git::Objects;
use crate::session::{Cleaner, Known, SessionError, State, Target};
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Says that a value in a placeholder's place is not a key, for one call of git.
const ALLOW: &str = "KEYSTENCIL_GIT_ALLOW";

/// The filter of one run of git.
pub(super) struct Filter<'a> {
    context: &'a Context,
    top: PathBuf,
    cleaner: Cleaner,
    objects: Objects,
    targets: OnceCell<(Workplace<'a>, Vec<(PathBuf, Target)>)>,
    allowed: bool,
}

impl<'a> Filter<'a> {
    /// A filter that has read the journals. One for `any` file trusts what they know.
    ///
    /// # Errors
    /// [`CommandError`] if one of them can't be read.
    pub(super) fn new(context: &'a Context, any: bool) -> Result<Self, CommandError> {
        let top = top();
        let mut cleaner = Cleaner::new(State::new(context.environment.state.clone()));
        cleaner.look()?;
        let objects = Objects::of(top.clone());
        let allowed = any || variable(ALLOW).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false" | "no"));
        Ok(Self { context, top, cleaner, objects, targets: OnceCell::new(), allowed })
    }

    /// How many bytes a path probably has.
    pub(super) fn size_of(&self, name: &Path) -> usize {
        let size = fs::metadata(self.top.join(name)).map_or(0, |metadata| metadata.len());
        usize::try_from(size).unwrap_or_default().saturating_add(1)
    }

    /// What should be staged of a path, whose content git has read.
    ///
    /// # Errors
    /// Whatever keeps us from telling that no key is in it.
    pub(super) fn clean(
        &mut self,
        name: &Path,
        content: Zeroizing<Vec<u8>>,
    ) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        self.cleaner.look()?;
        let path = self.top.join(name);
        let known = if self.allowed {
            None
        } else {
            self.cleaner.refuse_stale(&path, &content)?;
            Some(self.known(name, &path)?)
        };
        Ok(self.cleaner.for_index(&path, content, known.as_ref())?)
    }

    fn known(&mut self, name: &Path, path: &Path) -> Result<Known, CommandError> {
        let committed = self.objects.committed(name).map_err(SessionError::from)?;
        let template = match self.template(path) {
            // The committed version tells where placeholders belong.
            Err(_) if committed.is_some() => None,
            template => template?,
        };
        Ok(Known { committed, template })
    }

    /// What the template of the config's target at that path makes of it.
    fn template(&self, path: &Path) -> Result<Option<String>, CommandError> {
        let (workplace, targets) = match self.targets.get() {
            Some(found) => found,
            None => {
                let workplace = self.context.open()?;
                let targets = workplace.config.targets.iter();
                let real =
                    |target: &Target| Some((Resolved::follow(&target.path).ok()?.path().to_owned(), target.clone()));
                let targets = targets.filter_map(real).collect();
                self.targets.get_or_init(|| (workplace, targets))
            }
        };
        let Some((_, target)) = targets.iter().find(|(real, _)| real == path) else { return Ok(None) };
        Ok(Some(workplace.session(|session| session.blueprint(target))?.document))
    }
}

/// The top of the work tree: git starts its filters there.
pub(super) fn top() -> PathBuf {
    let folder = working_folder().unwrap_or_default();
    folder.canonicalize().unwrap_or(folder)
}
