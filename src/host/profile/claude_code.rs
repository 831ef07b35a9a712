//! Claude Code: everything keystencil knows about it. Measured with version 2.1.330 on Linux.
//!
//! It keeps its config in `~/.claude.json` (in `$CLAUDE_CONFIG_DIR/.claude.json` if that is set; an old
//! `.config.json` in the config folder wins where it exists), rewrites it whole under proper-lockfile's lock directory
//! beside it, copies it to `backups/` when the newest copy is a minute old, and to `.corrupted.*` when it can't parse it.

use super::{Profile, files_starting};
use crate::host::Resolved;
use crate::host::process::Process;
use crate::template::{Part, Slot};
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The client makes a backup when the newest one is a minute old (measured); half of that leaves it time to start.
const BACKUP_EVERY_MS: i64 = 30_000;

/// The profile of Claude Code.
#[derive(Debug, Clone, Copy)]
pub struct ClaudeCode;

impl Profile for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn is_host_of(&self, target: &Path) -> bool {
        target.file_name().is_some_and(|name| name == ".claude.json")
    }

    fn default_target(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let folder = env("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let legacy = folder.clone().unwrap_or_else(|| home.join(".claude")).join(".config.json");
        if legacy.exists() {
            return Some(legacy);
        }
        Some(folder.unwrap_or_else(|| home.to_owned()).join(".claude.json"))
    }

    fn lock(&self, target: &Resolved) -> Option<PathBuf> {
        // Beside the path as it is named, not beside the file a symlink leads to (measured).
        let mut name = target.named().file_name()?.to_owned();
        name.push(".lock");
        Some(target.named().with_file_name(name))
    }

    fn copies(&self, target: &Resolved) -> Vec<PathBuf> {
        // Backups lie beside the named path, temporary files beside the real one.
        let mut files = copies_of(target.named());
        if target.named() != target.path() {
            files.extend(copies_of(target.path()));
        }
        files.retain(|file| !is_being_written(file));
        files
    }

    fn clean_backup(&self, target: &Resolved, now: Timestamp) -> Option<PathBuf> {
        let (folder, name) = (target.named().parent()?, target.named().file_name()?.to_string_lossy());
        // In a home folder the backups are in `.claude`; `$CLAUDE_CONFIG_DIR` is such a folder itself.
        let backups = [folder.join(".claude"), folder.to_owned()].into_iter().find_map(|parent| {
            let backups = parent.join("backups");
            backups.is_dir().then_some(backups)
        })?;
        let prefix = format!("{name}.backup.");
        let millis = |file: &PathBuf| file.file_name()?.to_str()?.strip_prefix(&prefix)?.parse::<i64>().ok();
        let newest = files_starting(&backups, std::slice::from_ref(&prefix)).iter().filter_map(millis).max();
        let now = now.as_millisecond();
        (newest.is_none_or(|newest| !(now - BACKUP_EVERY_MS..=now).contains(&newest)))
            .then(|| backups.join(format!("{prefix}{now}")))
    }

    fn warning(&self, slot: &Slot) -> Option<String> {
        let mut from_the_end: Vec<_> = slot.pointer.tokens().collect();
        from_the_end.reverse();
        match from_the_end.iter().map(AsRef::as_ref).collect::<Vec<&str>>().as_slice() {
            ["command", _, "mcpServers", ..] => {
                Some("Claude Code logs a server's command: pass the secret in `env` instead".to_owned())
            }
            ["url", _, "mcpServers", ..] if in_path(slot) => Some(
                "Claude Code logs the path of a server's URL: pass the secret in `headers` or as `?key=`".to_owned(),
            ),
            _ => None,
        }
    }
}

fn copies_of(target: &Path) -> Vec<PathBuf> {
    let Some((folder, name)) = target.parent().zip(target.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    let prefixes: Vec<String> = ["backup", "corrupted", "tmp"].iter().map(|kind| format!("{name}.{kind}")).collect();
    [folder.to_owned(), folder.join("backups"), folder.join(".claude/backups")]
        .iter()
        .flat_map(|folder| files_starting(folder, &prefixes))
        .collect()
}

/// Whether it is the temporary file `….tmp.<pid>.<hex>` of a client that runs: it is about to become the target.
fn is_being_written(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let pid = name.rsplit_once(".tmp.").and_then(|(_, tail)| tail.split('.').next()?.parse().ok());
    pid.is_some_and(|pid| Process::find(pid).is_some())
}

/// Whether a secret stands in front of a URL's query.
fn in_path(slot: &Slot) -> bool {
    let before_query = slot.parts.iter().take_while(|part| match part {
        Part::Literal(text) => !text.contains(['?', '#']),
        Part::Secret(_) => true,
    });
    before_query.into_iter().any(|part| matches!(part, Part::Secret(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;
    use crate::json::Pointer;
    use crate::secret::SecretName;
    use crate::template::{Reference, Source};

    fn slot(pointer: &str, before: &str) -> Slot {
        let source = Source::Keyring(SecretName::new("x", "api-key").unwrap());
        Slot {
            pointer: Pointer::parse(pointer).unwrap(),
            parts: vec![Part::Literal(before.to_owned()), Part::Secret(Reference { source, encodings: Vec::new() })],
            place: Place::default(),
        }
    }

    #[test]
    fn a_secret_in_a_command_or_a_url_path_is_warned_of_and_one_in_env_or_a_query_is_not() {
        let warned = |pointer, before| ClaudeCode.warning(&slot(pointer, before)).is_some();
        assert!(warned("/mcpServers/a/command", "/opt/"));
        assert!(warned("/mcpServers/a/url", "https://x.example/"));
        assert!(warned("/projects/~1home~1u/mcpServers/a/url", "https://x.example/"));
        assert!(!warned("/mcpServers/a/url", "https://x.example/?key="));
        assert!(!warned("/mcpServers/a/env/KEY", ""));
        assert!(!warned("/mcpServers/a/args/1", ""));
    }

    #[test]
    fn the_config_folder_of_the_environment_moves_the_target_and_a_legacy_file_wins() {
        let home = tempfile::tempdir().unwrap();
        let other = home.path().join("elsewhere");
        std::fs::create_dir(&other).unwrap();
        let at = |env: Option<&Path>| ClaudeCode.default_target(home.path(), &|_| env.map(Into::into)).unwrap();
        assert_eq!(at(None), home.path().join(".claude.json"));
        assert_eq!(at(Some(&other)), other.join(".claude.json"));
        std::fs::write(other.join(".config.json"), "{}").unwrap();
        assert_eq!(at(Some(&other)), other.join(".config.json"));
    }
}
