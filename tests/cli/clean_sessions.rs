//! `check --sessions --clean`: keys leave what ended sessions left, and nothing else of it changes.

use crate::sandbox::{KEY, Running, Said, Sandbox};
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const FOLDER: &str = ".claude/projects/-home-u-p";
const TRANSCRIPT: &str = ".claude/projects/-home-u-p/5f0c.jsonl";
const REMOVED: &str = "[keystencil: github removed]";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/.claude.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    // A client that notes which sessions run, and that none does.
    fs::create_dir_all(sandbox.path(".claude/sessions")).unwrap();
    sandbox
}

fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("TMPDIR", sandbox.path("tmp"));
    command
}

fn clean(sandbox: &Sandbox) -> Said {
    let said = sandbox.said(&command(sandbox, &["check", "--sessions", "--clean", "--yes"]).output().unwrap());
    assert!(!said.whole().contains("canary"), "{said:?}");
    said
}

/// Lines as a client writes them, with the key escaped up to three times, and with none.
fn transcript() -> Vec<Value> {
    let file = json!({ "env": { "TOKEN": KEY, "B": format!("Bearer {KEY}") } }).to_string();
    vec![
        json!({ "type": "user", "message": { "content": "é \u{1f600} \"quoted\" \\ back" }, "n": 1.5 }),
        json!({ "type": "user", "toolUseResult": { "originalFile": file, "stdout": format!("{KEY}{KEY}") } }),
        json!({ "type": "user", "message": { "content": [{ "type": "tool_result", "content": json!({ "x": file }).to_string() }] } }),
        json!({ "type": "last-prompt", "sessionId": "5f0c" }),
    ]
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The same with every string empty.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => "".into(),
        Value::Array(items) => items.iter().map(shape).collect::<Vec<_>>().into(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shape(value))).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn keys_leave_a_transcript_however_they_are_escaped_and_it_keeps_its_shape_its_mode_and_its_times() {
    let sandbox = sandbox();
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    let file = sandbox.path(TRANSCRIPT);
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let then = SystemTime::now() - Duration::from_secs(86_400);
    File::options().write(true).open(&file).unwrap().set_modified(then).unwrap();
    let said = clean(&sandbox);
    assert!(said.code == 0 && said.err.contains("cleaned 1 file"), "{said:?}");
    let after = sandbox.read(TRANSCRIPT);
    assert!(!after.contains("canary") && after.matches(REMOVED).count() == 6, "{after}");
    let lines: Vec<Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(shape).collect::<Vec<_>>(), transcript().iter().map(shape).collect::<Vec<_>>());
    assert_eq!((&lines[0], &lines[3]), (&transcript()[0], &transcript()[3]));
    let inner: Value = serde_json::from_str(lines[1]["toolUseResult"]["originalFile"].as_str().unwrap()).unwrap();
    assert_eq!(inner["env"]["B"], format!("Bearer {REMOVED}"));
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.modified().unwrap()), (0o640, then));
    assert_eq!(sandbox.run(&["check", "--sessions"]).code, 0);
    assert_eq!(fs::read_dir(sandbox.path(FOLDER)).unwrap().count(), 1);
    // What holds none is not written.
    let before = fs::metadata(&file).unwrap().ino();
    assert_eq!((clean(&sandbox).code, fs::metadata(&file).unwrap().ino()), (0, before));
}

#[test]
fn tool_results_and_task_outputs_are_cleaned_and_a_copy_of_a_projects_file_is_left_and_told() {
    let sandbox = sandbox();
    let user = rustix::process::getuid().as_raw();
    let history = ".claude/file-history/5f0c/0123456789abcdef@v1";
    let plain =
        [format!("{FOLDER}/5f0c/tool-results/toolu_1.txt"), format!("tmp/claude-{user}/p/5f0c/tasks/b1.output")];
    for place in plain.iter().map(String::as_str).chain([history]) {
        sandbox.write(place, &format!("TOKEN={KEY}\n"));
    }
    let said = clean(&sandbox);
    assert!(said.code == 3 && said.err.contains("rewind") && said.err.contains("@v1"), "{said:?}");
    for place in &plain {
        assert_eq!(sandbox.read(place), format!("TOKEN={REMOVED}\n"));
    }
    assert_eq!(sandbox.read(history), format!("TOKEN={KEY}\n"));
}

/// The file is as it was, and the reason is said.
#[track_caller]
fn assert_left(sandbox: &Sandbox, why: &str) {
    let before = sandbox.read(TRANSCRIPT);
    let said = clean(sandbox);
    assert!(said.code == 3 && said.err.contains(why), "{said:?}");
    assert_eq!(sandbox.read(TRANSCRIPT), before);
    assert!(before.contains("canary"));
}

