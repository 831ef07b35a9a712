//! A throw-away home with a template, two secrets in the vault and a target; and the questions every session test asks
//! of it: is the target whole, is a secret left anywhere, is a temporary file or a process left.

#![allow(dead_code)]

use crate::yes::Yes;
use crate::{poll, residue};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The program under test.
pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_keystencil");

/// Two secrets that need escaping in JSON, and look like nothing else.
pub(crate) const OPENAI: &str = "sk-live-0a1b\"2c\\3d\u{e9}+/=9z";
pub(crate) const GITHUB: &str = "ghp_0123456789abcdefGHIJ";

/// Longer than any command takes on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

const TEMPLATE: &str = r#"{
  // The servers of this machine.
  "mcpServers": {
    "search": { "command": "search", "env": { "KEY": "<< keyring('openai') >>" } },
    "hub": { "type": "http", "url": "http://127.0.0.1:9/", "headers": { "Authorization": "Bearer << keyring('github') >>" } },
  },
}
"#;

/// The template with another server, which uses a secret twice.
pub(crate) const CHANGED_TEMPLATE: &str = r#"{
  "mcpServers": {
    "search": { "command": "search", "env": { "KEY": "<< keyring('openai') >>", "AGAIN": "<< keyring('openai') >>" } },
    "other": { "command": "other", "env": { "TOKEN": "<< keyring('github') >>" } }
  }
}
"#;

/// What is in the target before keystencil first comes: nothing of it is as `JSON.stringify` would write it.
pub(crate) const BEFORE: &str = "{\n\t\"numStartups\": 1.0,\n\t\"note\": \"caf\\u00e9 \\ud800\",\r\n\t\"big\": 1234567890123456789012345678901234567890,\n\t\"projects\": {\"/p\": {}}\n}\n\n";

/// A home that is removed with this value, once the processes that belong to it have ended.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    kept: Option<tempfile::TempDir>,
    /// The client that hooks are called by and that commands act for, if there is one.
    client: Option<Sleeper>,
}

impl Home {
    /// A home whose target does not know the template yet.
    pub(crate) fn new() -> Self {
        let home =
            Self { folder: tempfile::Builder::new().prefix("kst-").tempdir().unwrap(), kept: None, client: None };
        for folder in [".claude/backups", "dotfiles", ".config/keystencil"] {
            fs::create_dir_all(home.path(folder)).unwrap();
        }
        fs::write(home.template(), TEMPLATE).unwrap();
        fs::write(home.target(), BEFORE).unwrap();
        let config = "[targets.claude]\ntemplate = \"~/dotfiles/claude.json\"\npath = \"~/.claude.json\"\nprofile = \"claude-code\"\n";
        fs::write(home.path(".config/keystencil/config.toml"), config).unwrap();
        for (name, secret) in [("openai", OPENAI), ("github", GITHUB)] {
            home.succeeds_with(&["secret", "set", name], secret);
        }
        for template in [CHANGED_TEMPLATE, TEMPLATE] {
            fs::write(home.template(), template).unwrap();
            home.allow();
        }
        home
    }

    /// A home whose target has the template's settings, in placeholder form.
    pub(crate) fn settled() -> Self {
        let home = Self::new();
        home.succeeds(&["render"]);
        home.succeeds(&["unrender"]);
        home
    }

    /// From now on a client runs, and everything is done for it.
    pub(crate) fn with_client(mut self) -> Self {
        fs::write(self.path("hook-input.json"), r#"{"session_id":"11"}"#).unwrap();
        self.client = Some(Sleeper::start());
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder().join(below)
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.path(".claude.json")
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.path("dotfiles/claude.json")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path(".local/state/keystencil")
    }

    /// A program in this home.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("LC_ALL", "C.UTF-8")
            .env("KEYSTENCIL_STORE", "vault")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(client) = &self.client {
            command.env("CLAUDE_PID", client.pid()).stdin(fs::File::open(self.path("hook-input.json")).unwrap());
        }
        command
    }

    /// Allows all that the template asks for now.
    pub(crate) fn allow(&self) {
        Yes::in_home(self.folder()).to_config(None);
    }

