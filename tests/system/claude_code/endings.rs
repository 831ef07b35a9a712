//! However a session ends, it leaves nothing: not in the target, not in a backup, not in a temporary folder.

use std::time::Duration;

use rustix::process::Signal;

use super::support::stencil;
use super::support::terminal::Session;
use crate::poll::{self, PATIENCE};

/// `exec` takes the secrets out before it gives its status.
const AT_ONCE: Duration = Duration::ZERO;

/// Where `exec` cannot, the guard does; a lock that a killed client left keeps it waiting for a moment.
const BY_THE_GUARD: Duration = PATIENCE;

/// A session that has worked and is ended by `end` has the status `status` and has left nothing.
fn ends_clean(end: impl Fn(&Session), status: i32) {
    let home = stencil::home();
    let session = Session::launched(&home);
    home.assert_delivered(&home.record(1));
    session.ask("hi");
    home.assert_rendered();
    end(&session);
    assert_eq!(session.status(), status);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    home.assert_no_process_left_within(BY_THE_GUARD);
}

#[test]
fn exit_leaves_nothing() {
    ends_clean(|session| session.enter("/exit"), 0);
}

#[test]
fn ctrl_c_twice_leaves_nothing() {
    ends_clean(|session| session.twice("C-c"), 0);
}

#[test]
fn ctrl_d_twice_leaves_nothing() {
    ends_clean(|session| session.twice("C-d"), 0);
}

#[test]
fn a_terminated_client_leaves_nothing() {
    ends_clean(|session| session.client(1).send(Signal::TERM), 143);
}

#[test]
fn a_client_that_is_hung_up_leaves_nothing() {
    ends_clean(|session| session.client(1).send(Signal::HUP), 129);
}

#[test]
fn a_killed_client_leaves_nothing() {
    ends_clean(|session| session.client(1).send(Signal::KILL), 137);
}

#[test]
fn a_terminated_exec_ends_its_client_and_leaves_nothing() {
    ends_clean(|session| session.started(session.client(1)).send(Signal::TERM), 143);
}

#[test]
fn an_exec_that_is_hung_up_ends_its_client_and_leaves_nothing() {
    ends_clean(|session| session.started(session.client(1)).send(Signal::HUP), 129);
}

/// A session whose processes are killed by `kill` leaves nothing as soon as its client is gone.
fn is_cleaned_up(kill: impl Fn(&Session)) {
    let home = stencil::home();
    let session = Session::launched(&home);
    home.assert_delivered(&home.record(1));
    session.ask("hi");
    let client = session.client(1);
    kill(&session);
    assert!(poll::comes_true(PATIENCE, || !client.alive()), "the client still runs");
    home.assert_nothing_left_within(BY_THE_GUARD, &[]);
    home.assert_no_process_left_within(BY_THE_GUARD);
}

#[test]
fn a_closed_terminal_leaves_nothing() {
    is_cleaned_up(|session| {
        session.close_terminal();
    });
}

#[test]
fn killing_exec_and_then_its_client_leaves_nothing() {
    is_cleaned_up(|session| {
        let client = session.client(1);
        session.started(client).send(Signal::KILL);
        client.send(Signal::KILL);
    });
}

/// The client runs on without its parent: it keeps its secrets for as long as it lives.
#[test]
fn killing_exec_alone_takes_nothing_from_the_client_until_it_ends() {
    is_cleaned_up(|session| {
        let client = session.client(1);
        session.started(client).send(Signal::KILL);
        assert_eq!(session.status(), 137);
        if client.alive() {
            session.home.assert_rendered();
            client.send(Signal::TERM);
        }
    });
}

/// Measured: 11 of 20 clients that were killed right after an answer left their lock, 5 of them a temporary file too.
#[test]
fn a_client_killed_while_it_holds_the_lock_leaves_nothing() {
    is_cleaned_up(|session| {
        session.client(1).send(Signal::KILL);
        let _ = std::fs::create_dir(session.home.lock());
    });
}
