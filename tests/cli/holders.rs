//! Invariant 8: the secrets leave with the last holder, and never before; a dead holder does not count.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use crate::scratch::{CHANGED_TEMPLATE, Home, Sleeper, names_in, said};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Waits for what `ask` is to find, a minute at most.
#[track_caller]
fn until(what: &str, ask: impl Fn() -> bool) {
    assert!(crate::scratch::comes_true(ask), "{what} did not come about");
}

/// An `exec` whose command waits for a file, and which has rendered.
fn exec(home: &Home, name: &str) -> Child {
    let (started, end) = (home.path(&format!("{name}-started")), home.path(&format!("{name}-end")));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.02; done", started.display(), end.display());
    let mut command = home.command(["exec", "--", "sh", "-c", &script]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the start", || started.exists());
    child
}

fn end(home: &Home, name: &str) {
    fs::write(home.path(&format!("{name}-end")), "").unwrap();
}

#[test]
fn the_secrets_leave_with_the_last_of_three_holders() {
    let home = Home::settled();
    let at_rest = home.text();
    let mut holders: Vec<Child> = ["a", "b", "c"].iter().map(|name| exec(&home, name)).collect();
    for (name, last) in [("b", false), ("a", false), ("c", true)] {
        assert!(home.is_rendered());
        end(&home, name);
        let index = ["a", "b", "c"].iter().position(|known| *known == name).unwrap();
        assert!(holders[index].wait().unwrap().success());
        assert_eq!(home.text() == at_rest, last, "after {name}");
    }
    home.until_quiet();
    home.assert_nothing_owed("three holders");
}

#[test]
fn a_hold_of_a_person_outlives_an_exec_and_an_exec_outlives_it() {
    let home = Home::settled();
    home.succeeds(&["render"]);
    home.succeeds(&["exec", "--", "true"]);
    assert!(home.is_rendered(), "exec took a person's hold along");
    let mut child = exec(&home, "a");
    home.succeeds(&["unrender"]);
    assert!(home.is_rendered(), "unrender took the hold of exec along");
    end(&home, "a");
    assert!(child.wait().unwrap().success());
    home.until_quiet();
    home.assert_nothing_owed("a person and an exec");
}

#[test]
fn a_dead_holder_does_not_count_and_a_living_one_keeps_its_secrets() {
    let home = Home::settled();
    let (dies, lives) = (Sleeper::start(), Sleeper::start());
    for holder in [&dies, &lives] {
        home.succeeds(&["render", "--owner", &holder.pid()]);
    }
    drop(dies);
    home.succeeds(&["recover"]);
    assert!(home.is_rendered());
    drop(lives);
    home.succeeds(&["recover"]);
    home.assert_nothing_owed("all dead");
}

#[test]
fn a_process_that_got_the_id_of_a_dead_holder_holds_nothing() {
    let home = Home::settled();
    let holder = Sleeper::start();
    home.succeeds(&["render", "--owner", &holder.pid()]);
    let name = names_in(&home.state()).into_iter().find(|name| name.ends_with(".journal.json")).unwrap();
    let path = home.state().join(name);
    let mut journal: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let started = journal["leases"][0]["started"].as_u64().unwrap();
    journal["leases"][0]["started"] = (started - 1).into();
    fs::write(&path, journal.to_string()).unwrap();
    home.succeeds(&["recover"]);
    home.assert_nothing_owed("a recycled id");
}

#[test]
fn the_same_holder_holds_once_however_often_it_renders() {
    let home = Home::settled();
    let holder = Sleeper::start();
    for _ in 0..3 {
        home.succeeds(&["render", "--owner", &holder.pid()]);
    }
    home.succeeds(&["unrender", "--owner", &holder.pid()]);
    home.assert_nothing_owed("one holder");
}

#[test]
fn a_changed_template_is_planned_anew_for_all_holders() {
    let home = Home::settled();
    let (first, second) = (Sleeper::start(), Sleeper::start());
    home.succeeds(&["render", "--owner", &first.pid()]);
    home.host_writes("n", 1);
    fs::write(home.template(), CHANGED_TEMPLATE).unwrap();
    home.succeeds(&["render", "--owner", &second.pid()]);
    assert!(home.is_rendered());
    home.succeeds(&["unrender", "--owner", &second.pid()]);
    assert!(home.is_rendered(), "the first holder lost what the second rendered");
    home.succeeds(&["unrender", "--owner", &first.pid()]);
    home.assert_nothing_owed("two templates");
    let document = crate::scratch::whole(&home.text());
    assert!(document["mcpServers"].get("hub").is_none(), "what the template no longer names stayed");
    assert_eq!(document["mcpServers"]["search"]["env"]["AGAIN"], "<< keyring('openai') >>");
}

#[test]
fn an_exec_that_is_killed_leaves_its_command_the_secrets_until_that_ends() {
    let home = Home::settled();
    let mut child = exec(&home, "a");
    until("the hold of the command", || {
        let status = home.run(&["status", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&status.stdout)
            .is_ok_and(|all| all.to_string().matches("\"pid\"").count() >= 2)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    home.succeeds(&["recover"]);
    assert!(home.is_rendered(), "the command still runs");
    end(&home, "a");
    home.until_quiet();
    // The guard needs no command to come by.
    until("the end", || !home.has_journal());
    home.assert_nothing_owed("killed exec");
}

/// 64 sessions begin and end at random, a third of them is killed. Each looks at its beginning, and again and again
/// until its end, whether the secrets are there.
#[test]
fn no_living_session_of_a_storm_loses_its_secrets_and_nothing_is_left_after_it() {
    const SESSIONS: usize = 64;
    let home = Home::settled();
    let at_rest = home.text();
    let (next, killed, lost) = (AtomicUsize::new(0), AtomicUsize::new(0), home.path("lost"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= SESSIONS {
                        return;
                    }
                    storm_session(&home, number, &killed);
                }
            });
        }
    });
    home.until_quiet();
    until("the last guard's work", || !home.has_journal());
    assert!(!lost.exists(), "a living session lost its secrets: {}", fs::read_to_string(&lost).unwrap_or_default());
    println!("{SESSIONS} sessions, {} killed", killed.load(Ordering::SeqCst));
    assert!(killed.load(Ordering::SeqCst) >= SESSIONS / 4);
    home.assert_nothing_owed("a storm");
    assert_eq!(home.text(), at_rest);
}

