//! A process known by its id and start time, so that a recycled id is never signalled or waited for; and children that
//! are run to their end within a time limit.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::poll;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pid: i32,
    start: u64,
}

impl Process {
    /// The running process of that id.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let (state, _, start) = stat(pid)?;
        (state != 'Z').then_some(Self { pid, start })
    }

    pub(crate) fn pid(self) -> i32 {
        self.pid
    }

    pub(crate) fn parent(self) -> Option<Self> {
        stat(self.pid).and_then(|(_, parent, _)| Self::of(parent))
    }

    pub(crate) fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends the signal if the process still runs.
    pub(crate) fn send(self, signal: Signal) {
        if let (true, Some(pid)) = (self.alive(), Pid::from_raw(self.pid)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Its command line, which every user of the machine can read.
    pub(crate) fn command_line(self) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default()
    }

    /// Its command line and environment, the way any process of the same user can read them.
    pub(crate) fn open_to_all(self) -> Vec<u8> {
        let mut all = self.command_line();
        all.extend(std::fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default());
        all
    }
}

/// Every process that runs with this home folder in its environment, tmux servers aside (they are the test's).
pub(crate) fn of_home(folder: &Path) -> Vec<(Process, String)> {
    let entry = format!("HOME={}", folder.display());
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = pids.filter_map(|pid| Process::of(pid.file_name().to_str()?.parse().ok()?));
    let mut found = Vec::new();
    for process in processes {
        let environ = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        let line = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if environ.split(|byte| *byte == 0).any(|own| own == entry.as_bytes()) && !line.contains("tmux") {
            found.push((process, line));
        }
    }
    found
}

/// State, parent and start time (in clock ticks since boot) as proc(5) gives them.
fn stat(pid: i32) -> Option<(char, i32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Some((fields.first()?.chars().next()?, fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end, which includes the end of everyone who holds its output: a background process that keeps
/// the output of the command open would block `$(keystencil …)` in a person's shell, so it fails the test.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ran {
    let shown = format!("{command:?}");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let stdout = drain(child.stdout.take().expect("piped"));
    let stderr = drain(child.stderr.take().expect("piped"));
    let Some(status) = poll::within(limit, || child.try_wait().expect("a child can be waited for")) else {
        end(&mut child);
        panic!("still running after {limit:?}: {shown}");
    };
    let take = |output: mpsc::Receiver<Vec<u8>>| {
        let bytes = output
            .recv_timeout(limit)
            .unwrap_or_else(|_| panic!("ended, but a process it left behind keeps its output open: {shown}"));
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ran { status, stdout: take(stdout), stderr: take(stderr) }
}

fn drain(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// Kills a child by its id, if it still runs, and reaps it.
pub(crate) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
