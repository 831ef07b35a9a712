//! `import`: from keys in plain text to secrets, a template and the placeholder form, and back to the same bytes.

use crate::sandbox::{Said, Sandbox};
use crate::terminal::with_typed_after;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Random, and of no provider.
const RANDOM: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";
const OTHER: &str = "w4Hn8Pd2Jf6Sg0Tm3Vb9";

fn sandbox(config: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write(".claude.json", config);
    sandbox
}

fn one_server(members: &str) -> String {
    format!("{{\n  \"numStartups\": 1e3,\n  \"mcpServers\": {{\n    \"acme\": {{ {members} }}\n  }}\n}}")
}

#[track_caller]
fn import(sandbox: &Sandbox, more: &[&str]) -> Said {
    let said = sandbox.run(&[&["import", ".claude.json", "--yes"], more].concat());
    for key in [RANDOM, OTHER] {
        assert!(!said.whole().contains(key), "a key was printed");
    }
    said
}

/// What a program sees that is started with the keys in place.
#[track_caller]
fn filled(sandbox: &Sandbox) -> String {
    let said = sandbox.run(&["-q", "exec", "--", "cat", ".claude.json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out
}

/// Imports, and checks that the config comes back as it was.
#[track_caller]
fn there_and_back(config: &str, keys: &[&str]) -> Sandbox {
    let sandbox = sandbox(config);
    let said = import(&sandbox, &[]);
    assert_eq!(said.code, 0, "{}", said.whole());
    let live = sandbox.read(".claude.json");
    for key in keys {
        assert!(config.contains(key) && !live.contains(key), "{live}");
    }
    assert_eq!(filled(&sandbox), config);
    assert_eq!(sandbox.read(".claude.json"), live);
    assert_eq!(import(&sandbox, &[]).err.trim(), "nothing to import from ~/.claude.json");
    for (path, content) in sandbox.files() {
        for key in keys.iter().filter(|key| key.len() > 7) {
            assert!(!String::from_utf8_lossy(&content).contains(key), "{} has a key", path.display());
        }
    }
    sandbox
}

#[test]
fn a_variable_a_header_an_option_and_a_url_are_found_and_come_back() {
    for members in [
        format!(r#""env": {{ "ACME_API_KEY": "{RANDOM}", "DEBUG": "1" }}"#),
        format!(r#""headers": {{ "Authorization": "Bearer {RANDOM}" }}"#),
        format!(r#""headers": {{ "X-API-Key":  "{RANDOM}" }}"#),
        format!(r#""args": ["-y", "acme-mcp@1.2.3", "--api-key", "{RANDOM}"]"#),
        format!(r#""args": ["acme-mcp", "--token={RANDOM}"]"#),
        format!(r#""command": "docker", "args": ["run", "-e", "ACME_TOKEN={RANDOM}", "acme/mcp:latest"]"#),
        format!(r#""args": ["mcp-remote", "https://acme.example.com/", "--header", "Authorization: Bearer {RANDOM}"]"#),
        format!(r#""url": "https://acme.example.com/mcp?key={RANDOM}&profile=work""#),
        format!(r#""args": ["postgresql://app:{RANDOM}@localhost:5432/app?sslmode=require"]"#),
        format!(r#""env": {{ "DSN": "Server=db;User Id=sa;Password={RANDOM};Encrypt=true" }}"#),
        format!(r#""env": {{ "HEADERS": "{{\"Authorization\": \"Bearer {RANDOM}\", \"Version\": \"2022-06-28\"}}" }}"#),
    ] {
        there_and_back(&one_server(&members), &[RANDOM]);
    }
}

#[test]
fn short_passwords_odd_spellings_and_hostile_text_come_back_byte_for_byte() {
    there_and_back(&one_server(r#""env": { "DB_PASSWORD": "admin" }, "note": "admin""#), &[]);
    let odd = format!(
        "{{\r\n\t\"big\": 1234567890123456789012345678901234567890,\r\n\t\"x\": 1.0, \"lone\": \"\\ud800\",\r\n\t\"mcpServers\": {{\"a\": {{\"env\": {{\"TOKEN\": \"{RANDOM}\"}}, \"command\": \"cat <<EOF <% x %> <# y #>\"}}}}\r\n}}\r\n\r\n"
    );
    there_and_back(&odd, &[RANDOM]);
    there_and_back(&format!("\u{feff}{}", one_server(&format!(r#""env": {{"A_TOKEN": "{RANDOM}"}}"#))), &[RANDOM]);
    there_and_back(&format!(r#"{{"mcpServers":{{"é<<\"":{{"env":{{"A_TOKEN":"{RANDOM}"}}}}}}}}"#), &[RANDOM]);
}

#[test]
fn a_value_in_two_forms_is_one_secret() {
    let members = format!(
        r#""headers": {{ "Authorization": "Basic {}" }}, "env": {{ "A_SECRET": "u:{RANDOM}", "B_SECRET": "u:{RANDOM}" }}"#,
        "dTpxN1prMlh2OUx3M1J0OFliNU5jMQ=="
    );
    let sandbox = there_and_back(&one_server(&members), &[RANDOM, "dTpxN1prMlh2OUx3M1J0OFliNU5jMQ=="]);
    assert!(sandbox.read(".claude.json").contains("| b64encode >>"));
    let listed: serde_json::Value = serde_json::from_str(&sandbox.run(&["secret", "list", "--json"]).out).unwrap();
    assert_eq!(listed.as_array().map_or(0, Vec::len), 1, "{listed}");
}

#[test]
fn a_key_that_a_prompt_mentions_leaves_the_history_as_well_and_does_not_come_back_there() {
    let config = format!(
        r#"{{"mcpServers":{{"acme":{{"env":{{"A_TOKEN":"{RANDOM}"}}}}}},"projects":{{"/p":{{"history":[{{"display":"use \"{RANDOM}\"\nnow"}}]}}}}}}"#
    );
    let sandbox = sandbox(&config);
    let shown = sandbox.run(&["import", ".claude.json", "--dry-run"]);
    assert!(shown.out.contains("also mentioned in 1 place"), "{}", shown.out);
    assert_eq!(sandbox.read(".claude.json"), config);
    assert_eq!(import(&sandbox, &[]).code, 0);
    assert!(!sandbox.read(".claude.json").contains(RANDOM));
    assert_eq!(filled(&sandbox).matches(RANDOM).count(), 1);
    assert!(!sandbox.read(".config/keystencil/claude.json").contains("history"));
}

#[test]
fn what_is_skipped_stays_and_is_in_no_template() {
    let config = one_server(&format!(r#""env": {{ "A_TOKEN": "{RANDOM}", "B_TOKEN": "{OTHER}" }}"#));
    for options in [&["--skip", "B_*"][..], &["--only", "/mcpServers/acme/env/A_TOKEN"]] {
        let sandbox = sandbox(&config);
        let said = import(&sandbox, options);
        assert!(said.code == 3 && said.err.contains("1 place left out as asked"), "{}", said.whole());
        let live = sandbox.read(".claude.json");
        assert!(live.contains(OTHER) && !live.contains(RANDOM), "{live}");
        assert!(!sandbox.read(".config/keystencil/claude.json").contains("B_TOKEN"));
        assert_eq!(filled(&sandbox), config);
    }
}

#[test]
fn a_name_in_use_for_another_value_is_left_alone_and_one_with_the_same_value_is_used() {
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let other = sandbox(&config);
    other.store("acme", OTHER);
    assert_eq!(import(&other, &[]).code, 0);
    assert_eq!(other.run(&["secret", "get", "acme"]).out, format!("{OTHER}\n"));
    assert!(other.read(".claude.json").contains("keyring('acme', 'api-key-2')"));
    assert_eq!(filled(&other), config);

    let same = sandbox(&config);
    same.store("acme", RANDOM);
    let said = import(&same, &[]);
    assert!(said.code == 0 && !said.err.contains("stored acme"), "{}", said.err);
    assert!(same.read(".claude.json").contains("keyring('acme')"));
}

#[test]
fn without_a_yes_nothing_is_imported() {
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let sandbox = sandbox(&config);
    let said = sandbox.run(&["import", ".claude.json"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert_eq!(sandbox.files().len(), 1, "{:?}", sandbox.files());
}

#[test]
fn a_rendered_file_is_refused() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let said = sandbox.run(&["import", "live.json", "--yes"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("keystencil unrender --all"), "{}", said.err);
}

#[test]
fn another_template_is_not_written_over_and_nothing_is_stored_then() {
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let sandbox = sandbox(&config);
    sandbox.write(".config/keystencil/claude.json", "{}");
    let said = import(&sandbox, &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--template"), "{}", said.err);
    assert_eq!(sandbox.files().len(), 2);
    assert_eq!(import(&sandbox, &["--template", "here.json"]).code, 0);
    assert_eq!(filled(&sandbox), config);
}

#[test]
fn the_config_keeps_its_text_and_may_be_left_alone() {
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let sandbox = sandbox(&config);
    let mine = "# mine\nrotate_after  =  '30 days'   # soon\n[vars]\na = 1";
    sandbox.write(".config/keystencil/config.toml", mine);
    let said = import(&sandbox, &["--no-config"]);
    assert!(said.err.contains("[targets.claude]"), "{}", said.err);
    assert_eq!(sandbox.read(".config/keystencil/config.toml"), mine);

    sandbox.write(".claude.json", &config);
    fs::remove_file(sandbox.path(".config/keystencil/claude.json")).unwrap();
    assert_eq!(import(&sandbox, &[]).code, 0);
    let added = sandbox.read(".config/keystencil/config.toml");
    assert!(added.starts_with(mine) && added.contains("[targets.claude]"), "{added}");
    assert_eq!(filled(&sandbox), config);
}

#[test]
fn copies_of_the_host_are_cleaned_and_the_vault_keeps_the_file() {
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let sandbox = sandbox(&config);
    sandbox.write(".claude/backups/.claude.json.backup.1700000000000", &config);
    sandbox.write(".claude.json.corrupted.1700000000000", &config[..config.len() - 3]);
    assert_eq!(import(&sandbox, &[]).code, 0);
    for (path, content) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&content).contains(RANDOM), "{}", path.display());
    }
    let listed: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["vault", "backups", "list", "--json"]).out).unwrap();
    let name = listed[0]["name"].as_str().unwrap();
    assert_eq!(sandbox.run(&["vault", "backups", "show", name]).out, config);
}

#[test]
fn a_folder_that_can_not_be_written_is_an_error_and_nothing_is_stored() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let config = one_server(&format!(r#""env": {{ "ACME_TOKEN": "{RANDOM}" }}"#));
    let sandbox = sandbox("{}");
    // Anyone who is root may write anywhere but into a device's folder.
    sandbox.write("real/config.json", &config);
    fs::remove_file(sandbox.path(".claude.json")).unwrap();
    symlink(sandbox.path("real/config.json"), sandbox.path(".claude.json")).unwrap();
    assert_eq!(import(&sandbox, &["--dry-run"]).code, 0);
    fs::set_permissions(sandbox.path("real"), fs::Permissions::from_mode(0o500)).unwrap();
    let said = import(&sandbox, &[]);
    fs::set_permissions(sandbox.path("real"), fs::Permissions::from_mode(0o700)).unwrap();
    if said.code == 0 {
        // As root: through the link all the same, and the link stays.
        assert!(sandbox.path(".claude.json").is_symlink());
        assert_eq!(filled(&sandbox), config);
        return;
    }
    assert_eq!(said.code, 2, "{}", said.whole());
    assert_eq!(sandbox.read("real/config.json"), config);
    assert!(!sandbox.path(".config/keystencil/claude.json").exists());
}

#[test]
fn the_keys_of_an_env_file_are_stored_and_the_file_stays() {
    let sandbox = Sandbox::empty();
    let env = format!("# mine\nexport ACME_TOKEN='{RANDOM}'\nDEBUG=1\nDATABASE_URL=\"postgres://u:{OTHER}@db/x\"\n");
    sandbox.write(".env", &env);
    let said = sandbox.run(&["import", ".env", "--yes"]);
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(!said.whole().contains(RANDOM) && !said.whole().contains(OTHER));
    assert!(
        said.out.contains("\"ACME_TOKEN\": \"<< keyring('acme-token') >>\"") && !said.out.contains("DEBUG"),
        "{}",
        said.out
    );
    assert_eq!(sandbox.read(".env"), env);
    assert_eq!(sandbox.run(&["secret", "get", "acme-token", "-n"]).out, RANDOM);
    // What was printed is a template.
    sandbox.write("t.json", &said.out);
    assert_eq!(sandbox.run(&["-q", "render", "--template", "t.json", "--to", "live.json"]).code, 0);
    assert!(sandbox.live().contains(&format!("postgres://u:{OTHER}@db/x")), "{}", sandbox.live());
}

#[test]
fn the_keys_of_an_env_file_become_comments_if_that_is_wanted_and_no_copy_is_left() {
    let sandbox = Sandbox::empty();
    let env =
        format!("# mine\nexport ACME_TOKEN='{RANDOM}'\nDEBUG=1\nDATABASE_URL=\"postgres://u:{OTHER}@db/x\" # db\n");
    sandbox.write(".env", &env);
    let mode = |sandbox: &Sandbox| fs::metadata(sandbox.path(".env")).unwrap().permissions().mode() & 0o777;
    let before = mode(&sandbox);
    let dry = sandbox.run(&["import", ".env", "--comment-out", "--dry-run"]);
    assert!(dry.code == 0 && dry.err.contains("would comment out 2 variables in ~/.env"), "{}", dry.whole());
    assert_eq!(sandbox.read(".env"), env);
    let said = sandbox.run(&["import", ".env", "--yes", "--comment-out", "--template", "t.json"]);
    assert!(said.code == 0 && said.err.contains("commented out 2 variables in ~/.env"), "{}", said.whole());
    assert_eq!(
        sandbox.read(".env"),
        "# mine\n# ACME_TOKEN=<< keyring('acme-token') >>\nDEBUG=1\n\
         # DATABASE_URL=postgres://u:<< keyring('password') | urlencode >>@db/x\n"
    );
    assert_eq!(mode(&sandbox), before);
    let holds = |text: &[u8], value: &str| text.windows(value.len()).any(|piece| piece == value.as_bytes());
    for (path, text) in sandbox.files() {
        assert!(!holds(&text, RANDOM) && !holds(&text, OTHER), "{}", path.display());
    }
    assert_eq!(sandbox.run(&["import", ".env", "--yes", "--comment-out"]).code, 0);
    // One that is in a comment too is reported.
    sandbox.write(".env", &format!("# was {RANDOM}\nACME_TOKEN={RANDOM}\n"));
    let said = sandbox.run(&["import", ".env", "--yes", "--comment-out"]);
    assert!(said.code == 3 && said.err.contains("is still in this file"), "{}", said.whole());
    // For a config the word means nothing.
    sandbox.write("a.json", "{}");
    let said = sandbox.run(&["import", "a.json", "--comment-out"]);
    assert!(said.code == 2 && said.err.contains("`--comment-out` is for `.env` files"), "{}", said.whole());
}

#[test]
fn a_list_of_credentials_becomes_a_template_and_what_is_not_stored_is_told() {
    let sandbox = Sandbox::empty();
    sandbox.store("hub-service", RANDOM);
    let list = r#"{"credentials": [
        {"env_var": "HUB_TOKEN", "service": "hub-service", "account": "api-key", "mcp_server": "hub"},
        {"env_var": "OTHER", "service": "gone", "account": "me", "mcp_server": "hub"}
    ]}"#;
    sandbox.write("mcp-credentials.json", list);
    let said = sandbox.run(&["import", "mcp-credentials.json", "--template", "t.json"]);
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(said.err.contains("secret `gone` (account `me`) is not in any store"), "{}", said.err);
    let template = sandbox.read("t.json");
    assert!(template.contains("<< keyring('hub-service') >>") && template.contains("<< keyring('gone', 'me') >>"));
    sandbox.write("t.json", &template.replace("keyring('gone', 'me')", "keyring('hub-service')"));
    assert_eq!(sandbox.run(&["-q", "render", "--template", "t.json", "--to", "live.json"]).code, 0);
    assert_eq!(sandbox.live().matches(RANDOM).count(), 2);
}

#[test]
fn a_key_that_a_duplicate_hides_stays_with_a_warning_and_the_visible_one_is_imported() {
    let config =
        format!(r#"{{"mcpServers":{{"a":{{"env":{{"A_TOKEN":"{OTHER}"}}}},"a":{{"env":{{"A_TOKEN":"{RANDOM}"}}}}}}}}"#);
    let sandbox = sandbox(&config);
    let said = import(&sandbox, &[]);
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(said.err.contains("remove one of the two members"), "{}", said.err);
    let live = sandbox.read(".claude.json");
    assert!(live.contains(OTHER) && !live.contains(RANDOM), "{live}");
    assert_eq!(filled(&sandbox), config);
}

#[test]
fn what_is_no_config_is_refused_with_its_place() {
    for (text, says) in
        [("// c\n[]", "not a JSON object"), ("[]", "not a JSON object"), ("", "empty"), ("{\"a\": tru", "not JSON")]
    {
        let said = import(&sandbox(text), &[]);
        assert!(said.code == 2 && said.err.contains(says) && said.err.contains("claude.json"), "{}", said.whole());
    }
    let said = Sandbox::empty().run(&["import", "absent.json"]);
    assert!(said.code == 2 && said.err.contains("file not found"), "{}", said.whole());
}

#[test]
fn what_a_person_writes_into_the_config_while_they_are_asked_is_kept() {
    let sandbox = sandbox(&one_server(&format!(r#""env": {{ "ACME_API_KEY": "{RANDOM}" }}"#)));
    sandbox.write(".config/keystencil/config.toml", "rotate_after = \"30 days\"\n");
    let write = || sandbox.write(".config/keystencil/config.toml", "rotate_after = \"60 days\"\n");
    let (code, screen) = with_typed_after(&sandbox, "import .claude.json", "y\n", &write);
    assert_eq!(code, 0, "{screen}");
    let config = sandbox.read(".config/keystencil/config.toml");
    assert!(config.contains("60 days") && config.contains("[targets.claude]"), "{config}");
    assert!(!sandbox.read(".claude.json").contains(RANDOM));
}
