//! `status`.

use crate::sandbox::Sandbox;

#[test]
fn a_target_at_rest_names_its_secrets() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["status"]);
    assert_eq!(said.whole(), "claude  ~/live.json\n  at rest\n  uses github  stored just now\n[0]");
}

#[test]
fn a_rendered_target_names_since_when_and_for_whom() {
    let sandbox = Sandbox::with_key();
    sandbox.run(&["render"]);
    let said = sandbox.run(&["status"]);
    assert!(said.out.contains("\n  rendered since 2"), "{said:?}");
    assert!(said.out.contains("\n  held by you, until `keystencil unrender`\n"), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&sandbox.run(&["status", "--json"]).out).unwrap();
    assert_eq!(json[0]["rendered"], true);
    assert_eq!(json[0]["slots"][0], "/mcpServers/github/env/TOKEN");
    assert_eq!(json[0]["holders"][0]["alive"], true);
}

#[test]
fn a_rendered_file_that_is_in_no_config_is_shown_too() {
    let sandbox = Sandbox::with_key();
    sandbox.run(&["render", "--template", ".config/keystencil/claude.json", "--to", "other.json"]);
    assert!(sandbox.run(&["status"]).out.contains("~/other.json\n  rendered since"));
}

#[test]
fn an_old_key_is_due_for_a_new_one() {
    let sandbox = Sandbox::with_key();
    let config = sandbox.read(".config/keystencil/config.toml");
    sandbox.write(".config/keystencil/config.toml", &format!("rotate_after = '0 days'\n{config}"));
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert!(sandbox.run(&["status"]).out.contains("due for a new one"));
}

#[test]
fn a_template_that_is_broken_does_not_hide_the_rest() {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", "{");
    let said = sandbox.run(&["status"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("  at rest\n  template: "), "{said:?}");
}

#[test]
fn an_empty_home_has_no_status() {
    let said = Sandbox::empty().run(&["status"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert_eq!(Sandbox::empty().run(&["status", "--json"]).out, "[]\n");
}
