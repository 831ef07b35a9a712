//! The helpers, started by themselves as `exec` and the guard start them: killed at each call, and refused each.
//!
//! Whatever happens to one, the target is whole, the journal has what is in it, and a program that may be running keeps
//! it.

use super::holds_secret;
use crate::scratch::{Home, Sleeper, said, whole};
use crate::trace::{inject, kill_at, points};
use std::fs;
use std::process::Output;

/// The process that `exec` would be, as a helper is told of it.
struct Owner {
    process: Sleeper,
    id: String,
}

impl Owner {
    fn start() -> Self {
        let process = Sleeper::start();
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
        let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
        Self { id: format!("{}:{started}", process.pid()), process }
    }

    fn render(&self, home: &Home) {
        home.succeeds(&["render", "--owner", &self.process.pid()]);
    }
}

/// What must be so after a helper, however it ended.
#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    /// The process it works for lives, and so do its secrets.
    Rendered,
    /// A success means that none is left.
    NoneIfDone,
    Either,
}

/// Runs the helper once for each of its calls and kills it there, and once more and refuses it the call.
fn check(home: &mut Home, args: &[&str], owner: Option<&Owner>, leaves: Leaves, at_rest: &[u8], rendered: &[u8]) {
    home.keep();
    let points = points(home, args, false);
    settle(home, owner, at_rest, "neither killed nor refused");
    let (mut killed, mut refused) = (0, 0);
    for (turn, point) in points.iter().enumerate() {
        home.restore();
        let (output, was_killed) = kill_at(home, args, point);
        killed += usize::from(was_killed);
        check_one(home, &format!("{args:?}, killed at {point:?}"), &output, leaves, &[at_rest, rendered]);
        settle(home, owner, at_rest, &format!("{args:?}, killed at {point:?}"));
        let Some(error) = point.error(turn) else { continue };
        home.restore();
        let output = inject(home, args, point, &format!("error={error}"), "");
        refused += 1;
        let when = format!("{args:?}, {error} at {point:?}");
        assert!(!said(&output).contains("panicked"), "{when}: {}", said(&output));
        check_one(home, &when, &output, leaves, &[at_rest, rendered]);
        settle(home, owner, at_rest, &when);
    }
    println!("{}: killed {killed} times, refused {refused} times, at {} calls", args[0], points.len());
    assert!(killed * 10 >= points.len() * 8 && refused > 0, "only {killed} of {} runs were killed", points.len());
}

fn check_one(home: &Home, when: &str, output: &Output, leaves: Leaves, known: &[&[u8]]) {
    let (said, found) = (said(output), home.text());
    whole(&found);
    assert!(known.contains(&&*found), "{when}: the target is neither as it was nor as it was to be: {said}");
    assert!(!holds_secret(&found) || home.has_journal(), "{when}: a secret in the target, and nobody owes it: {said}");
    assert!(leaves != Leaves::Rendered || holds_secret(&found), "{when}: a living holder lost its secrets: {said}");
    // Whether a process lives is not known where that can't be read, and it counts as alive.
    if leaves == Leaves::NoneIfDone && output.status.success() && !when.contains("/proc/") {
        home.assert_no_secret(when);
    }
}

/// What `exec` or the user does afterwards.
fn settle(home: &Home, owner: Option<&Owner>, at_rest: &[u8], when: &str) {
    home.age_lock();
    let pid = owner.map(|owner| owner.process.pid());
    let unrender = pid.as_ref().map(|pid| vec!["unrender", "--owner", pid]);
    for args in [Some(vec!["recover"]), unrender].into_iter().flatten() {
        let output = home.run(&args);
        assert!(output.status.success(), "{when}: {args:?}: {}", said(&output));
    }
    home.until_quiet();
    home.assert_nothing_owed(when);
    assert!(home.text() == at_rest, "{when}: the placeholder form is another");
}

/// A home that is at rest, the target as it is at rest, and as it is when rendered for the owner.
fn prepared() -> (Home, Owner, Vec<u8>, Vec<u8>) {
    let (home, owner) = (Home::settled(), Owner::start());
    let at_rest = home.text();
    owner.render(&home);
    let rendered = home.text();
    (home, owner, at_rest, rendered)
}

#[test]
fn what_fills_for_exec_leaves_all_or_nothing_and_owes_what_it_filled() {
    let (mut home, owner, at_rest, rendered) = prepared();
    home.succeeds(&["unrender", "--owner", &owner.process.pid()]);
    let args = ["exec-fill", &owner.id, "grants", "exec", "--", "true"];
    check(&mut home, &args, Some(&owner), Leaves::Either, &at_rest, &rendered);
}

#[test]
fn what_becomes_the_program_takes_nothing_from_an_exec_that_lives() {
    let (mut home, owner, at_rest, rendered) = prepared();
    let target = home.target().display().to_string();
    let args = ["exec-start", "auto-plain", &owner.id, "1", &target, "true"];
    check(&mut home, &args, Some(&owner), Leaves::Rendered, &at_rest, &rendered);
}

#[test]
fn what_becomes_the_program_leaves_nothing_for_good_after_an_exec_that_was_killed() {
    let (mut home, owner, at_rest, rendered) = prepared();
    let (target, id) = (home.target().display().to_string(), owner.id.clone());
    drop(owner);
    let args = ["exec-start", "auto-plain", &id, "1", &target, "true"];
    check(&mut home, &args, None, Leaves::Either, &at_rest, &rendered);
}

#[test]
fn what_closes_for_exec_leaves_none_or_owes_it() {
    let (mut home, owner, at_rest, rendered) = prepared();
    let target = home.target().display().to_string();
    let args = ["exec-close", "auto-plain", &owner.id, "0", &target];
    check(&mut home, &args, Some(&owner), Leaves::NoneIfDone, &at_rest, &rendered);
}

#[test]
fn what_closes_for_the_guard_leaves_none_or_owes_it() {
    let (mut home, owner, at_rest, rendered) = prepared();
    let (target, state) = (home.target().display().to_string(), home.state().display().to_string());
    drop(owner);
    check(&mut home, &["guard-close", &state, &target], None, Leaves::NoneIfDone, &at_rest, &rendered);
}
