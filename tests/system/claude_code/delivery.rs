//! A session gets its secrets from its first moment, and takes them with it when it ends.

use std::time::Duration;

use super::support::home::Home;
use super::support::process::{self, Ran};
use super::support::stencil::{self, PLACEHOLDER};
use super::support::terminal::Session;
use crate::poll::{self, PATIENCE};
use crate::residue;

/// `exec` takes the secrets out before it ends itself.
const AT_ONCE: Duration = Duration::ZERO;

/// With hooks alone nobody waits for the session's end but the guard.
const SOON: Duration = PATIENCE;

fn print_mode(home: &Home, before: &[&str]) -> Ran {
    process::run(&mut stencil::command(home, [before, &["exec", "--", "claude", "-p", "hi"]].concat()), PATIENCE)
}

#[test]
fn print_mode_under_exec_delivers_and_leaves_nothing() {
    let home = stencil::home();
    let ran = print_mode(&home, &[]);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    assert_eq!((ran.status.code(), ran.stdout.trim()), (Some(0), "Hello from the mock."), "{ran:?}");
    home.assert_delivered(&home.record(1));
}

#[test]
fn a_second_run_delivers_again_and_leaves_nothing() {
    let home = stencil::home();
    for run in 1..=2 {
        print_mode(&home, &[]);
        home.assert_delivered(&home.record(run));
        home.assert_nothing_left_within(AT_ONCE, &[]);
    }
}

#[test]
fn a_template_and_a_target_on_the_command_line_need_no_configuration() {
    let home = stencil::home();
    std::fs::remove_file(home.folder().join(".config/keystencil/config.toml")).unwrap();
    let (template, target) = (home.template(), home.target());
    let pair = [
        "exec",
        "--template",
        template.to_str().unwrap(),
        "--to",
        target.to_str().unwrap(),
        "--",
        "claude",
        "-p",
        "hi",
    ];
    let ran = stencil::succeeds(&home, pair);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    assert_eq!(ran.stdout.trim(), "Hello from the mock.");
    home.assert_delivered(&home.record(1));
}

#[test]
fn an_error_of_the_api_ends_the_session_with_the_clients_status_and_leaves_nothing() {
    let home = stencil::home();
    home.api.refuse();
    let ran = print_mode(&home, &[]);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    home.assert_delivered(&home.record(1));
}

#[test]
fn mcp_list_under_exec_delivers_and_leaves_nothing() {
    let home = stencil::home();
    let ran = stencil::succeeds(&home, ["exec", "--", "claude", "mcp", "list"]);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    assert!(ran.stdout.contains("Connected"), "{ran:?}");
    home.assert_delivered(&home.record(1));
}

#[test]
fn neither_the_command_line_nor_the_environment_of_the_session_shows_the_secret() {
    let home = stencil::home();
    let session = Session::launched(&home);
    let client = session.client(1);
    for process in [client, session.started(client)] {
        let open = process.open_to_all();
        assert!(!open.is_empty());
        assert!(residue::in_bytes(&open, &home.secret).is_empty(), "process {} shows the secret", process.pid());
    }
}

#[test]
fn the_hooks_of_a_launched_session_have_nothing_to_complain_about() {
    let home = stencil::home();
    let session = Session::launched(&home);
    session.ask("hi");
    let screen = session.screen();
    assert!(!screen.contains("/mcp") && !screen.to_lowercase().contains("error"), "{screen}");
}

/// The client starts its servers beside its hooks, so a hook cannot deliver to them: it says so, and Reconnect does.
#[test]
fn a_client_started_alone_gets_placeholders_is_told_so_and_gets_its_secrets_by_reconnecting() {
    let home = stencil::home();
    stencil::succeeds(&home, ["exec", "--", "true"]);
    home.assert_nothing_left_within(AT_ONCE, &[]);
    let session = Session::bare(&home);
    assert_eq!(home.record(1).env("SECRET"), PLACEHOLDER);
    session.wait_for("keystencil");
    session.wait_for("/mcp");
    assert!(
        poll::comes_true(PATIENCE, || home.config()["mcpServers"]["probe"]["env"]["SECRET"] == home.secret),
        "the hook did not render"
    );
    // The client notices a change of its file a moment later: a Reconnect at once still reads what it had read before.
    assert!(
        poll::comes_true(PATIENCE, || {
            session.reconnect();
            home.records().last().unwrap().env("SECRET") == home.secret
        }),
        "reconnecting delivered nothing"
    );
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    home.assert_nothing_left_within(SOON, &[]);
}

#[test]
fn print_mode_alone_leaves_nothing_of_what_its_hooks_rendered() {
    let home = stencil::home();
    process::run(&mut stencil::client(&home, ["-p", "hi"]), PATIENCE);
    home.assert_nothing_left_within(SOON, &[]);
}
