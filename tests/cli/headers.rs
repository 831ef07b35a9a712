//! `headers`: what a host gets for a server that it connects to, and what it does not.

use crate::run::{assert_refused, said, with_path};
use crate::sandbox::{Said, Sandbox};
use std::process::Command;

const URL: &str = "https://mcp.example.com/v1/mcp";
const REMOTE: &str = r#"{"mcpServers": {"sentry": {"type": "http", "url": "https://mcp.example.com/v1/mcp?x=1",
  "headers": { "Authorization": "Bearer << keyring('github') >>", "X-Plain": "yes" }}}}"#;

fn allowed(key: &str) -> Sandbox {
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/claude.json", REMOTE);
    sandbox.store("github", key);
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=1"])).code, 0);
    sandbox
}

fn command(sandbox: &Sandbox) -> Command {
    let mut command = with_path(sandbox, &["headers", "--for", "claude:/mcpServers/sentry"]);
    command.env("CLAUDE_CODE_MCP_SERVER_NAME", "sentry");
    command
}

fn headers(sandbox: &Sandbox, url: &str) -> Said {
    said(sandbox, command(sandbox).env("CLAUDE_CODE_MCP_SERVER_URL", url))
}

#[test]
fn the_headers_with_references_are_one_json_object_on_standard_output() {
    let sandbox = allowed("sk-canary/\"quote\"\\é");
    let said = headers(&sandbox, URL);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json, serde_json::json!({"Authorization": "Bearer sk-canary/\"quote\"\\é"}));
    assert_eq!(said.out.lines().count(), 1);
}

#[test]
fn only_the_url_that_was_allowed_gets_them() {
    let sandbox = allowed("sk-canary");
    for url in [URL, "https://MCP.example.com:443/v1/mcp", "https://mcp.example.com/v1/mcp?token=1"] {
        assert_eq!(headers(&sandbox, url).code, 0, "{url}");
    }
    for url in [
        "https://evil.example/v1/mcp",
        "http://mcp.example.com/v1/mcp",
        "https://mcp.example.com:444/v1/mcp",
        "https://mcp.example.com/v1",
        "https://mcp.example.com@evil.example/v1/mcp",
        "mcp.example.com/v1/mcp",
    ] {
        assert_refused(&headers(&sandbox, url), 125, "the URL is not the one that was allowed");
    }
    assert_refused(&headers(&sandbox, ""), 125, "does not say which URL");
    assert_refused(&said(&sandbox, &mut command(&sandbox)), 125, "does not say which URL");
}

#[test]
fn a_value_with_a_line_break_is_no_header() {
    for key in ["sk-canary\nEvil: 1", "sk-canary\r\nEvil: 1", "sk-canary\u{1}"] {
        let sandbox = allowed(key);
        assert_refused(&headers(&sandbox, URL), 125, "`Authorization` has a line break");
    }
}

#[test]
fn each_verb_is_for_its_own_kind_of_server() {
    let sandbox = allowed("sk-canary");
    let run = said(&sandbox, &mut with_path(&sandbox, &["run", "--for", "claude:/mcpServers/sentry", "--", "sh"]));
    assert_refused(&run, 125, "you allowed a URL here");
    let sandbox = crate::run::allowed(crate::run::SERVER);
    let mut command = with_path(&sandbox, &["headers", "--for", "claude:/mcpServers/github"]);
    assert_refused(&said(&sandbox, command.env("CLAUDE_CODE_MCP_SERVER_URL", URL)), 125, "you allowed a command here");
}

#[test]
fn whatever_is_wrong_standard_output_stays_empty() {
    let sandbox = allowed("sk-canary");
    sandbox.write(".config/keystencil/config.toml", "not toml [");
    assert_refused(&headers(&sandbox, URL), 125, "");
    let said = said(&sandbox, &mut with_path(&sandbox, &["headers", "--nonsense"]));
    assert!(said.code == 125 && said.out.is_empty(), "{said:?}");
}
