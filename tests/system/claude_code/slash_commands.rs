//! Commands inside a session that end one conversation and begin another, relaunch the client, or make it read its file
//! again. None of them takes a secret from the session, and the session still leaves nothing.

use super::support::stencil;
use super::support::terminal::Session;
use super::support::watch::Watch;

/// After `command` the target is still rendered, a reconnected server still gets its secret, and the end is clean.
fn keeps_its_secrets(command: impl Fn(&Session)) {
    let home = stencil::home();
    let session = Session::launched(&home);
    home.assert_delivered(&home.record(1));
    session.ask("hi");
    let watch = Watch::over(&home);
    command(&session);
    session.ask("hi again");
    home.assert_rendered();
    session.reconnect();
    watch.never_lost();
    home.records().iter().for_each(|record| home.assert_delivered(record));
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    home.assert_nothing_left_within(std::time::Duration::ZERO, &[]);
}

#[test]
fn clear_keeps_the_secrets_of_the_session() {
    keeps_its_secrets(|session| session.enter("/clear"));
}

#[test]
fn resume_keeps_the_secrets_of_the_session() {
    keeps_its_secrets(|session| {
        session.enter("/clear");
        session.ask("something else");
        session.enter("/resume");
        session.wait_for("Enter to resume");
        session.press("Enter");
        session.wait_for("❯ hi");
    });
}

#[test]
fn compact_keeps_the_secrets_of_the_session() {
    keeps_its_secrets(|session| {
        session.enter("/compact");
        session.wait_for("Compacted");
    });
}

#[test]
fn a_relaunch_of_the_terminal_interface_keeps_the_secrets_of_the_session() {
    keeps_its_secrets(|session| {
        session.enter("/tui fullscreen");
        session.home.record(2);
    });
}

#[test]
fn reload_plugins_keeps_the_secrets_of_the_session() {
    keeps_its_secrets(|session| {
        session.enter("/reload-plugins");
        session.wait_for("Reloaded:");
    });
}
