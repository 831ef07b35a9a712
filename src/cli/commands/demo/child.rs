//! `keystencil demo-child`: the program that the demo runs, which shows that it got the key. Not one of the verbs: no
//! help, manual or completion knows it.

use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{Report, Text};
use crate::document::{Document, Pointer};
use std::ffi::OsString;
use std::path::Path;

/// What it is called by.
pub(super) const NAME: &str = "demo-child";
/// Where the demo's template has its reference.
pub(super) const POINTER: &str = "/mcpServers/github/headers/Authorization";

/// Runs it, if the command line is its own: its name, a file, and what the key in it is told by.
pub(in crate::cli) fn run(report: &Report, arguments: &[OsString]) -> Option<Result<Exit, CommandError>> {
    match arguments {
        [name, file, print] if name == NAME => Some(answer(report, Path::new(file), &print.to_string_lossy())),
        _ => None,
    }
}

fn answer(report: &Report, file: &Path, print: &str) -> Result<Exit, CommandError> {
    let failed = |source| CommandError::file("read the file", file, &source);
    let text = std::fs::read(file).map_err(failed)?;
    let key = Pointer::parse(POINTER).ok().and_then(|pointer| {
        let header = Document::parse(&text).ok()?.find(&pointer)?.as_str()?.into_owned();
        header.strip_prefix("Bearer ").map(ToOwned::to_owned)
    });
    let is_stored = key.as_ref().is_some_and(|key| fingerprint(key) == print);
    let yes = if is_stored { "yes" } else { "no" };
    let length = key.map_or(0, |key| key.chars().count());
    report.out(
        &Text::new()
            .plain(format_args!("{NAME}: found {length} characters behind `Bearer `"))
            .end()
            .plain(format_args!("{NAME}: are they the key that was stored? {yes}"))
            .end(),
    )?;
    if is_stored { Ok(Exit::Done) } else { Ok(Exit::Differences) }
}

/// Tells a key without showing it. The demo's key is random, so nobody can guess it from this.
pub(super) fn fingerprint(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}
