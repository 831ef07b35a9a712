//! What a template starts is asked like what it gets.

use crate::sandbox::{Said, Sandbox};
use crate::terminal::typed_guarded;
use serde_json::Value;

/// A run that is not excused from grants.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.said(&sandbox.strict_command(arguments).output().unwrap())
}

const LIVE: &str = r#"{"mcpServers": {"mine": {"command": "my-own", "args": ["x"]}}, "theme": "dark"}"#;
/// What a pull request brings: a server without a secret, a hook, a variable, a helper, and a harmless setting.
const TEMPLATE: &str = r#"{
  "mcpServers": {"new": {"command": "npx", "args": ["-y", "evil-server"]}, "mine": {"args": ["evil"]}},
  "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "evil-hook"}]}]},
  "env": {"NODE_OPTIONS": "--require=evil", "REGION": "eu"},
  "apiKeyHelper": "evil-helper",
  "theme": "light"
}"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", LIVE);
    sandbox.write(".config/keystencil/claude.json", TEMPLATE);
    sandbox
}

fn live(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.live()).unwrap()
}

fn assert_withheld(sandbox: &Sandbox) {
    let live = live(sandbox);
    assert!(!live.to_string().contains("evil"), "{live}");
    assert_eq!(live["mcpServers"]["mine"]["args"][0], "x");
    // The rest of the template is merged.
    assert_eq!((&live["theme"], &live["env"]["REGION"]), (&"light".into(), &"eu".into()));
}

#[test]
fn what_a_template_starts_is_not_merged_until_somebody_allowed_it_and_the_rest_is() {
    let sandbox = sandbox();
    let said = run(&sandbox, &["render"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("refused: `npx -y evil-server` may not be started"), "{said:?}");
    assert_withheld(&sandbox);
    let said = run(&sandbox, &["exec", "--", "sh", "-c", "cat live.json; exit 7"]);
    assert!(said.code == 7 && !said.out.contains("evil") && said.err.contains("evil-hook"), "{said:?}");
    assert_withheld(&sandbox);
    assert_eq!(run(&sandbox, &["render"]).code, 3);
}

#[test]
fn one_question_is_about_all_of_it_and_its_answer_is_remembered() {
    let sandbox = sandbox();
    let (code, screen) = typed_guarded(&sandbox, "render", "n\n");
    assert_eq!(code, 3, "{screen}");
    assert_eq!(screen.matches("Allow these 5? [y/N]").count(), 1, "{screen}");
    for shown in ["starts npx -y evil-server", "in /mcpServers/mine", "evil-hook", "NODE_OPTIONS", "evil-helper"] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    assert_withheld(&sandbox);
    let (code, screen) = typed_guarded(&sandbox, "render", "y\n");
    assert_eq!(code, 0, "{screen}");
    let merged = live(&sandbox);
    assert_eq!(merged["mcpServers"]["mine"]["args"][0], "evil");
    assert_eq!(run(&sandbox, &["render"]).code, 0);
    // Gone and back.
    let server = r#""new": {"command": "npx", "args": ["-y", "evil-server"]}, "#;
    sandbox.write(".config/keystencil/claude.json", &TEMPLATE.replace(server, ""));
    assert_eq!(run(&sandbox, &["render"]).code, 0);
    assert!(!sandbox.live().contains("evil-server"));
    sandbox.write(".config/keystencil/claude.json", TEMPLATE);
    assert_eq!(run(&sandbox, &["render"]).code, 0);
    assert!(sandbox.live().contains("evil-server"));
    sandbox.write(".config/keystencil/claude.json", &TEMPLATE.replace("evil-server", "other-server"));
    assert_eq!(run(&sandbox, &["render"]).code, 3);
    assert!(!sandbox.live().contains("other-server"));
}

#[test]
fn what_stands_in_the_live_file_already_asks_nothing() {
    let sandbox = sandbox();
    for text in [LIVE, r#"{"mcpServers": {"mine": {"command": "my-own"}}}"#] {
        sandbox.write(".config/keystencil/claude.json", text);
        assert_eq!(run(&sandbox, &["render"]).code, 0, "{text}");
        assert_eq!(run(&sandbox, &["allow", "--pending"]).code, 0);
    }
    // What the user adds beside it is theirs.
    let added = LIVE.replace(r#""mine""#, r#""added": {"command": "other", "env": {"LD_PRELOAD": "x"}}, "mine""#);
    sandbox.write("live.json", &added);
    assert_eq!(run(&sandbox, &["render"]).code, 0);
}

#[test]
fn what_a_template_would_start_is_shown_listed_and_taken_back() {
    let sandbox = sandbox();
    let pending = run(&sandbox, &["allow", "--pending"]);
    assert!(pending.code == 1 && pending.out.contains("starts npx -y evil-server"), "{pending:?}");
    let json: Value = serde_json::from_str(&run(&sandbox, &["allow", "--pending", "--json"]).out).unwrap();
    let new = json[0]["new"].as_array().unwrap();
    assert!(new.len() == 5 && new.iter().all(|one| one["kind"] == "start"), "{json}");
    let diff = run(&sandbox, &["diff"]);
    assert!(
        diff.out.contains("this starts programs") && diff.out.contains("! /mcpServers/new  starts npx"),
        "{diff:?}"
    );
    let json: Value = serde_json::from_str(&run(&sandbox, &["diff", "--json"]).out).unwrap();
    assert_eq!(json[0]["not_allowed"].as_array().unwrap().len(), 5, "{json}");
    let dry = run(&sandbox, &["render", "--dry-run"]);
    assert!(dry.code == 3 && dry.out.contains("starts npx -y evil-server  not allowed yet"), "{dry:?}");
    let status = run(&sandbox, &["status"]);
    assert!(status.out.contains("5 things nobody allowed yet"), "{status:?}");
    let (code, screen) = typed_guarded(&sandbox, "allow", "y\n");
    assert_eq!(code, 0, "{screen}");
    let list = run(&sandbox, &["allow", "--list"]);
    assert!(list.out.contains("starts → npx -y evil-server"), "{list:?}");
    assert!(!run(&sandbox, &["diff"]).out.contains("this starts programs"));
    let said = run(&sandbox, &["allow", "--revoke", "claude", "--slot", "/mcpServers/new"]);
    assert!(said.code == 0 && said.err.contains("took back 1 grant"), "{said:?}");
    assert_eq!(run(&sandbox, &["render"]).code, 3);
    assert!(!sandbox.live().contains("evil-server") && sandbox.live().contains("evil-hook"));
}
