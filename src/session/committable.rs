//! Before a secret is put in a file: could git commit it?
//!
//! A file in a work tree is fit to be rendered if git ignores it, or if it goes through our filter there. Whatever
//! can't be determined counts as unfit. A file that lies in no work tree costs a look at the folders above it, and no
//! process.
//!
//! What git only ignores is not fit for long: another branch may lack the line. A render has git ignore and filter it
//! in places that no checkout changes.

use super::filter::FILTER;
use super::filter::{FilterState, Filtered};
use super::{FilterCall, Session, SessionError, Target};
use crate::host::Resolved;
use crate::host::git::{GitError, Repository};
use std::path::{Path, PathBuf};

/// What git would do with a target and its copies.
enum Verdict<'p> {
    /// It has none of them in its work tree.
    Nothing,
    /// None of them can be committed as it is.
    Fit,
    /// The same, as long as no other branch is checked out: git ignores some of them.
    Ignored,
    /// The same, if an older filter is renewed.
    Old,
    /// They go through a filter that reads another state folder.
    Other,
    /// This one can be.
    Unfit(&'p Path),
}

impl Session<'_> {
    /// Refuses a target that git could commit with its secrets in it, or whose copies it could. Writes nothing.
    ///
    /// # Errors
    /// [`SessionError::Committable`], [`SessionError::OtherState`], and [`SessionError::Unasked`] if git can't tell.
    pub fn refuse_committable(&self, target: &Target) -> Result<(), SessionError> {
        self.keep_from_git(target, false).map(drop)
    }

    /// The same before a render, which renews an older filter, and protects what git only ignores; says which work
    /// trees that changed.
    pub(super) fn protect(&self, target: &Target) -> Result<Vec<PathBuf>, SessionError> {
        self.keep_from_git(target, true)
    }

    fn keep_from_git(&self, target: &Target, may_write: bool) -> Result<Vec<PathBuf>, SessionError> {
        let mut changed = Vec::new();
        if self.unguarded.contains(&target.path) || self.places.is_cleared(&target.path) {
            return Ok(changed);
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
        let mut is_settled = true;
        for (repository, paths) in &asked {
            let (repository, verdict) = judge(repository, paths, &self.filter).map_err(unasked)?;
            match verdict {
                Verdict::Nothing => {}
                Verdict::Fit if self.state.is_noted(repository.root()) => {}
                Verdict::Ignored if may_write => match self.protect_ignored(&repository, &filtered) {
                    Ok(true) => changed.push(repository.root().to_owned()),
                    Ok(false) => {}
                    // What no checkout changes is enough where nothing can be written.
                    Err(_) if is_ignored_for_good(&repository, paths).map_err(unasked)? => {}
                    Err(error) => return Err(error),
                },
                Verdict::Ignored => is_settled = false,
                Verdict::Fit | Verdict::Old if may_write => self.renew_filter(&repository)?,
                Verdict::Fit | Verdict::Old => is_settled = false,
                Verdict::Other => return Err(SessionError::OtherState { path: repository.root().to_owned() }),
                Verdict::Unfit(unfit) => {
                    let is_copy = unfit != filtered.file.path();
                    let is_tracked =
                        repository.name_of(unfit).is_some_and(|name| repository.is_tracked(name).unwrap_or(true));
                    return Err(SessionError::Committable {
                        path: if is_copy { unfit.parent().unwrap_or(unfit).to_owned() } else { unfit.to_owned() },
                        root: repository.root().to_owned(),
                        is_copy,
                        is_tracked,
                    });
                }
            }
        }
        if is_settled {
            self.places.clear(target.path.clone());
        }
        Ok(changed)
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

/// What git would do with the paths, and the repository as it was asked about them.
fn judge<'p>(
    repository: &Repository,
    paths: &'p [PathBuf],
    call: &FilterCall,
) -> Result<(Repository, Verdict<'p>), GitError> {
    let found = judge_in(repository, paths, call);
    if !matches!(found, Ok(Verdict::Unfit(_)) | Err(GitError::Failed { .. })) || repository.is_work_tree()? {
        return Ok((repository.clone(), found?));
    }
    // A bare `.git`, or one whose work tree is elsewhere: what counts is what is added with `--work-tree`.
    let git_dir = repository.root().join(".git");
    match Repository::explicit(&git_dir, Some(repository.root()))? {
        None => Ok((repository.clone(), Verdict::Nothing)),
        Some(detached) => judge_in(&detached, paths, call).map(|verdict| (detached, verdict)),
    }
}

fn judge_in<'p>(repository: &Repository, paths: &'p [PathBuf], call: &FilterCall) -> Result<Verdict<'p>, GitError> {
    let paths: Vec<&Path> =
        paths.iter().map(PathBuf::as_path).filter(|path| repository.name_of(path).is_some()).collect();
    let names: Vec<&Path> = paths.iter().filter_map(|path| repository.name_of(path)).collect();
    if names.is_empty() {
        return Ok(Verdict::Nothing);
    }
    let filters = repository.attribute("filter", &names)?;
    let is_ours = |filter: &Option<String>| filter.as_deref() == Some(FILTER);
    let state = match filters.iter().any(is_ours) {
        true => call.found_in(&repository.settings(&format!("^filter\\.{FILTER}\\."))?),
        false => FilterState::None,
    };
    let filtered = |at: usize| state != FilterState::None && filters.get(at).is_some_and(is_ours);
    let open: Vec<&Path> = names.iter().enumerate().filter(|(at, _)| !filtered(*at)).map(|(_, name)| *name).collect();
    if !open.is_empty() {
        let ignored = repository.ignored(&open)?;
        if let Some(at) = names.iter().position(|name| open.contains(name) && !ignored.contains(name)) {
            return Ok(paths.get(at).map_or(Verdict::Fit, |path| Verdict::Unfit(path)));
        }
    }
    Ok(match state {
        FilterState::Other => Verdict::Other,
        _ if !open.is_empty() => Verdict::Ignored,
        FilterState::None | FilterState::Ours => Verdict::Fit,
        FilterState::Old => Verdict::Old,
    })
}

/// Whether git ignores them all by what is in no work tree: `info/exclude`, or the user's own excludes.
fn is_ignored_for_good(repository: &Repository, paths: &[PathBuf]) -> Result<bool, GitError> {
    let names: Vec<&Path> = paths.iter().filter_map(|path| repository.name_of(path)).collect();
    Ok(repository.ignored_by(&names)?.iter().all(|source| source.file_name().is_some_and(|name| name != ".gitignore")))
}
