//! `keystencil demo-child`: the program that the demo runs, which shows that it got the key.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::report::Text;
use crate::json::{Document, Pointer};
use clap::Args;
use std::path::PathBuf;

/// Where the demo's template has its reference.
pub(super) const POINTER: &str = "/mcpServers/github/headers/Authorization";

/// The program that the demo runs
#[derive(Debug, Args)]
#[command(hide = true)]
pub(in crate::cli) struct DemoChildArgs {
    /// The file to read
    file: PathBuf,
    /// Where the key stands in it
    pointer: String,
    /// What the key is told by
    fingerprint: String,
}

pub(in crate::cli) fn run(context: &Context, args: &DemoChildArgs) -> Result<Exit, CliError> {
    let failed = |source| CliError::File { step: "read the file", path: args.file.clone(), source };
    let text = std::fs::read(&args.file).map_err(failed)?;
    let key = Pointer::parse(&args.pointer).ok().and_then(|pointer| {
        let header = Document::parse(&text).ok()?.find(&pointer)?.as_str()?.into_owned();
        header.strip_prefix("Bearer ").map(ToOwned::to_owned)
    });
    let is_stored = key.as_ref().is_some_and(|key| fingerprint(key) == args.fingerprint);
    let answer = if is_stored { "yes" } else { "no" };
    let length = key.map_or(0, |key| key.chars().count());
    context.report.out(
        &Text::new()
            .plain(format_args!("demo-child: found {length} characters behind `Bearer `"))
            .end()
            .plain(format_args!("demo-child: are they the key that was stored? {answer}"))
            .end(),
    )?;
    if is_stored { Ok(Exit::Done) } else { Ok(Exit::Differences) }
}

/// Tells a key without showing it. The demo's key is random, so nobody can guess it from this.
pub(super) fn fingerprint(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex().to_string()
}
