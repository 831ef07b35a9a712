//! `keystencil vault import`.

use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, Warning, count, warning};
use crate::store::vault::{Imported, Merge};
use clap::{Args, ValueEnum};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// More than any export; so that an endless input ends.
const LIMIT: usize = 64 << 20;

/// Merge an export into the vault, all or nothing
///
/// Reads what `keystencil vault export` prints, encrypted or not. An export that is
/// encrypted to a public key is opened with the vault's own identity, or with
/// --identity. An export with a passphrase asks for it at a terminal.
///
/// Exit status 3: a secret with a different value was kept.
///
/// Examples:
///
///     keystencil vault import keys.age
///     keystencil vault import keys.age --dry-run
///     ssh laptop keystencil vault export --to age1… | keystencil vault import
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ImportArgs {
    /// The export; `-` or nothing is standard input
    file: Option<PathBuf>,
    /// The identity that opens it, if it is not the vault's own
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// How to handle a secret that has a different value in the vault
    #[arg(long, value_name = "HOW", default_value = "keep")]
    on_conflict: Conflict,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Conflict {
    /// Keep the value of the vault, with a warning
    Keep,
    /// Replace it with the value of the export
    Replace,
    /// Fail, and change nothing
    Fail,
}

pub(super) fn run(workplace: &Workplace<'_>, args: &ImportArgs) -> Result<Exit, CommandError> {
    let (bytes, source) = match args.file.as_ref().filter(|file| file.as_os_str() != "-") {
        Some(file) => (read(File::open(file).map_err(|error| unread(file, &error))?, file)?, file.clone()),
        None => (read(io::stdin().lock(), Path::new("standard input"))?, PathBuf::from("standard input")),
    };
    let merge = match args.on_conflict {
        Conflict::Keep => Merge::Keep,
        Conflict::Replace => Merge::Replace,
        Conflict::Fail => Merge::Fail,
    };
    let vault = workplace.lookup.stores.vault();
    let done = vault.import(&bytes, &source, args.identity.as_deref(), merge, args.dry_run)?;
    let report = workplace.report();
    for (name, _) in done.iter().filter(|(_, what)| *what == Imported::Kept) {
        let hint = "`--on-conflict replace` uses the value of the export".to_owned();
        let message = format_args!("secret {name} has a different value in the vault, which was kept");
        report.warning(&Warning { hint: Some(hint), ..warning(message) });
    }
    for (name, what) in &done {
        report.detail(Text::new().plain(format_args!("{}: {name}", word(*what))));
    }
    let number = |wanted: Imported| done.iter().filter(|(_, what)| *what == wanted).count();
    let parts: Vec<String> = [Imported::Added, Imported::Replaced, Imported::Same, Imported::Kept]
        .into_iter()
        .filter(|what| number(*what) > 0)
        .map(|what| format!("{} {}", number(what), word(what)))
        .collect();
    let verb = if args.dry_run { "would import" } else { "imported" };
    let list = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let text = format!(" {}{list}", count(done.len(), "secret"));
    report.note(Text::new().styled(GOOD, verb).plain(text));
    Ok(Exit::attention(number(Imported::Kept) > 0))
}

fn word(what: Imported) -> &'static str {
    match what {
        Imported::Added => "new",
        Imported::Replaced => "replaced",
        Imported::Same => "there already",
        Imported::Kept => "kept",
    }
}

fn read(from: impl Read, source: &Path) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    // Room for most exports at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 20));
    from.take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(|error| unread(source, &error))?;
    if bytes.len() > LIMIT { Err(unread(source, &io::ErrorKind::FileTooLarge.into())) } else { Ok(bytes) }
}

fn unread(file: &Path, source: &io::Error) -> CommandError {
    CommandError::file("read the export", file, source)
}
