//! `install claude-code --shield`: what is added to Claude Code's settings and taken out again, and what its hook refuses.

use crate::sandbox::{BINARY, Said, Sandbox};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

/// Settings of a person, laid out as nobody else would.
const MINE: &str = "{ \"model\":\"opus\",\n  \"permissions\" : {\"deny\": [ \"Read(./mine)\", \"Read(~/live.json)\" ], \"allow\":[]},\r\n\"n\":1.0}";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    // A client whose version is known by its file.
    sandbox.write_program("share/claude/versions/2.1.332", "#!/bin/sh\n");
    std::fs::create_dir(sandbox.path("bin")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("share/claude/versions/2.1.332"), sandbox.path("bin/claude")).unwrap();
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    let mut command = sandbox.strict_command(arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", sandbox.path("bin").display()));
    sandbox.said(&command.output().unwrap())
}

fn settings(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.read(".claude/settings.json")).unwrap()
}

fn rules(settings: &Value) -> Vec<&str> {
    settings["permissions"]["deny"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect()
}

/// What the hook answers before a tool is used: nothing, or why it is refused.
fn refused(sandbox: &Sandbox, tool: &str, input: &Value) -> Option<String> {
    let text = json!({
        "session_id": "s", "hook_event_name": "PreToolUse", "cwd": sandbox.path("project"), "tool_name": tool,
        "tool_input": input
    });
    let said = asked(sandbox, &text.to_string());
    if said.out.is_empty() {
        return None;
    }
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let answer = &answer["hookSpecificOutput"];
    assert_eq!((&answer["hookEventName"], &answer["permissionDecision"]), (&json!("PreToolUse"), &json!("deny")));
    Some(answer["permissionDecisionReason"].as_str().unwrap().to_owned())
}

fn asked(sandbox: &Sandbox, input: &str) -> Said {
    let mut command = sandbox.strict_command(&["hook", "pre-tool-use"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let said = sandbox.said(&child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said
}

#[test]
fn the_shield_is_added_beside_what_a_person_has_and_taken_out_byte_for_byte() {
    let sandbox = sandbox();
    sandbox.write(".claude/settings.json", MINE);
    let said = run(&sandbox, &["install", "claude-code", "--shield"]);
    assert_eq!((said.code, said.err.as_str()), (0, "installed the hooks and the shield in ~/.claude/settings.json\n"));
    let after = settings(&sandbox);
    let rules = rules(&after);
    for rule in [
        "Read(~/live.json)",
        "Read(~/.local/share/keystencil/**)",
        "Read(~/.local/state/keystencil/**)",
        "Read(~/.config/keystencil/identity.txt)",
        "Bash(keystencil run:*)",
        "Bash(keystencil headers:*)",
    ] {
        assert_eq!(rules.iter().filter(|one| **one == rule).count(), 1, "{rule}: {after:#}");
    }
    assert!(rules.starts_with(&["Read(./mine)", "Read(~/live.json)"]), "{after:#}");
    let hidden = after["sandbox"]["credentials"]["files"].as_array().unwrap();
    assert!(hidden.contains(&json!({ "path": "~/live.json", "mode": "deny" })), "{after:#}");
    assert!(hidden.contains(&json!({ "path": "~/.local/state/keystencil", "mode": "deny" })), "{after:#}");
    for (event, verb) in
        [("PreToolUse", "pre-tool-use"), ("PostToolUse", "post-tool-use"), ("SessionEnd", "session-end")]
    {
        let command = after["hooks"][event][0]["hooks"][0]["command"].as_str().unwrap();
        assert!(command.starts_with("exec ") && command.ends_with(&format!(" hook {verb}")), "{command}");
    }
    let again = run(&sandbox, &["install", "claude-code", "--shield"]);
    assert!(again.err.contains("are there already; nothing was changed"), "{again:?}");
    assert_eq!(run(&sandbox, &["uninstall", "claude-code"]).code, 0);
    assert_eq!(sandbox.read(".claude/settings.json"), MINE);
    let again = run(&sandbox, &["uninstall", "claude-code"]);
    assert!(again.err.contains("nothing was changed"), "{again:?}");
}

#[test]
fn settings_that_were_not_there_are_gone_afterwards() {
    let sandbox = sandbox();
    assert_eq!(run(&sandbox, &["install", "claude-code", "--shield"]).code, 0);
    assert!(sandbox.path(".claude/settings.json").exists());
    assert_eq!(run(&sandbox, &["uninstall", "claude-code"]).code, 0);
    assert!(!sandbox.path(".claude/settings.json").exists());
}

#[test]
fn an_installation_without_the_shield_leaves_one_that_is_there_and_one_with_it_follows_the_config() {
    let sandbox = sandbox();
    sandbox.write(".claude/settings.json", MINE);
    run(&sandbox, &["install", "claude-code", "--shield"]);
    let with = sandbox.read(".claude/settings.json");
    run(&sandbox, &["install", "claude-code"]);
    assert_eq!(sandbox.read(".claude/settings.json"), with);
    // Another target came in the place of the first.
    let config = "[targets.other]\ntemplate = 'claude.json'\npath = '~/other.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    run(&sandbox, &["install", "claude-code", "--shield"]);
    let after = settings(&sandbox);
    assert!(rules(&after).contains(&"Read(~/other.json)"), "{after:#}");
    // This rule is the person's own.
    assert!(rules(&after).contains(&"Read(~/live.json)"), "{after:#}");
    assert!(!after["sandbox"].to_string().contains("live.json"), "{after:#}");
    run(&sandbox, &["uninstall", "claude-code"]);
    assert_eq!(sandbox.read(".claude/settings.json"), MINE);
}

#[test]
fn doctor_tells_of_a_shield_that_does_not_fit_the_config_or_is_not_whole() {
    let sandbox = sandbox();
    let told = |sandbox: &Sandbox| {
        let said = run(sandbox, &["doctor", "--json"]);
        let findings: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        findings.into_iter().find(|finding| finding["subject"] == "shield")
    };
    assert_eq!(told(&sandbox), None);
    run(&sandbox, &["install", "claude-code", "--shield"]);
    assert_eq!(told(&sandbox).unwrap()["state"], "good");
    let whole = sandbox.read(".claude/settings.json");
    let mut without_hooks = settings(&sandbox);
    without_hooks["hooks"].as_object_mut().unwrap().remove("PreToolUse");
    sandbox.write(".claude/settings.json", &without_hooks.to_string());
    let message = |finding: Option<Value>| finding.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message(told(&sandbox)).contains("1 hook is missing"), "{:?}", told(&sandbox));
    sandbox.write(".claude/settings.json", &whole.replacen("\"Read(~/live.json)\",", "", 1));
    assert!(message(told(&sandbox)).contains("1 rule is missing"), "{:?}", told(&sandbox));
    sandbox.write(".claude/settings.json", &whole);
    let config = "[targets.other]\ntemplate = 'claude.json'\npath = '~/other.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    let told_now = message(told(&sandbox));
    assert!(told_now.contains("missing") && told_now.contains("outdated"), "{told_now}");
    run(&sandbox, &["install", "claude-code", "--shield"]);
    assert_eq!(told(&sandbox).unwrap()["state"], "good");
}

#[test]
fn the_settings_are_changed_in_step_with_the_client_that_writes_them() {
    let sandbox = sandbox();
    sandbox.write(".claude/settings.json", MINE);
    // What a client does that writes them: lock, new text, unlock.
    let lock = sandbox.path(".claude/settings.json.lock");
    std::fs::create_dir(&lock).unwrap();
    let mut command = sandbox.strict_command(&["install", "claude-code"]);
    let mut install = crate::sandbox::Running(command.stderr(Stdio::null()).spawn().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(sandbox.read(".claude/settings.json"), MINE);
    sandbox.write(".claude/settings.json", "{\"model\": \"sonnet\"}");
    std::fs::remove_dir(&lock).unwrap();
    assert_eq!(install.0.wait().unwrap().code(), Some(0));
    let after = settings(&sandbox);
    assert!(after["model"] == "sonnet" && after["hooks"]["SessionEnd"].is_array(), "{after:#}");
    assert!(!lock.exists());
}

#[test]
fn what_an_unknown_or_old_client_may_not_know_is_left_out_and_said() {
    let sandbox = Sandbox::with_key();
    let said = run(&sandbox, &["install", "claude-code", "--shield"]);
    assert!(said.code == 0 && said.err.contains("what its sandbox is to hide is left out"), "{said:?}");
    let after = settings(&sandbox);
    assert!(after.get("sandbox").is_none() && rules(&after).contains(&"Read(~/live.json)"), "{after:#}");
    sandbox.write_program("bin/versions/2.0.9", "#!/bin/sh\n");
    std::os::unix::fs::symlink(sandbox.path("bin/versions/2.0.9"), sandbox.path("bin/claude")).unwrap();
    let said = run(&sandbox, &["install", "claude-code", "--shield"]);
    assert!(said.err.contains("Claude Code is of version 2.0.9"), "{said:?}");
}

#[test]
fn settings_of_another_shape_are_left_as_they_are() {
    let sandbox = sandbox();
    for text in ["{\"permissions\": []}", "{\"sandbox\": {\"credentials\": {\"files\": {}}}}", "{", "[]"] {
        sandbox.write(".claude/settings.json", text);
        let said = run(&sandbox, &["install", "claude-code", "--shield"]);
        assert_eq!(said.code, 2, "{text}: {said:?}");
        assert_eq!(sandbox.read(".claude/settings.json"), text);
    }
}

#[test]
fn tools_that_name_what_holds_keys_are_refused_with_what_to_do_and_others_are_not() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path("project")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("live.json"), sandbox.path("project/link.json")).unwrap();
    sandbox.write("live.json", "{}");
    let live = sandbox.path("live.json");
    let read = refused(&sandbox, "Read", &json!({ "file_path": live })).unwrap();
    assert_eq!(
        read,
        "keystencil: ~/live.json holds keys while it is rendered. `keystencil diff` and `keystencil status` show it without \
         keys; to change it, edit its template ~/.config/keystencil/claude.json and let the person render it."
    );
    for (tool, input) in [
        ("Edit", json!({ "file_path": live, "old_string": "a", "new_string": "b" })),
        ("Read", json!({ "file_path": sandbox.path("project/link.json") })),
        ("Bash", json!({ "command": "cat ~/live.json" })),
        ("Bash", json!({ "command": "cd .. && jq . \"live.json\"" })),
        ("Bash", json!({ "command": format!("python3 -c \"print(open('{}').read())\"", live.display()) })),
        ("Bash", json!({ "command": "cat link.json" })),
        ("Bash", json!({ "command": "grep -r . ~/.local/state/keystencil" })),
        ("Grep", json!({ "pattern": "sk-", "path": live })),
        ("Grep", json!({ "pattern": "sk-", "path": sandbox.home() })),
        ("Read", json!({ "file_path": "~/.config/keystencil/identity.txt" })),
    ] {
        assert!(refused(&sandbox, tool, &input).is_some(), "{tool} {input}");
    }
    let command = refused(&sandbox, "Bash", &json!({ "command": format!("{BINARY} run -- env") })).unwrap();
    assert!(command.contains("`keystencil run` hands out keys"), "{command}");
    for (tool, input) in [
        ("Read", json!({ "file_path": sandbox.path(".config/keystencil/claude.json") })),
        ("Read", json!({ "file_path": sandbox.path(".config/keystencil/config.toml") })),
        ("Write", json!({ "file_path": "notes.md", "content": "cat ~/live.json" })),
        ("Bash", json!({ "command": "keystencil status; keystencil diff; ls -la; cat live.json" })),
        ("Grep", json!({ "pattern": "~/live.json" })),
        ("Task", json!({})),
    ] {
        assert_eq!(refused(&sandbox, tool, &input), None, "{tool} {input}");
    }
}

#[test]
fn whatever_is_wrong_with_its_input_the_hook_says_nothing() {
    let sandbox = sandbox();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let whole =
        json!({ "hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": { "file_path": "~/live.json" } });
    assert!(!asked(&sandbox, &whole.to_string()).out.is_empty());
    for text in [
        "",
        "{",
        "null",
        "{}",
        &deep,
        &whole.to_string().replace("PreToolUse", "PostToolUse"),
        &whole.to_string().replace("\"Read\"", "1"),
        &whole.to_string().replace("tool_input", "input"),
    ] {
        assert_eq!(asked(&sandbox, text).out, "", "{}", &text[..text.len().min(80)]);
    }
    // A config that can't be read keeps neither the vault nor the state from being shielded.
    sandbox.write(".config/keystencil/config.toml", "[");
    let mut command = sandbox.strict_command(&["hook", "pre-tool-use"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let vault = whole.to_string().replace("~/live.json", "~/.local/share/keystencil/vault.age");
    child.stdin.take().unwrap().write_all(vault.as_bytes()).unwrap();
    let said = sandbox.said(&child.wait_with_output().unwrap());
    assert!(said.code == 0 && said.out.contains("deny"), "{said:?}");
}
