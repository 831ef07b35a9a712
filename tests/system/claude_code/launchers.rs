//! Other ways to start the client than `keystencil exec -- claude`: through the shim, and with a window that closes early.

use std::time::Duration;

use super::support::home::Home;
use super::support::process;
use super::support::stencil::{self, PLACEHOLDER};
use super::support::terminal::Session;
use crate::poll::{self, PATIENCE};

fn is_at_rest(home: &Home) -> bool {
    home.config()["mcpServers"]["probe"]["env"]["SECRET"] == PLACEHOLDER
}

/// A PATH on which the shim comes first.
fn shimmed(home: &Home) -> String {
    let folder = home.folder().join(".local/bin");
    let path = home.env().into_iter().find(|(name, _)| *name == "PATH").unwrap().1;
    let path = format!("{}:{path}", folder.display());
    let ran = process::run(stencil::command(home, ["install", "shim", "claude"]).env("PATH", &path), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    path
}

#[test]
fn through_the_shim_the_client_gets_its_secrets_and_leaves_nothing() {
    let home = stencil::home();
    let path = shimmed(&home);
    let ran = process::run(stencil::client(&home, ["-p", "hi"]).env("PATH", &path), PATIENCE);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
    assert_eq!((ran.status.code(), ran.stdout.trim(), ran.stderr.trim()), (Some(0), "Hello from the mock.", ""));
    home.assert_delivered(&home.record(1));
}

#[test]
fn through_the_shim_a_session_in_a_terminal_is_like_any_other() {
    let home = stencil::home();
    let path = format!("PATH={}", shimmed(&home));
    let session = Session::start(&home, &["env", &path, "claude"]);
    session.wait_for_prompt();
    session.ask("hi");
    home.assert_delivered(&home.record(1));
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

#[test]
fn the_version_through_the_shim_is_the_clients_own_and_nothing_is_rendered_for_it() {
    let home = stencil::home();
    let path = shimmed(&home);
    let plain = process::run(&mut stencil::client(&home, ["--version"]), PATIENCE);
    let ran = process::run(stencil::client(&home, ["--version"]).env("PATH", &path), PATIENCE);
    assert_eq!((ran.stdout, ran.stderr), (plain.stdout, plain.stderr));
    let log = stencil::succeeds(&home, ["log"]);
    assert!(log.stdout.is_empty(), "{log:?}");
}

#[test]
fn without_its_secret_the_shim_says_so_and_starts_the_client_all_the_same() {
    let home = stencil::home();
    let path = shimmed(&home);
    stencil::succeeds(&home, ["secret", "rm", "probe"]);
    let ran = process::run(stencil::client(&home, ["-p", "hi"]).env("PATH", &path), PATIENCE);
    assert_eq!((ran.status.code(), ran.stdout.trim()), (Some(0), "Hello from the mock."), "{ran:?}");
    assert!(ran.stderr.contains("error: secret `probe`"), "{ran:?}");
}

#[test]
fn with_an_early_window_the_secrets_leave_while_the_session_goes_on_and_clear_does_not_take_them_from_its_servers() {
    let home = stencil::home();
    let session = Session::start(&home, &["keystencil", "exec", "--window", "start", "--", "claude"]);
    session.wait_for_prompt();
    home.assert_delivered(&home.record(1));
    assert!(poll::comes_true(PATIENCE, || is_at_rest(&home)), "the window did not close");
    session.ask("hi");
    session.enter("/clear");
    session.ask("hi again");
    assert!(poll::comes_true(PATIENCE, || is_at_rest(&home)), "the window did not close again");
    home.records().iter().for_each(|record| home.assert_delivered(record));
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}
