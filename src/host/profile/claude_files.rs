//! The other files of Claude Code: `settings.json`, `settings.local.json` and a project's `.mcp.json`. Measured with version
//! 2.1.332 on Linux.
//!
//! The settings are written as `.claude.json` is: under the lock directory beside them, by `….tmp.<pid>.<12 hex>` and a rename.
//! `.mcp.json` has the temporary file and no lock. Neither is backed up. A profile of their own, because what is state of the
//! host in `.claude.json` is a setting here.

use super::claude_code::config_folder;
use super::{ClaudeCode, HookChange, Profile, UnfitSettings, files_starting};
use crate::document::{Document, Patch};
use crate::host::process::Process;
use crate::host::{ReplaceError, Resolved};
use crate::template::Slot;
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A temporary file of a running client that is older is one it left, or its process id is another's now: a write takes
/// milliseconds.
const WRITING: Duration = Duration::from_secs(10);

/// The profile of Claude Code's files besides `.claude.json`.
#[derive(Debug, Clone, Copy)]
pub struct ClaudeFiles;

impl Profile for ClaudeFiles {
    fn name(&self) -> &'static str {
        "claude-code-files"
    }

    fn is_host_of(&self, target: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> bool {
        let folder = target.parent().unwrap_or(Path::new(""));
        let is_named = || config_folder(env).is_some_and(|named| named == folder);
        match target.file_name().and_then(|name| name.to_str()) {
            Some(".mcp.json") => true,
            Some("settings.json" | "settings.local.json") => folder.ends_with(".claude") || is_named(),
            _ => false,
        }
    }

    fn default_target(&self, _home: &Path, _env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        None
    }

    fn lock(&self, target: &Resolved) -> Option<PathBuf> {
        ClaudeCode.lock(target).filter(|_| target.named().file_name().is_some_and(|name| name != ".mcp.json"))
    }

    fn copies(&self, target: &Resolved) -> Result<Vec<PathBuf>, ReplaceError> {
        let mut files = Vec::new();
        for path in [target.named(), target.path()] {
            let Some((folder, name)) = path.parent().zip(path.file_name()) else { continue };
            files.extend(files_starting(folder, &[format!("{}.tmp.", name.to_string_lossy())])?);
        }
        files.sort();
        files.dedup();
        files.retain(|file| !is_being_written(file));
        Ok(files)
    }

    fn copies_begin(&self, _target: &Resolved) -> Vec<PathBuf> {
        // A temporary file lasts for milliseconds; asking for each to be ignored would refuse what was rendered before.
        Vec::new()
    }

    fn folders(&self, env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        ClaudeCode.folders(env)
    }

    fn clean_backup(
        &self,
        _target: &Resolved,
        _now: Timestamp,
        _env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<PathBuf> {
        None
    }

    fn settings(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        ClaudeCode.settings(home, env)
    }

    fn hooks(&self, settings: &Document<'_>, change: HookChange<'_>) -> Result<Patch, UnfitSettings> {
        ClaudeCode.hooks(settings, change)
    }

    fn warning(&self, slot: &Slot) -> Option<String> {
        ClaudeCode.warning(slot)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::profile::of;

    #[test]
    fn each_file_of_claude_code_has_its_profile_and_other_programs_settings_have_none() {
        let env = |name: &str| (name == "CLAUDE_CONFIG_DIR").then(|| OsString::from("/elsewhere"));
        for (path, profile) in [
            ("/home/u/.claude.json", "claude-code"),
            ("/home/u/.claude/settings.json", "claude-code-files"),
            ("/home/u/project/.claude/settings.local.json", "claude-code-files"),
            ("/elsewhere/settings.json", "claude-code-files"),
            ("/home/u/project/.mcp.json", "claude-code-files"),
            ("/home/u/.gemini/settings.json", "plain"),
            ("/home/u/.qwen/settings.json", "plain"),
            ("/home/u/.config/zed/settings.json", "plain"),
            ("/home/u/mcp.json", "plain"),
        ] {
            assert_eq!(of(Path::new(path), &env).name(), profile, "{path}");
        }
    }

    #[test]
    fn the_settings_have_a_lock_beside_them_and_a_projects_servers_have_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().canonicalize().unwrap();
        let lock = |name: &str| ClaudeFiles.lock(&Resolved::follow(&folder.join(name)).unwrap());
        assert_eq!(lock("settings.json"), Some(folder.join("settings.json.lock")));
        assert_eq!(lock(".mcp.json"), None);
    }
}
