//! What a model has seen of the keys: told until a key has a new value or a person knows of it, and searched for on demand.

use crate::run::{ARGV, server, with_path};
use crate::sandbox::{KEY, Running, Said, Sandbox};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

const TRANSCRIPT: &str = ".claude/projects/-home-u-p/5f0c.jsonl";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/.claude.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    sandbox
}

/// The places in which hosts keep sessions.
fn places() -> [String; 4] {
    let user = rustix::process::getuid().as_raw();
    [
        TRANSCRIPT.to_owned(),
        ".claude/projects/-home-u-p/5f0c/tool-results/toolu_1.txt".to_owned(),
        ".claude/file-history/5f0c/0123456789abcdef@v1".to_owned(),
        format!("tmp/claude-{user}/-home-u-p/5f0c/tasks/b1.output"),
    ]
}

/// A line of a transcript, with a text in it as a tool has put it out.
fn line(text: &str) -> String {
    format!("{}\n", serde_json::json!({ "sessionId": "5f0c", "content": text }))
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    let said = sandbox.said(&sandbox.command(arguments).env("TMPDIR", sandbox.path("tmp")).output().unwrap());
    assert!(!said.whole().contains("canary"), "{said:?}");
    said
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(sandbox, arguments).out).unwrap()
}

/// A session in which the agent read the key.
fn session(sandbox: &Sandbox) {
    assert_eq!(run(sandbox, &["render", "-q"]).code, 0);
    sandbox.write(TRANSCRIPT, &line(&format!("TOKEN={KEY}")));
    assert_eq!(run(sandbox, &["unrender", "-q"]).code, 3);
}

#[test]
fn a_key_that_was_seen_is_told_by_status_and_doctor_until_it_has_a_new_value() {
    let sandbox = sandbox();
    assert!(!run(&sandbox, &["status"]).out.contains("seen"));
    session(&sandbox);
    // What the model has seen is seen, whatever becomes of the file.
    fs::remove_file(sandbox.path(TRANSCRIPT)).unwrap();
    let said = run(&sandbox, &["status"]);
    assert!(
        said.out.contains("github was seen by a model") && said.out.contains(&format!("~/{TRANSCRIPT}")),
        "{said:?}"
    );
    assert!(said.out.contains("`keystencil secret rotate github`"), "{said:?}");
    let exposed = json(&sandbox, &["status", "--json"])[0]["exposed"].clone();
    assert_eq!(
        (&exposed[0]["name"], &exposed[0]["hint"]),
        (&"github".into(), &"`keystencil secret rotate github`".into())
    );
    assert!(exposed[0]["files"][0].as_str().unwrap().ends_with("5f0c.jsonl") && exposed[0]["found"].is_string());
    let doctor = json(&sandbox, &["doctor", "--json"]);
    let is_it = |finding: &&Value| finding["subject"] == "sessions" && finding["state"] == "due";
    let told = doctor.as_array().unwrap().iter().find(is_it).unwrap();
    assert_eq!(told["hint"], "`keystencil secret rotate github`");
    assert_eq!(sandbox.run_with_input(&["secret", "rotate", "github"], "sk-new-canary-0123456789").code, 0);
    assert!(!run(&sandbox, &["status"]).out.contains("seen"));
    assert!(!run(&sandbox, &["doctor"]).out.contains("seen by"));
}

#[test]
fn a_value_that_is_set_anew_is_not_told_of_and_another_key_that_was_seen_still_is() {
    let sandbox = sandbox();
    let template = r#"{"mcpServers": {"github": {"env": {"TOKEN": "<< keyring('github') >>", "B": "<< keyring('b', 'work') >>"}}}}"#;
    sandbox.write(".config/keystencil/claude.json", template);
    let set = |name: &str, account: &str, value: &str| {
        let said = sandbox.run_with_input(&["secret", "set", name, "--account", account], value);
        assert_eq!(said.code, 0, "{said:?}");
    };
    set("b", "work", "sk-b-canary-0123456789");
    assert_eq!(run(&sandbox, &["render", "-q"]).code, 0);
    sandbox.write(TRANSCRIPT, &line(&format!("{KEY} sk-b-canary-0123456789")));
    let said = run(&sandbox, &["unrender"]);
    assert!(said.code == 3 && said.err.contains("`keystencil secret rotate b --account work`"), "{said:?}");
    assert!(said.err.contains("`keystencil secret rotate github`"), "{said:?}");
    set("b", "work", "sk-b-canary-9876543210");
    let said = run(&sandbox, &["status"]);
    assert!(said.out.contains("github was seen") && !said.out.contains("b (work) was seen"), "{said:?}");
}

#[test]
fn a_person_can_say_that_it_is_known() {
    let sandbox = sandbox();
    session(&sandbox);
    let said = run(&sandbox, &["check", "--sessions", "--forget", "gitlab"]);
    assert!(said.code == 2 && said.err.contains("nothing is noted of gitlab"), "{said:?}");
    assert!(run(&sandbox, &["status"]).out.contains("seen by a model"));
    assert_eq!(run(&sandbox, &["check", "--sessions", "--forget", "github"]).code, 0);
    assert!(!run(&sandbox, &["status"]).out.contains("seen by a model"));
}

