//! The interactive client in a terminal of its own: a tmux server that this test alone talks to.
//!
//! A shell with job control starts the command, as a person's shell would, and writes its exit status down.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::home::Home;
use super::process::{self, Process};
use super::tools;
use crate::poll::{self, PATIENCE};

/// Job control, then the command, then its status by rename, so that a half-written one is never read.
const SHELL: &str = r#"unset TMUX TMUX_PANE; set -m; "$@"; echo $? >"$0.new"; mv "$0.new" "$0""#;

const TMUX_CONF: &str =
    "set -g remain-on-exit on\nset -g escape-time 0\nset -g status off\nset -g history-limit 5000\n";

/// A session of the client. Dropping it ends everything it started.
pub(crate) struct Session<'h> {
    pub(crate) home: &'h Home,
    socket: String,
    status: PathBuf,
    server: Process,
    shell: Process,
}

impl<'h> Session<'h> {
    /// Starts a command in a new terminal of 150 by 50 characters.
    pub(crate) fn start(home: &'h Home, command: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let socket = format!("kst-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let status = home.witness(&format!("{socket}.status"));
        std::fs::write(home.witness("tmux.conf"), TMUX_CONF).unwrap();
        let mut tmux = tmux(home, &socket);
        tmux.arg("-f").arg(home.witness("tmux.conf")).args([
            "new-session",
            "-d",
            "-x",
            "150",
            "-y",
            "50",
            "-P",
            "-F",
            "#{pid} #{pane_pid}",
        ]);
        let ran = process::run(tmux.args(["sh", "-c", SHELL]).arg(&status).args(command), PATIENCE);
        let processes: Vec<Process> =
            ran.stdout.split_whitespace().filter_map(|pid| Process::of(pid.parse().ok()?)).collect();
        let [server, shell] = processes[..] else { panic!("tmux did not start `{command:?}`: {ran:?}") };
        Self { home, socket, status, server, shell }
    }

    /// Starts `keystencil exec -- claude`, and waits until the client takes input.
    pub(crate) fn launched(home: &'h Home) -> Self {
        let session = Self::start(home, &["keystencil", "exec", "--", "claude"]);
        session.wait_for_prompt();
        session
    }

    /// Starts `claude` alone, and waits until it takes input.
    pub(crate) fn bare(home: &'h Home) -> Self {
        let session = Self::start(home, &["claude"]);
        session.wait_for_prompt();
        session
    }

