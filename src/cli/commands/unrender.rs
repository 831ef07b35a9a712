//! `keystencil unrender`.

use crate::cli::context::{Context, Workplace};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::holder;
use crate::cli::outcome::{say_owed, unrendered};
use crate::cli::recovery::recover;
use crate::cli::report::{GOOD, Text};
use crate::cli::targets::of_config;
use crate::session::{Owed, Release, Session, TargetStatus};
use clap::Args;
use std::path::PathBuf;

/// Remove the secrets again
///
/// Ends your hold of the rendered form. When the last hold ends, the secrets are
/// removed from the file and from the copies that its program made, wherever they
/// have moved to. Everything else stays. No keyring is needed.
///
/// Without TARGET, it applies to every rendered file, whether it is in the config
/// or not.
///
/// A file that was moved while it was rendered is searched for next to its old
/// place and in its git work tree. If secrets are not found, the exit status is 3
/// until they are (`keystencil recover` searches again) or until you say with
/// --forget that they are gone.
///
/// Examples:
///
///     keystencil unrender                     end your own hold of everything
///     keystencil unrender claude --all        end every hold, even of running programs
///     keystencil unrender --to ~/.claude.json
///     keystencil unrender claude --forget     the file was deleted, with its keys
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct UnrenderArgs {
    /// Targets of the config
    #[arg(value_name = "TARGET", conflicts_with = "to")]
    targets: Vec<String>,
    /// A live file that is not in the config
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// End the holds of this session of the host application
    #[arg(long, value_name = "ID", conflicts_with_all = ["owner", "all"])]
    session: Option<String>,
    /// End the hold of this process [default: $CLAUDE_PID, else your own]
    #[arg(long, value_name = "PID", conflicts_with = "all")]
    owner: Option<u32>,
    /// End every hold
    #[arg(long)]
    all: bool,
    /// Forget the secrets that were filled in and not found again
    #[arg(long, conflicts_with_all = ["session", "owner", "all"])]
    forget: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &UnrenderArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    // A broken config must not keep secrets in files.
    let workplace = if args.targets.is_empty() { context.open_anyhow() } else { context.open()? };
    let release = match (&args.session, args.all) {
        (Some(session), _) => Release::Session(session.clone()),
        (None, true) => Release::All,
        (None, false) => holder::of_unrender(args.owner)?.map_or(Release::Dead, Release::Holder),
    };
    workplace.session(|session| {
        let before = session.state.owed().unwrap_or_default();
        let recovery = recover(report, session);
        if args.forget {
            return recovery.then(report, forget(&workplace, session, args));
        }
        recovery.then(report, let_go(&workplace, session, args, &release, &before))
    })
}

fn let_go(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    args: &UnrenderArgs,
    release: &Release,
    before: &[Owed],
) -> Result<Exit, CommandError> {
    let paths: Vec<PathBuf> = match (&args.to, args.targets.as_slice()) {
        (Some(file), _) => vec![file.clone()],
        (None, []) => {
            let known = |status: &TargetStatus| status.name.is_some() || status.trouble.is_none();
            let all = session.status(&workplace.config.targets)?;
            all.into_iter().filter(known).map(|status| status.path).collect()
        }
        (None, names) => of_config(&workplace.config, names)?.into_iter().map(|target| target.path).collect(),
    };
    let (mut exit, mut errors) = (Exit::Done, Vec::new());
    for path in &paths {
        match session.unrender(path, release) {
            Ok(done) => exit = exit.and(unrendered(workplace.report(), &done)),
            Err(error) => errors.push(CommandError::from(error)),
        }
    }
    let owed = session.state.owed()?;
    let is_meant = |owed: &&Owed| paths.iter().any(|path| owed.is_of(path));
    exit = exit.and(say_owed(workplace.report(), before, owed.iter().filter(is_meant)));
    CommandError::several(errors).map_or(Ok(exit), Err)
}

/// The user says that what was not found is gone.
fn forget(workplace: &Workplace<'_>, session: &Session<'_>, args: &UnrenderArgs) -> Result<Exit, CommandError> {
    let paths: Vec<Option<PathBuf>> = match (&args.to, args.targets.as_slice()) {
        (Some(file), _) => vec![Some(file.clone())],
        (None, []) => vec![None],
        (None, names) => of_config(&workplace.config, names)?.into_iter().map(|target| Some(target.path)).collect(),
    };
    let mut forgotten = Vec::new();
    for path in paths {
        forgotten.extend(session.forget_owed(path.as_deref())?);
    }
    let report = workplace.report();
    if forgotten.is_empty() {
        report.note(Text::new().plain("there is nothing to forget"));
    }
    for path in forgotten {
        report.note(
            Text::new().styled(GOOD, "forgotten").plain(format_args!(" what was filled into {}", report.path(&path))),
        );
    }
    Ok(Exit::Done)
}
