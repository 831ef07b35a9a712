//! `secret`.

use crate::sandbox::{KEY, Sandbox};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

#[test]
fn what_is_set_can_be_got_listed_and_removed() {
    let sandbox = Sandbox::empty();
    let said = sandbox.run_with_input(&["secret", "set", "openai"], KEY);
    assert_eq!(said.whole(), "stored `openai` (account `api-key`) in the vault\n[0]");
    assert_eq!(sandbox.run(&["secret", "get", "openai"]).whole(), format!("{KEY}\n[0]"));
    let list = sandbox.run(&["secret", "list"]);
    let lines: Vec<&str> = list.out.lines().collect();
    assert_eq!(lines[0], "NAME    ACCOUNT  STORE  WRITER      CREATED     CHANGED   USED BY");
    assert!(
        lines[1].starts_with("openai  api-key  vault  keystencil  2") && lines[1].ends_with("  just now"),
        "{list:?}"
    );
    let said = sandbox.run(&["secret", "rm", "openai"]);
    assert_eq!(said.whole(), "removed `openai` (account `api-key`) from the vault\n[0]");
    assert_eq!(sandbox.run(&["secret", "get", "openai"]).code, 2);
}

#[test]
fn accounts_of_one_service_are_apart() {
    let sandbox = Sandbox::empty();
    sandbox.run_with_input(&["secret", "set", "github", "--account", "work"], "one");
    sandbox.run_with_input(&["secret", "set", "github", "--account", "home"], "two");
    assert_eq!(sandbox.run(&["secret", "get", "github", "--account", "work", "-n"]).out, "one");
    assert_eq!(sandbox.run(&["secret", "get", "github", "--account", "home", "-n"]).out, "two");
    assert_eq!(sandbox.run(&["secret", "get", "github"]).code, 2);
}

