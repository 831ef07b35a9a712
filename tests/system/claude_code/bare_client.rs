//! The client without keystencil: what the scenarios take for granted about it, and proof that the harness can see it.
//! When a new version of the client breaks one of these, the design has to be looked at, not the test.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::support::home::{Home, new_secret};
use super::support::terminal::Session;
use super::support::{process, stencil};
use crate::poll::{self, PATIENCE};

/// Far longer than the client needs to notice that its file has changed: half a second was enough, none was not.
const NOTICES: Duration = PATIENCE;

fn holding_its_secret() -> Home {
    let home = Home::new();
    set_secret(&home, &home.secret);
    home
}

fn set_secret(home: &Home, secret: &str) {
    home.edit(|config| config["mcpServers"] = home.servers(&[("SECRET", secret)])["mcpServers"].clone());
}

#[test]
fn print_mode_hands_the_server_what_the_file_says() {
    let home = holding_its_secret();
    let ran = process::run(&mut stencil::client(&home, ["-p", "hi"]), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(ran.stdout.trim(), "Hello from the mock.");
    assert_eq!(home.record(1).env("SECRET"), home.secret);
}

#[test]
fn a_refused_request_ends_print_mode_with_status_1() {
    let home = holding_its_secret();
    home.api.refuse();
    let ran = process::run(&mut stencil::client(&home, ["-p", "hi"]), PATIENCE);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(ran.stdout.contains("400"), "{ran:?}");
}

#[test]
fn the_search_finds_the_secret_in_the_file_and_in_the_backup_the_client_made_of_it() {
    let home = holding_its_secret();
    process::run(&mut stencil::client(&home, ["-p", "hi"]), PATIENCE);
    let found = home.found();
    assert!(found.iter().any(|place| place.contains("/.claude.json:")), "{found:?}");
    assert!(found.iter().any(|place| place.contains("/.claude/backups/.claude.json.backup.")), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

fn ends(how: impl Fn(&Session), status: i32) {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    assert_eq!(home.record(1).env("SECRET"), home.secret);
    session.ask("hi");
    how(&session);
    assert_eq!(session.status(), status);
}

#[test]
fn the_interactive_client_ends_after_exit() {
    ends(|session| session.enter("/exit"), 0);
}

#[test]
fn the_interactive_client_ends_after_ctrl_c_twice() {
    ends(|session| session.twice("C-c"), 0);
}

#[test]
fn the_interactive_client_ends_after_ctrl_d_twice() {
    ends(|session| session.twice("C-d"), 0);
}

#[test]
fn the_interactive_client_ends_after_sigterm() {
    ends(|session| session.client(1).send(Signal::TERM), 143);
}

#[test]
fn the_interactive_client_ends_after_sighup() {
    ends(|session| session.client(1).send(Signal::HUP), 129);
}

#[test]
fn the_interactive_client_ends_after_sigkill() {
    ends(|session| session.client(1).send(Signal::KILL), 137);
}

#[test]
fn the_interactive_client_ends_with_its_terminal() {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    let client = session.client(1);
    session.close_terminal();
    assert!(poll::comes_true(PATIENCE, || !client.alive()), "the client outlived its terminal");
}

#[test]
fn a_changed_file_reaches_the_server_after_reconnect() {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    session.ask("hi");
    let changed = new_secret("changed");
    set_secret(&home, &changed);
    assert!(
        poll::comes_true(NOTICES, || {
            session.reconnect();
            home.records().last().unwrap().env("SECRET") == changed
        }),
        "the client never read its file again"
    );
    session.enter("/exit");
    assert_eq!(session.status(), 0);
}

#[test]
fn clear_keeps_a_server_whose_configuration_is_as_it_was() {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    session.ask("hi");
    session.enter("/clear");
    session.ask("hi again");
    assert_eq!(home.records().len(), 1);
    session.reconnect();
    assert_eq!(home.records().len(), 2);
}

#[test]
fn a_relaunch_of_the_terminal_interface_starts_the_server_anew_under_the_same_process() {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    session.ask("hi");
    session.enter("/tui fullscreen");
    assert_eq!(home.record(2).ppid, home.record(1).ppid);
    session.wait_for_prompt();
    session.enter("/exit");
    assert_eq!(session.status(), 0);
}

#[test]
fn mcp_list_starts_the_server_of_another_session_again_and_ends_alone() {
    let home = holding_its_secret();
    let session = Session::bare(&home);
    session.ask("hi");
    let client = session.client(1);
    let ran = process::run(&mut stencil::client(&home, ["mcp", "list"]), PATIENCE);
    assert!(ran.status.success() && ran.stdout.contains("Connected"), "{ran:?}");
    assert_ne!(home.record(2).ppid, client.pid());
    assert!(client.alive());
}

#[test]
fn a_started_client_runs_the_hooks_of_its_settings() {
    let home = holding_its_secret();
    let hook = |line: &str| json!([{ "hooks": [{ "type": "command", "command": line, "timeout": 60 }] }]);
    let start = hook("echo '{\"systemMessage\": \"A hook was here.\"}'");
    let end = hook(&format!("cat >> {}", home.witness("ended").display()));
    home.write(
        &home.folder().join(".claude/settings.json"),
        &json!({ "tui": "default", "hooks": { "SessionStart": start, "SessionEnd": end } }),
    );
    let session = Session::bare(&home);
    session.wait_for("A hook was here.");
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    let ended = || std::fs::read_to_string(home.witness("ended")).unwrap_or_default();
    assert!(poll::comes_true(PATIENCE, || ended().contains("prompt_input_exit")), "{}", ended());
}