    /// `keystencil …` in this home.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.program(BIN);
        command.args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run(&mut self.command(args))
    }

    #[track_caller]
    pub(crate) fn succeeds(&self, args: &[&str]) -> Output {
        if matches!(args.first(), Some(&("render" | "exec"))) {
            Yes::in_home(self.folder()).to_command(args);
        }
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        output
    }

    fn succeeds_with(&self, args: &[&str], input: &str) {
        let mut child = self.command(args).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", said(&output));
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        fs::read(self.target()).unwrap()
    }

    /// Whether both secrets are in the target, each in its slot.
    pub(crate) fn is_rendered(&self) -> bool {
        let document: Value = whole(&self.text());
        let servers = &document["mcpServers"];
        servers["search"]["env"]["KEY"] == OPENAI
            && (servers["hub"]["headers"]["Authorization"] == format!("Bearer {GITHUB}")
                || servers["other"]["env"]["TOKEN"] == GITHUB)
    }

    pub(crate) fn has_journal(&self) -> bool {
        names_in(&self.state()).iter().any(|name| name.ends_with(".journal.json"))
    }

    /// What the host does at any time: read, copy to its backups, change a setting, replace; the lock of a host that
    /// was killed is waited out.
    pub(crate) fn host_writes(&self, setting: &str, value: usize) {
        self.age_lock();
        let before = self.text();
        fs::write(self.path(&format!(".claude/backups/.claude.json.backup.17000000000{value:02}")), &before).unwrap();
        let temporary = self.path(&format!(".claude.json.tmp.{}.0123456789ab", u32::MAX - 9));
        fs::write(&temporary, host_edit(&before, setting, value)).unwrap();
        fs::rename(temporary, self.target()).unwrap();
    }

    /// As if eleven seconds had passed since somebody took the host's lock.
    pub(crate) fn age_lock(&self) {
        let lock = self.path(".claude.json.lock");
        if let Ok(folder) = fs::File::open(&lock) {
            folder.set_modified(std::time::SystemTime::now() - Duration::from_secs(11)).unwrap();
        }
    }

    /// No secret in any file of the home, in any form; the vault is encrypted.
    #[track_caller]
    pub(crate) fn assert_no_secret(&self, when: &str) {
        let found = residue::find(&[self.folder().to_owned()], &[OPENAI, GITHUB]);
        let list: String = found.iter().map(|found| format!("\n  {found}")).collect();
        assert!(found.is_empty(), "{when}: a secret is left:{list}\n{}", self.listing());
    }

    /// Nothing is owed, and no temporary file of anybody's is left.
    #[track_caller]
    pub(crate) fn assert_nothing_owed(&self, when: &str) {
        self.assert_no_secret(when);
        let all = self.listing();
        let litter =
            |line: &&str| line.ends_with(".journal.json") || line.ends_with(".tmp") || line.contains(".keystencil-");
        let left: Vec<&str> = all.lines().filter(litter).collect();
        assert!(left.is_empty(), "{when}: left behind: {left:?}\n{all}");
    }

    /// Every file, one a line.
    pub(crate) fn listing(&self) -> String {
        let mut all = Vec::new();
        list(self.folder(), &mut all);
        all.sort();
        all.join("\n")
    }

    /// Remembers the home as it is now, for [`Self::restore`].
    pub(crate) fn keep(&mut self) {
        let kept = tempfile::tempdir().unwrap();
        copy(self.folder(), kept.path());
        self.kept = Some(kept);
    }

    /// Makes the home what it was at [`Self::keep`].
    pub(crate) fn restore(&self) {
        self.until_quiet();
        for entry in fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
                .unwrap();
        }
        copy(self.kept.as_ref().unwrap().path(), self.folder());
    }

    /// Waits until no process of this home is left; one that stays is a fault.
    #[track_caller]
    pub(crate) fn until_quiet(&self) {
        let quiet = poll::comes_true(LIMIT, || self.processes().is_empty());
        assert!(quiet, "processes of this home do not end: {:?}", self.processes());
    }

    /// Processes that have this home in their command line.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let home = self.folder().as_os_str().as_encoded_bytes();
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid: i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let ours = line.windows(home.len()).any(|window| window == home);
            ours.then(|| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        })
        .collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !poll::comes_true(Duration::from_secs(5), || self.processes().is_empty()) {
            for (pid, _) in self.processes() {
                let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
            }
        }
    }
}

/// A process that lives as long as this value, for holding something.
pub(crate) struct Sleeper(Child);

impl Sleeper {
    pub(crate) fn start() -> Self {
        Self(Command::new("sleep").arg("600").env_clear().env("PATH", "/usr/bin:/bin").spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The target as the host writes it after a change of one setting.
pub(crate) fn host_edit(text: &[u8], setting: &str, value: usize) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    // `serde_json` refuses the lone surrogate that JavaScript keeps, so it is kept out of its sight.
    let mut document: Value = serde_json::from_str(&text.replace("\\ud800", "@lone@")).unwrap();
    document[setting] = value.into();
    serde_json::to_string_pretty(&document).unwrap().replace("@lone@", "\\ud800").into_bytes()
}

/// The document; a torn text fails the test.
#[track_caller]
pub(crate) fn whole(text: &[u8]) -> Value {
    let text = String::from_utf8(text.to_vec()).expect("the target is text").replace("\\ud800", "@lone@");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("the target is torn: {error}\n{text}"))
}

/// Runs a command to its end, at most [`LIMIT`].
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{shown}: {error}; scripts/test installs what is needed"));
    let (stdout, stderr) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let Some(status) = poll::within(LIMIT, || child.try_wait().unwrap()) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("still running after {LIMIT:?}: {shown}");
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn drain(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// What a command said, without any secret in it.
#[track_caller]
pub(crate) fn said(output: &Output) -> String {
    for bytes in [&output.stdout, &output.stderr] {
        for secret in [OPENAI, GITHUB] {
            assert!(residue::in_bytes(bytes, secret).is_empty(), "a secret was printed");
        }
    }
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The names in a folder; none if it is not there.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn list(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&entry.path(), all);
        } else {
            all.push(entry.path().display().to_string());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            fs::create_dir(&to).unwrap();
            fs::set_permissions(&to, path.metadata().unwrap().permissions()).unwrap();
            copy(&path, &to);
        } else if kind.is_symlink() {
            symlink(fs::read_link(path).unwrap(), to).unwrap();
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

/// Whether that comes true within [`LIMIT`].
pub(crate) fn comes_true(condition: impl FnMut() -> bool) -> bool {
    poll::comes_true(LIMIT, condition)
}