#[test]
fn exactly_one_line_break_at_the_end_is_no_part_of_the_value() {
    let sandbox = Sandbox::empty();
    for (input, value) in [("a\n", "a"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("a", "a"), ("\na b\n", "\na b")] {
        sandbox.run_with_input(&["secret", "set", "x"], input);
        assert_eq!(sandbox.run(&["secret", "get", "x", "-n"]).out, value, "{input:?}");
    }
}

#[test]
fn an_empty_value_is_refused() {
    let sandbox = Sandbox::empty();
    for input in ["", "\n"] {
        assert_eq!(sandbox.run_with_input(&["secret", "set", "x"], input).code, 2, "{input:?}");
    }
    assert!(sandbox.files().is_empty());
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let sandbox = Sandbox::empty();
    let mut child =
        sandbox.command(&["secret", "set", "x"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\xff\xfe").unwrap();
    let said = sandbox.said(&child.wait_with_output().unwrap());
    assert_eq!(said.code, 2);
    assert!(said.err.contains("not UTF-8"), "{said:?}");
}

#[test]
fn a_value_that_is_no_key_by_its_length_is_refused_and_not_cut() {
    let sandbox = Sandbox::empty();
    assert_eq!(sandbox.run_with_input(&["secret", "set", "x"], &"x".repeat((1 << 20) + 1)).code, 2);
    assert!(sandbox.files().is_empty());
}

#[test]
fn a_value_on_the_command_line_is_refused_and_not_repeated() {
    let sandbox = Sandbox::empty();
    let lines = [
        "openai sk-canary-1234567",
        "openai -- -sk-canary-1234567",
        "openai --sk-canary-1234567",
        "openai -----BEGIN-canary-1",
        "openai a b sk-canary-1234567",
        "sk-canary-1234567 openai",
        "sk-canary-1234567890",
        "openai --from-env sk-canary-1234567",
        "openai --from-env=sk-canary-1234567",
        "openai --no-overwrite=sk-canary-1234567",
    ];
    for line in lines {
        let arguments: Vec<&str> = ["secret", "set"].into_iter().chain(line.split(' ')).collect();
        let said = sandbox.run(&arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(!said.whole().contains("canary") && said.err.contains("hint: "), "{line}: {said:?}");
    }
    let said = sandbox.run(&["secret", "set", "openai", "sk-canary-1234567"]);
    assert!(said.err.contains("shell's history"), "{said:?}");
    // A typo that is not a key is called by its name.
    let said = sandbox.run(&["secret", "set", "openai", "--acount", "work"]);
    assert!(said.err.contains("'--acount'") && said.err.contains("'--account'"), "{said:?}");
    assert!(sandbox.files().is_empty());
}

#[test]
fn a_template_may_use_a_name_that_looks_like_a_key() {
    let sandbox = Sandbox::with_target();
    let odd = "resource1234567890abcdef";
    assert_eq!(sandbox.run_with_input(&["secret", "set", odd], KEY).code, 2);
    sandbox.write(".config/keystencil/claude.json", &format!("{{\"a\": \"<< keyring('{odd}') >>\"}}"));
    assert_eq!(sandbox.run_with_input(&["secret", "set", odd], KEY).code, 0);
}

#[test]
fn a_value_comes_from_a_variable_of_the_environment() {
    let sandbox = Sandbox::empty();
    let set = |value: Option<&[u8]>| {
        let mut command = sandbox.command(&["secret", "set", "openai", "--from-env", "THE_KEY"]);
        if let Some(value) = value {
            command.env("THE_KEY", std::ffi::OsStr::from_bytes(value));
        }
        sandbox.said(&command.output().unwrap())
    };
    let said = set(Some(KEY.as_bytes()));
    assert_eq!((said.code, said.whole().contains("canary")), (0, false), "{said:?}");
    assert_eq!(sandbox.run(&["secret", "get", "openai"]).out, format!("{KEY}\n"));
    for (value, complaint) in [(None, "is not set"), (Some(&b"\xff\xfe"[..]), "not UTF-8"), (Some(b""), "empty value")]
    {
        let said = set(value);
        assert_eq!(said.code, 2);
        assert!(said.err.contains(complaint), "{said:?}");
    }
}

#[test]
fn a_value_comes_from_a_file_which_is_then_to_be_deleted() {
    let sandbox = Sandbox::empty();
    let set = |file: &str| sandbox.run(&["secret", "set", "openai", "--from-file", file]);
    sandbox.write("key.txt", &format!("\u{feff}{KEY}\r\n"));
    let mode = |mode| std::fs::set_permissions(sandbox.path("key.txt"), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let said = set("key.txt");
    assert_eq!(said.code, 0);
    assert!(said.err.contains("warning: other users") && !said.whole().contains("canary"), "{said:?}");
    assert_eq!(sandbox.run(&["secret", "get", "openai"]).out, format!("{KEY}\n"));
    mode(0o600);
    let said = set("key.txt");
    assert!(said.err.ends_with("the value is still in key.txt in plain text: delete it\n"), "{said:?}");
    sandbox.write("big", &"x".repeat((1 << 20) + 1));
    std::fs::write(sandbox.path("binary"), b"\xff\xfe").unwrap();
    sandbox.write("empty", "\n");
    let wrong =
        [(".", "folder"), ("nope", "cannot read"), ("big", "longer"), ("binary", "not UTF-8"), ("empty", "empty")];
    for (file, complaint) in wrong {
        let said = set(file);
        assert_eq!(said.code, 2);
        assert!(said.err.contains(complaint), "{said:?}");
    }
    let said = sandbox.run_with_input(&["secret", "set", "openai", "--from-file", "-"], "piped");
    assert_eq!(said.err, "replaced `openai` (account `api-key`) in the vault\n");
    assert_eq!(sandbox.run(&["secret", "set", "openai", "--from-file", "key.txt", "--from-env", "A"]).code, 2);
}

#[test]
fn a_second_value_replaces_the_first_unless_that_is_forbidden() {
    let sandbox = Sandbox::empty();
    sandbox.store("openai", "one");
    let said = sandbox.run_with_input(&["secret", "set", "openai", "--no-overwrite"], "two");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is already stored in the vault"), "{said:?}");
    assert_eq!(sandbox.run(&["secret", "get", "openai", "-n"]).out, "one");
    let said = sandbox.run_with_input(&["secret", "set", "openai", "--json"], "two");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((json["replaced"].as_bool(), json["store"].as_str()), (Some(true), Some("vault")));
    let said = sandbox.run_with_input(&["secret", "set", "new", "--no-overwrite", "--json"], "one");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((json["replaced"].as_bool(), json["previous"].as_str()), (Some(false), None));
}

#[test]
fn the_list_says_which_templates_use_a_secret_and_what_they_lack() {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n\
         [targets.other]\ntemplate = 'other.json'\npath = '~/other.json'\n",
    );
    sandbox.write(
        ".config/keystencil/other.json",
        r#"{"a": "<< keyring('github') >> << keyring('dsn', 'work') >>", "b": "<< env('HOME') >>"}"#,
    );
    sandbox.store("spare", "x");
    let said = sandbox.run(&["secret", "list"]);
    assert_eq!(said.code, 0);
    let ends: Vec<&str> = said.out.lines().skip(1).map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(ends, ["other", "claude, other", "just now"], "{said:?}");
    assert!(said.out.lines().all(|line| line.len() <= 80) && said.out.contains("dsn     work     missing"), "{said:?}");
    let said = sandbox.run(&["secret", "list", "--unused", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((json.as_array().unwrap().len(), json[0]["name"].as_str()), (1, Some("spare")));
    let json: serde_json::Value = serde_json::from_str(&sandbox.run(&["secret", "list", "--json"]).out).unwrap();
    assert_eq!((json[0]["missing"].as_bool(), json[1]["missing"].as_bool()), (Some(true), Some(false)));
    assert_eq!(json[1]["used_by"], serde_json::json!(["claude", "other"]));
    assert_eq!((json[1]["writer"].as_str(), json[1]["rotate"].as_bool()), (Some("keystencil"), Some(false)));
    // One that can't be asked is reported, and the list is there all the same.
    sandbox.write(".config/keystencil/other.json", "{");
    let said = sandbox.run(&["secret", "list"]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("warning: cannot tell which secrets the template of `other` uses: "), "{said:?}");
    assert!(said.out.contains("claude\n"), "{said:?}");
}

#[test]
fn a_secret_that_a_template_uses_is_removed_with_a_word_about_it() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["secret", "rm", "github"]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("`github` (account `api-key`) is still used by claude: "), "{said:?}");
    sandbox.store("spare", "x");
    let said = sandbox.run(&["secret", "rm", "spare", "--json", "--yes"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["removed_from"], serde_json::json!(["vault"]));
}

#[test]
fn the_list_is_there_as_json_without_values() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["secret", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((list[0]["name"].as_str(), list[0]["store"].as_str()), (Some("github"), Some("vault")));
    assert!(!said.out.contains("canary"));
}

#[test]
fn what_is_not_there_can_not_be_removed() {
    let said = Sandbox::empty().run(&["secret", "rm", "nothing"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.starts_with("error: secret `nothing` (account `api-key`) is not in any store\nhint: "),
        "{said:?}"
    );
}

#[test]
fn a_store_that_can_not_be_listed_is_not_an_empty_one() {
    let sandbox = Sandbox::empty();
    sandbox.run_with_input(&["secret", "set", "openai"], KEY);
    sandbox.write(".local/share/keystencil/vault.age", "damaged");
    let said = sandbox.run(&["secret", "list"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("the vault is damaged") && !said.err.contains("nothing is stored"), "{said:?}");
}

#[test]
fn without_a_keyring_a_missing_secret_may_be_in_the_keyring_that_does_not_answer() {
    let sandbox = Sandbox::empty();
    let said = sandbox.run(&["--store", "auto", "secret", "get", "openai"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no keyring is available here"), "{said:?}");
}

#[test]
fn a_name_that_only_a_template_has_is_what_may_have_been_meant() {
    let sandbox = Sandbox::with_target();
    for verb in ["get", "rotate"] {
        let said = sandbox.run_with_input(&["secret", verb, "gihtub"], "new");
        assert!(said.code == 2 && said.err.contains("did you mean `github`"), "{}", said.whole());
    }
}