    /// What the terminal shows now.
    pub(crate) fn screen(&self) -> String {
        let ran = process::run(tmux(self.home, &self.socket).args(["capture-pane", "-p", "-J"]), PATIENCE);
        ran.stdout.replace('\u{a0}', " ")
    }

    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("shows `{text}`"), |screen| screen.contains(text));
    }

    /// Waits for the input line, empty.
    pub(crate) fn wait_for_prompt(&self) {
        self.wait_until("takes input", |screen| input(screen) == Some(""));
    }

    fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        if !poll::comes_true(PATIENCE, || condition(&self.screen())) {
            panic!("the client never {what}; this is its screen:\n{}", self.screen());
        }
    }

    /// Presses keys, named as tmux names them.
    pub(crate) fn press(&self, key: &str) {
        process::run(tmux(self.home, &self.socket).args(["send-keys", key]), PATIENCE);
    }

    /// Types a line, waits until it stands in the input line, and sends it.
    pub(crate) fn enter(&self, line: &str) {
        self.wait_for_prompt();
        process::run(tmux(self.home, &self.socket).args(["send-keys", "-l", "--", line]), PATIENCE);
        self.wait_until(&format!("echoes `{line}`"), |screen| input(screen) == Some(line));
        self.press("Enter");
        // The last screen of a client that has ended keeps the line.
        if !poll::comes_true(PATIENCE, || self.status.exists() || input(&self.screen()) != Some(line)) {
            panic!("the client never took `{line}`; this is its screen:\n{}", self.screen());
        }
    }

    /// Ctrl-C or Ctrl-D, and again when the client has said that a second one ends it.
    pub(crate) fn twice(&self, key: &str) {
        self.wait_for_prompt();
        self.press(key);
        self.wait_for("again to exit");
        self.press(key);
    }

    /// Sends a prompt and waits for the mock's answer to it.
    pub(crate) fn ask(&self, prompt: &str) {
        let before = self.home.api.asked();
        self.enter(prompt);
        assert!(poll::comes_true(PATIENCE, || self.home.api.asked() > before), "the client never asked the API");
        self.wait_for("● Hello from the mock.");
        self.wait_for_prompt();
    }

    /// Reconnects the probe through `/mcp`, and returns when it runs anew.
    pub(crate) fn reconnect(&self) {
        let before = self.home.records().len();
        self.enter("/mcp");
        self.choose("probe");
        self.choose("Reconnect");
        self.home.record(before + 1);
        self.wait_for_prompt();
    }

    /// Moves to an entry of a menu and takes it.
    fn choose(&self, entry: &str) {
        self.wait_for(entry);
        let chosen = || -> Vec<String> {
            let screen = self.screen();
            screen.lines().filter(|line| line.trim_start().starts_with('❯')).map(str::to_owned).collect()
        };
        self.wait_until("shows a choice", |screen| screen.lines().any(|line| line.trim_start().starts_with('❯')));
        for _ in 0..10 {
            let now = chosen();
            if now.iter().any(|line| line.contains(entry)) {
                return self.press("Enter");
            }
            self.press("Down");
            // One that is pressed too early changes nothing.
            poll::comes_true(Duration::from_secs(5), || chosen() != now);
        }
        panic!("the menu has no `{entry}`; this is the screen:\n{}", self.screen());
    }

    /// The client's process, as the probe saw it at its `number`-th start.
    pub(crate) fn client(&self, number: usize) -> Process {
        Process::of(self.home.record(number).ppid).expect("the client runs")
    }

    /// The process the shell started: `keystencil exec`, or the client itself.
    pub(crate) fn started(&self, client: Process) -> Process {
        let mut process = client;
        while let Some(parent) = process.parent().filter(|parent| *parent != self.shell) {
            process = parent;
        }
        process
    }

    /// The exit status as the shell gives it, when the command has ended.
    pub(crate) fn status(&self) -> i32 {
        let read = || std::fs::read_to_string(&self.status).ok()?.trim().parse().ok();
        poll::within(PATIENCE, read)
            .unwrap_or_else(|| panic!("the command has not ended; this is its screen:\n{}", self.screen()))
    }

    /// Closes the terminal, as a person closes its window.
    pub(crate) fn close_terminal(&self) {
        process::run(tmux(self.home, &self.socket).arg("kill-server"), PATIENCE);
        assert!(poll::comes_true(PATIENCE, || !self.shell.alive()), "the shell outlived its terminal");
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let clients: Vec<Process> = self
            .home
            .records()
            .iter()
            .filter_map(|record| Process::of(record.ppid))
            .filter(|client| self.started(*client).parent() == Some(self.shell))
            .collect();
        for process in clients.into_iter().chain([self.shell, self.server]) {
            process.send(Signal::KILL);
        }
    }
}

fn tmux(home: &Home, socket: &str) -> Command {
    let mut tmux = Command::new(tools::program("tmux"));
    tmux.env_clear()
        .envs(home.env())
        .env("TMUX_TMPDIR", home.witness(""))
        .args(["-L", socket])
        .current_dir(home.project());
    tmux
}

/// What stands in the client's input line: the line that starts with `❯` right below a ruler.
fn input(screen: &str) -> Option<&str> {
    let ruler = |line: &str| line.starts_with("────");
    let mut lines = screen.lines().rev().skip_while(|line| !ruler(line)).skip(1);
    let line = lines.next()?;
    (lines.next().is_some_and(ruler)).then(|| line.strip_prefix('❯'))?.map(str::trim)
}
