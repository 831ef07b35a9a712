//! `keystencil check`.

mod error;
mod files;
pub(super) mod known;
mod show;
mod staged;
mod templates;

pub(in crate::cli) use error::CheckError;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::targets::TargetError;
use crate::host::Resolved;
use crate::lint::{Baseline, Finding, Known};
use clap::Args;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Find keys and rendered files before they are committed
///
/// Looks for keys of over 250 formats, for random values behind telling names
/// and for passwords in URLs; for your own secrets in whatever file they are,
/// also JSON-escaped, URL-encoded, in HTML, in hexadecimal or as base64, in UTF-8
/// or UTF-16; and for files that are rendered now. Templates of the config are
/// compiled: a reference that does not work, names what no store has, or would be
/// logged is found as well; in other templates (`*.json` with a
/// `<< keyring('x') >>` in it) what is wrong with a reference whatever their
/// config says.
///
/// Your own secrets are those that the templates of the config ask for; ones of
/// fewer than 8 characters are not searched for. No keyring is ever asked to
/// unlock itself: if it is locked, that is a warning.
///
/// What is found and is no secret: say `keystencil: allow` in a comment in that
/// line or above it, for one rule with the rule's name behind it. Or keep a
/// baseline, a file that holds no secret and may be committed.
///
/// Folders are searched with their `.gitignore` honoured; a file that is named
/// is always looked at. Without FILE the templates and targets of the config
/// are checked.
///
/// Exit status: 0 nothing found · 1 something found · 2 error · 3 nothing found,
/// but something could not be read.
///
/// Examples:
///
///     keystencil check                        the config's templates and targets
///     keystencil check .                      this folder
///     keystencil check --staged               what would be committed (git)
///     keystencil check --sarif . > out.sarif  for a code host
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct CheckArgs {
    /// Files and folders to look through
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Look at what is staged in git instead of at the files; FILE limits it
    #[arg(long = "staged")]
    index: bool,
    /// Report as JSON on standard output
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Report as SARIF 2.1.0 on standard output
    #[arg(long)]
    sarif: bool,
    /// Leave out what this file knows
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found now into the baseline
    #[arg(long, requires = "baseline")]
    update_baseline: bool,
}

/// What was looked at, and what came of it.
#[derive(Debug, Default)]
struct Checked {
    findings: Vec<Finding>,
    /// How many files were looked through.
    files: usize,
    /// Those that are templates by what they look like.
    templates: Vec<PathBuf>,
    /// What could not be read, and why.
    unread: Vec<(PathBuf, String)>,
}

pub(in crate::cli) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    let targets = &workplace.config.targets;
    if args.files.is_empty() && !args.index && targets.is_empty() {
        return Err(TargetError::None { config: workplace.config.file.clone() }.into());
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
    if args.update_baseline {
        let count = update(&mut baseline, &mut checked.findings, root);
        let path = args.baseline.as_deref().unwrap_or(Path::new(""));
        write(path, &baseline.write()).map_err(|source| CommandError::file("write the baseline", path, &source))?;
        show::updated(&workplace, path, count);
    } else {
        checked.findings.retain(|finding| !is_known(&baseline, finding, root));
    }
    show::all(&workplace, args, &scope, checked)
}

/// What is looked through.
enum Scope {
    Files(files::Found),
    Staged(staged::Index),
}

impl Scope {
    /// Whether the file is among what is looked through.
    fn has(&self, path: &Path) -> bool {
        // What is staged may be gone from the work tree.
        let Ok(path) = Resolved::follow(path) else { return false };
        match self {
            Self::Files(found) => {
                found.files.iter().any(|file| file.path.canonicalize().is_ok_and(|file| file == path.path()))
            }
            Self::Staged(index) => index.entries.iter().any(|entry| index.path(entry) == path.path()),
        }
    }

    /// The text of a file as it is looked through: what is staged, if it is staged.
    fn text(&self, path: &Path) -> Option<Vec<u8>> {
        let staged = if let Self::Staged(index) = self { index.text(path).and_then(Result::ok) } else { None };
        staged.or_else(|| std::fs::read(path).ok())
    }
}

fn read_baseline(args: &CheckArgs) -> Result<Baseline, CommandError> {
    let new = || Ok(Baseline::new(known::random()?));
    let Some(path) = &args.baseline else { return Ok(Baseline::default()) };
    match std::fs::read_to_string(path) {
        Ok(text) => Baseline::read(&text).map_err(|error| CheckError::Baseline { path: path.clone(), error }.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && args.update_baseline => new(),
        Err(source) => Err(CommandError::file("read the baseline", path, &source)),
    }
}

/// How a baseline names a file: as seen from its own folder.
fn relative(file: &Path, root: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).map(|path| path.components().collect::<PathBuf>());
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    match (absolute(file), absolute(root)) {
        (Ok(file), Ok(root)) => file.strip_prefix(&root).map_or_else(|_| file.clone(), Path::to_owned),
        _ => file.to_owned(),
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
