//! A real keyring for one test: a session bus and a gnome-keyring of its own, in throw-away folders, ended with it.
//!
//! A test that can't have one fails with a sentence; it is never skipped.

#![allow(dead_code)]

use crate::yes::Yes;
use keystencil::store::{Bus, Choice, Stores, VaultPaths};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than a daemon takes to start on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Keyring {
    home: tempfile::TempDir,
    /// The bus, then the keyring.
    pub(crate) daemons: Vec<Child>,
    /// A made-up service that keeps nothing: what is to be filled in from it can't be allowed first.
    pub(crate) keeps_no_seal: bool,
}

impl Keyring {
    /// A keyring that is unlocked and has a default collection.
    pub(crate) fn start() -> Self {
        let mut keyring = Self::bus_only();
        let daemon = keyring
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut daemon = installed(daemon, "gnome-keyring-daemon", "gnome-keyring");
        daemon.stdin.take().unwrap().write_all(b"throw-away").unwrap();
        keyring.daemons.push(daemon);
        keyring.wait_for("keyring", &["GetNameOwner", "string:org.freedesktop.secrets"]);
        keyring
    }

    /// A session bus on which no keyring answers.
    pub(crate) fn bus_only() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut keyring = Self { home, daemons: Vec::new(), keeps_no_seal: false };
        for folder in ["run", ".local/share/keyrings", ".config", ".cache"] {
            fs::create_dir_all(keyring.path().join(folder)).unwrap();
        }
        let config = keyring.path().join("bus.conf");
        let socket = keyring.socket();
        fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                 <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                socket.display()
            ),
        )
        .unwrap();
        let daemon = keyring
            .command("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--config-file"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        keyring.daemons.push(installed(daemon, "dbus-daemon", "dbus"));
        keyring.wait_for("session bus", &["GetId"]);
        keyring
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("run/bus")
    }

    pub(crate) fn bus(&self) -> Bus {
        Bus { address: Some(format!("unix:path={}", self.socket().display())), runtime_dir: None }
    }

    /// Stores with this keyring and a vault beside it.
    pub(crate) fn stores(&self, choice: Choice) -> Stores {
        let paths =
            VaultPaths { vault: self.path().join("data/vault.age"), identity: self.path().join("id/identity.txt") };
        Stores::new(choice, paths, self.bus())
    }

    /// Allows all that the templates of the config in this keyring's home ask for now.
    pub(crate) fn allow(&self) {
        Yes::with(self.path(), Choice::Auto, self.bus()).to_config(None);
    }

    /// A program in this keyring's world: nothing of the environment but the path to programs.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.path())
            .envs(self.keeps_no_seal.then_some(("KEYSTENCIL_GRANTS", "off")))
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.socket().display()));
        command
    }

    /// Runs a program to its end, with `input`, and takes what it printed; it must succeed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let output = self.try_run(program, arguments, input);
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn try_run(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let child = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = installed(child, program, "of that name, or libsecret-tools");
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// `secret-tool store`, with attributes as it takes them: `service github account api-key`.
    pub(crate) fn secret_tool_store(&self, label: &str, attributes: &str, value: &str) {
        let label = format!("--label={label}");
        let mut arguments = vec!["store", &label];
        arguments.extend(attributes.split(' '));
        self.run("secret-tool", &arguments, value);
    }

    /// The same into a collection that is not the default one.
    pub(crate) fn secret_tool_store_in(&self, collection: &str, label: &str, attributes: &str, value: &str) {
        let (label, collection) = (format!("--label={label}"), format!("--collection={collection}"));
        let mut arguments = vec!["store", &label, &collection];
        arguments.extend(attributes.split(' '));
        self.run("secret-tool", &arguments, value);
    }

    /// `secret-tool lookup`; `None` if it finds nothing.
    pub(crate) fn secret_tool_lookup(&self, attributes: &str) -> Option<String> {
        let mut arguments = vec!["lookup"];
        arguments.extend(attributes.split(' '));
        let output = self.try_run("secret-tool", &arguments, "");
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Starts to write down what crosses the bus and matches `rule`.
    pub(crate) fn monitor(&self, rule: &str) -> Monitor {
        let log = self.path().join("monitor.log");
        let program = self
            .command("dbus-monitor")
            .args(["--session", rule, "interface='test.Monitor'"])
            .stdout(fs::File::create(&log).unwrap())
            .spawn();
        let monitor = Monitor { program: installed(program, "dbus-monitor", "dbus"), log, socket: self.socket() };
        monitor.wait_for("Started");
        monitor
    }

    /// Locks the default collection. Without a display nobody can unlock it again.
    pub(crate) fn lock(&self) {
        let done = self.dbus_send(
            "org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            &["org.freedesktop.Secret.Service.Lock", "array:objpath:/org/freedesktop/secrets/collection/login"],
        );
        assert!(done, "the keyring could not be locked");
    }

    /// Stops the keyring as SIGSTOP does: it stays on the bus and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(1, Signal::STOP);
    }

    /// Stops the bus daemon itself.
    pub(crate) fn freeze_bus(&self) {
        self.signal(0, Signal::STOP);
    }

    /// Ends the keyring daemon without giving it a chance to say so.
    pub(crate) fn kill(&mut self) {
        self.signal(1, Signal::KILL);
        let _ = self.daemons[1].wait();
    }

    /// The keyring's process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.daemons[1])
    }

    fn signal(&self, daemon: usize, signal: Signal) {
        let pid = Pid::from_raw(self.daemons[daemon].id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn wait_for(&self, what: &str, question: &[&str]) {
        let since = Instant::now();
        while since.elapsed() < LIMIT {
            let mut call = vec![format!("org.freedesktop.DBus.{}", question[0])];
            call.extend(question[1..].iter().map(|argument| (*argument).to_owned()));
            let call: Vec<_> = call.iter().map(String::as_str).collect();
            if self.dbus_send("org.freedesktop.DBus", "/", &call) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the {what} did not start within {LIMIT:?}");
    }

    fn dbus_send(&self, destination: &str, path: &str, call: &[&str]) -> bool {
        let child = self
            .command("dbus-send")
            .args(["--session", "--print-reply", &format!("--dest={destination}"), path])
            .args(call)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        installed(child, "dbus-send", "dbus").wait().unwrap().success()
    }
}

/// A `dbus-monitor` that is running.
pub(crate) struct Monitor {
    program: Child,
    log: PathBuf,
    socket: PathBuf,
}

impl Monitor {
    /// Ends it; what it has seen.
    pub(crate) fn end(mut self) -> String {
        let seen = self.wait_for("Ended");
        let _ = self.program.kill();
        let _ = self.program.wait();
        seen
    }

    /// Sends a signal of its own until it is seen: then all that came before it is seen as well.
    fn wait_for(&self, signal: &str) -> String {
        let since = Instant::now();
        while since.elapsed() < LIMIT {
            let bus = format!("--bus=unix:path={}", self.socket.display());
            let sent = Command::new("dbus-send").args([&bus, "/", &format!("test.Monitor.{signal}")]).status();
            assert!(sent.unwrap().success());
            // It may be in the middle of a character.
            let seen = String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned();
            if seen.contains(&format!("member={signal}")) {
                return seen;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("dbus-monitor saw nothing within {LIMIT:?}");
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill(); // SIGKILL, which ends a stopped process too
            let _ = daemon.wait();
        }
    }
}

pub(crate) fn installed(child: std::io::Result<Child>, program: &str, package: &str) -> Child {
    child.unwrap_or_else(|error| {
        panic!(
            "`{program}` can't be run ({error}); the package {package} is needed: run scripts/test, which installs it"
        )
    })
}
