//! Claude Code: everything keystencil knows about it. Measured with version 2.1.330 on Linux.
//!
//! It keeps its config in `~/.claude.json` (in `$CLAUDE_CONFIG_DIR/.claude.json` if that is set; an old
//! `.config.json` in the config folder wins where it exists), rewrites it whole under proper-lockfile's lock directory
//! beside it, copies it to `backups/` when the newest copy is a minute old, and to `.corrupted.*` when it can't parse it.

use super::claude_folders::{config_folder, files_starting, is_being_written, living_sessions, session_folders};
use super::claude_hooks::{HOOKS, OF_SESSIONS, additions, ours, removals};
use super::{HookChange, Profile, UnfitSettings};
use crate::document::{Document, Kind, Node, Patch, Pointer};
use crate::host::{ReplaceError, Resolved};
use crate::template::{Part, Slot};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The client makes a backup when the newest one is a minute old (measured); half of that leaves it time to start.
const BACKUP_EVERY_MS: i64 = 30_000;

/// The version that everything here was measured with.
pub const MEASURED: &str = "2.1.330";

/// How the names of strings begin that it notes for itself.
const NOTED: [&str; 4] = ["last", "cached", "seen", "previous"];
/// Others that it writes by itself, of those that sound as if they led somewhere.
const WRITTEN: [&str; 2] = ["hostBootstrapSeed", "mcpContextUris"];

/// The profile of Claude Code.
#[derive(Debug, Clone, Copy)]
pub struct ClaudeCode;

