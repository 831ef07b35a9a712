//! What is wrong with a config is said with its place.

use crate::sandbox::{Sandbox, snapshot};

fn complaint(name: &str, config: &str) {
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/config.toml", config);
    let said = sandbox.run(&["render"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    snapshot(&format!("config-{name}"), &said.err);
}

#[test]
fn an_unknown_key_has_its_place_and_the_likely_name() {
    complaint("unknown-key", "[targets.claude]\ntemplate = 'claude.json'\npaht = '~/live.json'\n");
}

#[test]
fn an_unknown_profile_has_its_place_and_the_likely_name() {
    complaint("unknown-profile", "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claud-code'\n");
}

#[test]
fn what_is_no_toml_has_its_place() {
    complaint("syntax", "[targets.claude\n");
}

#[test]
fn a_target_without_a_path_has_its_place() {
    complaint("no-path", "[targets.claude]\ntemplate = 'claude.json'\n");
}

#[test]
fn two_targets_of_one_file_are_named() {
    complaint(
        "same-file",
        "[targets.a]\ntemplate = 'claude.json'\npath = '~/live.json'\n[targets.b]\ntemplate = 'b.json'\npath = '~/./live.json'\n",
    );
}

#[test]
fn a_variable_of_the_config_and_those_of_the_machine_reach_the_template() {
    let sandbox = Sandbox::with_target();
    sandbox.write("vars.toml", "[vars]\nmail = 'me@example.com'\n[targets.a]\ntemplate = 't.json'\npath = 'a.json'\n");
    sandbox.write("t.json", r#"{"mail": "<< mail >>", "home": "<< home >>", "user": "<< user >>", "os": "<< os >>"}"#);
    let run = sandbox.command(&["--config", "vars.toml", "render"]).env("USER", "alice").output().unwrap();
    assert_eq!(sandbox.said(&run).whole(), "rendered a.json: 0 slots filled\n[0]");
    let text = sandbox.read("a.json");
    for part in ["me@example.com", "alice", std::env::consts::OS, &sandbox.home().display().to_string()] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn an_option_wins_over_the_environment_and_the_environment_over_the_config() {
    let sandbox = Sandbox::with_key();
    let list = |command: &mut std::process::Command| sandbox.said(&command.output().unwrap()).out;
    sandbox.write("native.toml", "store = 'native'\n");
    let arguments = ["--config", "native.toml", "secret", "list"];
    assert!(list(&mut sandbox.command(&arguments)).contains("github"));
    assert!(!list(sandbox.command(&arguments).env_remove("KEYSTENCIL_STORE")).contains("github"));
    assert!(!list(&mut sandbox.command(&["--store", "native", "secret", "list"])).contains("github"));
}

#[test]
fn init_writes_what_works_and_never_over_anything() {
    let sandbox = Sandbox::empty();
    let said = sandbox.run(&["init"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(sandbox.run(&["diff"]).code, 1);
    let before = sandbox.files();
    assert_eq!(sandbox.run(&["init"]).code, 2);
    assert_eq!(sandbox.files(), before);
}
