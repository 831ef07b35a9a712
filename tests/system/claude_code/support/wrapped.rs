//! A home whose servers are delivered to without a file: one that the client starts, and one that it connects to.
//!
//! The servers write down keyed hashes of what they were given. So nothing in the home, the project, any temporary folder or
//! the test's own folder may hold a byte of a secret, and a watch over all of them says whether one did.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::home::{Home, Record, new_secret};
use super::{process, stencil, tools};
use crate::poll::{self, PATIENCE};
use crate::watcher::Watcher;

/// What the hashes of the probes are made with.
pub(crate) const KEY: &str = "a key for hashes, and no secret";

pub(crate) struct Wrapped {
    pub(crate) home: Home,
    remote: Remote,
    pub(crate) secret: String,
}

/// The server that the client connects to, for as long as the test runs.
struct Remote {
    child: Child,
    port: u16,
}

/// One request that the remote server got.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) method: String,
    pub(crate) authorization: Option<String>,
}

impl Wrapped {
    /// A home whose two servers were allowed and are wrapped, with the hooks of keystencil. Nothing is running there.
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let remote = Remote::start(&home);
        let wrapped = Self { secret: new_secret("remote"), home, remote };
        let home = &wrapped.home;
        let config = format!(
            "store = \"vault\"\n[targets.claude]\ntemplate = {:?}\npath = {:?}\nprofile = \"claude-code\"\ndeliver = \"wrap\"\n",
            home.template(),
            home.target()
        );
        std::fs::create_dir_all(home.folder().join(".config/keystencil")).unwrap();
        std::fs::write(home.folder().join(".config/keystencil/config.toml"), config).unwrap();
        home.write(&home.template(), &json!({ "mcpServers": wrapped.servers() }));
        stencil::store(home, "probe", &home.secret);
        stencil::store(home, "remote", &wrapped.secret);
        std::fs::remove_file(home.witness("secret")).unwrap();
        stencil::succeeds(home, ["allow", "--allow-new=3"]);
        stencil::succeeds(home, ["install", "claude-code"]);
        let rendered = stencil::succeeds(home, ["render"]);
        assert!(rendered.stderr.contains("0 slots filled, 3 wrapped"), "{rendered:?}");
        wrapped
    }

    /// The servers as the template has them.
    fn servers(&self) -> Value {
        let bearer = format!("Bearer {}", stencil::PLACEHOLDER);
        let names = "SECRET,AUTHORIZATION,MINE";
        let script = tools::scripts().join("probe_server.mjs");
        json!({
            "probe": {
                "type": "stdio",
                "command": tools::program("node"),
                "args": [script, self.home.witness("record"), names, "--hashed", KEY],
                "env": { "SECRET": stencil::PLACEHOLDER, "AUTHORIZATION": bearer },
            },
            "remote": {
                "type": "http",
                "url": self.url(),
                "headers": { "Authorization": "Bearer << keyring('remote') >>" },
            },
        })
    }

    /// Where the remote server listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.remote.port)
    }

    /// Watches the home, the project, the folders of the test and every temporary folder for both secrets.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher::over(&self.home.searched(), &[&self.home.secret, &self.secret])
    }

    /// The probe that the client started was given its secret.
    #[track_caller]
    pub(crate) fn assert_started_with_its_key(&self, record: &Record) {
        assert_eq!(record.env("SECRET"), hash(&self.home.secret), "{record:?}");
        assert_eq!(record.env("AUTHORIZATION"), hash(&format!("Bearer {}", self.home.secret)), "{record:?}");
    }

    /// What the remote server was sent so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let text = std::fs::read_to_string(self.home.witness("requests")).unwrap_or_default();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The remote server was connected to `times` times, and each request came with its secret.
    #[track_caller]
    pub(crate) fn assert_connected_with_its_key(&self, times: usize) {
        let connected = || self.requests().iter().filter(|request| request.method == "initialize").count();
        assert!(
            poll::comes_true(PATIENCE, || connected() >= times),
            "connected {} times: {:?}",
            connected(),
            self.requests()
        );
        let expected = hash(&format!("Bearer {}", self.secret));
        let without: Vec<Request> = self
            .requests()
            .into_iter()
            .filter(|request| request.path == "/mcp" && request.authorization.as_ref() != Some(&expected))
            .collect();
        assert!(without.is_empty(), "requests without the header: {without:?}");
    }

    /// Both servers got their keys in the `times`-th session.
    #[track_caller]
    pub(crate) fn assert_delivered(&self, times: usize) {
        self.assert_started_with_its_key(&self.home.record(times));
        self.assert_connected_with_its_key(times);
    }
}

impl Remote {
    fn start(home: &Home) -> Self {
        let mut child = Command::new(tools::program("node"))
            .arg(tools::scripts().join("http_probe.mjs"))
            .arg(home.witness("requests"))
            .arg(KEY)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a port");
        Self { child, port: line.trim().parse().expect("the server prints its port first") }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// What the probes write down for this text.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest([KEY, text].concat()))
}
