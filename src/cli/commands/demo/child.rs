//! `keystencil demo-child`: the program that the demo runs, which shows that it got the key. Not one of the verbs: no
//! help, manual or completion knows it.

use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{Report, Text};
use crate::document::{Document, Pointer};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What it is called by.
pub(super) const NAME: &str = "demo-child";
/// The server in the demo's template.
pub(super) const SERVER: &str = "/mcpServers/github";

/// Runs it, if the command line is its own: its name, a file, and what the key in it is told by. It reads the key, or
/// with one more word asks the helper for it, as a host does that connects to the server.
pub(in crate::cli) fn run(report: &Report, arguments: &[OsString]) -> Option<Result<Exit, CommandError>> {
    match arguments {
        [name, file, print] if name == NAME => Some(read(report, Path::new(file), &print.to_string_lossy())),
        [name, file, print, how] if name == NAME && how == "connects" => {
            Some(connect(report, Path::new(file), &print.to_string_lossy()))
        }
        _ => None,
    }
}

fn read(report: &Report, file: &Path, print: &str) -> Result<Exit, CommandError> {
    answer(report, "found", member(file, "/headers/Authorization")?.as_deref(), print)
}

/// What a host does that has a helper for headers: a shell runs it, and the address is in its environment.
fn connect(report: &Report, file: &Path, print: &str) -> Result<Exit, CommandError> {
    let (helper, url) =
        (member(file, "/headersHelper")?.unwrap_or_default(), member(file, "/url")?.unwrap_or_default());
    let helped = |url: &str| -> Result<Output, CommandError> {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.args([option, &helper]).env("CLAUDE_CODE_MCP_SERVER_URL", url).stdin(Stdio::null());
        command.output().map_err(|source| CommandError::file("run the helper of", file, &source))
    };
    let headers: Option<serde_json::Value> = serde_json::from_slice(&helped(&url)?.stdout).ok();
    let header = headers.as_ref().and_then(|headers| headers.get("Authorization")?.as_str());
    let exit = answer(report, "got", header, print)?;
    let other = helped("https://example.com/mcp/")?;
    let nothing = other.stdout.is_empty() && !other.status.success();
    let what = if nothing { "nothing" } else { "an answer" };
    report.out(&Text::new().plain(format_args!("{NAME}: for another address it got {what}")).end())?;
    Ok(if nothing { exit } else { Exit::Differences })
}

/// A text of the server.
fn member(file: &Path, below: &str) -> Result<Option<String>, CommandError> {
    let text = std::fs::read(file).map_err(|source| CommandError::file("read the file", file, &source))?;
    Ok(Pointer::parse(&format!("{SERVER}{below}")).ok().and_then(|pointer| {
        let document = Document::parse(&text).ok()?;
        Some(document.find(&pointer)?.as_str()?.into_owned())
    }))
}

fn answer(report: &Report, how: &str, header: Option<&str>, print: &str) -> Result<Exit, CommandError> {
    let key = header.and_then(|header| header.strip_prefix("Bearer "));
    let is_stored = key.is_some_and(|key| fingerprint(key) == print);
    let yes = if is_stored { "yes" } else { "no" };
    let length = key.map_or(0, |key| key.chars().count());
    report.out(
        &Text::new()
            .plain(format_args!("{NAME}: {how} {length} characters behind `Bearer `"))
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
