//! Invariant 7: killed at any system call, a later command finds the target whole, and `recover` (or `unrender`, where
//! the hold is the user's) leaves no secret behind and loses no update of the host.
//!
//! The helpers of `exec` and of the guard, and `absorb`, are refused calls as well (`crash/`).
//!
//! Each command is traced once; then it is run again for each of its calls and killed there with SIGKILL. By default
//! these are the calls that change a file or are about processes; with `KEYSTENCIL_EVERY_CALL=1` it is every call.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod absorb;
mod helpers;

use crate::scratch::{CHANGED_TEMPLATE, GITHUB, Home, OPENAI, Sleeper, host_edit, said, whole};
use crate::trace::{kill_at, points, points_alone, points_of_all_threads};
use std::fs;

/// Nobody but the killed command holds: `recover` is enough.
const BY_RECOVER: bool = false;
/// The user holds as well, or was about to: the hold persists until `unrender`.
const BY_UNRENDER: bool = true;

/// A command that is killed, and the home it is killed in.
struct Case {
    args: &'static [&'static str],
    /// Brings the home into the state before the command.
    prepare: fn(&Home),
    /// What the user does afterwards.
    cured: bool,
}

#[test]
fn a_first_render_killed_at_any_call_is_taken_back() {
    Case { args: &["render"], prepare: |_| {}, cured: BY_UNRENDER }.check(Home::new());
}

#[test]
fn a_render_killed_at_any_call_is_taken_back() {
    Case { args: &["render"], prepare: |_| {}, cured: BY_UNRENDER }.check(Home::settled());
}

#[test]
fn a_render_of_a_changed_template_killed_at_any_call_is_taken_back() {
    let prepare = |home: &Home| {
        home.succeeds(&["render"]);
        home.host_writes("early", 1);
        fs::write(home.template(), CHANGED_TEMPLATE).unwrap();
    };
    Case { args: &["render"], prepare, cured: BY_UNRENDER }.check(Home::settled());
}

#[test]
fn an_unrender_killed_at_any_call_is_finished() {
    let prepare = |home: &Home| {
        home.succeeds(&["render"]);
        home.host_writes("early", 1);
        fs::copy(home.target(), home.path(".claude.json.corrupted.1700000000001")).unwrap();
    };
    Case { args: &["unrender"], prepare, cured: BY_UNRENDER }.check(Home::settled());
}

#[test]
fn an_exec_killed_at_any_call_is_recovered_from() {
    Case { args: &["exec", "--", "true"], prepare: |_| {}, cured: BY_RECOVER }.check(Home::settled());
}

#[test]
fn an_exec_killed_at_any_call_beside_a_hold_of_a_person_leaves_that_hold() {
    let prepare = |home: &Home| drop(home.succeeds(&["render"]));
    Case { args: &["exec", "--", "true"], prepare, cured: BY_UNRENDER }.check(Home::settled());
}

/// Whether `exec` was killed before its program had a hold of its own or after: a program that runs has its secrets.
#[test]
fn a_program_never_loses_its_secrets_when_exec_is_killed_at_any_call() {
    let mut home = Home::settled();
    home.keep();
    let target = home.target().display().to_string();
    let look = format!("grep -q ghp_0123456789 {target} && grep -q sk-live- {target} || touch {target}-lost");
    let script = format!("touch {target}-ran; for i in 1 2 3 4 5 6; do {look}; sleep 0.02; done; {look}");
    let args = ["exec", "--", "sh", "-c", &script];
    let points = points_alone(&home, &args);
    let (mut killed, mut ran) = (0, 0);
    for point in &points {
        home.restore();
        let (_, was_killed) = kill_at(&home, &args, point);
        killed += usize::from(was_killed);
        home.succeeds(&["recover"]);
        home.until_quiet();
        ran += usize::from(home.path(".claude.json-ran").exists());
        assert!(!home.path(".claude.json-lost").exists(), "killed at {point:?}: the program lost its secrets");
        home.succeeds(&["recover"]);
        home.assert_nothing_owed(&format!("killed at {point:?}"));
    }
    println!("killed {killed} times at {} calls, the program ran {ran} times", points.len());
    assert!(killed > 0 && ran > 0);
}

#[test]
fn a_recover_killed_at_any_call_is_finished_by_the_next() {
    let prepare = |home: &Home| {
        let holder = Sleeper::start();
        home.succeeds(&["render", "--owner", &holder.pid()]);
        home.host_writes("early", 1);
    };
    Case { args: &["recover"], prepare, cured: BY_RECOVER }.check(Home::settled());
}

