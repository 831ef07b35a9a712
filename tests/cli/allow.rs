//! Grants: no secret goes where no person said it may.

use crate::below_nobody::below_nobody;
use crate::sandbox::{BINARY, KEY, Said, Sandbox, TEMPLATE, snapshot};
use crate::terminal::{at_a_terminal, typed_guarded};
use std::io::{Read as _, Write as _};

/// A run that is not excused from grants.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.said(&sandbox.strict_command(arguments).output().unwrap())
}

const SERVER: &str = r#"{"mcpServers": {"github": {
  "command": "npx", "args": ["-y", "server-github"],
  "env": { "TOKEN": "<< keyring('github') >>" }
}}}"#;

fn template(sandbox: &Sandbox, text: &str) {
    sandbox.write(".config/keystencil/claude.json", text);
}

fn with_server() -> Sandbox {
    let sandbox = Sandbox::with_key();
    template(&sandbox, SERVER);
    sandbox
}

fn allowed(sandbox: &Sandbox) -> String {
    run(sandbox, &["allow", "--list"]).out
}

#[test]
fn a_slot_that_nobody_allowed_stays_closed_and_its_secret_is_not_asked_for() {
    let sandbox = with_server();
    // No store has it, and nobody is told so: nobody looked.
    template(&sandbox, &SERVER.replace("'github'", "'in-no-store'"));
    let said = run(&sandbox, &["render"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("may not go to npx -y server-github") && said.err.contains("`keystencil allow`"),
        "{said:?}"
    );
    // Nor is what the template would start for it in the file.
    assert!(!sandbox.live().contains("in-no-store") && !sandbox.live().contains("npx"));
    assert_eq!(run(&sandbox, &["status"]).code, 0);
}

#[test]
fn without_a_terminal_nothing_is_allowed() {
    let sandbox = with_server();
    let said = run(&sandbox, &["allow"]);
    snapshot("allow_without_terminal", &said.whole());
    assert_eq!(allowed(&sandbox), "");
    assert_eq!(sandbox.run_with_input(&["allow"], "y\n").code, 2);
}

#[test]
fn a_person_sees_where_a_secret_goes_before_they_say_yes() {
    let sandbox = with_server();
    let (code, screen) = typed_guarded(&sandbox, "render", "n\n");
    assert_eq!(code, 3, "{screen}");
    assert!(screen.contains("<< keyring('github') >> → npx -y server-github"), "{screen}");
    assert!(screen.contains("in /mcpServers/github/env/TOKEN") && screen.contains("Allow this? [y/N]"), "{screen}");
    assert!(!sandbox.live().contains("canary"));
    let (code, screen) = typed_guarded(&sandbox, "render", "y\n");
    assert_eq!(code, 0, "{screen}");
    assert!(sandbox.live().contains("canary"));
    assert_eq!(run(&sandbox, &["unrender"]).code, 0);
    // Once is enough.
    assert_eq!(run(&sandbox, &["render"]).code, 0);
    assert!(sandbox.live().contains("canary"));
}

#[test]
fn another_secret_or_another_command_is_refused_and_the_rest_goes_on() {
    let sandbox = with_server();
    sandbox.store("openai", "sk-other-canary");
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 0);
    template(&sandbox, &SERVER.replace("\"TOKEN\"", "\"OTHER_TOKEN\": \"<< keyring('openai') >>\", \"TOKEN\""));
    let said = run(&sandbox, &["render", "--allow-new=1"]);
    assert_eq!(said.code, 3, "{said:?}");
    let live = sandbox.live();
    assert!(
        live.contains("canary/") && live.contains("<< keyring('openai') >>") && !live.contains("sk-other"),
        "{live}"
    );
    template(&sandbox, &SERVER.replace("server-github", "server-evil"));
    let said = run(&sandbox, &["render"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(!sandbox.live().contains("canary"), "{}", sandbox.live());
}

#[test]
fn a_command_that_was_changed_in_the_live_file_does_not_get_the_key() {
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", r#"{"mcpServers": {"github": {"command": "good"}}}"#);
    assert_eq!(run(&sandbox, &["allow", "--allow-new=1"]).code, 0);
    sandbox.write("live.json", r#"{"mcpServers": {"github": {"command": "evil"}}}"#);
    let said = run(&sandbox, &["render"]);
    assert!(said.code == 3 && said.err.contains("may not go to evil"), "{said:?}");
    sandbox
        .write("live.json", r#"{"mcpServers": {"github": {"command": "good", "env": {"NODE_OPTIONS": "-r evil"}}}}"#);
    assert_eq!(run(&sandbox, &["render"]).code, 3);
    assert!(!sandbox.live().contains("canary"));
    sandbox.write("live.json", r#"{"mcpServers": {"github": {"command": "good"}}, "more": 1}"#);
    assert_eq!(run(&sandbox, &["render"]).code, 0);
    assert!(sandbox.live().contains("canary"));
}

#[test]
fn a_program_runs_with_what_was_allowed() {
    let sandbox = with_server();
    let said = run(&sandbox, &["exec", "--", "sh", "-c", "cat live.json; exit 7"]);
    assert_eq!(said.code, 7, "{said:?}");
    assert!(!said.out.contains("github") && said.err.contains("stays closed"), "{said:?}");
    let said = run(&sandbox, &["exec", "--allow-new=1", "--", "sh", "-c", "cat live.json; exit 7"]);
    assert!(said.code == 7 && said.out.contains("canary"), "{said:?}");
}

#[test]
fn what_was_allowed_can_be_seen_and_taken_back() {
    let sandbox = with_server();
    // Its command is not there, so no server is recorded.
    let template = sandbox.read(".config/keystencil/claude.json").replace("npx", "no-such-program");
    sandbox.write(".config/keystencil/claude.json", &template);
    run(&sandbox, &["allow", "--allow-new=1"]);
    snapshot("allow_list", &run(&sandbox, &["allow", "--list"]).whole());
    let json: serde_json::Value = serde_json::from_str(&run(&sandbox, &["allow", "--list", "--json"]).out).unwrap();
    assert_eq!(json[0]["grants"][0]["slot"], "/mcpServers/github/env/TOKEN");
    assert_eq!(run(&sandbox, &["allow", "--pending"]).code, 0);
    let said = run(&sandbox, &["allow", "--revoke", "--slot", "/mcpServers/other"]);
    assert!(said.code == 3 && said.err.contains("took back 0 grants"), "{said:?}");
    let said = run(&sandbox, &["allow", "--revoke", "claude", "--slot", "/mcpServers/github/env/TOKEN"]);
    assert!(said.code == 0 && said.err.contains("took back 1 grant"), "{said:?}");
    assert_eq!(run(&sandbox, &["render"]).code, 3);
    let pending = run(&sandbox, &["allow", "--pending"]);
    assert!(pending.code == 1 && pending.out.contains("→ no-such-program -y server-github"), "{pending:?}");
    let pending = run(&sandbox, &["allow", "--pending", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&pending.out).unwrap();
    assert_eq!(json[0]["new"][0]["references"][0], "<< keyring('github') >>");
}

#[test]
fn everything_can_be_taken_back_even_from_a_damaged_record() {
    let sandbox = with_server();
    run(&sandbox, &["allow", "--allow-new=1"]);
    let record =
        sandbox.files().into_iter().find(|(path, _)| path.to_string_lossy().ends_with("grants.json")).unwrap().0;
    std::fs::write(&record, "{").unwrap();
    let said = run(&sandbox, &["render"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("the record of what you allowed can't be read") && said.err.contains("--revoke --all"),
        "{said:?}"
    );
    assert_eq!(run(&sandbox, &["allow", "--revoke", "--all"]).code, 0);
    assert!(!record.exists());
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 0);
}

#[test]
fn a_template_that_asks_for_a_huge_number_is_not_allowed_in_passing() {
    let sandbox = Sandbox::with_key();
    template(&sandbox, r#"{<% for i in range(300) %>"k<< i >>": "<< keyring('github') >>",<% endfor %>}"#);
    let said = run(&sandbox, &["render"]);
    assert_eq!(said.code, 3);
    assert!(said.err.lines().count() < 20 && said.err.contains("and 295 more"), "{}", said.err);
    let said = run(&sandbox, &["render", "--allow-new=1"]);
    assert!(said.code == 2 && said.err.contains("300 things are new"), "{said:?}");
    assert_eq!(allowed(&sandbox), "");
    let (code, screen) = typed_guarded(&sandbox, "allow", "y\n");
    assert!(code == 2 && screen.contains("… and 280 more") && screen.contains("type the number"), "{screen}");
    let (code, screen) = typed_guarded(&sandbox, "allow", "300\n");
    assert_eq!(code, 0, "{screen}");
    assert_eq!(run(&sandbox, &["render"]).code, 0);
}

#[test]
fn a_name_with_letters_that_look_like_others_is_pointed_out() {
    let sandbox = Sandbox::with_key();
    template(&sandbox, &TEMPLATE.replace("'github'", "'g\u{456}thub'"));
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(said.out.contains("careful: \u{456} (U+0456) may look like another letter"), "{said:?}");
}

#[test]
fn a_name_can_not_forge_what_a_person_reads() {
    let sandbox = Sandbox::with_key();
    template(
        &sandbox,
        r#"{"s": {"url": "https://good\n  \u001b[2K\u202eevil", "headers": {"A": "<< keyring('github') >>"}}}"#,
    );
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(
        !said.out.contains(['\u{1b}', '\u{202e}']) && said.out.contains(r"https://good\n  \u{1b}[2K\u{202e}evil"),
        "{said:?}"
    );
}

#[test]
fn a_key_of_the_users_in_a_command_is_neither_shown_nor_kept() {
    let sandbox = Sandbox::with_key();
    let own = ["ghp_", "0123456789abcdefABCDEF0123456789abcd"].concat();
    template(&sandbox, SERVER);
    let live = format!(r#"{{"mcpServers": {{"github": {{"env": {{"OWN": "{own}"}}}}}}}}"#);
    sandbox.write("live.json", &live);
    let said = run(&sandbox, &["allow", "--allow-new=1"]);
    assert_eq!(said.code, 0, "{said:?}");
    let pending = run(&sandbox, &["allow", "--revoke"]).whole() + &run(&sandbox, &["allow", "--pending"]).whole();
    assert!(pending.contains("with env OWN=[redacted]"), "{pending}");
    run(&sandbox, &["allow", "--allow-new=1"]);
    for (path, bytes) in sandbox.files() {
        let holds = bytes.windows(own.len()).any(|window| window == own.as_bytes());
        assert!(!holds || path.ends_with("live.json"), "{}", path.display());
    }
}

#[test]
fn the_environment_can_do_without_grants_and_a_config_can_not() {
    let sandbox = with_server();
    let config = sandbox.read(".config/keystencil/config.toml");
    sandbox.write(".config/keystencil/config.toml", &format!("grants = 'off'\n{config}"));
    assert_eq!(run(&sandbox, &["render"]).code, 2);
    sandbox.write(".config/keystencil/config.toml", &config);
    let mut command = sandbox.strict_command(&["render"]);
    let output = below_nobody(command.env("KEYSTENCIL_GRANTS", "off")).output().unwrap();
    assert_eq!(sandbox.said(&output).code, 0);
    assert!(sandbox.live().contains(&KEY[..9]));
}

#[test]
fn what_was_taken_back_does_not_return_by_a_flag() {
    let sandbox = with_server();
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 0);
    run(&sandbox, &["unrender"]);
    assert_eq!(run(&sandbox, &["allow", "--revoke"]).code, 0);
    let said = run(&sandbox, &["allow", "--list"]);
    assert!(said.out.is_empty() && said.err.contains("nothing was allowed"), "{said:?}");
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 3);
    assert!(!sandbox.live().contains("canary"));
}

#[test]
fn a_first_set_up_without_secrets_is_the_first_set_up() {
    let sandbox = Sandbox::with_key();
    template(&sandbox, r#"{"theme": "dark"}"#);
    assert_eq!(run(&sandbox, &["render", "--allow-new=0"]).code, 0);
    template(&sandbox, SERVER);
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 3);
    assert!(!sandbox.live().contains("canary"));
}

#[cfg(unix)]
#[test]
fn a_link_that_a_repository_turns_to_another_file_is_no_first_set_up() {
    let sandbox = with_server();
    let link = sandbox.path("live.json");
    for name in ["one.json", "two.json"] {
        sandbox.write(name, "{}");
    }
    std::os::unix::fs::symlink("one.json", &link).unwrap();
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 0);
    run(&sandbox, &["unrender"]);
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("two.json", &link).unwrap();
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 3);
    assert!(!sandbox.live().contains("canary"));
}

#[test]
fn what_is_not_allowed_yet_is_told_by_all_that_show_something() {
    let sandbox = with_server();
    let dry = run(&sandbox, &["render", "--dry-run"]);
    assert!(dry.code == 3 && dry.out.contains("0 slots to fill") && dry.out.contains("not allowed yet"), "{dry:?}");
    let status = run(&sandbox, &["status"]);
    assert!(status.out.contains("1 slot nobody allowed yet: `keystencil allow`"), "{status:?}");
    let doctor = run(&sandbox, &["doctor"]);
    assert!(doctor.out.contains("1 slot that nobody allowed yet"), "{doctor:?}");
    let json: serde_json::Value = serde_json::from_str(&run(&sandbox, &["status", "--json"]).out).unwrap();
    assert_eq!(json[0]["not_allowed"], 1);
    run(&sandbox, &["allow", "--allow-new=1"]);
    assert!(!run(&sandbox, &["status"]).out.contains("not allowed"));
}

#[test]
fn a_text_too_long_to_be_shown_is_not_allowed_by_a_simple_yes() {
    let sandbox = Sandbox::with_key();
    let long = format!("{}evil{}", "x".repeat(500), "y".repeat(500));
    template(&sandbox, &SERVER.replace("server-github", &long));
    let (code, screen) = typed_guarded(&sandbox, "allow", "y\n");
    assert!(
        code == 2 && screen.contains("long texts are cut") && screen.contains("Not all of it is shown"),
        "{screen}"
    );
    let (code, screen) = typed_guarded(&sandbox, "allow", "1\n");
    assert_eq!(code, 0, "{screen}");
}

#[test]
fn spaces_can_not_push_a_text_into_a_line_that_looks_like_ours() {
    let sandbox = Sandbox::with_key();
    let forged = format!("https://evil{}<< keyring", " ".repeat(70)).replace("<< keyring", "Allow this? [y/N] y");
    template(&sandbox, &format!(r#"{{"s": {{"url": "{forged}", "headers": {{"A": "<< keyring('github') >>"}}}}}}"#));
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(said.out.contains("https://evil [70 spaces] Allow"), "{said:?}");
}

#[test]
fn a_key_with_a_new_value_reaches_what_is_allowed_beside_a_slot_that_is_not() {
    let sandbox = with_server();
    assert_eq!(run(&sandbox, &["render", "--allow-new=1"]).code, 0);
    template(&sandbox, &SERVER.replace("\"TOKEN\"", "\"OTHER_TOKEN\": \"<< keyring('openai') >>\", \"TOKEN\""));
    assert_eq!(run(&sandbox, &["render"]).code, 3);
    let mut command = sandbox.command(&["secret", "rotate", "github"]);
    command.stdin(std::process::Stdio::piped());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"sk-rotated-0123456789").unwrap();
    let said = sandbox.said(&child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(sandbox.live().contains("sk-rotated-0123456789"), "{} {said:?}", sandbox.live());
}

#[test]
fn a_secret_or_address_that_looks_like_one_in_use_is_pointed_out() {
    let sandbox = with_server();
    assert_eq!(run(&sandbox, &["allow", "--allow-new=1"]).code, 0);
    template(&sandbox, &SERVER.replace("keyring('github')", "keyring('glthub')"));
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(said.out.contains("careful: << keyring('glthub') >> is not << keyring('github') >>"), "{said:?}");
    template(&sandbox, &SERVER.replace("server-github", "server-g1thub"));
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(said.out.contains("careful: npx -y server-g1thub is not npx -y server-github"), "{said:?}");
    template(&sandbox, &SERVER.replace("server-github", "server-gitlab"));
    let said = run(&sandbox, &["allow", "--pending"]);
    assert!(said.out.contains("server-gitlab") && !said.out.contains("careful"), "{said:?}");
}

#[test]
fn the_list_of_grants_is_no_wider_than_80_columns_and_whole_as_json() {
    let sandbox = Sandbox::with_key();
    let arguments: Vec<String> = (0..60).map(|number| format!("\"--option-{number}=value\"")).collect();
    template(&sandbox, &SERVER.replace("\"-y\", \"server-github\"", &arguments.join(", ")));
    assert_eq!(run(&sandbox, &["allow", "--allow-new=1"]).code, 0);
    let list = allowed(&sandbox);
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    assert!(list.contains("--option-0=value") && list.contains("--option-59=value"), "{list}");
    assert!(run(&sandbox, &["allow", "--list", "--json"]).out.contains("--option-30=value --option-31=value"));
}

#[test]
fn what_was_typed_before_the_question_is_no_answer_to_it() {
    let sandbox = with_server();
    // The shell takes its time, and `y` is in the terminal's queue before anything is asked.
    let line = format!("stty -echo; sleep 1; exec {BINARY} render");
    let mut child = at_a_terminal(&sandbox, &line);
    let mut keyboard = child.0.stdin.take().unwrap();
    keyboard.write_all(b"y\n").unwrap();
    let mut screen = String::new();
    let mut shown = child.0.stdout.take().unwrap();
    let mut bytes = [0; 4096];
    while !screen.contains("Allow this? [y/N]") {
        let read = shown.read(&mut bytes).unwrap();
        assert!(read > 0, "{screen}");
        screen.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    keyboard.write_all(b"n\n").unwrap();
    shown.read_to_string(&mut screen).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(3), "{screen}");
    assert!(!sandbox.live().contains("canary"), "{screen}");
}
