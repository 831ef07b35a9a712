//! `secret`.

use crate::sandbox::{KEY, Sandbox};
use std::io::Write as _;
use std::process::Stdio;

#[test]
fn what_is_set_can_be_got_listed_and_removed() {
    let sandbox = Sandbox::empty();
    let said = sandbox.run_with_input(&["secret", "set", "openai"], KEY);
    assert_eq!(said.whole(), "stored `openai` (account `api-key`) in the vault\n[0]");
    assert_eq!(sandbox.run(&["secret", "get", "openai"]).whole(), format!("{KEY}\n[0]"));
    let list = sandbox.run(&["secret", "list"]);
    assert_eq!(list.whole(), "NAME    ACCOUNT  STORE  STORED\nopenai  api-key  vault  just now\n[0]");
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
fn a_value_is_no_argument() {
    assert_eq!(Sandbox::empty().run(&["secret", "set", "x", "value"]).code, 2);
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
    assert!(said.err.starts_with("error: secret `nothing` (account `api-key`) is in no store\nhint: "), "{said:?}");
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
    assert!(said.err.contains("no keyring answers here"), "{said:?}");
}