#[test]
fn the_notes_are_their_owners_alone_hold_no_key_and_one_that_is_damaged_hides_no_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = sandbox();
    session(&sandbox);
    let folder = sandbox.path(".local/state/keystencil/seen");
    let notes: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!((notes.len(), fs::metadata(&folder).unwrap().permissions().mode() & 0o777), (1, 0o700));
    assert_eq!(notes[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(notes[0].path()).unwrap();
    assert!(!text.contains("canary") && text.contains("github"), "{text}");
    fs::write(folder.join("torn.json"), "{\"vers").unwrap();
    assert!(run(&sandbox, &["status"]).out.contains("github was seen by a model"));
    // The same session once more says nothing new.
    assert_eq!(run(&sandbox, &["render", "-q"]).code, 0);
    sandbox.write(TRANSCRIPT, &line(KEY));
    assert_eq!(run(&sandbox, &["unrender", "-q"]).code, 3);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn check_sessions_finds_a_key_in_all_that_a_session_is_kept_in_and_says_no_byte_of_it() {
    for place in places() {
        let sandbox = sandbox();
        let said = run(&sandbox, &["check", "--sessions"]);
        assert_eq!((said.code, said.err.trim()), (0, "nothing found in 0 files of sessions"), "{said:?}");
        sandbox.write(&place, &format!("{}{}", line("hello"), line(&format!("it is {KEY}, {KEY}"))));
        let said = run(&sandbox, &["check", "--sessions"]);
        assert!(said.code == 1 && said.out.contains(&format!("~/{place}:2:")), "{said:?}");
        assert!(
            said.out.contains("secret rotate github") && said.err.contains("1 finding in 1 file of sessions"),
            "{said:?}"
        );
        let found = json(&sandbox, &["check", "--sessions", "--json"])["findings"].clone();
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!((&found[0]["rule"], &found[0]["line"]), (&"secret-in-session".into(), &2.into()), "{found}");
    }
}

#[test]
fn check_sessions_finds_encoded_keys_and_old_values_that_only_a_note_knows_and_random_texts_are_no_finding() {
    use base64::Engine as _;
    let sandbox = sandbox();
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{KEY}"));
    sandbox.write(TRANSCRIPT, &line(&format!("Basic {encoded}; TOKEN=q7Zk2Xv9Lw3Rt8Yb5Nc1"))); // keystencil: allow
    let said = run(&sandbox, &["check", "--sessions"]);
    assert!(said.code == 1 && said.out.contains("base64") && said.err.contains("1 finding"), "{said:?}");
    fs::remove_file(sandbox.path(TRANSCRIPT)).unwrap();
    session(&sandbox);
    // The store no longer has it; the fingerprints of what was seen do.
    assert_eq!(run(&sandbox, &["secret", "rm", "github", "--yes"]).code, 0);
    let said = run(&sandbox, &["check", "--sessions"]);
    assert!(said.code == 1 && said.out.contains(&format!("~/{TRANSCRIPT}:1:")), "{said:?}");
}

#[test]
fn check_sessions_takes_no_file_and_nothing_that_is_about_commits() {
    let sandbox = sandbox();
    for more in [&["x"][..], &["--staged"], &["--baseline", "b"]] {
        assert_eq!(run(&sandbox, &[&["check", "--sessions"], more].concat()).code, 2, "{more:?}");
    }
    assert_eq!(run(&sandbox, &["check", "--forget", "github"]).code, 2);
}

/// A server that got its key and stands in no file, and a session in which the agent printed its environment.
#[test]
fn a_key_that_was_delivered_into_a_process_and_printed_is_told_at_the_end_of_the_session() {
    const TEMPLATE: &str = r#"{"mcpServers": {"github": { "command": "probe", "args": ["-y", "${FOLDER}/data", "two words"],
        "env": { "TOKEN": "<< keyring('github') >>", "REGION": "eu" } }}}"#;
    let random = ["q7Zk2Xv9", "Lw3Rt8Yb", "5Nc1Pd6F"].concat();
    let sandbox = Sandbox::with_target();
    sandbox.write(".config/keystencil/claude.json", TEMPLATE);
    sandbox.store("github", &random);
    sandbox.write_program("bin/probe", "#!/bin/sh\necho started >\"$HOME/started\"\nexec sleep 600\n");
    let allowed = with_path(&sandbox, &["allow", "--allow-new=1"]).output().unwrap();
    assert!(allowed.status.success(), "{allowed:?}");
    let mut command = server(&sandbox, &ARGV);
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    sandbox.wait_until(|| sandbox.path("started").exists());
    sandbox.write(TRANSCRIPT, &line(&format!("TOKEN={random}")));
    // The server has ended with its client.
    drop(running);
    let host = Running(Command::new("sleep").arg("600").spawn().unwrap());
    let end = || {
        sandbox.write("input", r#"{"session_id":"5f0c","hook_event_name":"SessionEnd","reason":"other"}"#);
        let mut command = sandbox.command(&["hook", "session-end"]);
        command.env("CLAUDE_PID", host.0.id().to_string()).env("TMPDIR", sandbox.path("tmp"));
        sandbox.said(&command.stdin(fs::File::open(sandbox.path("input")).unwrap()).output().unwrap())
    };
    let said = end();
    assert!(said.out.contains("github stands in what the program keeps of its sessions"), "{said:?}");
    assert!(said.out.contains("secret rotate github") && !said.whole().contains(&random), "{said:?}");
    assert!(run(&sandbox, &["status"]).out.contains("github was seen by a model"));
    fs::remove_file(sandbox.path(TRANSCRIPT)).unwrap();
    assert_eq!(end().out, "");
}
