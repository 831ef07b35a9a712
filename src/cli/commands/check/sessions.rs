//! `check --sessions`: what hosts keep of their sessions, searched for the user's own secrets.

use super::known::Secrets;
use super::{CheckArgs, Checked, show};
use crate::cli::context::Workplace;
use crate::cli::environment::{self, variable_os};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::hints;
use crate::cli::naming;
use crate::cli::progress::Progress;
use crate::cli::report::{GOOD, Text, Warning, clean, count, warning};
use crate::error::Place;
use crate::host::profile::{ClaudeCode, Profile};
use crate::lint::{Finding, Kind};
use crate::session::{Cleaning, Reader, Search, session_files};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A host, and the folders that it keeps sessions in: its own first, those for temporary files behind it.
type Host = (&'static dyn Profile, Vec<PathBuf>);

/// Every host whose file is a target, and Claude Code.
fn hosts(workplace: &Workplace<'_>) -> Vec<Host> {
    let profiles = workplace.config.targets.iter().map(|target| target.profile).chain([&ClaudeCode as &dyn Profile]);
    let mut all: Vec<Host> = profiles.map(|host| (host, host.folders(&variable_os))).collect();
    all.retain(|(_, folders)| !folders.is_empty());
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all.dedup_by(|a, b| a.1 == b.1);
    all
}

/// Looks through all files that there are, and cleans them if that is asked for.
pub(super) fn run(workplace: &Workplace<'_>, args: &CheckArgs, secrets: &Secrets) -> Result<Exit, CommandError> {
    let fingerprints = workplace.session(|session| session.state.fingerprints())?;
    let search = Search::new(&secrets.own, &fingerprints);
    let hosts = hosts(workplace);
    let files: Vec<(PathBuf, u64)> = hosts.iter().flat_map(|(_, folders)| session_files(folders)).collect();
    let checked = scan(workplace, &search, &files)?;
    let found: BTreeSet<PathBuf> = checked.findings.iter().map(|finding| finding.file.clone()).collect();
    let exit = show::all(workplace, args, None, checked)?;
    if !args.clean || found.is_empty() {
        return Ok(exit);
    }
    if !args.yes {
        let question = format!(
            "Replace the keys in {} by `[keystencil: NAME removed]`? Nothing brings them back there.",
            count(found.len(), "file")
        );
        if !environment::is_interactive() || !workplace.report().ask_yes(&Text::new().plain(question))? {
            return Err(CommandError::new("nothing was changed").hint("say yes at a terminal, or use `--yes`"));
        }
    }
    Ok(clean_all(workplace, &search, &hosts, &found))
}

/// Takes the keys out of the files; what is left as it is is told with the reason.
fn clean_all(workplace: &Workplace<'_>, search: &Search<'_>, hosts: &[Host], files: &BTreeSet<PathBuf>) -> Exit {
    let report = workplace.report();
    let (mut cleaned, mut is_left) = (0, false);
    for file in files {
        let host = hosts.iter().find(|(_, folders)| folders.iter().any(|folder| file.starts_with(folder)));
        let Some((profile, folders)) = host else { continue };
        let cleaning = Cleaning { search, name: &naming::of_placeholder, profile: *profile, folders };
        match cleaning.clean(file) {
            Ok(_) => cleaned += 1,
            Err(left) => {
                is_left = true;
                report.warning(&Warning {
                    place: Some(Place::file(file)),
                    hint: Some(hints::sessions::left(&left).to_owned()),
                    ..warning(format!("this was left as it is: {left}"))
                });
            }
        }
    }
    report.note(Text::new().styled(GOOD, "cleaned").plain(format_args!(" {}", count(cleaned, "file"))));
    Exit::attention(is_left)
}

fn scan(workplace: &Workplace<'_>, search: &Search<'_>, files: &[(PathBuf, u64)]) -> Result<Checked, CommandError> {
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
