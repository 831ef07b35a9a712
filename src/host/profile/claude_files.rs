//! The other files of Claude Code: `settings.json`, `settings.local.json` and a project's `.mcp.json`. Measured with version
//! 2.1.332 on Linux.
//!
//! The settings are written as `.claude.json` is: under the lock directory beside them, by `….tmp.<pid>.<12 hex>` and a rename.
//! `.mcp.json` has the temporary file and no lock. Neither is backed up. A profile of their own, because what is state of the
//! host in `.claude.json` is a setting here.

use super::claude_folders::{config_folder, files_starting, is_being_written};
use super::{ClaudeCode, HookChange, Profile, UnfitSettings};
use crate::document::{Document, Patch};
use crate::host::{ReplaceError, Resolved};
use crate::template::Slot;
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

    // It runs the helper with CLAUDE_CODE_MCP_SERVER_URL (measured with 2.1.332).
    fn headers_helper(&self) -> Option<&'static str> {
        Some("headersHelper")
    }

    fn warning(&self, slot: &Slot) -> Option<String> {
        ClaudeCode.warning(slot)
    }
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