#[test]
fn a_session_that_runs_and_one_that_nobody_knows_of_are_left_alone() {
    let sandbox = sandbox();
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    let host = Running(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap());
    let note = format!(".claude/sessions/{}.json", host.0.id());
    sandbox.write(&note, r#"{"sessionId": "5f0c"}"#);
    assert_left(&sandbox, "still running");
    // A note that is just being written says that something runs, and not what.
    sandbox.write(&note, "{\"sess");
    assert_left(&sandbox, "can't be told");
    // One of a process that had the same id is of nobody.
    sandbox.write(&note, r#"{"sessionId": "5f0c", "procStart": "1"}"#);
    assert_eq!(clean(&sandbox).code, 0);
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    sandbox.write(&note, r#"{"sessionId": "another"}"#);
    assert_eq!(clean(&sandbox).code, 0);
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    fs::remove_dir_all(sandbox.path(".claude/sessions")).unwrap();
    assert_left(&sandbox, "can't be told");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_a_program_has_open_is_left_alone() {
    let sandbox = sandbox();
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    let file = File::options().append(true).open(sandbox.path(TRANSCRIPT)).unwrap();
    assert_left(&sandbox, "has it open");
    drop(file);
    assert_eq!(clean(&sandbox).code, 0);
}

#[test]
fn links_second_names_and_folders_that_others_can_write_to_are_left_alone() {
    let sandbox = sandbox();
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    fs::hard_link(sandbox.path(TRANSCRIPT), sandbox.path("second")).unwrap();
    assert_left(&sandbox, "second name");
    fs::remove_file(sandbox.path("second")).unwrap();
    fs::set_permissions(sandbox.path(FOLDER), Permissions::from_mode(0o777)).unwrap();
    assert_left(&sandbox, "can write to its folder");
    fs::set_permissions(sandbox.path(FOLDER), Permissions::from_mode(0o755)).unwrap();
    // The folder of all projects is a link to somewhere else.
    fs::rename(sandbox.path(".claude/projects"), sandbox.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("elsewhere"), sandbox.path(".claude/projects")).unwrap();
    assert_left(&sandbox, "over a link");
    fs::remove_file(sandbox.path(".claude/projects")).unwrap();
    // A link in the place of a transcript is no file of the host's.
    fs::create_dir_all(sandbox.path(FOLDER)).unwrap();
    sandbox.write("mine", &text(&transcript()));
    std::os::unix::fs::symlink(sandbox.path("mine"), sandbox.path(TRANSCRIPT)).unwrap();
    assert_eq!(clean(&sandbox).code, 0);
    assert_eq!(sandbox.read("mine"), text(&transcript()));
    assert!(fs::symlink_metadata(sandbox.path(TRANSCRIPT)).unwrap().is_symlink());
}

#[test]
fn without_a_yes_nothing_is_changed() {
    let sandbox = sandbox();
    sandbox.write(TRANSCRIPT, &text(&transcript()));
    let output = command(&sandbox, &["check", "--sessions", "--clean"]).stdin(Stdio::null()).output().unwrap();
    let said = sandbox.said(&output);
    assert!(said.code == 2 && said.err.contains("nothing was changed"), "{said:?}");
    assert_eq!(sandbox.read(TRANSCRIPT), text(&transcript()));
    for wrong in
        [&["check", "--clean"][..], &["check", "--sessions", "--yes"], &["check", "--sessions", "--clean", "--json"]]
    {
        assert_eq!(sandbox.run(wrong).code, 2, "{wrong:?}");
    }
}

/// Lines are appended all the time, by a program that opens the file for each; none is lost, none is torn.
#[test]
fn a_transcript_that_is_written_to_while_it_is_cleaned_loses_nothing() {
    let sandbox = sandbox();
    let before = text(&transcript()).repeat(2000);
    sandbox.write(TRANSCRIPT, &before);
    let script = format!("i=0; while [ $i -lt 3000 ]; do echo '{{\"n\":'$i'}}' >>{TRANSCRIPT}; i=$((i+1)); done");
    let mut writer = Command::new("sh").args(["-c", &script]).current_dir(sandbox.home()).spawn().unwrap();
    while writer.try_wait().unwrap().is_none() {
        let said = clean(&sandbox);
        assert!(matches!(said.code, 0 | 3), "{said:?}");
    }
    assert_eq!(clean(&sandbox).code, 0);
    let after = sandbox.read(TRANSCRIPT);
    let lines: Vec<Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<i64> = lines.iter().filter_map(|line| line["n"].as_i64()).collect();
    assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
    assert!(lines.len() == 3000 + 8000 && !after.contains("canary"));
}

#[test]
fn one_that_is_killed_at_any_time_leaves_the_file_whole_and_the_next_one_ends_the_work() {
    let sandbox = sandbox();
    let before = text(&transcript()).repeat(500);
    for milliseconds in [0, 20, 40, 60, 80, 100, 150, 200, 300] {
        sandbox.write(TRANSCRIPT, &before);
        let mut command = command(&sandbox, &["check", "--sessions", "--clean", "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = sandbox.read(TRANSCRIPT);
        let is_whole = now == before || !now.contains("canary") && now.lines().count() == 2000;
        assert!(is_whole, "after {milliseconds} ms");
        assert_eq!(clean(&sandbox).code, 0);
        assert!(!sandbox.read(TRANSCRIPT).contains("canary"));
    }
}
