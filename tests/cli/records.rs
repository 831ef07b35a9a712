//! Records of servers and of commands by hand: shown, taken back, told of where there can be none.

use crate::run::{ARGV, PROBE, SERVER, allowed, assert_refused, path, said, server, with_path};
use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use crate::terminal::{line_typed_guarded, line_with_typed};
use serde_json::Value;
use std::fs;

const RUNS: &str = ".local/state/keystencil/runs.json";

fn on_path(sandbox: Sandbox) -> Sandbox {
    let path = path(&sandbox);
    sandbox.with_variable("PATH", &path)
}

fn list(sandbox: &Sandbox) -> Said {
    said(sandbox, &mut with_path(sandbox, &["allow", "--list"]))
}

fn list_json(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&said(sandbox, &mut with_path(sandbox, &["allow", "--list", "--json"])).out).unwrap()
}

fn by_hand(sandbox: &Sandbox, argument: &str) -> Said {
    let mut command = with_path(sandbox, &["run", "--", "probe", argument]);
    said(sandbox, command.env("TOKEN", "<< keyring('github') >>"))
}

/// A command that a person let run at a terminal.
fn let_run(sandbox: &Sandbox, argument: &str) {
    let line = format!("env PATH={} TOKEN=\"<< keyring('github') >>\" {BINARY} run -- probe {argument}", path(sandbox));
    let (code, screen) = line_with_typed(sandbox, &line, "y\n");
    assert_eq!(code, 0, "{screen}");
}

#[test]
fn servers_and_commands_by_hand_are_listed_with_what_gets_the_secrets() {
    let sandbox = allowed(SERVER);
    let_run(&sandbox, "one");
    let shown = list(&sandbox);
    for line in [
        "  delivered to /mcpServers/github",
        "    started at HOME/bin/probe",
        "run by hand",
        "  HOME/bin/probe with 1 argument",
        "    in HOME",
        "    TOKEN=<< keyring('github') >>",
    ] {
        assert!(shown.out.lines().any(|one| one == line), "{line}: {}", shown.out);
    }
    assert!(!shown.out.contains("canary") && !shown.out.contains("blake3"), "{}", shown.out);
    let json = list_json(&sandbox);
    assert_eq!(json[0]["servers"][0]["server"], "/mcpServers/github");
    assert_eq!(json[0]["servers"][0]["kind"], "started");
    assert_eq!(json[1]["runs"][0]["texts"][0], "<< keyring('github') >>");
    assert_eq!(json[1]["path"], Value::Null);
}

#[test]
fn a_server_is_taken_back_by_its_place_and_a_command_by_its_id() {
    let sandbox = allowed(SERVER);
    let_run(&sandbox, "one");
    let_run(&sandbox, "two");
    let old = sandbox.read(RUNS);
    let revoke = |arguments: &[&str]| {
        let said = said(&sandbox, &mut with_path(&sandbox, &[&["allow", "--revoke"], arguments].concat()));
        (said.code, said.err)
    };
    assert_eq!(revoke(&["--run", "00000000"]), (3, "took back 0 commands\n".to_owned()));
    let json = list_json(&sandbox);
    let id = json[1]["runs"][0]["id"].as_str().unwrap();
    assert!(list(&sandbox).out.contains(&format!("--run {id}")));
    assert_eq!(revoke(&["--run", id]), (0, "took back 1 command\n".to_owned()));
    assert_eq!((by_hand(&sandbox, "one").code, by_hand(&sandbox, "two").code), (125, 0));
    // An old copy of the records has seals of a key that is no more.
    sandbox.write(RUNS, &old);
    assert_eq!((by_hand(&sandbox, "one").code, by_hand(&sandbox, "two").code), (125, 125));
    assert_eq!(said(&sandbox, &mut server(&sandbox, &ARGV)).code, 0);
    assert_eq!(revoke(&["claude", "--slot", "/mcpServers/other"]), (3, "took back 0 grants\n".to_owned()));
    assert_eq!(revoke(&["claude", "--slot", "/mcpServers/git"]), (3, "took back 0 grants\n".to_owned()));
    assert_eq!(revoke(&["claude", "--slot", "/mcpServers/github"]), (0, "took back 1 grant\n".to_owned()));
    assert_refused(&said(&sandbox, &mut server(&sandbox, &ARGV)), 125, "nobody allowed");
    assert_eq!(list_json(&sandbox)[0]["servers"], Value::Array(Vec::new()));
    assert_eq!(revoke(&["--all"]).0, 0);
    assert!(!sandbox.path(RUNS).exists());
}

