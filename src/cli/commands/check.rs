//! `keystencil check`.

mod checked;
mod error;
mod files;
pub(super) mod known;
mod scope;
mod sessions;
mod show;
mod staged;
mod templates;

pub(in crate::cli) use error::CheckError;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::targets::TargetError;
use crate::host::read;
use crate::lint::{Baseline, Finding, Known};
use checked::{Checked, relative};
pub(in crate::cli) use scope::CheckArgs;
use scope::Scope;
use std::io::{self, Write as _};
use std::path::Path;

pub(in crate::cli) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?.looking();
    if !args.forget.is_empty() {
        return sessions::forget(&workplace, args);
    }
    let targets = &workplace.config.targets;
    if args.files.is_empty() && !args.index && !args.sessions && targets.is_empty() {
        return Err(TargetError::None { config: workplace.config.file.clone() }.into());
    }
    if args.sessions {
        return sessions::run(&workplace, args, &known::own(&workplace)?);
    }
    let mut baseline = read_baseline(args)?;
    let scope = match (args.index, args.files.is_empty()) {
        (true, _) => Scope::Staged(staged::Index::read(&args.files)?),
        (false, false) => Scope::Files(files::collect(&args.files)?),
        (false, true) => Scope::Files(files::of_targets(targets)),
    };
    let secrets = known::own(&workplace)?;
    let journals = known::journals(&workplace)?;
    let known = Known::new(secrets.own.finder(), &journals, &baseline);
    let root = args.baseline.as_deref().map_or_else(|| Path::new("."), |file| file.parent().unwrap_or(Path::new("")));
    let mut checked = match &scope {
        Scope::Staged(index) => staged::scan(index, &known, &journals, root)?,
        Scope::Files(found) => files::scan(found, &known, &journals, root, workplace.report())?,
    };
    let found = templates::check(&workplace, &scope, &secrets, args.files.is_empty() && !args.index, &checked);
    templates::add(&mut checked, found, &scope, &baseline, root);
    checked.look_at_names(&known, scope.files(), root);
    checked.redact_names(&known);
    if args.update_baseline {
        let count = update(&mut baseline, &mut checked.findings, root);
        let path = args.baseline.as_deref().unwrap_or(Path::new(""));
        write(path, &baseline.write()).map_err(|source| CommandError::file("write the baseline", path, &source))?;
        show::updated(&workplace, path, count);
    } else {
        checked.findings.retain(|finding| !is_known(&baseline, finding, root));
    }
    show::all(&workplace, args, Some(&scope), checked)
}

fn read_baseline(args: &CheckArgs) -> Result<Baseline, CommandError> {
    let new = || Ok(Baseline::new(known::random()?));
    let Some(path) = &args.baseline else { return Ok(Baseline::default()) };
    match read::text(path) {
        Ok(text) => Baseline::read(&text).map_err(|error| CheckError::Baseline { path: path.clone(), error }.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && args.update_baseline => new(),
        Err(source) => Err(CommandError::file("read the baseline", path, &source)),
    }
}

fn is_known(baseline: &Baseline, finding: &Finding, root: &Path) -> bool {
    let file = relative(&finding.file, root);
    finding.print.as_ref().is_some_and(|print| baseline.knows(finding.kind.rule(), &file, print))
}

/// Puts the findings that a baseline may hold into it, and leaves the others; says how many it took.
fn update(baseline: &mut Baseline, findings: &mut Vec<Finding>, root: &Path) -> usize {
    baseline.clear();
    let (taken, left) = std::mem::take(findings).into_iter().partition(|finding| finding.print.is_some());
    *findings = left;
    let taken: Vec<Finding> = taken;
    for finding in &taken {
        if let Some(print) = &finding.print {
            baseline.add(finding.kind.rule(), &relative(&finding.file, root), print);
        }
    }
    taken.len()
}

/// Replaces a file whole, or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".baseline-");
    // It is to be committed, and holds no secret: as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
