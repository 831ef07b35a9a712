//! Several sessions at once: the secrets stay for as long as one lives, and leave with the last.

use std::time::Duration;

use rustix::process::Signal;

use super::support::home::{Home, new_secret};
use super::support::terminal::Session;
use super::support::watch::Watch;
use super::support::{process, stencil};
use crate::poll::PATIENCE;

/// The last one out may have been a killed one.
const SOON: Duration = PATIENCE;

fn started(home: &Home, number: usize) -> Session<'_> {
    let session = Session::launched(home);
    home.assert_delivered(&home.record(number));
    session
}

fn exit(session: &Session) {
    session.enter("/exit");
    assert_eq!(session.status(), 0);
}

#[test]
fn the_first_of_two_sessions_to_end_takes_nothing_from_the_other() {
    let home = stencil::home();
    let (first, second) = (started(&home, 1), started(&home, 2));
    let watch = Watch::over(&home);
    exit(&first);
    home.assert_rendered();
    second.reconnect();
    home.assert_delivered(&home.record(3));
    watch.never_lost();
    exit(&second);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

#[test]
fn a_killed_session_takes_nothing_from_the_other() {
    let home = stencil::home();
    let (first, second) = (started(&home, 1), started(&home, 2));
    let watch = Watch::over(&home);
    first.client(1).send(Signal::KILL);
    assert_eq!(first.status(), 137);
    home.assert_rendered();
    second.reconnect();
    home.assert_delivered(&home.record(3));
    watch.never_lost();
    exit(&second);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

#[test]
fn five_sessions_that_end_in_five_ways_leave_nothing() {
    let home = stencil::home();
    let sessions: Vec<Session> = (1..=5).map(|number| started(&home, number)).collect();
    let watch = Watch::over(&home);
    let client = |index: usize| sessions[index].client(index + 1);
    exit(&sessions[0]);
    home.assert_rendered();
    client(1).send(Signal::KILL);
    assert_eq!(sessions[1].status(), 137);
    home.assert_rendered();
    sessions[2].twice("C-c");
    assert_eq!(sessions[2].status(), 0);
    home.assert_rendered();
    client(3).send(Signal::TERM);
    assert_eq!(sessions[3].status(), 143);
    home.assert_rendered();
    sessions[4].reconnect();
    home.assert_delivered(&home.record(6));
    watch.never_lost();
    client(4).send(Signal::HUP);
    assert_eq!(sessions[4].status(), 129);
    home.assert_nothing_left_within(SOON, &[]);
}

#[test]
fn print_mode_beside_a_session_takes_nothing_from_it() {
    let home = stencil::home();
    let session = started(&home, 1);
    let watch = Watch::over(&home);
    stencil::succeeds(&home, ["exec", "--", "claude", "-p", "hi"]);
    home.assert_delivered(&home.record(2));
    home.assert_rendered();
    watch.never_lost();
    exit(&session);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

/// Its SessionEnd hook runs without any SessionStart before it.
#[test]
fn mcp_list_beside_a_session_takes_nothing_from_it() {
    let home = stencil::home();
    let session = started(&home, 1);
    let watch = Watch::over(&home);
    for list in [
        stencil::client(&home, ["mcp", "list"]),
        stencil::client(&home, ["mcp", "get", "probe"]),
        stencil::command(&home, ["exec", "--", "claude", "mcp", "list"]),
    ] {
        let ran = process::run(&mut { list }, PATIENCE);
        assert!(ran.status.success(), "{ran:?}");
        home.assert_rendered();
    }
    session.ask("hi");
    let before = home.records().len();
    session.reconnect();
    home.assert_delivered(&home.record(before + 1));
    watch.never_lost();
    exit(&session);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

#[test]
fn a_client_started_alone_beside_a_session_gets_the_secrets_too_and_keeps_them() {
    let home = stencil::home();
    let first = started(&home, 1);
    let watch = Watch::over(&home);
    let second = Session::bare(&home);
    home.assert_delivered(&home.record(2));
    second.ask("hi");
    exit(&first);
    home.assert_rendered();
    watch.never_lost();
    exit(&second);
    home.assert_nothing_left_within(SOON, &[]);
}

#[test]
fn a_template_that_changed_between_two_sessions_holds_for_both_and_leaves_nothing() {
    let home = stencil::home();
    let first = started(&home, 1);
    let watch = Watch::over(&home);
    let other = new_secret("other");
    stencil::store(&home, "other", &other);
    stencil::write_template(&home, &[("OTHER", "<< keyring('other') >>")]);
    let second = started(&home, 2);
    assert_eq!(home.record(2).env("OTHER"), other);
    exit(&first);
    home.assert_rendered();
    assert_eq!(home.config()["mcpServers"]["probe"]["env"]["OTHER"], other);
    watch.never_lost();
    exit(&second);
    home.assert_nothing_left_within(Duration::ZERO, &[&other]);
    assert_eq!(home.config()["mcpServers"]["probe"]["env"]["OTHER"], "<< keyring('other') >>");
}
