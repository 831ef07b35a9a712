//! Before a secret is put in a file: could git commit it?
//!
//! A file in a work tree is fit to be rendered if git ignores it, or if it goes through our filter there. Whatever can't be
//! told counts as unfit. A file that lies in no work tree costs a look at the folders above it, and no process.
//!
//! # Limitations
//! The temporary files that we and a host make beside the target, for milliseconds each, are not asked about. `install git`
//! has them filtered; where the target is only ignored, **one that a crash left is not ignored** until a later command of
//! ours removes it.

use super::filter::{FILTER, Filtered};
use super::{Session, SessionError, Target};
use crate::host::Resolved;
use crate::host::git::{GitError, Repository};
use std::path::{Path, PathBuf};

impl Session<'_> {
    /// Refuses a target that git could commit with its secrets in it, or whose copies it could.
    ///
    /// # Errors
    /// [`SessionError::Committable`], and [`SessionError::Unasked`] if git can't tell.
    pub fn refuse_committable(&self, target: &Target) -> Result<(), SessionError> {
        if self.unguarded.contains(&target.path) || self.places.is_cleared(&target.path) {
            return Ok(());
        }
        let filtered = Filtered { file: Resolved::follow(&target.path)?, profile: target.profile };
        let unasked = |error| SessionError::Unasked { path: target.path.clone(), error };
        let mut asked: Vec<(Repository, Vec<PathBuf>)> = Vec::new();
        for path in self.paths_to_ask(&filtered) {
            for repository in self.places.around(&path).map_err(unasked)? {
                match asked.iter_mut().find(|(known, _)| *known == repository) {
                    Some((_, paths)) => paths.push(path.clone()),
                    None => asked.push((repository, vec![path.clone()])),
                }
            }
        }
        for (repository, paths) in &asked {
            let Some((repository, unfit)) = first_unfit(repository, paths).map_err(unasked)? else { continue };
            let is_copy = unfit != filtered.file.path();
            let is_tracked = repository.name_of(unfit).is_some_and(|name| repository.is_tracked(name).unwrap_or(true));
            return Err(SessionError::Committable {
                path: if is_copy { unfit.parent().unwrap_or(unfit).to_owned() } else { unfit.to_owned() },
                root: repository.root().to_owned(),
                is_copy,
                is_tracked,
            });
        }
        self.places.clear(target.path.clone());
        Ok(())
    }

    /// The target, and one of the copies that its host keeps in each folder of its own.
    fn paths_to_ask(&self, filtered: &Filtered) -> Vec<PathBuf> {
        let file = &filtered.file;
        let beside = [file.path().parent(), file.named().parent()];
        let env = |name: &str| (self.env)(name).map(Into::into);
        let coming = filtered.profile.clean_backup(file, (self.now)(), &env);
        let kept = filtered.profile.copies_begin(file).into_iter().filter(|start| {
            let folder = start.parent();
            !beside.contains(&folder) && folder.is_some_and(Path::is_dir)
        });
        let mut copies: Vec<PathBuf> = kept
            .map(|mut start| {
                start.as_mut_os_string().push("0");
                start
            })
            .collect();
        copies.extend(coming);
        // One of a folder is enough, and the folder may be a link to another place.
        copies.sort_by(|a, b| a.parent().cmp(&b.parent()));
        copies.dedup_by(|a, b| a.parent() == b.parent());
        let real = |copy: PathBuf| Resolved::follow(&copy).map_or(copy, |copy| copy.path().to_owned());
        std::iter::once(file.path().to_owned()).chain(copies.into_iter().map(real)).collect()
    }
}

/// The first path that git could commit as it is, and the repository as it was asked about it.
fn first_unfit<'p>(repository: &Repository, paths: &'p [PathBuf]) -> Result<Option<(Repository, &'p Path)>, GitError> {
    let found = unfit(repository, paths);
    if !matches!(found, Ok(Some(_)) | Err(GitError::Failed { .. })) || repository.is_work_tree()? {
        return Ok(found?.map(|path| (repository.clone(), path)));
    }
    // A bare `.git`, or one whose work tree is elsewhere: what counts is what is added with `--work-tree`.
    let git_dir = repository.root().join(".git");
    let Some(detached) = Repository::explicit(&git_dir, Some(repository.root()))? else { return Ok(None) };
    Ok(unfit(&detached, paths)?.map(|path| (detached, path)))
}

fn unfit<'p>(repository: &Repository, paths: &'p [PathBuf]) -> Result<Option<&'p Path>, GitError> {
    let paths: Vec<&Path> =
        paths.iter().map(PathBuf::as_path).filter(|path| repository.name_of(path).is_some()).collect();
    let names: Vec<&Path> = paths.iter().filter_map(|path| repository.name_of(path)).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let filters = repository.attribute("filter", &names)?;
    let is_ours = |filter: &Option<String>| filter.as_deref() == Some(FILTER);
    let is_defined = filters.iter().any(is_ours) && is_defined(repository)?;
    let filtered = |at: usize| is_defined && filters.get(at).is_some_and(is_ours);
    let open: Vec<&Path> = names.iter().enumerate().filter(|(at, _)| !filtered(*at)).map(|(_, name)| *name).collect();
    if open.is_empty() {
        return Ok(None);
    }
    let ignored = repository.ignored(&open)?;
    let unfit = names.iter().position(|name| open.contains(name) && !ignored.contains(name));
    Ok(unfit.and_then(|at| paths.get(at).copied()))
}

/// Whether the filter that the attributes name is one that git can't do without.
fn is_defined(repository: &Repository) -> Result<bool, GitError> {
    let settings = repository.settings(&format!("^filter\\.{FILTER}\\."))?;
    let get = |key: &str| settings.get(&format!("filter.{FILTER}.{key}"));
    let is_true = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1");
    // An empty `process` hides `clean`, and `required` makes that an error.
    let calls = |key: &str| get(key).is_some_and(|command| !command.is_empty());
    Ok(get("required").is_some_and(is_true) && (calls("process") || calls("clean")))
}
