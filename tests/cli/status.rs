//! `status`.

use crate::sandbox::{AT_REST, KEY, Said, Sandbox};

#[test]
fn a_target_at_rest_names_its_secrets() {
    let sandbox = Sandbox::with_key();
    let said = with_grants(&sandbox, &["status"]);
    assert_eq!(said.whole(), "claude  ~/live.json\n  at rest\n  uses github  stored just now\n[0]");
}

/// The same with grants asked for; everything in the template is allowed.
fn with_grants(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.allow();
    sandbox.run(arguments)
}

fn json(sandbox: &Sandbox) -> serde_json::Value {
    serde_json::from_str(&sandbox.run(&["status", "--json"]).out).unwrap()
}

#[test]
fn a_key_that_stands_in_the_file_is_plain_text_with_its_place_whoever_put_it_there() {
    let token = ["q7Zk2Xv9", "Lw3Rt8Yb5Nc1"].concat();
    let key = serde_json::to_string(KEY).unwrap();
    let at_rest = "\"<< keyring('github') >>\"";
    let pasted = |value: &str| AT_REST.replace(at_rest, value);
    let added = |server: &str| AT_REST.replacen("\"github\"", &format!("{server},\n    \"github\""), 1);
    let github = "/mcpServers/github/env/TOKEN";
    for (live, places) in [
        // What the user pasted: a dull word, the stored secret itself, a number.
        (pasted("\"hunter2plain\""), vec![github]),
        (pasted(&key), vec![github]),
        (pasted("1234567"), vec![github]),
        // What `claude mcp add` wrote.
        (
            added(&format!("\"acme\": {{\"env\": {{\"ACME_TOKEN\": \"{token}\"}}}}")),
            vec!["/mcpServers/acme/env/ACME_TOKEN"],
        ),
        (
            added(&format!("\"acme\": {{\"headers\": {{\"Authorization\": \"Bearer {token}\"}}}}")),
            vec!["/mcpServers/acme/headers/Authorization"],
        ),
        // Put aside in a comment.
        (added(&format!("// \"API_TOKEN\": \"{token}\",\n \"acme\": {{}}")), vec!["line 3"]),
        (format!("torn {{ \"api_key\": \"{token}\""), vec!["line 1"]),
        (pasted("\"\""), vec![]),
        (pasted("null"), vec![]),
        (added("\"acme\": {\"env\": {\"ACME_TOKEN\": \"<< keyring('other') >>\"}}"), vec![]),
        (AT_REST.to_owned(), vec![]),
        ("{}".to_owned(), vec![]),
    ] {
        let sandbox = Sandbox::with_key();
        sandbox.write("live.json", &live);
        let said = sandbox.run(&["status"]);
        assert_eq!((said.code, json(&sandbox)[0]["plain_text"].clone()), (0, serde_json::json!(places)), "{live}");
        assert_eq!(said.out.contains("  at rest\n"), places.is_empty(), "{live}: {said:?}");
        let doctor = sandbox.run(&["doctor"]);
        assert_eq!(doctor.out.contains("at rest"), places.is_empty(), "{live}: {doctor:?}");
        for place in places {
            assert!(said.out.contains(&format!("  plain text at {place}")), "{live}: {said:?}");
            // It may be cut into lines.
            let words = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(place) && (words.contains("plain text") || live.starts_with("torn")), "{doctor:?}");
        }
        for said in [&said, &doctor] {
            assert!(!said.whole().contains(&token) && !said.whole().contains("canary"), "{said:?}");
            assert!(!said.whole().contains("hunter2plain") && !said.whole().contains("1234567"), "{said:?}");
        }
    }
}

