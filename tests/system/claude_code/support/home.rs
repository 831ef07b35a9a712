//! A throw-away home in which the real client starts without a single question, with one MCP server: the probe.
//!
//! Two folders, because the probe writes the secrets down that it was given: `root` is what a machine would keep and is
//! searched for residue; `witness` belongs to the test and is not. Both stay when the test fails.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::Api;
use super::process::{self, Process};
use super::{stencil, tools};
use crate::poll::{self, PATIENCE};
use crate::residue;

/// Shaped like a key, and nobody's: only loopback ever sees it.
const API_KEY: &str = "sk-ant-dummy-0123456789abcdef0123";

/// What the user put into the server's environment by hand. It must survive everything.
const MINE: &str = "a literal of the user's";

pub(crate) struct Home {
    root: TempDir,
    witness: TempDir,
    pub(crate) api: Api,
    /// When this home was made, in seconds of the epoch: no older file can hold its secret.
    since: i64,
    /// What `keyring('probe')` stands for in this home: unique, and different in each of the forms residue can take.
    pub(crate) secret: String,
}

/// What the probe was given at one start.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pid: i32,
    pub(crate) ppid: i32,
    env: std::collections::BTreeMap<String, Option<String>>,
}

impl Record {
    /// The process of the probe itself.
    pub(crate) fn server(&self) -> Process {
        Process::of(self.pid).expect("the server runs")
    }

    pub(crate) fn env(&self, name: &str) -> &str {
        self.env.get(name).and_then(Option::as_deref).unwrap_or_default()
    }
}

impl Home {
    /// A home of someone who has used the client before, and whose only server still lacks its command.
    pub(crate) fn new() -> Self {
        let home = Self {
            root: tempfile::tempdir().unwrap(),
            witness: tempfile::tempdir().unwrap(),
            api: Api::start(),
            since: i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap() - 1,
            secret: new_secret("probe"),
        };
        for folder in ["home/.claude", "home/.config", "home/project", "bin", "tmp", "run"] {
            std::fs::create_dir_all(home.root.path().join(folder)).unwrap();
        }
        std::fs::set_permissions(home.root.path().join("run"), PermissionsExt::from_mode(0o700)).unwrap();
        for (name, program) in
            [("claude", tools::client()), ("node", tools::program("node")), ("keystencil", stencil::BIN.into())]
        {
            symlink(program, home.root.path().join("bin").join(name)).unwrap();
        }
        home.write(&home.target(), &onboarded(&home.project()));
        home.write(&home.folder().join(".claude/settings.json"), &json!({ "tui": "default" }));
        home
    }

