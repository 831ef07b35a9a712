//! `secret rotate`: a new value for a key that is in use.

use crate::sandbox::{KEY, Running, Said, Sandbox};
use serde_json::Value;
use std::process::{Command, Stdio};

const NEW: &str = "sk-new-canary/\"2\"\\é+77aa";

/// A process that holds, ended when dropped.
fn sleeper() -> Running {
    Running(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
}

/// Three files that use the key, and one that does not.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let mut config = String::new();
    for name in ["one", "two", "three", "none"] {
        config.push_str(&format!("[targets.{name}]\ntemplate = '{name}.json'\npath = '~/{name}.live.json'\n"));
        let key = if name == "none" { "other" } else { "github" };
        sandbox.write(
            &format!(".config/keystencil/{name}.json"),
            &format!(
                r#"{{"s": {{"{name}": {{"env": {{"K": "<< keyring('{key}') >>"}}, "h": "Bearer << keyring('{key}') | b64encode >>"}}}}}}"#
            ),
        );
    }
    sandbox.write(".config/keystencil/config.toml", &config);
    sandbox.store("other", "sk-other-value-123");
    sandbox
}

fn rotate(sandbox: &Sandbox) -> Said {
    sandbox.run_with_input(&["secret", "rotate", "github"], NEW)
}

fn key_in(sandbox: &Sandbox, name: &str) -> String {
    let live: Value = serde_json::from_str(&sandbox.read(&format!("{name}.live.json"))).unwrap();
    live["s"][name]["env"]["K"].as_str().unwrap().to_owned()
}

/// The leases of every rendered file, as the journals have them.
fn leases(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let journals = sandbox.files().into_iter().filter(|(path, _)| path.to_string_lossy().ends_with(".journal.json"));
    let mut all: Vec<(String, Value)> = journals
        .map(|(_, text)| {
            let mut journal: Value = serde_json::from_slice(&text).unwrap();
            (journal["target"].to_string(), journal["leases"].take())
        })
        .collect();
    all.sort_by_key(|(target, _)| target.clone());
    all
}

/// No file but the stores may hold the value, in whatever form.
fn assert_gone(sandbox: &Sandbox, value: &str) {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(value);
    let json = serde_json::to_string(value).unwrap();
    for (path, content) in sandbox.files() {
        for form in [value, &base64, json.trim_matches('"')] {
            assert!(memchr::memmem::find(&content, form.as_bytes()).is_none(), "{} holds {form}", path.display());
        }
    }
}

#[test]
fn every_rendered_file_gets_the_new_value_and_keeps_its_holders() {
    let sandbox = sandbox();
    let (lives, dies) = (sleeper(), sleeper());
    let owner = |holder: &Running| holder.0.id().to_string();
    sandbox.run(&["render", "one", "none"]);
    for holder in [&lives, &dies] {
        assert_eq!(sandbox.run(&["render", "one", "two", "--owner", &owner(holder), "--session", "s1"]).code, 0);
    }
    drop(dies);
    let mut before = leases(&sandbox);
    let said = rotate(&sandbox);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        said.err,
        "replaced `github` (account `api-key`) in the vault\n\
         rendered anew ~/one.live.json: 2 slots, 2 holders as before\n\
         rendered anew ~/two.live.json: 2 slots, 1 holder as before\n\
         now revoke the old key: GitHub, https://github.com/settings/tokens\n"
    );
    assert_eq!((key_in(&sandbox, "one").as_str(), key_in(&sandbox, "two").as_str()), (NEW, NEW));
    assert_eq!(key_in(&sandbox, "none"), "sk-other-value-123");
    assert!(!sandbox.path("three.live.json").exists());
    assert_gone(&sandbox, KEY);
    // The dead one is gone; those that are left are as before, to the byte.
    for (_, leases) in &mut before {
        leases
            .as_array_mut()
            .unwrap()
            .retain(|lease| lease["pid"].is_null() || lease["pid"].as_u64() == Some(u64::from(lives.0.id())));
    }
    assert_eq!(leases(&sandbox), before);
    drop(lives);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert!(key_in(&sandbox, "one").starts_with("<<") && key_in(&sandbox, "two").starts_with("<<"));
    assert_gone(&sandbox, NEW);
    assert!(leases(&sandbox).is_empty());
}

#[test]
fn a_file_that_is_in_no_config_and_one_whose_template_is_broken_get_it_as_well() {
    let sandbox = sandbox();
    let pair = ["render", "--template", ".config/keystencil/one.json", "--to", "one.live.json"];
    sandbox.write(".config/keystencil/config.toml", "[targets.two]\ntemplate = 'two.json'\npath = '~/two.live.json'\n");
    assert_eq!((sandbox.run(&pair).code, sandbox.run(&["render", "two"]).code), (0, 0));
    sandbox.write(".config/keystencil/two.json", "{");
    assert_eq!(rotate(&sandbox).code, 0);
    assert_eq!((key_in(&sandbox, "one").as_str(), key_in(&sandbox, "two").as_str()), (NEW, NEW));
    sandbox.run(&["unrender"]);
    assert_gone(&sandbox, NEW);
}

