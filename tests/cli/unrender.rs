//! `unrender` and `recover`.

use crate::sandbox::{AT_REST, KEY, Running, Sandbox, snapshot};
use std::process::Command;

fn sleeper() -> Running {
    Running(Command::new("sleep").arg("600").spawn().unwrap())
}

#[test]
fn what_was_rendered_is_byte_for_byte_as_before() {
    let sandbox = Sandbox::with_key();
    let odd = "\u{feff}{\r\n\t\"n\": 1.0,\t\"big\": 12345678901234567890123456789012345678901,\r\n  \"mcpServers\": {\"github\":{\"env\":{\"TOKEN\":\"<< keyring('github') >>\"}}},\r\n\"é\":\"\\u00e9 \\ud800\" }";
    sandbox.write("live.json", odd);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.live(), odd);
}

#[test]
fn an_unrender_of_what_is_not_rendered_says_so() {
    let sandbox = Sandbox::with_target();
    assert_eq!(sandbox.run(&["unrender"]).whole(), "~/live.json is not rendered\n[0]");
}

#[test]
fn the_hold_of_another_process_stays_until_all_are_ended() {
    let sandbox = Sandbox::with_key();
    let other = sleeper();
    let pid = other.0.id().to_string();
    assert_eq!(sandbox.run(&["render", "--owner", &pid]).code, 0);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let said = sandbox.run(&["unrender"]);
    assert_eq!((said.code, said.err), (0, format!("~/live.json stays rendered: held by sleep (process {pid})\n")));
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(sandbox.run(&["unrender", "--all"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn the_process_of_claude_pid_holds_and_lets_go() {
    let sandbox = Sandbox::with_key();
    let claude = sleeper();
    let run = |arguments: &[&str]| {
        let pid = claude.0.id().to_string();
        sandbox.said(&sandbox.command(arguments).env("CLAUDE_PID", pid).output().unwrap())
    };
    assert_eq!(run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(run(&["unrender"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_session_lets_go_by_its_name() {
    let sandbox = Sandbox::with_key();
    let client = sleeper();
    let pid = client.0.id().to_string();
    assert_eq!(sandbox.run(&["render", "--owner", &pid, "--session", "abc"]).code, 0);
    assert_eq!(sandbox.run(&["unrender", "--session", "xyz"]).code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(sandbox.run(&["unrender", "--session", "abc"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_slot_that_was_changed_while_rendered_stays_with_exit_3() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let changed = AT_REST.replace("<< keyring('github') >>", "a-new-token");
    sandbox.write("live.json", &changed);
    let said = sandbox.run(&["unrender"]);
    assert_eq!(sandbox.live(), changed);
    snapshot("unrender-changed", &said.whole());
}

#[test]
fn what_a_dead_holder_left_is_recovered_by_the_next_command() {
    for command in [&["recover"][..], &["unrender"], &["render"], &["exec", "--", "true"]] {
        let sandbox = Sandbox::with_key();
        let mut dead = sleeper();
        assert_eq!(sandbox.run(&["render", "--owner", &dead.0.id().to_string()]).code, 0);
        dead.0.kill().unwrap();
        dead.0.wait().unwrap();
        assert_eq!(sandbox.run(&["status"]).code, 3);
        let said = sandbox.run(command);
        assert_eq!(said.code, 0);
        assert!(said.err.starts_with("recovered ~/live.json: 1 secret taken out"), "{command:?}: {said:?}");
        if command != ["render"] {
            assert_eq!(sandbox.live(), AT_REST);
        }
    }
}

#[test]
fn there_may_be_nothing_to_recover() {
    assert_eq!(Sandbox::empty().run(&["recover"]).whole(), "nothing to recover\n[0]");
}

#[test]
fn a_broken_config_keeps_no_secret_in_a_file() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    sandbox.write(".config/keystencil/config.toml", "nonsense");
    let said = sandbox.run(&["unrender"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("warning: "));
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn no_keyring_is_needed() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    std::fs::remove_file(sandbox.path(".config/keystencil/identity.txt")).unwrap();
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert!(!sandbox.live().contains(KEY));
}

#[test]
fn a_short_secret_of_a_renamed_or_doubled_server_goes_and_one_under_another_name_is_told() {
    const TEMPLATE: &str = r#"{"s1": {"command": "x", "args": ["--pin", "<< keyring('pin') >>"],
        "env": {"PIN": "<< keyring('pin') >>"}}}"#;
    let rendered = || {
        let sandbox = Sandbox::empty();
        sandbox.store("pin", "hunt2");
        sandbox.write(".config/keystencil/claude.json", &format!("{{\"mcpServers\": {TEMPLATE}}}"));
        sandbox.write(
            ".config/keystencil/config.toml",
            "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n",
        );
        sandbox.allow();
        assert_eq!(sandbox.run(&["render"]).code, 0);
        sandbox
    };
    let sandbox = rendered();
    sandbox.write("live.json", &sandbox.live().replace("\"s1\"", "\"s2\""));
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 0 && !sandbox.live().contains("hunt2"), "{said:?} {}", sandbox.live());
    let sandbox = rendered();
    let mut live: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    live["mcpServers"]["copy"] = live["mcpServers"]["s1"].clone();
    // A list of another name, and another place of a list, are the user's.
    live["ports"] = serde_json::json!(["hunt2"]);
    live["mcpServers"]["other"] = serde_json::json!({ "args": ["hunt2"] });
    sandbox.write("live.json", &live.to_string());
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 0 && sandbox.live().matches("hunt2").count() == 2, "{said:?} {}", sandbox.live());
    let sandbox = rendered();
    sandbox.write("live.json", &sandbox.live().replace("\"PIN\"", "\"CODE\"").replace("\"args\"", "\"arguments\""));
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 3 && said.err.contains("too short to be searched for"), "{said:?}");
    for place in ["/mcpServers/s1/env/PIN", "/mcpServers/s1/args/1"] {
        assert!(said.err.contains(place), "{place}: {said:?}");
    }
}

#[test]
fn a_target_gets_its_own_mode_back_once_no_key_is_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::with_key();
    let path = sandbox.path("live.json");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let set = |mode: u32| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(sandbox.run(&["render", "--allow-new=1"]).code, 0);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    for own in [0o640, 0o755, 0o644, 0o600, 0o400] {
        set(own);
        assert_eq!(sandbox.run(&["render"]).code, 0);
        assert_eq!(mode(), own & 0o600, "{own:o}");
        assert_eq!(sandbox.run(&["render"]).code, 0);
        assert_eq!(sandbox.run(&["unrender"]).code, 0);
        assert_eq!(mode(), own, "{own:o}");
    }
    // Somebody gave it another one meanwhile.
    set(0o644);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    set(0o400);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(mode(), 0o400);
    // A key that was pasted over the slot stays, and so does what keeps it from others.
    set(0o644);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let key = serde_json::to_string(crate::sandbox::KEY).unwrap();
    sandbox.write("live.json", &sandbox.live().replace(&key, "\"another-key-of-mine\""));
    assert_eq!(sandbox.run(&["unrender"]).code, 3);
    assert_eq!(mode(), 0o600);
}
