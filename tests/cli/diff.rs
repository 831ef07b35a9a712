//! `diff`.

use crate::sandbox::{AT_REST, Sandbox, TEMPLATE, snapshot};

#[test]
fn a_difference_is_shown_and_is_exit_1() {
    let sandbox = Sandbox::with_target();
    sandbox.write("live.json", "{\n  \"theme\": \"dark\",\n  \"apiKey\": \"sk-of-the-user\"\n}\n");
    let said = sandbox.run(&["diff"]);
    assert!(!said.out.contains("sk-of-the-user"));
    snapshot("diff", &said.whole());
}

#[test]
fn the_same_as_counts_as_json_and_as_a_patch() {
    let sandbox = Sandbox::with_target();
    sandbox.write("live.json", "{\n  \"theme\": \"dark\"\n}\n");
    snapshot("diff-stat", &sandbox.run(&["diff", "--stat"]).whole());
    snapshot("diff-json", &sandbox.run(&["diff", "--json"]).whole());
    snapshot("diff-patch", &sandbox.run(&["diff", "--patch"]).whole());
}

#[test]
fn a_target_in_sync_has_no_difference_rendered_or_not() {
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", AT_REST);
    assert_eq!(sandbox.run(&["diff"]).whole(), "[0]");
    assert_eq!(sandbox.run(&["diff", "--rendered"]).whole(), "[0]");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["diff"]).whole(), "[0]");
}

#[test]
fn what_is_filled_is_shown_redacted() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    snapshot("diff-rendered", &sandbox.run(&["diff", "--rendered"]).whole());
    snapshot("diff-rendered-json", &sandbox.run(&["diff", "--rendered", "--json"]).whole());
}

#[test]
fn the_undo_patch_is_one_that_another_tool_can_apply() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let mut live: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    let said = sandbox.run(&["diff", "--rendered", "--patch"]);
    assert_eq!(said.code, 1);
    json_patch::patch(&mut live, &serde_json::from_str::<json_patch::Patch>(&said.out).unwrap()).unwrap();
    assert_eq!(live, serde_json::from_str::<serde_json::Value>(AT_REST).unwrap());
}

#[test]
fn a_patch_shows_values_that_few_tools_can_hold_as_they_are_written() {
    let sandbox = Sandbox::with_target();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    sandbox.write(
        ".config/keystencil/claude.json",
        &format!("{{\"half\": \"\\ud800\", \"deep\":\t{{\r\n\"a\":\t{deep}}}}}"),
    );
    sandbox.write("live.json", "{}");
    let said = sandbox.run(&["diff", "--patch"]);
    let patch: keystencil::document::Patch = serde_json::from_str(&said.out).unwrap();
    let mut made = keystencil::document::edit::apply("{}", &patch).unwrap();
    made.retain(|character| !character.is_whitespace());
    assert_eq!(made, format!("{{\"half\":\"\\ud800\",\"deep\":{{\"a\":{deep}}}}}"));
}

#[test]
fn a_minified_document_is_shown_operation_by_operation() {
    let sandbox = Sandbox::with_target();
    let long = format!("{{\"long\":\"{}\"}}", "x".repeat(5_000));
    sandbox.write("live.json", &long);
    snapshot("diff-minified", &sandbox.run(&["diff"]).whole());
}

#[test]
fn no_store_is_asked() {
    let sandbox = Sandbox::with_target();
    let said = sandbox.said(&sandbox.command(&["--store", "native", "diff"]).output().unwrap());
    assert_eq!(said.code, 1, "{said:?}");
}

#[test]
fn what_looks_like_a_key_of_the_users_is_not_shown_wherever_it_stands() {
    let sandbox = Sandbox::with_key();
    let key = "ghp_0123456789abcdefghijklmnop";
    let users = format!(
        "{{\n  \"theme\": \"dark\",\n  \"args\": [\"--with\", \"{key}\"],\n  \"url\": \"https://me:{key}@host/\",\n  \
         \"apiKey\": \"one-{key}\",\n  \"apiKey\": \"two\"\n}}\n"
    );
    sandbox.write("live.json", &users);
    let said = sandbox.run(&["diff"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("[redacted]") && !said.whole().contains("0123456789"), "{said:?}");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let said = sandbox.run(&["diff", "--rendered"]);
    assert!(!said.whole().contains("0123456789"), "{said:?}");
}

#[test]
fn a_slot_that_was_changed_while_rendered_is_not_shown() {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        ".config/keystencil/claude.json",
        "{\"DSN\": \"<< keyring('github') >>\", \"other\": \"<< keyring('github') >>\"}",
    );
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let mut live: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    live["DSN"] = "correct-horse".into();
    sandbox.write("live.json", &serde_json::to_string_pretty(&live).unwrap());
    for options in [&["diff", "--rendered"][..], &["diff"]] {
        let said = sandbox.run(options);
        assert!(!said.whole().contains("correct-horse"), "{said:?}");
    }
}

/// A target that was rendered once, and then changed by its host and by a new version of its template.
fn changed_by_both() -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", &TEMPLATE.replacen('{', "{\n  \"theme\": \"dark\",", 1));
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let live = sandbox.live().replace("\"dark\"", "\"light\"").replace(
        "\"mcpServers\": {",
        "\"numStartups\": 3,\n  \"mcpServers\": {\n    \"sentry\": { \"command\": \"npx\", \"env\": { \"SENTRY_TOKEN\": \"correct-horse\" } },",
    );
    sandbox.write("live.json", &live);
    sandbox.write(
        ".config/keystencil/claude.json",
        &TEMPLATE.replacen('{', "{\n  \"theme\": \"dark\",\n  \"editor\": \"vim\",", 1),
    );
    sandbox
}

#[test]
fn each_hunk_names_its_author_and_what_the_host_added_is_shown_beside() {
    let sandbox = changed_by_both();
    let said = sandbox.run(&["diff"]);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    assert!(!said.whole().contains("correct-horse") && !said.whole().contains("canary"), "{said:?}");
    snapshot("diff-three-way", &said.whole());
    snapshot("diff-three-way-stat", &sandbox.run(&["diff", "--stat"]).whole());
    let said: serde_json::Value = serde_json::from_str(&sandbox.run(&["diff", "--json"]).out).unwrap();
    let authors: Vec<_> = said[0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["pointer"].as_str().unwrap(), change["author"].as_str().unwrap()))
        .collect();
    assert_eq!(authors, [("/theme", "host"), ("/editor", "template"), ("/mcpServers/sentry", "host")]);
}

#[test]
fn what_the_host_added_is_a_difference_though_a_render_changes_nothing() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let added = sandbox.live().replace("\"mcpServers\": {", "\"mcpServers\": {\n    \"a\": {},");
    sandbox.write("live.json", &added);
    let said = sandbox.run(&["diff"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("+ /mcpServers/a"), "{said:?}");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.live(), added);
}
