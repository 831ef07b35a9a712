//! What a host keeps beside its file: copies are closed, and what a session noted is reported.

use crate::sandbox::{AT_REST, KEY, Running, Said, Sandbox};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

const HISTORY: &str = ".claude/file-history/5f0c/0123456789abcdef";
const TRANSCRIPT: &str = ".claude/projects/-home-u-p/5f0c.jsonl";

/// A home with one target at that path, whose profile nobody names.
fn sandbox(path: &str) -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config = format!("[targets.claude]\ntemplate = 'claude.json'\npath = '~/{path}'\n");
    sandbox.write(".config/keystencil/config.toml", &config);
    sandbox.write(path, AT_REST);
    sandbox
}

fn exec(sandbox: &Sandbox, script: &str) -> Said {
    let mut command = sandbox.command(&["exec", "--", "sh", "-c", script]);
    sandbox.said(&command.env("TMPDIR", sandbox.path("tmp")).output().unwrap())
}

fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The key as a line of a transcript has it: a text in a JSON string in a JSON string.
fn noted() -> String {
    let line = serde_json::json!({ "content": format!("TOKEN: {}", serde_json::to_string(KEY).unwrap()) });
    format!("{line}\n")
}

#[test]
fn whole_copies_that_an_edit_of_the_agent_left_are_closed_and_keep_their_times_and_modes() {
    for path in [".claude.json", ".claude/settings.json", "project/.mcp.json"] {
        let sandbox = sandbox(path);
        let script = format!(
            "mkdir -p ~/.claude/file-history/5f0c; for v in 1 2 3; do cp ~/{path} ~/{HISTORY}@v$v; done; \
             chmod 640 ~/{HISTORY}@v1"
        );
        let said = exec(&sandbox, &script);
        assert_eq!(said.whole(), "[0]", "{path}");
        for version in 1..4 {
            assert_eq!(sandbox.read(&format!("{HISTORY}@v{version}")), AT_REST, "{path}");
        }
        let metadata = fs::metadata(sandbox.path(&format!("{HISTORY}@v1"))).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn what_was_there_before_the_render_and_what_is_no_copy_of_the_target_stays_as_it_is() {
    let sandbox = sandbox(".claude.json");
    let rendered = AT_REST.replace("\"<< keyring('github') >>\"", &serde_json::to_string(KEY).unwrap());
    sandbox.write(&format!("{HISTORY}@v1"), &rendered);
    let hour = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(sandbox.path(&format!("{HISTORY}@v1"))).unwrap().set_modified(hour).unwrap();
    // A project's own file as it was before an edit: a rewind brings it back.
    sandbox.write("dotenv", &format!("TOKEN={KEY}\n"));
    let said = exec(&sandbox, &format!("cp ~/dotenv ~/{HISTORY}@v2"));
    assert_eq!(said.code, 0);
    assert_eq!(sandbox.read(&format!("{HISTORY}@v1")), rendered);
    assert_eq!(sandbox.read(&format!("{HISTORY}@v2")), format!("TOKEN={KEY}\n"));
    assert!(said.err.contains("github stands in what the program keeps of its sessions"), "{said:?}");
    assert!(said.err.contains("@v2") && !said.err.contains("more") && !said.err.contains("canary"), "{said:?}");
}

#[test]
fn the_end_of_exec_says_what_transcripts_tool_results_and_tasks_have_noted_and_changes_nothing_of_it() {
    let results = ".claude/projects/-home-u-p/5f0c/tool-results/toolu_1.txt";
    let task = format!("tmp/claude-{}/-home-u-p/tasks/b1.output", user());
    for place in [TRANSCRIPT, results, &task] {
        let sandbox = sandbox(".claude.json");
        sandbox.write("noted", &noted());
        let said = exec(&sandbox, &format!("mkdir -p $(dirname ~/{place}); cp ~/noted ~/{place}; exit 5"));
        assert_eq!(said.code, 5);
        let message = format!("warning: github stands in what the program keeps of its sessions: ~/{place}\n");
        assert!(said.err.starts_with(&message) && said.err.contains("`keystencil secret rotate github`"), "{said:?}");
        assert!(!said.err.contains("canary"));
        assert_eq!(sandbox.read(place), noted(), "{place}");
        assert_eq!(sandbox.read(".claude.json"), AT_REST);
    }
}

#[test]
fn status_and_unrender_say_it_too_and_unrender_ends_with_3() {
    let sandbox = sandbox(".claude.json");
    assert_eq!(sandbox.run(&["render", "-q"]).code, 0);
    assert!(!sandbox.run(&["status"]).out.contains("sessions"));
    sandbox.write(TRANSCRIPT, &noted());
    let said = sandbox.run(&["status"]);
    let message = format!("github stands in what the program keeps of its sessions: ~/{TRANSCRIPT}");
    assert!(said.out.contains(&message), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&sandbox.run(&["status", "--json"]).out).unwrap();
    assert_eq!(json[0]["seen"], message);
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 3 && said.err.contains(&message), "{said:?}");
    assert_eq!(sandbox.read(".claude.json"), AT_REST);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
}

#[test]
fn the_end_of_a_session_without_exec_says_it_to_the_host() {
    let sandbox = sandbox(".claude.json");
    let host = Running(Command::new("sleep").arg("600").spawn().unwrap());
    let pid = host.0.id().to_string();
    assert_eq!(sandbox.run(&["render", "-q", "--owner", &pid]).code, 0);
    sandbox.write(TRANSCRIPT, &noted());
    sandbox.write("input", r#"{"session_id":"s1","hook_event_name":"SessionEnd","reason":"other"}"#);
    let mut command = sandbox.command(&["hook", "session-end"]);
    command.env("CLAUDE_PID", &pid).stdin(File::open(sandbox.path("input")).unwrap());
    let said = sandbox.said(&command.output().unwrap());
    assert!(said.code == 0 && said.out.contains("stands in what the program keeps of its sessions"), "{said:?}");
    assert!(said.out.contains("secret rotate") && !said.out.contains("canary"), "{said:?}");
    assert_eq!(sandbox.read(".claude.json"), AT_REST);
}

#[test]
fn a_host_that_keeps_nothing_of_the_keys_is_not_spoken_of() {
    let sandbox = sandbox(".claude.json");
    sandbox.write("harmless", "{\"content\":\"hello\"}\n");
    let said = exec(&sandbox, &format!("mkdir -p $(dirname ~/{TRANSCRIPT}); cp ~/harmless ~/{TRANSCRIPT}"));
    assert_eq!(said.whole(), "[0]");
}

#[test]
fn the_settings_are_written_under_their_lock_and_what_a_killed_client_left_beside_them_is_closed() {
    let path = ".claude/settings.json";
    let sandbox = sandbox(path);
    let left = ".claude/settings.json.tmp.4194304.0123456789ab";
    let script = format!("cp ~/{path} ~/{left}; mkdir ~/{path}.lock");
    let mut child = Running(sandbox.command(&["exec", "--", "sh", "-c", &script]).spawn().unwrap());
    // What will replace it is there, and waits for the process that has the lock.
    let is_staged = || {
        let names = fs::read_dir(sandbox.path(".claude")).unwrap().map(|entry| entry.unwrap().file_name());
        sandbox.path(".claude/settings.json.lock").exists()
            && names.into_iter().any(|name| name.to_string_lossy().starts_with(".settings.json.keystencil-"))
    };
    sandbox.wait_until(is_staged);
    assert!(sandbox.read(path).contains("sk-canary"), "the lock was not waited for");
    fs::remove_dir(sandbox.path(".claude/settings.json.lock")).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.read(path), AT_REST);
    assert_eq!(sandbox.read(left), AT_REST);
}

#[test]
fn the_file_that_qwen_code_keeps_of_each_write_is_closed() {
    let path = ".qwen/settings.json";
    let sandbox = sandbox(path);
    let said = exec(
        &sandbox,
        "cd ~/.qwen; cp settings.json settings.json.orig; cp settings.json settings.json.tmp; mv settings.json.tmp settings.json",
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!((sandbox.read(path).as_str(), sandbox.read(".qwen/settings.json.orig").as_str()), (AT_REST, AT_REST));
}

#[test]
fn a_copy_that_cannot_be_rewritten_stays_owed() {
    if rustix::process::getuid().is_root() {
        return;
    }
    let sandbox = sandbox(".claude.json");
    let script = format!(
        "mkdir -p ~/.claude/file-history/5f0c; cp ~/.claude.json ~/{HISTORY}@v1; chmod 500 ~/.claude/file-history/5f0c"
    );
    let said = exec(&sandbox, &script);
    assert!(said.err.contains("this copy may contain secrets"), "{said:?}");
    fs::set_permissions(sandbox.path(".claude/file-history/5f0c"), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(sandbox.run(&["recover"]).code, 0);
    assert_eq!(sandbox.read(&format!("{HISTORY}@v1")), AT_REST);
}

#[test]
fn a_transcript_that_is_too_large_to_be_searched_hides_no_copy_behind_it() {
    let sandbox = sandbox(".claude.json");
    let script = format!(
        "mkdir -p $(dirname ~/{HISTORY}) $(dirname ~/{TRANSCRIPT}); cp ~/.claude.json ~/{HISTORY}@v1; \
         cp ~/noted ~/{TRANSCRIPT}; truncate -s 200M ~/{TRANSCRIPT}.large"
    );
    sandbox.write("noted", &noted());
    let said = exec(&sandbox, &script);
    assert_eq!(sandbox.read(&format!("{HISTORY}@v1")), AT_REST);
    assert!(said.err.contains(TRANSCRIPT) && said.err.contains("not all that it keeps was searched"), "{said:?}");
}

#[test]
fn what_was_noted_of_keys_that_left_for_a_dead_holder_is_told_by_the_next_status() {
    let sandbox = sandbox(".claude.json");
    let mut host = Running(Command::new("sleep").arg("600").spawn().unwrap());
    let render = || assert_eq!(sandbox.run(&["render", "-q", "--owner", &host.0.id().to_string()]).code, 0);
    render();
    sandbox.write(TRANSCRIPT, &noted());
    host.0.kill().unwrap();
    host.0.wait().unwrap();
    assert_eq!(sandbox.run(&["recover", "-q"]).code, 3);
    let said = sandbox.run(&["status"]);
    assert!(said.out.contains("at rest") && said.out.contains("github was seen by a model"), "{said:?}");
}