#[test]
fn a_rendered_file_tells_of_the_keys_that_the_render_did_not_put_there() {
    let sandbox = Sandbox::with_key();
    sandbox.run(&["render"]);
    assert_eq!(json(&sandbox)[0]["plain_text"], serde_json::json!([]));
    let token = ["q7Zk2Xv9", "Lw3Rt8Yb5Nc1"].concat();
    let live = sandbox.live().replacen('{', &format!("{{\"env\": {{\"API_TOKEN\": \"{token}\"}},"), 1);
    sandbox.write("live.json", &live);
    assert_eq!(json(&sandbox)[0]["plain_text"], serde_json::json!(["/env/API_TOKEN"]));
    assert!(sandbox.run(&["status"]).out.contains("  plain text at /env/API_TOKEN\n"));
}

#[test]
fn a_file_whose_journal_is_gone_with_everybody_who_knew_it_is_not_called_at_rest() {
    let sandbox = Sandbox::with_key();
    sandbox.run(&["render"]);
    std::fs::remove_dir_all(sandbox.path(".local/state/keystencil")).unwrap();
    let said = sandbox.run(&["status"]);
    assert!(!said.out.contains("at rest") && said.out.contains("  plain text at /mcpServers/github"), "{said:?}");
}

#[test]
fn a_secret_that_is_in_no_store_is_missing_and_one_that_a_locked_store_may_have_is_not() {
    let sandbox = Sandbox::with_target();
    assert!(sandbox.run(&["status"]).out.contains("  uses github  missing\n"));
    assert_eq!(json(&sandbox)[0]["secrets"][0]["missing"], true);
    sandbox.write(".config/keystencil/claude.json", "{\"a\": \"<< env('NO_SUCH_ONE') >>\"}");
    assert_eq!(json(&sandbox)[0]["secrets"][0]["missing"], true);
    let sandbox = Sandbox::with_key();
    assert_eq!(json(&sandbox)[0]["secrets"][0]["missing"], false);
    sandbox.write(".local/share/keystencil/vault.age", "damaged");
    let said = sandbox.run(&["status"]);
    assert!(!said.out.contains("missing"), "{said:?}");
}

#[test]
fn grants_that_are_off_are_told_of() {
    let sandbox = Sandbox::with_key();
    let off = "grants are off: exec and render fill every slot, wherever its secret goes (KEYSTENCIL_GRANTS)\n";
    let run = |arguments: &[&str]| {
        sandbox.said(&sandbox.command(arguments).env("KEYSTENCIL_GRANTS", "off").output().unwrap())
    };
    assert!(run(&["status"]).out.ends_with(off));
    assert!(run(&["doctor"]).out.contains("off, by KEYSTENCIL_GRANTS"));
    assert!(run(&["status", "--json"]).out.contains("\"grants\": \"off\""));
    assert!(!with_grants(&sandbox, &["status"]).out.contains("grants are off"));
    assert!(with_grants(&sandbox, &["status", "--json"]).out.contains("\"grants\": \"on\""));
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

#[test]
fn a_file_that_cannot_be_read_is_not_said_to_be_at_rest() {
    for make in ["mkfifo live.json", "mkdir live.json", "ln -s live.json live.json", "ln -s /dev/zero live.json"] {
        let sandbox = Sandbox::with_key();
        let script = format!("cd; {make}");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).env_clear().env("HOME", sandbox.home()).env("PATH", "/usr/bin:/bin");
        assert!(command.status().unwrap().success());
        let said = sandbox.run(&["status"]);
        assert!(said.code == 3 && said.out.contains("  not known what stands in it: "), "{make}: {said:?}");
        assert!(!said.whole().contains("at rest"), "{make}: {said:?}");
        assert!(json(&sandbox)[0]["error"].is_string(), "{make}");
        let doctor = sandbox.run(&["doctor"]);
        assert!(doctor.code == 3 && !doctor.whole().contains("at rest"), "{make}: {doctor:?}");
    }
    // Where there is nothing yet, nothing appears.
    let sandbox = Sandbox::with_key();
    assert!(sandbox.run(&["status"]).out.contains("  at rest"));
}