    /// The home folder itself.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder().join("project")
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder().join(".claude.json")
    }

    /// The client's lock on the target. A client that is killed in the wrong millisecond leaves it behind.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder().join(".claude.json.lock")
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.folder().join("claude.template.json")
    }

    /// A file of the test's own, which is not searched.
    pub(crate) fn witness(&self, name: &str) -> PathBuf {
        self.witness.path().join(name)
    }

    /// The whole environment of whatever runs in this home.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        let inside = |folder: &str| self.root.path().join(folder).display().to_string();
        let mut env = vec![
            ("PATH", format!("{}:/usr/bin:/bin", inside("bin"))),
            ("HOME", inside("home")),
            ("TMPDIR", inside("tmp")),
            ("XDG_RUNTIME_DIR", inside("run")),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "xterm-256color".into()),
            ("KEYSTENCIL_STORE", "vault".into()),
            ("ANTHROPIC_BASE_URL", self.api.url()),
            ("ANTHROPIC_API_KEY", API_KEY.into()),
        ];
        let switches = [
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            "DISABLE_AUTOUPDATER",
            "DISABLE_TELEMETRY",
            "DISABLE_ERROR_REPORTING",
            "IS_SANDBOX",
        ];
        env.extend(switches.map(|name| (name, "1".into())));
        env
    }

    /// The probe as the client's configuration names it, with these variables on top of the user's own.
    pub(crate) fn servers(&self, variables: &[(&str, &str)]) -> Value {
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).chain(["MINE"]).collect();
        let env: serde_json::Map<String, Value> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let args = json!([tools::scripts().join("probe_server.mjs"), self.witness("record"), names.join(",")]);
        json!({ "mcpServers": { "probe": { "type": "stdio", "command": tools::program("node"), "args": args, "env": env } } })
    }

    /// Writes a document the way an editor does: whole, by rename.
    pub(crate) fn write(&self, path: &Path, value: &Value) {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_string_pretty(value).unwrap()).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    /// Changes the target under the client's lock. A change made without it is often lost: the client writes what it
    /// had read before.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Value)) {
        assert!(poll::comes_true(PATIENCE, || std::fs::create_dir(self.lock()).is_ok()), "the lock is never free");
        let mut config = self.config();
        change(&mut config);
        self.write(&self.target(), &config);
        std::fs::remove_dir(self.lock()).unwrap();
    }

    pub(crate) fn config(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.target()).unwrap()).expect("the target is JSON at every instant")
    }

    /// All folders that are this test's: what a machine would keep, and what the test keeps.
    pub(crate) fn searched(&self) -> Vec<PathBuf> {
        vec![self.root.path().into(), self.witness.path().into()]
    }

    /// Everything the probe has recorded so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        let text = std::fs::read_to_string(self.witness("record")).unwrap_or_default();
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The `number`-th start of the probe, counted from one, when it has come.
    pub(crate) fn record(&self, number: usize) -> Record {
        poll::within(PATIENCE, || self.records().into_iter().nth(number - 1))
            .unwrap_or_else(|| panic!("the probe was started {} times, not {number}", self.records().len()))
    }

    /// The newest start of the probe got the secrets, alone and inside a longer string, beside the user's own value.
    #[track_caller]
    pub(crate) fn assert_delivered(&self, record: &Record) {
        assert_eq!(record.env("SECRET"), self.secret);
        assert_eq!(record.env("AUTHORIZATION"), format!("Bearer {}", self.secret));
        assert_eq!(record.env("MINE"), MINE);
    }

    #[track_caller]
    pub(crate) fn assert_rendered(&self) {
        let env = self.config()["mcpServers"]["probe"]["env"].clone();
        assert_eq!(env["SECRET"], self.secret, "a live session lost its secret");
        assert_eq!(env["AUTHORIZATION"], format!("Bearer {}", self.secret), "a live session lost its secret");
    }

    /// Within `limit` no secret is left anywhere; the target is back to its placeholders and has kept the user's things.
    pub(crate) fn assert_nothing_left_within(&self, limit: Duration, more_secrets: &[&str]) {
        let mut roots = residue::shared_temporary_folders();
        roots.push(self.root.path().into());
        let secrets: Vec<&str> = more_secrets.iter().copied().chain([self.secret.as_str()]).collect();
        residue::gone_within(limit, self.since, &roots, &secrets);
        let config = self.config();
        let env = &config["mcpServers"]["probe"]["env"];
        assert_eq!(env["SECRET"], stencil::PLACEHOLDER);
        assert_eq!(env["AUTHORIZATION"], format!("Bearer {}", stencil::PLACEHOLDER));
        assert_eq!(env["MINE"], MINE);
        assert_eq!(config["hasCompletedOnboarding"], true, "the user's own configuration is gone");
    }

    /// Within `limit` every process that was started in this home has ended: clients, servers, guards.
    pub(crate) fn assert_no_process_left_within(&self, limit: Duration) {
        if !poll::comes_true(limit, || process::of_home(&self.folder()).is_empty()) {
            panic!("still running {limit:?} after the end: {:?}", process::of_home(&self.folder()));
        }
    }

    /// Where the secret stands at this moment, for tests that expect it somewhere.
    pub(crate) fn found(&self) -> Vec<String> {
        residue::find(&[self.root.path().into()], &[&self.secret]).iter().map(ToString::to_string).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for (process, _) in process::of_home(&self.folder()) {
            process.send(Signal::KILL);
        }
        if std::thread::panicking() {
            eprintln!("kept for inspection: {} and {}", self.root.path().display(), self.witness.path().display());
            self.root.disable_cleanup(true);
            self.witness.disable_cleanup(true);
        }
    }
}

/// With quotes, a backslash, a slash and a letter outside ASCII, so that each form differs from the plain one.
pub(crate) fn new_secret(name: &str) -> String {
    format!("kst-{name}-{:016x}/\"q\"\\é+=~z", RandomState::new().build_hasher().finish())
}

/// What the client itself writes once all its questions have been answered.
fn onboarded(project: &Path) -> Value {
    let version = tools::client_version();
    let approved = &API_KEY[API_KEY.len() - 20..];
    json!({
        "numStartups": 3,
        "hasCompletedOnboarding": true,
        "lastOnboardingVersion": version,
        "fullscreenUpsellSeenCount": 3,
        "customApiKeyResponses": { "approved": [approved], "rejected": [] },
        "projects": { project.to_str().unwrap(): { "hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true } },
        "mcpServers": { "probe": { "env": { "MINE": MINE } } },
    })
}