impl Profile for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn is_host_of(&self, target: &Path, _env: &dyn Fn(&str) -> Option<OsString>) -> bool {
        target.file_name().is_some_and(|name| name == ".claude.json")
    }

    fn default_target(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let folder = config_folder(env);
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

    fn copies(&self, target: &Resolved) -> Result<Vec<PathBuf>, ReplaceError> {
        // Backups lie beside the named path, temporary files beside the real one.
        let mut files = copies_of(target.named())?;
        if target.named() != target.path() {
            files.extend(copies_of(target.path())?);
        }
        files.retain(|file| !is_being_written(file));
        Ok(files)
    }

    fn copies_begin(&self, target: &Resolved) -> Vec<PathBuf> {
        let mut starts: Vec<PathBuf> = [target.named(), target.path()]
            .into_iter()
            .flat_map(|target| places_of(target).unwrap_or_default())
            .collect();
        starts.dedup();
        starts
    }

    fn folders(&self, env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        session_folders(env)
    }

    fn living_sessions(&self, folders: &[PathBuf]) -> Option<BTreeSet<String>> {
        living_sessions(folders.first()?)
    }

    fn clean_backup(
        &self,
        target: &Resolved,
        now: Timestamp,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<PathBuf> {
        let (folder, name) = (target.named().parent()?, target.named().file_name()?.to_string_lossy());
        // In a home folder the backups are in `.claude`; `$CLAUDE_CONFIG_DIR` is such a folder itself.
        // The old name is in such a folder only.
        let is_named = config_folder(env).is_some_and(|named| named.canonicalize().is_ok_and(|named| named == folder));
        let looks_like_one = !folder.join(".claude").is_dir() && folder.join("settings.json").exists();
        let is_config_folder = is_named || name == ".config.json" || looks_like_one;
        let parent = if is_config_folder { folder.to_owned() } else { folder.join(".claude") };
        let backups = parent.join("backups");
        let prefix = format!("{name}.backup.");
        let millis = |file: &PathBuf| file.file_name()?.to_str()?.strip_prefix(&prefix)?.parse::<i64>().ok();
        let newest = files_starting(&backups, std::slice::from_ref(&prefix)).ok()?.iter().filter_map(millis).max();
        let now = now.as_millisecond();
        (newest.is_none_or(|newest| !(now - BACKUP_EVERY_MS..=now).contains(&newest)))
            .then(|| backups.join(format!("{prefix}{now}")))
    }

    fn settings(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        Some(config_folder(env).unwrap_or_else(|| home.join(".claude")).join("settings.json"))
    }

    fn hooks(&self, settings: &Document<'_>, change: HookChange<'_>) -> Result<Patch, UnfitSettings> {
        let root = settings.root();
        expect(root, Kind::Object, &Pointer::root(), "an object")?;
        let all = Pointer::root().child("hooks");
        if let Some(hooks) = root.get("hooks") {
            expect(hooks, Kind::Object, &all, "an object")?;
            for (event, ..) in HOOKS {
                if let Some(groups) = hooks.get(event) {
                    expect(groups, Kind::Array, &all.child(event), "a list")?;
                }
            }
        }
        Ok(Patch(match change {
            HookChange::Install { program, shield } => {
                let wanted = if shield { HOOKS.as_slice() } else { HOOKS.get(..OF_SESSIONS).unwrap_or_default() };
                additions(root.get("hooks"), &all, program, wanted)
            }
            HookChange::Uninstall { made } => {
                root.get("hooks").map(|hooks| removals(hooks, &all, made)).unwrap_or_default()
            }
        }))
    }

    fn keeps_state_in(&self, object: &Pointer) -> bool {
        let steps: Vec<_> = object.tokens().collect();
        matches!(steps.iter().map(AsRef::as_ref).collect::<Vec<_>>().as_slice(), [] | ["projects"] | ["projects", _])
    }

    fn is_state(&self, member: &Pointer, kind: Kind) -> bool {
        // What it reads as settings there are strings, `env` and the servers; the rest is tips, counters, caches (the keys
        // that 2.1.330 and 2.1.332 write, by their names in the client). A string of state begins like `lastVersionBase`.
        let noted = |name: &str| NOTED.iter().any(|start| name.starts_with(start)) || WRITTEN.contains(&name);
        let is_noted = || member.last().is_some_and(|name| noted(&name));
        member.parent().is_some_and(|object| self.keeps_state_in(&object)) && (kind != Kind::String || is_noted())
    }

    // It runs the helper with CLAUDE_CODE_MCP_SERVER_URL (measured with 2.1.332).
    fn headers_helper(&self) -> Option<&'static str> {
        Some("headersHelper")
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

impl ClaudeCode {
    /// The version of the client at that path, as the files around it tell: the native installer keeps each version under
    /// its number, the npm package has a `package.json`. The client itself is not asked, since it writes files at its start.
    #[must_use]
    pub fn version(program: &Path) -> Option<String> {
        let real = program.canonicalize().ok()?;
        let is_version =
            |text: &str| text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u32>().is_ok());
        let name = real.file_name()?.to_str()?;
        if is_version(name) {
            return Some(name.to_owned());
        }
        real.ancestors().skip(1).take(4).find_map(|folder| {
            let text = std::fs::read(folder.join("package.json")).ok()?;
            let package = Document::parse(&text).ok()?;
            let field = |name| Some(package.root().get(name)?.as_str()?.into_owned());
            field("name").filter(|name| name.starts_with("@anthropic-ai/claude-code")).and_then(|_| field("version"))
        })
    }

    /// The commands of our hooks in the settings that take keys in and out, one for each of the two events where it is there.
    #[must_use]
    pub fn hook_calls(settings: &Document<'_>) -> Vec<String> {
        let calls = HOOKS.iter().take(OF_SESSIONS).filter_map(|(event, verb, _)| {
            let groups = settings.root().get("hooks")?.get(event)?;
            let (group, hook) = ours(groups, verb).next()?;
            let hook = groups.items().nth(group)?.get("hooks")?.items().nth(hook)?;
            Some(hook.get("command")?.as_str()?.into_owned())
        });
        calls.collect()
    }
}

fn expect(node: Node<'_>, kind: Kind, pointer: &Pointer, expected: &'static str) -> Result<(), UnfitSettings> {
    if node.kind() == kind { Ok(()) } else { Err(UnfitSettings { pointer: pointer.clone(), expected }) }
}

/// How the paths of all copies of a target begin.
fn places_of(target: &Path) -> Option<[PathBuf; 3]> {
    let (folder, mut start) = (target.parent()?, target.file_name()?.to_owned());
    start.push(".");
    Some([folder.to_owned(), folder.join("backups"), folder.join(".claude/backups")].map(|folder| folder.join(&start)))
}

fn copies_of(target: &Path) -> Result<Vec<PathBuf>, ReplaceError> {
    let Some((folder, name)) = target.parent().zip(target.file_name()) else { return Ok(Vec::new()) };
    let name = name.to_string_lossy();
    let prefixes: Vec<String> = ["backup", "corrupted", "tmp"].iter().map(|kind| format!("{name}.{kind}")).collect();
    let mut files = Vec::new();
    for folder in [folder.to_owned(), folder.join("backups"), folder.join(".claude/backups")] {
        files.extend(files_starting(&folder, &prefixes)?);
    }
    Ok(files)
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
    use crate::secret::SecretName;
    use crate::template::{Reference, Source};

    fn slot(pointer: &str, before: &str) -> Slot {
        let source = Source::Secret(SecretName::new("x", "api-key").unwrap().into());
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

    fn changed(settings: &str, change: HookChange<'_>) -> String {
        let patch = ClaudeCode.hooks(&Document::parse(settings.as_bytes()).unwrap(), change).unwrap();
        crate::document::edit::apply(settings, &patch).unwrap()
    }

    #[test]
    fn hooks_are_installed_once_and_uninstalled_to_the_same_bytes() {
        for settings in [
            "{}",
            "{\n  \"model\": \"opus\"\n}\n",
            "{\"hooks\":{\"Stop\":[]},\"a\":1.0}",
            "{\n\t\"hooks\": {\n\t\t\"SessionEnd\": [\n\t\t\t{\n\t\t\t\t\"hooks\": []\n\t\t\t}\n\t\t]\n\t}\n}",
        ] {
            let install = HookChange::Install { program: "keystencil", shield: false };
            let installed = changed(settings, install);
            assert!(installed.contains("exec keystencil hook session-start"), "{installed}");
            assert!(installed.contains("exec keystencil hook session-end"), "{installed}");
            assert_eq!(changed(&installed, install), installed);
            assert_eq!(changed(&installed, HookChange::Uninstall { made: None }), settings);
        }
    }

    #[test]
    fn settings_of_another_shape_are_refused_and_a_neighbours_hook_stays() {
        for settings in ["[]", "{\"hooks\":1}", "{\"hooks\":{\"SessionEnd\":{}}}"] {
            let document = Document::parse(settings.as_bytes()).unwrap();
            assert!(ClaudeCode.hooks(&document, HookChange::Uninstall { made: None }).is_err(), "{settings}");
        }
        let mine = r#"{"type":"command","command":"my-keystencil-log hook session-end"}"#;
        let settings = format!(
            r#"{{"hooks":{{"SessionEnd":[{{"hooks":[{mine},{{"command":"exec keystencil hook session-end"}}]}}]}}}}"#
        );
        let expected = format!(r#"{{"hooks":{{"SessionEnd":[{{"hooks":[{mine}]}}]}}}}"#);
        assert_eq!(changed(&settings, HookChange::Uninstall { made: None }), expected);
    }

    #[test]
    fn the_clean_backup_of_a_config_folder_is_put_where_the_client_puts_its_own() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().canonicalize().unwrap();
        let at = |name: &str, env: Option<&Path>| {
            let target = Resolved::follow(&folder.join(name)).unwrap();
            let backup = ClaudeCode.clean_backup(&target, Timestamp::UNIX_EPOCH, &|_| env.map(Into::into)).unwrap();
            backup.parent().unwrap().to_owned()
        };
        assert_eq!(at(".claude.json", None), folder.join(".claude/backups"));
        assert_eq!(at(".claude.json", Some(&folder)), folder.join("backups"));
        assert_eq!(at(".config.json", None), folder.join("backups"));
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