#[test]
fn a_session_start_hook_killed_at_any_call_is_taken_back() {
    let home = Home::settled().with_client();
    Case { args: &["hook", "session-start"], prepare: |_| {}, cured: BY_UNRENDER }.check(home);
}

#[test]
fn a_session_end_hook_killed_at_any_call_is_finished() {
    let prepare = |home: &Home| {
        home.succeeds(&["render"]);
        home.host_writes("early", 1);
    };
    Case { args: &["hook", "session-end"], prepare, cured: BY_UNRENDER }.check(Home::settled().with_client());
}

/// A change of the vault, and a secret that it does not touch.
#[derive(Clone, Copy)]
struct VaultCase {
    args: &'static [&'static str],
    untouched: (&'static str, &'static str),
}

#[test]
fn an_import_killed_at_any_call_is_completed_by_the_next_and_loses_nothing() {
    let mut home = Home::new();
    // Nothing is stored, and no template is there.
    for folder in [".config/keystencil", ".local/share/keystencil", "dotfiles"] {
        fs::remove_dir_all(home.path(folder)).unwrap();
    }
    let value = serde_json::to_string(OPENAI).unwrap();
    let config = format!(
        "{{\n  \"numStartups\": 1.0,\n  \"mcpServers\": {{\n    \"search\": {{ \"env\": {{ \"API_KEY\": {value} }} }},\n    \"hub\": {{ \"headers\": {{ \"Authorization\": \"Bearer {GITHUB}\" }} }}\n  }}\n}}"
    );
    fs::write(home.target(), &config).unwrap();
    fs::write(home.path(".claude/backups/.claude.json.backup.1700000000000"), &config).unwrap();
    home.keep();
    let target = home.target().to_string_lossy().into_owned();
    let import = ["import", &target, "--yes"];
    let points = points(&home, &import, false);
    let after = home.text();
    assert!(!holds_secret(&after), "the keys are in the file still");
    let mut killed = 0;
    for (number, point) in points.iter().enumerate() {
        home.restore();
        let (output, was_killed) = kill_at(&home, &import, point);
        killed += usize::from(was_killed);
        let when = format!("import, killed at {point:?}");
        said(&output);
        let found = home.text();
        assert!(
            found == config.as_bytes() || found == after,
            "{when}: the file is neither as it was nor as it is to be"
        );
        if found == after {
            for (name, key) in [("search", OPENAI), ("hub", GITHUB)] {
                let shown = home.succeeds(&["secret", "get", name, "-n"]);
                assert!(shown.stdout == key.as_bytes(), "{when}: {name} is lost");
            }
        }
        let host_writes = number % 2 == 1;
        if host_writes {
            home.host_writes("numStartups", number % 100);
        }
        home.age_lock();
        let again = home.run(&import);
        assert!(again.status.success(), "{when}: again: {}", said(&again));
        home.until_quiet();
        home.assert_nothing_owed(&when);
        let filled = home.succeeds(&["-q", "exec", "--", "cat", &target]);
        let expected = if host_writes {
            host_edit(config.as_bytes(), "numStartups", number % 100)
        } else {
            config.clone().into_bytes()
        };
        assert!(filled.stdout == expected, "{when}: filled it is another file");
        home.until_quiet();
    }
    println!("import: killed {killed} times at {} calls", points.len());
    assert!(killed * 10 >= points.len() * 8, "only {killed} of {} runs were killed", points.len());
}

#[test]
fn the_vault_is_whole_after_a_change_of_it_is_killed_at_any_call() {
    for case in [
        VaultCase { args: &["secret", "rm", "github"], untouched: ("openai", OPENAI) },
        VaultCase { args: &["secret", "rm", "openai"], untouched: ("github", GITHUB) },
        VaultCase { args: &["secret", "set", "new", "--from-file", "/etc/passwd"], untouched: ("github", GITHUB) },
        VaultCase { args: &["vault", "recipients", "add", RECIPIENT], untouched: ("github", GITHUB) },
    ] {
        case.check(Home::new());
    }
}

/// At no call is there a vault that the identity in its place does not open; and a later `rekey` ends in order.
#[test]
fn the_vault_opens_after_a_rekey_is_killed_at_any_call() {
    let case = VaultCase { args: &["vault", "rekey"], untouched: ("github", GITHUB) };
    case.check(Home::new());
    let home = Home::new();
    home.succeeds(&["vault", "recipients", "add", RECIPIENT]);
    case.check(home);
}

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

