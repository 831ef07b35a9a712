//! Other real hosts around a config whose server is wrapped: Gemini CLI, Qwen Code and opencode, pinned in
//! `hosts/package-lock.json`.
//!
//! None of them has a model here, but `mcp list` starts the servers as a session does. What they start gets its key, and no
//! file of theirs holds a byte of it at any time, nor after they have written their config anew.
//!
//! Needs node and what `scripts/fetch-client hosts` puts under `target/`; `scripts/test` sees to that.

mod keyring_env;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::claude_code::support::home::{Record, new_secret};
use crate::claude_code::support::process::{self, Ran};
use crate::claude_code::support::stencil::BIN;
use crate::claude_code::support::tools;
use crate::claude_code::support::wrapped::{KEY, hash};
use crate::poll::{self, PATIENCE};
use crate::watcher::Watcher;

const PLACEHOLDER: &str = "<< keyring('probe') >>";

/// One of the hosts.
struct Kind {
    /// Its config, below the home folder.
    config: &'static str,
    /// The pointer of the server.
    server: &'static str,
    /// What is run, below `node_modules`; a script is run by node.
    program: &'static str,
}

const GEMINI: Kind = Kind {
    config: ".gemini/settings.json",
    server: "/mcpServers/probe",
    program: "@google/gemini-cli/bundle/gemini.js",
};
const QWEN: Kind =
    Kind { config: ".qwen/settings.json", server: "/mcpServers/probe", program: "@qwen-code/qwen-code/cli.js" };
const OPENCODE: Kind =
    Kind { config: ".config/opencode/opencode.json", server: "/mcp/probe", program: "opencode-linux-x64/bin/opencode" };

/// A throw-away home with one host, whose only server was allowed and is wrapped.
struct Host {
    kind: Kind,
    root: tempfile::TempDir,
    witness: tempfile::TempDir,
    secret: String,
}

impl Host {
    fn new(kind: Kind) -> Self {
        let host = Self {
            kind,
            root: tempfile::tempdir().unwrap(),
            witness: tempfile::tempdir().unwrap(),
            secret: new_secret("probe"),
        };
        for folder in ["project", "tmp", "bin", ".config/keystencil", ".gemini", ".qwen", ".config/opencode"] {
            std::fs::create_dir_all(host.path(folder)).unwrap();
        }
        std::os::unix::fs::symlink(BIN, host.path("bin/keystencil")).unwrap();
        let trusted = json!({ host.path("project").to_str().unwrap(): "TRUST_FOLDER" });
        std::fs::write(host.path(".gemini/trustedFolders.json"), trusted.to_string()).unwrap();
        std::fs::write(host.path("template.json"), host.template().to_string()).unwrap();
        let config = format!(
            "store = 'vault'\n[targets.host]\ntemplate = '~/template.json'\npath = '~/{}'\ndeliver = 'wrap'\n",
            host.kind.config
        );
        std::fs::write(host.path(".config/keystencil/config.toml"), config).unwrap();
        let secret = host.witness.path().join("secret");
        std::fs::write(&secret, &host.secret).unwrap();
        let mut set = host.command(Path::new(BIN), &["secret", "set", "probe"]);
        let ran = process::run(set.stdin(std::fs::File::open(&secret).unwrap()), PATIENCE);
        assert!(ran.status.success(), "{ran:?}");
        std::fs::remove_file(secret).unwrap();
        host.keystencil(&["allow", "--allow-new=1"]);
        assert!(host.keystencil(&["render"]).stderr.contains("0 slots filled, 1 wrapped"));
        host
    }

    fn template(&self) -> Value {
        let (node, script) = (tools::program("node"), tools::scripts().join("probe_server.mjs"));
        let args = json!([script, self.witness.path().join("record"), "SECRET", "--hashed", KEY]);
        if self.kind.server == "/mcp/probe" {
            let command: Vec<Value> = std::iter::once(json!(node)).chain(args.as_array().unwrap().clone()).collect();
            return json!({ "mcp": { "probe": { "type": "local", "command": command, "environment": { "SECRET": PLACEHOLDER } } } });
        }
        json!({ "mcpServers": { "probe": { "command": node, "args": args, "env": { "SECRET": PLACEHOLDER } } } })
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.root.path()).current_dir(self.path("project"));
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display())).env("LANG", "C.UTF-8");
        command.env("TMPDIR", self.path("tmp")).env("TERM", "xterm-256color").stdin(Stdio::null());
        // opencode would fetch a plugin.
        command.env("npm_config_registry", "http://127.0.0.1:9");
        command
    }

    fn keystencil(&self, args: &[&str]) -> Ran {
        let ran = process::run(&mut self.command(Path::new("keystencil"), args), PATIENCE);
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        ran
    }

    /// `HOST mcp …`, which must succeed.
    fn mcp(&self, args: &[&str]) -> Ran {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hosts/node_modules").join(self.kind.program);
        assert!(
            program.is_file(),
            "{} is missing; `scripts/test` fetches it (with `scripts/fetch-client hosts`) before it runs the tests",
            program.display()
        );
        let script = program.extension().is_some().then(|| program.to_str().unwrap());
        let runner = script.map_or_else(|| program.clone(), |_| tools::program("node"));
        let all: Vec<&str> = script.into_iter().chain(["mcp"]).chain(args.iter().copied()).collect();
        let ran = process::run(&mut self.command(&runner, &all), PATIENCE);
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        ran
    }

    fn server(&self) -> Value {
        let live: Value = serde_json::from_slice(&std::fs::read(self.path(self.kind.config)).unwrap()).unwrap();
        live.pointer(self.kind.server).cloned().unwrap_or_default()
    }

    fn watch(&self) -> Watcher {
        Watcher::over(&[self.root.path().into(), self.witness.path().into()], &[&self.secret])
    }

    /// `HOST mcp list` starts the server, with its key.
    #[track_caller]
    fn lists_and_delivers(&self) {
        let records = || -> Vec<Record> {
            let text = std::fs::read_to_string(self.witness.path().join("record")).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let before = records().len();
        // Some wait no more than five seconds for a server, which is little on a machine with much to do.
        let started = poll::comes_true(PATIENCE, || {
            self.mcp(&["list"]);
            records().len() > before
        });
        assert!(started, "the server was never started: {:?}", self.mcp(&["list"]));
        assert!(records().iter().all(|record| record.env("SECRET") == hash(&self.secret)), "{:?}", records());
    }
}

#[test]
fn opencode_starts_its_server_with_the_key_and_no_file_holds_it() {
    let host = Host::new(OPENCODE);
    let watch = host.watch();
    host.lists_and_delivers();
    watch.saw_nothing();
}

/// The host writes its whole config when a server is added, with the variables of every server expanded.
fn keeps_the_wrapped_server(kind: Kind) {
    let host = Host::new(kind);
    let before = host.server();
    let watch = host.watch();
    host.lists_and_delivers();
    host.mcp(&["add", "--scope", "user", "docs", "true", "word"]);
    assert_eq!(host.server(), before);
    host.lists_and_delivers();
    host.mcp(&["remove", "--scope", "user", "docs"]);
    assert_eq!(host.server(), before);
    assert!(host.keystencil(&["render"]).stderr.contains("0 slots filled, 1 wrapped"));
    watch.saw_nothing();
}

#[test]
fn gemini_starts_its_server_with_the_key_and_adds_and_removes_others_and_no_file_holds_it() {
    keeps_the_wrapped_server(GEMINI);
}

#[test]
fn qwen_starts_its_server_with_the_key_and_adds_and_removes_others_and_no_file_holds_it() {
    keeps_the_wrapped_server(QWEN);
}
