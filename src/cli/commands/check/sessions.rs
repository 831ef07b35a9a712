//! `check --sessions`: what hosts keep of their sessions, searched for the user's own secrets.

use super::known::Secrets;
use super::{CheckArgs, Checked};
use crate::cli::context::Workplace;
use crate::cli::environment::variable_os;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming;
use crate::cli::progress::Progress;
use crate::cli::report::{GOOD, Text, clean};
use crate::host::profile::{ClaudeCode, Profile};
use crate::lint::{Finding, Kind};
use crate::session::{Reader, Search, session_files};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The folders of every host whose file is a target, and of Claude Code: its own first, those for temporary files behind it.
pub(super) fn folders(workplace: &Workplace<'_>) -> Vec<Vec<PathBuf>> {
    let profiles = workplace.config.targets.iter().map(|target| target.profile);
    let mut all: Vec<Vec<PathBuf>> =
        profiles.chain([&ClaudeCode as &dyn Profile]).map(|host| host.folders(&variable_os)).collect();
    all.retain(|folders| !folders.is_empty());
    all.sort();
    all.dedup();
    all
}

/// Looks through all files that there are.
pub(super) fn scan(workplace: &Workplace<'_>, secrets: &Secrets) -> Result<Checked, CommandError> {
    let fingerprints = workplace.session(|session| session.state.fingerprints())?;
    let search = Search::new(secrets.own.finder(), &fingerprints);
    let files: Vec<(PathBuf, u64)> = folders(workplace).iter().flat_map(|folders| session_files(folders)).collect();
    let progress = Progress::bytes(workplace.report(), "checking", files.iter().map(|(_, size)| size).sum());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Checked::default());
    let work = || {
        let mut reader = Reader::default();
        while let Some((path, size)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let spots = search.look_through(&mut reader, path);
            progress.advance(*size);
            let Ok(mut done) = done.lock() else { return };
            match spots {
                Ok(spots) => {
                    done.files += 1;
                    done.findings.extend(spots.into_iter().map(|spot| {
                        let kind = Kind::Seen { placeholder: spot.placeholder, form: spot.form };
                        let shown = kind.redacted(b"");
                        Finding { file: path.clone(), line: spot.line, column: spot.column, kind, shown, print: None }
                    }));
                }
                // It went away while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => done.unread.push((path.clone(), error.to_string())),
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, Into::into).min(16);
    std::thread::scope(|scope| {
        for _ in 1..processors.min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    drop(progress);
    let mut checked = done.into_inner().unwrap_or_default();
    checked.findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    checked.unread.sort();
    Ok(checked)
}

/// `--forget`: a person knows that a model has seen these.
pub(super) fn forget(workplace: &Workplace<'_>, args: &CheckArgs) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let is_it = |placeholder: &str| {
        let name = naming::of_placeholder(placeholder);
        args.forget.iter().any(|wanted| *wanted == name || wanted == placeholder)
    };
    let forgotten = workplace.session(|session| {
        let failed = |source| CommandError::file("forget what was seen", session.state.folder(), &source);
        session.state.forget_exposures(&is_it).map_err(failed)
    })?;
    let mut names: Vec<String> = forgotten.iter().map(|placeholder| naming::of_placeholder(placeholder)).collect();
    names.dedup();
    if names.is_empty() {
        let wanted = clean(&args.forget.join(", "));
        return Err(
            CommandError::new(format!("nothing is noted of {wanted}")).hint("`keystencil doctor` names what is")
        );
    }
    let names = clean(&names.join(", "));
    report.note(Text::new().styled(GOOD, "forgotten").plain(format_args!(": {names} was seen by a model")));
    Ok(Exit::Done)
}
