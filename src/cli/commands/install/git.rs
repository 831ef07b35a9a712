//! `keystencil install git`: a filter, so that a rendered file can't be committed with its keys.

use crate::cli::context::{Context, Workplace};
use crate::cli::environment::variable_os;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, count};
use crate::host::git::Repository;
use crate::host::{Resolved, profile};
use crate::session::{
    FilterCall, FilterChange, FilterOptions, Filtered, SessionError, State, install_filter, uninstall_filter,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// A git filter: a rendered file is committed with its placeholders, never with its keys
///
/// Without FILE, for every target of the config that lies in a git work tree, also
/// where a symlink leads there. The filter's definition goes into the repository's
/// config. Each file gets a line in `.gitattributes`, for you to commit, and one in
/// `info/attributes`, which also holds on branches that lack the first. A target
/// that git ignores needs none of this: its render sets it up, in `.git` alone.
///
/// While a key is in a file, git sees every file of the repository through the
/// filter, so that one which is moved or copied is committed without its keys.
/// Files that have another filter (git-lfs) keep it.
///
/// `git status` is clean while a file is rendered, and `git diff` shows its
/// placeholders. If keystencil is missing or fails, or can't see the state folder
/// and the config that are named in the definition, git stops instead of committing
/// a key.
///
/// Examples:
///
///     keystencil install git
///     keystencil install git ~/dotfiles/claude.json
///     keystencil install git --repo ~/.dotfiles ~/.claude.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct GitArgs {
    /// Files that get rendered; all targets of the config if none is named
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    common: CommonArgs,
    /// Leave the committed `.gitattributes` as it is
    #[arg(long)]
    private: bool,
}

/// The git filter
#[derive(Debug, Args)]
pub(in crate::cli) struct UngitArgs {
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// This repository only: its work tree, or its own folder if that is elsewhere
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Keep the filter's definition in your own git config, for all repositories
    #[arg(long)]
    global: bool,
    /// Say what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl CommonArgs {
    fn options<'a>(
        &self,
        context: &'a Context,
        call: &'a FilterCall,
        state: &'a State,
        shared: bool,
    ) -> FilterOptions<'a> {
        let config = if self.global { "--global" } else { "--local" };
        FilterOptions { call, state, home: &context.environment.home, config, shared, dry_run: self.dry_run }
    }
}

pub(super) fn install(context: &Context, args: &GitArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    let (call, state) = (context.filter_call(), State::new(context.environment.state.clone()));
    let options = args.common.options(context, &call, &state, !args.private);
    let files = files(&workplace, &args.files)?;
    let repositories = repositories(&workplace, &files, args.common.repo.as_deref())?;
    for (repository, files) in &repositories {
        let changes = install_filter(repository, files, &options)?;
        say(context, repository, &changes, args.common.dry_run, ["installed", "would install"], "is there already");
    }
    Ok(Exit::Done)
}

pub(super) fn uninstall(context: &Context, args: &UngitArgs) -> Result<Exit, CommandError> {
    let workplace = context.open_anyhow();
    let files = files(&workplace, &[])?;
    let (call, state) = (FilterCall::default(), State::new(context.environment.state.clone()));
    let options = args.common.options(context, &call, &state, false);
    for (repository, _) in repositories(&workplace, &files, args.common.repo.as_deref())? {
        refuse_needed(context, &repository)?;
        let changes = uninstall_filter(&repository, &options)?;
        say(context, &repository, &changes, args.common.dry_run, ["uninstalled", "would uninstall"], "is not there");
    }
    Ok(Exit::Done)
}

/// While a file is rendered, or nobody knows whether one is, the filter stays.
fn refuse_needed(context: &Context, repository: &Repository) -> Result<(), SessionError> {
    for state in State::new(context.environment.state.clone()).owing()? {
        let target = state.journal()?.map(|journal| journal.target);
        if let Some(path) = target.filter(|target| repository.name_of(target).is_some()) {
            return Err(SessionError::StillRendered { path });
        }
    }
    Ok(())
}

/// The files that were named, or the targets of the config.
fn files(workplace: &Workplace<'_>, named: &[PathBuf]) -> Result<Vec<Filtered>, CommandError> {
    let targets = &workplace.config.targets;
    if named.is_empty() {
        // One whose folder does not exist lies nowhere.
        return Ok(targets.iter().filter_map(|target| Filtered::of(target).ok()).collect());
    }
    let file = |path: &PathBuf| -> Result<Filtered, CommandError> {
        let file = Resolved::follow(path).map_err(SessionError::from)?;
        let target =
            targets.iter().find(|target| Resolved::follow(&target.path).is_ok_and(|other| other.path() == file.path()));
        let profile = target.map_or_else(|| profile::of(path, &variable_os), |target| target.profile);
        Ok(Filtered { file, profile })
    };
    named.iter().map(file).collect()
}

/// The repositories that the files lie in, each with its files.
fn repositories(
    workplace: &Workplace<'_>,
    files: &[Filtered],
    only: Option<&Path>,
) -> Result<Vec<(Repository, Vec<Filtered>)>, CommandError> {
    let mut found: Vec<(Repository, Vec<Filtered>)> = Vec::new();
    if let Some(folder) = only {
        found.push((repository_at(workplace, folder)?, Vec::new()));
    }
    for file in files {
        for repository in workplace.places().around(file.file.path()).map_err(SessionError::from)? {
            match found.iter_mut().find(|(known, _)| *known == repository) {
                Some((_, files)) => files.push(file.clone()),
                None if only.is_none() => found.push((repository, vec![file.clone()])),
                None => {}
            }
        }
    }
    if found.is_empty() {
        return Err(no_repository());
    }
    Ok(found)
}

fn repository_at(workplace: &Workplace<'_>, folder: &Path) -> Result<Repository, CommandError> {
    let none = |source| CommandError::file("open the repository", folder, &source);
    let folder = folder.canonicalize().map_err(none)?;
    let home = &workplace.context.environment.home;
    let detached = Repository::detached(&folder, Some(home)).map_err(SessionError::from)?;
    let is_dot_git = folder.file_name().is_some_and(|name| name == ".git");
    let around = || Repository::around(if is_dot_git { folder.parent().unwrap_or(&folder) } else { &folder });
    let found = if is_dot_git { around() } else { detached.or_else(around) };
    found.ok_or_else(no_repository)
}

fn say(
    context: &Context,
    repository: &Repository,
    changes: &[FilterChange],
    dry_run: bool,
    [done, would]: [&str; 2],
    nothing: &str,
) {
    let report = &context.report;
    let root = report.path(repository.root());
    if changes.is_empty() {
        report.note(Text::new().plain(format_args!("the git filter of {root} {nothing}; nothing was changed")));
        return;
    }
    let verb = if dry_run { would } else { done };
    let settings = changes.iter().filter(|change| matches!(change, FilterChange::Setting(_))).count();
    let mut text = Text::new().styled(GOOD, verb).plain(format_args!(" the git filter of {root}"));
    if settings > 0 {
        text = text.plain(format_args!(", {} of git's config", count(settings, "key")));
    }
    report.note(text);
    for change in changes {
        match change {
            FilterChange::Setting(key) => report.detail(Text::new().plain(format_args!("  {key}"))),
            FilterChange::Lines(path) => {
                report.note(Text::new().plain(format_args!("  lines of {}", report.path(path))));
            }
        }
    }
}

fn no_repository() -> CommandError {
    CommandError::new("no target is in the work tree of a git repository")
        .hint("name the file, or the repository with `--repo DIR`")
}
