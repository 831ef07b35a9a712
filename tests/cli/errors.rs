//! Each error says what, where and what to do next.

use crate::sandbox::{AT_REST, Sandbox, snapshot};

fn error(name: &str, sandbox: &Sandbox, arguments: &[&str]) {
    let said = sandbox.run(arguments);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    snapshot(&format!("error-{name}"), &said.err);
}

#[test]
fn a_missing_secret_is_named_with_its_place_and_its_hint() {
    error("missing-secret", &Sandbox::with_target(), &["render"]);
}

#[test]
fn all_missing_secrets_are_named_at_once_and_nothing_is_written() {
    let sandbox = Sandbox::with_target();
    sandbox.write(
        "one.json",
        r#"{"a": "<< keyring('one') >>", "b": "<< keyring('two', 'work') >>", "c": "<< env('THREE') >>"}"#,
    );
    sandbox.write(
        "config.toml",
        concat!(
            "[targets.one]\ntemplate = 'one.json'\npath = 'one.live'\n",
            "[targets.two]\ntemplate = '.config/keystencil/claude.json'\npath = 'two.live'\n",
            "[targets.zero]\ntemplate = 'zero.json'\npath = 'zero.live'\n",
        ),
    );
    sandbox.write("zero.json", "{\"plain\": true}");
    error("missing-secrets-of-several-targets", &sandbox, &["--config", "config.toml", "render"]);
    for target in ["one.live", "two.live", "zero.live"] {
        assert!(!sandbox.path(target).exists(), "{target}");
    }
}

#[test]
fn an_unknown_target_is_named_with_the_likely_one() {
    error("unknown-target", &Sandbox::with_target(), &["render", "cluade"]);
}

#[test]
fn without_any_target_a_minimal_config_is_shown() {
    error("no-target", &Sandbox::empty(), &["render"]);
}

#[test]
fn a_config_that_is_named_and_missing_is_an_error() {
    error("no-config", &Sandbox::empty(), &["--config", "nowhere.toml", "render"]);
}

#[test]
fn a_template_that_is_missing_is_named() {
    let sandbox = Sandbox::with_target();
    std::fs::remove_file(sandbox.path(".config/keystencil/claude.json")).unwrap();
    error("no-template", &sandbox, &["render"]);
}

#[test]
fn a_template_error_has_line_and_column() {
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/claude.json", "{\n  \"a\": \"<< keyrign('x') >>\"\n}\n");
    error("template", &sandbox, &["diff"]);
}

#[test]
fn a_target_that_is_no_json_has_line_and_column_and_stays() {
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", "{\n  \"a\": nonsense\n}\n");
    error("target-no-json", &sandbox, &["render"]);
    assert_eq!(sandbox.live(), "{\n  \"a\": nonsense\n}\n");
}

#[test]
fn a_target_that_is_a_directory_is_an_error() {
    let sandbox = Sandbox::with_key();
    std::fs::create_dir(sandbox.path("live.json")).unwrap();
    error("target-directory", &sandbox, &["render"]);
}

#[test]
fn an_empty_name_is_refused_before_any_store_is_asked() {
    error("empty-name", &Sandbox::empty(), &["secret", "get", ""]);
}

#[test]
fn a_conflict_that_was_to_be_an_error_is_one_and_nothing_is_written() {
    let sandbox = Sandbox::with_key();
    let own = AT_REST.replace("<< keyring('github') >>", "my-own-token");
    sandbox.write("live.json", &own);
    error("conflict", &sandbox, &["render", "--on-conflict", "fail"]);
    assert_eq!(sandbox.live(), own);
}

#[test]
fn an_owner_that_does_not_run_is_an_error() {
    error("no-owner", &Sandbox::with_key(), &["render", "--owner", "4194305"]);
}

#[test]
fn a_claude_pid_that_is_no_number_is_an_error() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.said(&sandbox.command(&["render"]).env("CLAUDE_PID", "what").output().unwrap());
    assert_eq!(said.code, 2);
    snapshot("error-claude-pid", &said.err);
}

fn journal(sandbox: &Sandbox) -> std::path::PathBuf {
    let paths = sandbox.files().into_iter().map(|(path, _)| path);
    paths.into_iter().find(|path| path.to_string_lossy().ends_with(".journal.json")).unwrap()
}

#[test]
fn an_unreadable_journal_is_an_error_and_a_later_version_another() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let journal = journal(&sandbox);
    std::fs::write(&journal, "{").unwrap();
    let text = |said: crate::sandbox::Said| {
        let id = journal.file_name().unwrap().to_string_lossy().into_owned();
        said.whole().replace(&id, "ID.journal.json")
    };
    snapshot("error-journal-damaged", &text(sandbox.run(&["unrender"])));
    std::fs::write(&journal, r#"{"version": 99}"#).unwrap();
    snapshot("error-journal-newer", &text(sandbox.run(&["unrender", "claude"])));
}

#[test]
fn control_characters_of_a_hostile_name_never_reach_the_terminal() {
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/claude.json", "{\"a\\u001b[31m\": \"<< keyring('x\\u001b]0;owned\\u0007') >>\"}");
    for arguments in [&["render"][..], &["diff"], &["status"], &["render", "--dry-run"], &["diff", "--json"]] {
        let said = sandbox.run(arguments);
        let raw = |c: char| c.is_control() && c != '\n';
        assert!(!said.whole().contains(raw), "{arguments:?}: {said:?}");
    }
}

#[test]
fn a_target_in_a_folder_that_is_missing_is_told_so() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["render", "--template", ".config/keystencil/claude.json", "--to", "nowhere/a.json"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("hint: make its folder first"), "{said:?}");
}