fn storm_session(home: &Home, number: usize, killed: &AtomicUsize) {
    // Any spread will do, as long as it is the same each time.
    let dice = number.wrapping_mul(2_654_435_761) >> 7;
    let (looks, mortal) = (1 + dice % 8, number.is_multiple_of(3));
    let (target, lost, done) = (home.target(), home.path("lost"), home.path(&format!("session-{number}")));
    let look = format!(
        "grep -q ghp_0123456789 {t} && grep -q sk-live- {t} || echo {number} >> {l}",
        t = target.display(),
        l = lost.display()
    );
    let script = format!(
        "for i in $(seq {looks}); do {look}; touch {d}; sleep 0.0$((i % 5))5; done; {look}",
        d = done.display()
    );
    let mut command = home.command(["exec", "--", "sh", "-c", &script]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    if mortal {
        until("a session's start", || done.exists() || child_ended(&child));
        std::thread::sleep(Duration::from_millis((dice % 60) as u64));
        let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        killed.fetch_add(usize::from(kill_process(pid, Signal::KILL).is_ok()), Ordering::SeqCst);
        child.wait().unwrap();
        return;
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "session {number}: {}", said(&output));
}

/// Whether it has ended and only waits for us.
fn child_ended(child: &Child) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", child.id())).is_ok_and(|stat| stat.contains(") Z "))
}