#[test]
fn a_server_whose_program_moved_waits_for_a_yes_and_is_shown() {
    let sandbox = allowed(&SERVER.replace("${FOLDER}", "/home/me"));
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--pending"])).code, 0);
    sandbox.write_program("new/probe", PROBE);
    let path = format!("{}:/usr/bin:/bin", sandbox.path("new").display());
    let pending = said(&sandbox, sandbox.strict_command(&["allow", "--pending"]).env("PATH", &path));
    assert!(pending.code == 1 && pending.out.contains("/mcpServers/github HOME/new/probe"), "{pending:?}");
    let (code, screen) = line_with_typed(&sandbox, &format!("env PATH={path} {BINARY} allow"), "y\n");
    assert!(code == 0 && screen.contains("/new/probe"), "{screen}");
    let pending = said(&sandbox, sandbox.strict_command(&["allow", "--pending"]).env("PATH", &path));
    assert_eq!(pending.code, 0, "{pending:?}");
}

#[test]
fn a_wrapped_server_that_would_not_start_is_told_of_by_render_exec_allow_status_and_doctor() {
    let sandbox = on_path(Sandbox::with_key());
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\ndeliver = 'wrap'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    sandbox.write(".config/keystencil/claude.json", SERVER);
    let run = |arguments: &[&str]| said(&sandbox, &mut sandbox.strict_command(arguments));
    let said = |arguments: &[&str]| {
        let said = run(arguments);
        (said.code, said.whole().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    for arguments in [&["allow", "--allow-new=1"][..], &["render"]] {
        let (code, whole) = said(arguments);
        assert!(code == 3 && whole.contains("would not start: its command is not found"), "{arguments:?} {whole}");
        assert!(whole.contains("/mcpServers/github/env/TOKEN") && whole.contains("install it, then"), "{whole}");
    }
    assert!(said(&["status"]).1.contains("would not start: its command is not found"));
    assert!(said(&["doctor"]).1.contains("is wrapped, and would not start: its command is not found"));
    // It is there now, and nobody has allowed it as it is.
    sandbox.write_program("bin/probe", PROBE);
    assert!(said(&["status"]).1.contains("would not start: it changed: `keystencil allow`"));
    assert!(said(&["doctor"]).1.contains("has changed since you allowed it"));
    for arguments in [&["render"][..], &["exec", "--", "true"]] {
        let (_, whole) = said(arguments);
        let told = "would not start: it is not allowed as it is now";
        assert!(whole.contains(told) && whole.contains("hint: `keystencil allow`"), "{arguments:?} {whole}");
    }
    assert_eq!(said(&["render"]).0, 3);
    let (code, screen) = line_typed_guarded(&sandbox, &format!("env PATH={} {BINARY} allow", path(&sandbox)), "y\n");
    assert_eq!(code, 0, "{screen}");
    assert!(said(&["status"]).1.contains("/mcpServers/github/env/TOKEN by wrap"), "{}", said(&["status"]).1);
    assert_eq!(crate::run::said(&sandbox, &mut server(&sandbox, &ARGV)).code, 0);
}

#[test]
fn a_damaged_file_of_commands_lets_none_run_and_is_no_error() {
    let sandbox = allowed(SERVER);
    let_run(&sandbox, "one");
    assert!(by_hand(&sandbox, "one").out.contains(KEY));
    let whole = sandbox.read(RUNS);
    for damaged in ["", "{", "[]", &whole.replace("one", "two"), &whole.replace("bin/probe", "bin/evil")] {
        fs::write(sandbox.path(RUNS), damaged).unwrap();
        assert!([0, 125].contains(&by_hand(&sandbox, "one").code));
        assert_eq!(by_hand(&sandbox, "two").code, 125, "{damaged}");
        assert_eq!(list(&sandbox).code, 0);
    }
}
