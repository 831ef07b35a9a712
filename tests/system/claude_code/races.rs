//! keystencil against a writer that follows the host's lock protocol and rewrites the file as fast as it can: no update
//! of either is lost, and a reader that follows no protocol finds the file whole at every instant.
//!
//! `KEYSTENCIL_RACE=UPDATES,PAIRS` sets how long the race is.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::process::{self, Ran};
use super::support::{stencil, tools};
use crate::poll::PATIENCE;

const UPDATES: u32 = 10_000;
const PAIRS: u32 = 500;

/// A race of the full length takes about a minute on two busy cores.
const LIMIT: Duration = Duration::from_secs(900);

fn node(script: &str) -> Command {
    let mut node = Command::new(tools::program("node"));
    node.arg(tools::scripts().join(script)).env_clear();
    node
}

/// A racer in a thread of its own.
fn race(file: &Path, name: &str, updates: u32) -> std::thread::JoinHandle<Ran> {
    let mut racer = node("racer.mjs");
    racer.arg(tools::modules()).arg(file).args([name, &updates.to_string()]).stdin(Stdio::null());
    std::thread::spawn(move || process::run(&mut racer, LIMIT))
}

/// Every update that the racer made is in the file.
#[track_caller]
fn assert_kept(racer: &Ran, file: &Path, name: &str, updates: u32) {
    assert!(racer.status.success(), "{racer:?}");
    let said: Value = serde_json::from_str(&racer.stdout).unwrap();
    assert_eq!(said, json!({ "made": updates, "last": updates }));
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(document[name], updates, "updates of `{name}` were lost");
}

/// Reads the file for as long as it lives.
struct Reader {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Option<String>,
}

impl Reader {
    /// One that has begun.
    fn of(file: &Path) -> Self {
        let spawned = node("reader.mjs").arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap();
        let (said, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("reading"));
        Self { child, lines, seen: None }
    }

    /// Whether it has seen a fault so far.
    fn has_seen_a_fault(&mut self) -> bool {
        self.seen = self.seen.take().or_else(|| self.lines.try_recv().ok());
        self.seen.is_some()
    }

    /// What it saw: `versions` and `faults`.
    fn saw(mut self) -> Value {
        drop(self.child.stdin.take());
        let last = self.lines.iter().last().or_else(|| self.seen.take()).unwrap();
        serde_json::from_str(&last).unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

#[track_caller]
fn assert_whole_at_every_instant(saw: &Value) {
    assert_eq!(saw["faults"], json!([]), "{saw}");
    assert!(saw["versions"].as_u64() > Some(10), "the reader hardly saw anything: {saw}");
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.json");
    std::fs::write(&file, "{}").unwrap();
    (folder, file)
}

#[test]
fn two_racers_lose_no_update_of_each_other() {
    let (_folder, file) = file();
    let reader = Reader::of(&file);
    let (left, right) = (race(&file, "left", 500), race(&file, "right", 500));
    let (left, right) = (left.join().unwrap(), right.join().unwrap());
    assert_kept(&left, &file, "left", 500);
    assert_kept(&right, &file, "right", 500);
    assert_whole_at_every_instant(&reader.saw());
}

#[test]
fn the_reader_catches_a_writer_that_does_not_rename() {
    let (_folder, file) = file();
    let mut reader = Reader::of(&file);
    let text = serde_json::to_vec(&json!({ "long": "x".repeat(1 << 20) })).unwrap();
    let since = Instant::now();
    while !reader.has_seen_a_fault() && since.elapsed() < PATIENCE {
        std::fs::write(&file, &text).unwrap();
    }
    let saw = reader.saw();
    assert_ne!(saw["faults"], json!([]), "{saw}");
}

#[test]
fn render_and_unrender_lose_no_update_of_a_racing_writer_and_none_of_their_own() {
    let (updates, pairs) = length();
    let home = stencil::home();
    let reader = Reader::of(&home.target());
    let racer = race(&home.target(), "raced", updates);
    for _ in 0..pairs {
        stencil::succeeds(&home, ["render"]);
        home.assert_rendered();
        stencil::succeeds(&home, ["unrender"]);
        assert_eq!(home.config()["mcpServers"]["probe"]["env"]["SECRET"], stencil::PLACEHOLDER);
    }
    assert_kept(&racer.join().unwrap(), &home.target(), "raced", updates);
    assert_whole_at_every_instant(&reader.saw());
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

fn length() -> (u32, u32) {
    let Ok(length) = std::env::var("KEYSTENCIL_RACE") else { return (UPDATES, PAIRS) };
    let parts: Vec<u32> = length.split(',').filter_map(|part| part.parse().ok()).collect();
    let [updates, pairs] = parts[..] else { panic!("KEYSTENCIL_RACE is UPDATES,PAIRS, not {length}") };
    (updates, pairs)
}
