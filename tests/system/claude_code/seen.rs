//! What the agent in the real client read: it is told when the session has ended, it leaves the transcript by
//! `check --sessions --clean`, and a session that was cleaned is resumed as any other.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::support::home::Home;
use super::support::process;
use super::support::stencil;
use crate::poll::PATIENCE;
use crate::residue;

/// Whatever the mode would ask.
const BYPASS: &str = "--dangerously-skip-permissions";

/// The transcripts that the client has written.
fn transcripts(home: &Home) -> Vec<PathBuf> {
    let projects = std::fs::read_dir(home.folder().join(".claude/projects")).into_iter().flatten().flatten();
    let files = projects.flat_map(|project| std::fs::read_dir(project.path()).into_iter().flatten().flatten());
    files.map(|file| file.path()).filter(|file| file.extension().is_some_and(|end| end == "jsonl")).collect()
}

#[test]
fn a_session_that_read_the_file_is_told_of_cleaned_and_resumed_without_the_key() {
    let home = stencil::home();
    let read = json!({ "file_path": home.target() });
    let print = json!({ "command": format!("cat {}", home.target().display()), "description": "looks" });
    home.api.call(&[("Read", read), ("Bash", print)]);
    let arguments = ["exec", "--", "claude", "-p", "look", BYPASS];
    let ran = process::run(&mut stencil::command(&home, arguments), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    let shown = home.api.results();
    assert!(shown.iter().all(|(_, text)| !residue::in_bytes(text.as_bytes(), &home.secret).is_empty()), "{shown:?}");
    let [transcript] = &transcripts(&home)[..] else { panic!("{:?}", transcripts(&home)) };
    assert!(home.found().iter().any(|place| place.contains(".jsonl")), "the transcript holds no key");

    // It is told until there is a new value, whoever took the key out of the file.
    let told = process::run(&mut stencil::command(&home, ["status"]), PATIENCE);
    assert!(told.stdout.contains("probe was seen by a model"), "{told:?}");
    assert!(told.stdout.contains("`keystencil secret rotate probe`"), "{told:?}");
    let checked = process::run(&mut stencil::command(&home, ["check", "--sessions"]), PATIENCE);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");

    let lines = std::fs::read_to_string(transcript).unwrap().lines().count();
    stencil::succeeds(&home, ["check", "--sessions", "--clean", "--yes"]);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
    let cleaned = std::fs::read_to_string(transcript).unwrap();
    assert!(cleaned.contains("[keystencil: probe removed]") && cleaned.lines().count() == lines);
    assert!(cleaned.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));

    // What the client sends of the session from now on is what stands there.
    home.api.call(&[]);
    let id = transcript.file_stem().unwrap().to_str().unwrap();
    let arguments = ["-p", "and now?", "--resume", id, BYPASS];
    let ran = process::run(&mut stencil::client(&home, arguments), PATIENCE);
    assert!(ran.status.success() && ran.stdout.contains("Hello from the mock."), "{ran:?}");
    let resumed = home.api.results();
    assert_eq!(resumed.len(), 2, "the session was not resumed: {resumed:?}");
    for (_, text) in &resumed {
        assert!(text.contains("[keystencil: probe removed]"), "{text}");
        assert!(residue::in_bytes(text.as_bytes(), &home.secret).is_empty(), "{text}");
    }
}
