//! The notes of what `run` and `headers` delivered: there while the server runs, free of secrets, and never in its way.

use crate::below_nobody::below_nobody;
use crate::run::{ARGV, path, said, server, with_path};
use crate::sandbox::{Running, Sandbox};
use serde_json::Value;
use std::process::{Command, Stdio};

/// A key that nobody has and that can't be taken for anything else.
pub(crate) fn random() -> String {
    ["q7Zk2Xv9", "Lw3Rt8Yb", "5Nc1Pd6F"].concat()
}

const SERVERS: &str = r#"{"mcpServers": {
  "github": { "command": "probe", "args": ["-y", "${FOLDER}/data", "two words"],
    "env": { "TOKEN": "<< keyring('github') >>", "BASIC": "<< keyring('github') | b64encode >>", "REGION": "eu" } },
  "sentry": { "type": "http", "url": "https://mcp.example.com/v1/mcp",
    "headers": { "Authorization": "Bearer << keyring('github') >>" } }
}}"#;

/// A home whose servers were allowed; the server waits to be told to end.
pub(crate) fn allowed() -> Sandbox {
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/claude.json", SERVERS);
    sandbox.store("github", &random());
    sandbox.write_program("bin/probe", "#!/bin/sh\necho started >\"$HOME/started\"\nexec sleep 600\n");
    let said = said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=3"]));
    assert_eq!(said.code, 0, "{said:?}");
    sandbox
}

pub(crate) fn start(sandbox: &Sandbox) -> Running {
    let _ = std::fs::remove_file(sandbox.path("started"));
    let mut command = server(sandbox, &ARGV);
    command.env("BASIC", "<< keyring('github') | b64encode >>");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sandbox.wait_until(|| sandbox.path("started").exists());
    Running(child)
}

fn notes(sandbox: &Sandbox) -> Vec<Value> {
    let folder = sandbox.path(".local/state/keystencil/deliveries");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap()).collect()
}

/// No file but the vault, which is encrypted, holds the key in any form that something is delivered in.
fn assert_no_key(sandbox: &Sandbox) {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(random());
    for (file, bytes) in sandbox.files() {
        for form in [random(), encoded.clone(), hex::encode(random())] {
            let found = memchr::memmem::find(&bytes, form.as_bytes());
            assert!(found.is_none() && !file.to_string_lossy().contains(&form), "{}", file.display());
        }
    }
}

pub(crate) fn headers(sandbox: &Sandbox) -> Command {
    let mut command = with_path(sandbox, &["headers", "--for", "claude:/mcpServers/sentry"]);
    command.env("CLAUDE_CODE_MCP_SERVER_URL", "https://mcp.example.com/v1/mcp");
    command
}

#[test]
fn a_server_that_runs_has_a_note_with_its_process_its_place_and_no_byte_of_its_key() {
    let sandbox = allowed();
    let running = start(&sandbox);
    let all = notes(&sandbox);
    assert_eq!(all.len(), 1, "{all:?}");
    let note = &all[0];
    assert_eq!(note["process"]["pid"], running.0.id(), "{note}");
    assert_eq!(note["process"]["program"], "probe", "{note}");
    assert_eq!(note["server"], "/mcpServers/github", "{note}");
    assert!(note["target"].as_str().unwrap().ends_with("/live.json"), "{note}");
    let mut named: Vec<_> = note["secrets"].as_array().unwrap().iter().map(|one| one["placeholder"].clone()).collect();
    named.sort_by_key(ToString::to_string);
    assert_eq!(named, ["<< keyring('github') >>", "<< keyring('github') | b64encode >>"], "{note}");
    assert!(note["secrets"].as_array().unwrap().iter().all(|one| !one["prints"].as_array().unwrap().is_empty()));
    assert_no_key(&sandbox);
    // The key of the fingerprints is another one for each delivery.
    let second = start(&sandbox);
    let keys: Vec<String> = notes(&sandbox).iter().map(|note| note["key"].to_string()).collect();
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
    drop((running, second));
    assert_eq!(said(&sandbox, &mut headers(&sandbox)).code, 0);
    let left = notes(&sandbox);
    assert!(left.iter().all(|note| note["server"] == "/mcpServers/sentry"), "{left:?}");
    assert_no_key(&sandbox);
}

#[test]
fn what_headers_printed_counts_for_the_program_that_asked_and_not_for_its_shell() {
    let sandbox = allowed();
    // A host calls its helper by a shell.
    let call = format!("{} headers --for claude:/mcpServers/sentry; true", crate::sandbox::BINARY);
    let mut shell = Command::new("sh");
    shell.args(["-c", &call]).env_clear().env("HOME", sandbox.home()).env("PATH", path(&sandbox));
    shell.env("KEYSTENCIL_STORE", "vault").env("CLAUDE_CODE_MCP_SERVER_URL", "https://mcp.example.com/v1/mcp");
    assert!(said(&sandbox, &mut shell).out.contains("Authorization"));
    let all = notes(&sandbox);
    assert_eq!(all[0]["process"]["pid"], std::process::id(), "{all:?}");
    assert_no_key(&sandbox);
}

#[test]
fn a_note_that_can_not_be_written_keeps_no_server_from_starting() {
    let sandbox = allowed();
    sandbox.write(".local/state/keystencil/deliveries", "a file of somebody's");
    let running = start(&sandbox);
    assert!(notes(&sandbox).is_empty());
    assert_eq!(said(&sandbox, &mut headers(&sandbox)).code, 0);
    drop(running);
}

#[test]
fn a_command_run_by_hand_has_a_note_and_one_without_references_has_none() {
    let sandbox = allowed();
    let mut plain = with_path(&sandbox, &["run", "--", "true"]);
    assert_eq!(said(&sandbox, &mut plain).code, 0);
    assert!(notes(&sandbox).is_empty());
    let mut command =
        with_path(&sandbox, &["run", "--", "sh", "-c", "cat \"$HOME\"/.local/state/keystencil/deliveries/*"]);
    command.env("TOKEN", "<< keyring('github') >>").env("KEYSTENCIL_GRANTS", "off");
    let said = said(&sandbox, &mut below_nobody(&command));
    assert!(said.out.contains("keyring('github')") && said.out.contains("\"program\":\"sh\""), "{said:?}");
    assert!(!said.out.contains(&random()) && !said.out.contains("\"server\""), "{said:?}");
}

#[test]
fn purge_removes_the_notes_though_nothing_is_rendered_or_stored() {
    let sandbox = allowed();
    let running = start(&sandbox);
    assert_eq!(notes(&sandbox).len(), 1);
    sandbox.run(&["purge", "--yes"]);
    assert!(notes(&sandbox).is_empty());
    let second = Sandbox::with_target();
    second.write(".local/state/keystencil/deliveries/1-x.json", "{}");
    second.run(&["purge", "--yes"]);
    assert!(!second.path(".local/state/keystencil/deliveries").exists());
    drop(running);
}
