//! What an agent in a host has no business with: the files that hold keys now and then, their copies, and where keys are kept.

use super::context::Workplace;
use crate::host::Resolved;
use crate::host::profile::shield::Protected;
use std::path::PathBuf;

impl Workplace<'_> {
    /// Targets and copies of the config, the vault, its identity, and the state.
    pub(super) fn protected(&self) -> Protected {
        let environment = &self.context.environment;
        let vault = environment.vault();
        let mut protected = Protected {
            files: Vec::new(),
            folders: vec![environment.data.clone(), environment.state.clone()],
            beginnings: Vec::new(),
        };
        for target in &self.config.targets {
            protected.files.push(target.path.clone());
            // Nothing is there to be protected while its folder is not.
            let Ok(file) = Resolved::follow(&target.path) else { continue };
            protected.files.push(file.path().to_owned());
            protected.beginnings.extend(target.profile.copies_begin(&file));
        }
        let is_elsewhere = |path: &PathBuf| !protected.folders.iter().any(|folder| path.starts_with(folder));
        let others: Vec<PathBuf> = [vault.vault, vault.identity].into_iter().filter(is_elsewhere).collect();
        protected.files.extend(others);
        for paths in [&mut protected.files, &mut protected.folders, &mut protected.beginnings] {
            let mut seen = Vec::new();
            paths.retain(|path| {
                !seen.contains(path) && {
                    seen.push(path.clone());
                    true
                }
            });
        }
        protected
    }
}