impl VaultCase {
    fn check(&self, mut home: Home) {
        home.keep();
        let mut killed = 0;
        let points = points_of_all_threads(&home, self.args);
        for point in &points {
            home.restore();
            let (_, was_killed) = kill_at(&home, self.args, point);
            killed += usize::from(was_killed);
            let (name, value) = self.untouched;
            let shown = home.succeeds(&["secret", "get", "-n", name]);
            assert_eq!(String::from_utf8_lossy(&shown.stdout), value, "{point:?}");
            home.assert_no_secret(&format!("{point:?}"));
            // The next change goes through, and takes away what was left half done.
            said(&home.run(self.args));
            home.succeeds(&["vault", "rekey"]);
            let shown = home.succeeds(&["secret", "get", "-n", name]);
            assert_eq!(String::from_utf8_lossy(&shown.stdout), value, "{point:?}");
            home.assert_nothing_owed(&format!("{point:?}"));
        }
        println!("{:?}: killed {killed} times at {} calls", self.args, points.len());
        assert!(killed * 4 >= points.len() * 3, "only {killed} of {} runs were killed", points.len());
    }
}

impl Case {
    fn check(&self, mut home: Home) {
        (self.prepare)(&home);
        home.keep();
        let before = home.text();
        // What is left when the command has not been run at all, and when it has run to its end.
        self.settle(&home, "untouched");
        let untouched = home.text();
        home.restore();
        let mut points = points(&home, self.args, false);
        if self.args[0] == "exec" {
            home.restore();
            points.extend(points_alone(&home, self.args));
        }
        let after = home.text();
        self.settle(&home, "unkilled");
        let closed = home.text();
        // What is there while `exec` runs its command.
        home.restore();
        home.succeeds(&["render"]);
        let known = [(before, untouched), (after, closed.clone()), (home.text(), closed)];
        let mut killed = 0;
        for (number, point) in points.iter().enumerate() {
            for host_writes in [false, true] {
                home.restore();
                let (output, was_killed) = kill_at(&home, self.args, point);
                killed += usize::from(was_killed);
                // The processes that a killed `exec` had started end by themselves.
                if point.is_alone() {
                    home.until_quiet();
                }
                let when = format!("{:?}, killed at {point:?}, host writes: {host_writes}", self.args);
                said(&output);
                self.check_one(&home, &when, number, host_writes, &known);
            }
        }
        println!("{:?}: killed {killed} times at {} calls", self.args, points.len());
        assert!(killed * 10 >= points.len() * 2 * 8, "only {killed} of {} runs were killed", points.len() * 2);
    }

    fn check_one(&self, home: &Home, when: &str, number: usize, host_writes: bool, known: &[(Vec<u8>, Vec<u8>)]) {
        let found = home.text();
        whole(&found);
        let Some((_, closed)) = known.iter().find(|(text, _)| *text == found) else {
            panic!("{when}: the target is neither as it was nor as it was to be");
        };
        assert!(!holds_secret(&found) || home.has_journal(), "{when}: a secret in the target, and nobody owes it");
        let mut expected = closed.clone();
        if host_writes {
            home.host_writes("numStartups", number % 100);
            expected = host_edit(&expected, "numStartups", number % 100);
        }
        home.age_lock();
        said(&home.run(&["status"]));
        self.settle(home, when);
        let left = home.text();
        assert!(left == expected, "{when}: an update is lost, or the placeholder form is another");
    }

    /// What the user does after a crash, and what must be so then.
    fn settle(&self, home: &Home, when: &str) {
        let rendered = holds_secret(&home.text());
        let recovered = home.run(&["recover"]);
        assert!(recovered.status.success(), "{when}: recover: {}", said(&recovered));
        if self.cured == BY_UNRENDER {
            if self.args[0] == "exec" {
                assert_eq!(rendered, holds_secret(&home.text()), "{when}: the hold of a person was ended");
            }
            let unrendered = home.run(&["unrender"]);
            assert!(unrendered.status.success(), "{when}: unrender: {}", said(&unrendered));
        }
        home.until_quiet();
        home.assert_nothing_owed(when);
    }
}

fn holds_secret(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("sk-live-") || text.contains("ghp_")
}
