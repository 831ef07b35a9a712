//! `render`.

use crate::sandbox::{AT_REST, KEY, Sandbox, snapshot};

#[test]
fn a_missing_target_is_created_with_the_key_in_it() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["render"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert_eq!(said.err, "rendered ~/live.json: 1 slot filled\n");
    let live: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    assert_eq!(live["mcpServers"]["github"]["env"]["TOKEN"], KEY);
}

#[test]
fn a_template_and_a_file_need_no_config() {
    let sandbox = Sandbox::with_key();
    std::fs::remove_file(sandbox.path(".config/keystencil/config.toml")).unwrap();
    let pair = ["--template", ".config/keystencil/claude.json", "--to", "live.json"];
    assert_eq!(sandbox.run(&[&["render"][..], &pair].concat()).code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(sandbox.run(&["unrender", "--to", "live.json"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_template_without_a_file_is_a_usage_error() {
    assert_eq!(Sandbox::with_key().run(&["render", "--template", "x"]).code, 2);
}

#[test]
fn a_dry_run_shows_what_it_would_do_and_writes_nothing() {
    let sandbox = Sandbox::with_target();
    sandbox.allow();
    let before = sandbox.files();
    let said = sandbox.run(&["render", "--dry-run"]);
    snapshot("render-dry-run", &said.whole());
    assert_eq!(sandbox.files(), before);
    assert_eq!(sandbox.run(&["render", "--dry-run", "--json"]).code, 0);
    assert_eq!(sandbox.files(), before);
}

#[test]
fn quiet_is_quiet() {
    let sandbox = Sandbox::with_key();
    for arguments in [&["-q", "render"][..], &["-q", "unrender"], &["-q", "recover"], &["-q", "secret", "rm", "github"]]
    {
        assert_eq!(sandbox.run(arguments).whole(), "[0]", "{arguments:?}");
    }
}

#[test]
fn a_value_of_the_users_stays_with_a_warning_and_exit_3() {
    let sandbox = Sandbox::with_key();
    let own = AT_REST.replace("<< keyring('github') >>", "my-own-token");
    sandbox.write("live.json", &own);
    let said = sandbox.run(&["render"]);
    assert_eq!(sandbox.live(), own);
    snapshot("render-conflict", &said.whole());
}

#[test]
fn a_value_of_the_users_gives_way_when_told_to() {
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", &AT_REST.replace("<< keyring('github') >>", "my-own-token"));
    assert_eq!(sandbox.run(&["render", "--on-conflict", "replace"]).code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn rendering_again_changes_nothing_and_holds_once() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let live = sandbox.live();
    assert_eq!(sandbox.run(&["render"]).err, "already rendered ~/live.json: 1 slot filled\n");
    assert_eq!(sandbox.live(), live);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn what_a_render_did_is_there_as_json() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["render", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((report[0]["target"].as_str(), report[0]["slots"].as_u64()), (Some("claude"), Some(1)));
    assert_eq!(said.err, "");
}

#[test]
fn the_first_target_is_taken_back_if_the_second_cannot_be_rendered() {
    let sandbox = Sandbox::with_key();
    let template = ".config/keystencil/claude.json";
    sandbox.write("two.toml", &format!(
        "[targets.a]\ntemplate = '{template}'\npath = 'a.json'\n[targets.b]\ntemplate = '{template}'\npath = 'b.json'\n"
    ));
    sandbox.write("b.json", "[]");
    assert_eq!(sandbox.run(&["--config", "two.toml", "render"]).code, 2);
    assert!(!sandbox.path("a.json").exists());
    sandbox.write("b.json", &AT_REST.replace("<< keyring('github') >>", "my-own-token"));
    assert_eq!(sandbox.run(&["--config", "two.toml", "render", "--on-conflict", "fail"]).code, 2);
    assert!(!sandbox.read("a.json").contains("sk-canary"));
}

#[test]
fn two_targets_are_rendered_with_one_command() {
    let sandbox = Sandbox::with_key();
    let template = ".config/keystencil/claude.json";
    sandbox.write("two.toml", &format!(
        "[targets.a]\ntemplate = '{template}'\npath = 'a.json'\n[targets.b]\ntemplate = '{template}'\npath = 'b.json'\n"
    ));
    assert_eq!(sandbox.run(&["--config", "two.toml", "render"]).code, 0);
    assert!(sandbox.read("a.json").contains("sk-canary") && sandbox.read("b.json").contains("sk-canary"));
    assert_eq!(sandbox.run(&["--config", "two.toml", "unrender", "b"]).code, 0);
    assert!(sandbox.read("a.json").contains("sk-canary"));
    assert_eq!(sandbox.read("b.json"), AT_REST);
}

#[test]
fn a_secret_in_a_servers_command_is_warned_of_without_being_a_failure() {
    let sandbox = Sandbox::with_key();
    sandbox.write("t.json", r#"{"mcpServers": {"x": {"command": "run --key << keyring('github') >>"}}}"#);
    let said = sandbox.run(&["render", "--template", "t.json", "--to", ".claude.json"]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("warning: ") && said.err.contains("/mcpServers/x/command"), "{said:?}");
}

#[test]
fn an_object_of_the_users_is_not_lost_to_something_of_another_kind() {
    for template in ["\"x\"", "[1]", "null", "7"] {
        let sandbox = Sandbox::with_key();
        let live =
            "{\n  \"services\": { \"db\": { \"password\": \"the-only-copy-of-it\" } },\n  \"list\": [\"a\"]\n}\n";
        sandbox.write("live.json", live);
        sandbox
            .write(".config/keystencil/claude.json", &format!("{{\"services\": {template}, \"list\": {{\"a\": 1}}}}"));
        let said = sandbox.run(&["render", "--on-conflict", "keep"]);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains("something of another kind; it stays") && said.err.contains("/services"), "{said:?}");
        assert_eq!(sandbox.live(), live);
        let said = sandbox.run(&["render", "--on-conflict", "fail"]);
        assert!(said.code == 2 && sandbox.live() == live, "{said:?}");
        // Asked for, it is the template's; and once it is ours, the next one of another kind replaces it.
        assert_eq!(sandbox.run(&["render", "--on-conflict", "replace"]).code, 0);
        assert!(!sandbox.live().contains("only-copy"), "{}", sandbox.live());
        sandbox.write(".config/keystencil/claude.json", "{\"services\": {\"a\": 1}, \"list\": 1}");
        let said = sandbox.run(&["render"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(sandbox.live().contains("\"services\": {"), "{}", sandbox.live());
    }
}

#[test]
fn a_value_that_is_replaced_is_in_the_vaults_backups_first() {
    let sandbox = Sandbox::with_key();
    let template = r#"{"env": {"TOKEN": "<< keyring('github') >>"}}"#;
    sandbox.write(".config/keystencil/claude.json", template);
    sandbox.allow();
    let live = "{\"env\": {\"TOKEN\": \"a-key-that-is-nowhere-else\"}, \"n\": 1.0}\n";
    sandbox.write("live.json", live);
    let said = sandbox.run(&["render", "--on-conflict", "replace"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!sandbox.live().contains("nowhere-else"), "{}", sandbox.live());
    let line = said.err.lines().find(|line| line.contains("1 value of yours replaced")).unwrap().to_owned();
    let show: Vec<&str> = line.split('`').nth(1).unwrap().split(' ').skip(1).collect();
    let shown = sandbox.run(&show);
    assert_eq!((shown.code, shown.out.as_str()), (0, live), "{shown:?}");
    // The stored value itself is no loss.
    assert_eq!(sandbox.run(&["unrender", "--all"]).code, 0);
    sandbox.write("live.json", &serde_json::json!({ "env": { "TOKEN": crate::sandbox::KEY } }).to_string());
    let said = sandbox.run(&["render", "--on-conflict", "replace"]);
    assert!(said.code == 0 && !said.err.contains("replaced"), "{said:?}");
}
