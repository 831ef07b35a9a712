//! Where Claude Code keeps what, and which of its files it is about to write.

use crate::host::process::Process;
use crate::host::replace::{ReplaceError, entries};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn config_folder(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    env("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// A temporary file of a running client that is older is one it left, or its process id is another's now: a write takes
/// milliseconds.
const WRITING: Duration = Duration::from_secs(10);

/// Where the client keeps its sessions: below its config folder, and what tasks print in a folder for temporary files.
pub(super) fn session_folders(env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let home = || env("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".claude"));
    let Some(own) = config_folder(env).or_else(home).filter(|own| own.is_absolute()) else { return Vec::new() };
    let mut folders = vec![own];
    #[cfg(unix)]
    {
        let named = env("TMPDIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let user = format!("claude-{}", rustix::process::getuid().as_raw());
        folders.push(named.unwrap_or_else(|| PathBuf::from("/tmp")).join(user));
    }
    folders
}

/// The sessions that run now, by the notes that each client keeps of itself while it runs: `sessions/<pid>.json`, with the
/// session's id and the start time of the process as `/proc` has it (measured with 2.1.330). `None` without that folder, which
/// older clients do not make, and if a note of a process that runs can't be read.
pub(super) fn living_sessions(own: &Path) -> Option<BTreeSet<String>> {
    let mut living = BTreeSet::new();
    for note in std::fs::read_dir(own.join("sessions")).ok()? {
        let path = note.ok()?.path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let pid = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let Some(process) = pid.and_then(Process::find) else { continue };
        let text = std::fs::read(&path).ok()?;
        let note: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let text = |name: &str| note.get(name).and_then(serde_json::Value::as_str);
        let is_of_another = text("procStart").is_some_and(|start| start != process.started.to_string());
        if !is_of_another {
            living.insert(text("sessionId").filter(|id| !id.is_empty())?.to_owned());
        }
    }
    Some(living)
}

/// Whether it is the temporary file `….tmp.<pid>.<hex>` of a client that runs: it is about to become the target.
pub(super) fn is_being_written(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let pid = name.rsplit_once(".tmp.").and_then(|(_, tail)| tail.split('.').next()?.parse().ok());
    let is_young = || {
        let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
        modified.is_some_and(|modified| modified.elapsed().unwrap_or_else(|ahead| ahead.duration()) < WRITING)
    };
    pid.is_some_and(|pid| Process::find(pid).is_some()) && is_young()
}

/// The files in a folder whose names start with one of the prefixes.
pub(super) fn files_starting(folder: &Path, prefixes: &[String]) -> Result<Vec<PathBuf>, ReplaceError> {
    let mut files = entries(folder)?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    files.sort();
    Ok(files)
}
