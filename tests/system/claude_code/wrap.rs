//! The real client around a config whose servers are wrapped: `claude mcp add`, `get`, `list` and `remove`.

use super::support::home::Home;
use super::support::process::{self, Ran};
use super::support::stencil::{self, PLACEHOLDER};
use crate::poll::PATIENCE;
use serde_json::Value;

fn wrapped() -> Home {
    let home = stencil::home();
    let config = home.folder().join(".config/keystencil/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}deliver = \"wrap\"\n")).unwrap();
    render(&home);
    home
}

/// Renders. What was allowed for the file is not allowed for a server that keystencil starts, which is told.
fn render(home: &Home) -> Ran {
    let ran = process::run(&mut stencil::command(home, ["render"]), PATIENCE);
    assert!(ran.status.code() == Some(3) && ran.stderr.matches("is not allowed as it is now").count() == 1, "{ran:?}");
    ran
}

fn mcp(home: &Home, args: &[&str]) -> Ran {
    process::run(&mut stencil::client(home, [&["mcp"], args].concat()), PATIENCE)
}

fn probe(home: &Home) -> Value {
    home.config()["mcpServers"]["probe"].clone()
}

#[test]
fn what_the_client_adds_and_removes_leaves_a_wrapped_server_wrapped() {
    let home = wrapped();
    let before = probe(&home);
    // As `PATH` finds it: the link itself, not what it leads to.
    let called = home.folder().parent().unwrap().join("bin/keystencil");
    assert_eq!(
        (before["command"].as_str(), before["args"][2].as_str()),
        (called.to_str(), Some("claude:/mcpServers/probe"))
    );
    assert_eq!(before["env"]["SECRET"], PLACEHOLDER);

    assert!(
        mcp(&home, &["add", "--scope", "user", "--transport", "http", "docs", "https://docs.invalid/mcp"])
            .status
            .success()
    );
    assert!(mcp(&home, &["remove", "--scope", "user", "docs"]).status.success());
    assert_eq!(probe(&home), before);
    let text = std::fs::read_to_string(home.target()).unwrap();
    let again = render(&home);
    assert!(again.stderr.contains("unchanged") && again.stderr.contains("2 wrapped"), "{again:?}");
    assert_eq!(std::fs::read_to_string(home.target()).unwrap(), text, "the client's own layout stays");
    home.assert_nothing_left_within(std::time::Duration::ZERO, &[]);
}

#[test]
fn the_client_shows_the_call_and_no_key() {
    let home = wrapped();
    for args in [&["get", "probe"][..], &["list"]] {
        let shown = mcp(&home, args);
        assert!(shown.status.success() && shown.stdout.contains("keystencil"), "{shown:?}");
        assert!(!shown.stdout.contains(&home.secret), "{shown:?}");
    }
    home.assert_nothing_left_within(std::time::Duration::ZERO, &[]);
}

#[test]
fn a_server_that_the_client_removes_is_gone_until_the_next_render_and_absorbed_as_gone() {
    let home = wrapped();
    // What the user had in that server is not the template's yet, and what is allowed is allowed with it.
    stencil::succeeds(&home, ["absorb", "--yes"]);
    assert!(mcp(&home, &["remove", "--scope", "user", "probe"]).status.success());
    assert!(probe(&home).is_null());
    render(&home);
    assert_eq!(probe(&home)["args"][2], "claude:/mcpServers/probe");
    assert!(mcp(&home, &["remove", "--scope", "user", "probe"]).status.success());
    stencil::succeeds(&home, ["absorb", "--yes"]);
    assert!(!std::fs::read_to_string(home.template()).unwrap().contains(PLACEHOLDER));
}