#[test]
fn the_old_value_leaves_the_copies_and_whatever_place_it_moved_to() {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n",
    );
    sandbox.write(
        ".config/keystencil/claude.json",
        r#"{"mcpServers": {"g": {"env": {"A": "<< keyring('github') >>"}}, "h": {"env": {"B": "<< keyring('github') >>"}}}}"#,
    );
    sandbox.run(&["render"]);
    let mut live: Value = serde_json::from_str(&sandbox.read(".claude.json")).unwrap();
    sandbox.write(".claude/backups/.claude.json.backup.1", &live.to_string());
    let moved = live["mcpServers"]["h"]["env"].as_object_mut().unwrap().remove("B").unwrap();
    live["elsewhere"] = moved;
    live["numbers"] = serde_json::json!([1, 2]);
    sandbox.write(".claude.json", &live.to_string());
    let said = rotate(&sandbox);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("slot /mcpServers/h/env/B\nhint: `keystencil render`"), "{said:?}");
    assert_gone(&sandbox, KEY);
    let live: Value = serde_json::from_str(&sandbox.read(".claude.json")).unwrap();
    assert_eq!((live["mcpServers"]["g"]["env"]["A"].as_str(), live["numbers"][1].as_u64()), (Some(NEW), Some(2)));
    assert_eq!(live["elsewhere"], "<< keyring('github') >>");
    sandbox.run(&["unrender", "--all"]);
    assert_gone(&sandbox, NEW);
}

#[test]
fn a_file_that_can_not_be_rendered_anew_is_named_with_its_hint_and_the_others_get_it() {
    let sandbox = sandbox();
    sandbox.run(&["render", "one", "two", "three"]);
    let whole = sandbox.read("two.live.json");
    sandbox.write("two.live.json", &whole[..whole.len() / 2]);
    let said = rotate(&sandbox);
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("warning: ~/two.live.json still holds the old value: the target is not JSON"),
        "{said:?}"
    );
    assert!(said.err.contains("keystencil unrender --all --to HOME/two.live.json"), "{said:?}");
    assert!(!said.err.contains("canary"));
    assert_eq!((key_in(&sandbox, "one").as_str(), key_in(&sandbox, "three").as_str()), (NEW, NEW));
    assert_eq!(sandbox.run(&["secret", "get", "github", "-n"]).out, NEW);
    // The hint works.
    assert_eq!(sandbox.run(&["unrender", "--all", "--to", "two.live.json"]).code, 3);
    assert_gone(&sandbox, KEY);
}

#[test]
fn what_is_no_change_changes_nothing() {
    let sandbox = sandbox();
    sandbox.run(&["render", "one"]);
    let before = sandbox.files();
    let same = sandbox.run_with_input(&["secret", "rotate", "github"], KEY);
    assert_eq!(same.code, 2);
    assert!(same.err.contains("already has that value"), "{same:?}");
    assert_eq!(sandbox.run_with_input(&["secret", "rotate", "github"], "").code, 2);
    let unknown = sandbox.run_with_input(&["secret", "rotate", "gitub"], NEW);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("is not in any store") && unknown.err.contains("`github`"), "{unknown:?}");
    let argument = sandbox.run(&["secret", "rotate", "github", NEW]);
    assert!(argument.code == 2 && !argument.err.contains("canary"), "{argument:?}");
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_slot_that_somebody_changed_meanwhile_stays_as_changed() {
    let sandbox = sandbox();
    sandbox.run(&["render", "one"]);
    let changed = sandbox.read("one.live.json").replacen(&serde_json::to_string(KEY).unwrap(), "\"typed by hand\"", 1);
    sandbox.write("one.live.json", &changed);
    let said = rotate(&sandbox);
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(key_in(&sandbox, "one"), "typed by hand");
    assert_gone(&sandbox, KEY);
}

#[test]
fn rotation_is_reported_as_json() {
    let sandbox = sandbox();
    sandbox.run(&["render", "one"]);
    let said = sandbox.run_with_input(&["secret", "rotate", "github", "--json"], NEW);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((json["store"].as_str(), json["targets"][0]["slots"].as_u64()), (Some("vault"), Some(2)));
    assert!(!said.out.contains("canary"));
}

#[test]
fn a_rotation_that_was_stopped_half_way_is_finished_with_the_same_value() {
    let sandbox = sandbox();
    sandbox.run(&["render", "one", "two"]);
    // Killed after the store had the new value: `set` does just that.
    assert_eq!(sandbox.run_with_input(&["secret", "set", "github"], NEW).code, 0);
    sandbox.run(&["render", "three"]);
    let said = rotate(&sandbox);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("rendered anew ~/one.live.json") && !said.err.contains("three"), "{said:?}");
    assert_eq!((key_in(&sandbox, "one").as_str(), key_in(&sandbox, "two").as_str()), (NEW, NEW));
    assert_eq!(rotate(&sandbox).code, 2);
    sandbox.run(&["unrender", "--all"]);
    assert_gone(&sandbox, KEY);
    assert_gone(&sandbox, NEW);
}
