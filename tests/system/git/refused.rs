//! Where it can't be told that no key would be committed, git stops.

use super::repository::{Repository, holds_key};
use crate::sandbox::{BINARY, KEY, Said};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

/// git refuses to stage, and says why.
fn refused(repository: &Repository) -> Said {
    for command in [&["add", "live.json"][..], &["commit", "-qam", "leak"], &["stash"], &["diff"]] {
        let said = repository.try_git(command);
        assert_ne!(said.code, 0, "{command:?}: {}", said.whole());
        assert!(!holds_key(&said.whole()), "{command:?}: {}", said.whole());
        repository.assert_clean();
    }
    repository.try_git(&["add", "live.json"])
}

#[test]
fn without_the_program_nothing_is_staged() {
    let repository = Repository::without_filter();
    // A program that is somewhere else later.
    let program = repository.path("it's a 100%f program");
    repository.copy_program(BINARY.as_ref(), "it's a 100%f program");
    let mut install = repository.sandbox_command(&program, &["install", "git"]);
    assert!(install.output().unwrap().status.success());
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "-qm", "filter"]);
    repository.render();
    repository.git(&["add", "--renormalize", "."]);
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.assert_clean();
    let live = repository.read("dots/live.json");
    repository.write("dots/live.json", &format!("{live}\n"));
    fs::remove_file(program).unwrap();
    refused(&repository);
    repository.git(&["config", "--unset", "filter.keystencil.process"]);
    refused(&repository);
}

#[test]
fn a_journal_that_can_not_be_read_stops_git() {
    let repository = Repository::new();
    repository.render();
    let state = repository.path(".local/state/keystencil");
    let journal = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let journal = journal.into_iter().find(|path| path.to_string_lossy().ends_with(".journal.json")).unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    for damaged in ["", "{", &text.replacen("\"version\":1", "\"version\":99", 1)] {
        fs::write(&journal, damaged).unwrap();
        let said = refused(&repository);
        assert!(said.err.contains("the journal"), "{}", said.err);
    }
    fs::write(&journal, text).unwrap();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_file_with_comments_is_looked_at_like_any_other_though_nothing_but_the_committed_version_is_known() {
    let at_rest = "{ // mine\n  \"s\": {\"KEY\":\"<< keyring('github') >>\"},\n}\n";
    for value in ["hunter2plain", "1234"] {
        let repository = Repository::new();
        repository.write("dots/live.json", at_rest);
        repository.git(&["commit", "-qam", "comments"]);
        repository.forget();
        fs::remove_dir_all(repository.path(".config/keystencil")).unwrap();
        repository.write("dots/live.json", &at_rest.replace("<< keyring('github') >>", value));
        for command in [&["add", "live.json"][..], &["commit", "-qam", "leak"]] {
            let said = repository.try_git(command);
            assert!(said.code != 0 && said.err.contains("/s/KEY"), "{command:?}: {}", said.whole());
            assert!(!said.whole().contains("hunter2plain"), "{}", said.whole());
        }
        assert_eq!(repository.staged("live.json"), at_rest);
    }
}

#[test]
fn a_state_folder_that_can_not_be_read_stops_git() {
    let repository = Repository::new();
    repository.render();
    let state = repository.path(".local/state/keystencil");
    if rustix::process::getuid().is_root() {
        // Nothing is closed to root; a file in its place is as unreadable.
        let aside = state.with_extension("aside");
        fs::rename(&state, &aside).unwrap();
        std::os::unix::fs::symlink(&state, &state).unwrap();
        refused(&repository);
        fs::remove_file(&state).unwrap();
        fs::rename(&aside, &state).unwrap();
    } else {
        fs::set_permissions(&state, Permissions::from_mode(0o000)).unwrap();
        refused(&repository);
        fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    }
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_rendered_file_of_which_nobody_knows_is_refused_by_its_committed_form() {
    let repository = Repository::new();
    repository.render();
    repository.forget();
    let said = refused(&repository);
    assert!(said.err.contains("/mcpServers/github/env/TOKEN"), "{}", said.err);
    assert!(said.err.contains("keystencil render") && said.err.contains("KEYSTENCIL_GIT_ALLOW"), "{}", said.err);
    // Also where nothing is staged: HEAD tells.
    repository.git(&["update-index", "--force-remove", "live.json"]);
    assert_ne!(repository.try_git(&["add", "live.json"]).code, 0);
    repository.assert_clean();
    // And where nothing was ever committed: the template tells.
    repository.git(&["commit", "-qm", "gone"]);
    let said = repository.try_git(&["add", "live.json"]);
    assert!(said.code != 0 && said.err.contains("TOKEN"), "{}", said.whole());
    repository.assert_clean();
    // What the hint names.
    repository.render();
    repository.git(&["add", "live.json"]);
    repository.assert_clean();
}

#[test]
fn a_value_that_is_no_key_can_be_staged_once_it_was_said_so() {
    let repository = Repository::new();
    let live = repository.read("dots/live.json");
    repository.write("dots/live.json", &live.replace("<< keyring('github') >>", "http://localhost"));
    assert_ne!(repository.try_git(&["add", "live.json"]).code, 0);
    let mut command = repository.command(&["add", "live.json"]);
    assert!(command.env("KEYSTENCIL_GIT_ALLOW", "1").status().unwrap().success());
    assert!(repository.staged("live.json").contains("localhost"));
    repository.git(&["commit", "-qam", "a server of its own"]);
    repository.write("dots/live.json", &repository.read("dots/live.json").replace("  \"", "    \""));
    repository.git(&["commit", "-qam", "indented"]);
}

#[test]
fn a_key_that_a_journal_knows_is_closed_whatever_was_allowed() {
    let repository = Repository::new();
    repository.render();
    let mut command = repository.command(&["add", "--renormalize", "."]);
    assert!(command.env("KEYSTENCIL_GIT_ALLOW", "1").status().unwrap().success());
    repository.assert_clean();
}

#[test]
fn a_secret_in_utf_16_is_refused() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    for (mark, big) in [("\u{feff}", false), ("\u{feff}", true), ("", false), ("", true)] {
        let text = format!("{mark}{live}");
        let units = text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        fs::write(repository.path("dots/live.json"), units.collect::<Vec<u8>>()).unwrap();
        let said = repository.try_git(&["add", "live.json"]);
        assert!(said.code != 0 && said.err.contains("UTF-16"), "{}", said.whole());
    }
}

#[test]
fn what_git_read_just_before_an_unrender_is_refused() {
    let repository = Repository::new();
    repository.render();
    // Neither its place nor its form tells that this is a key.
    let read = serde_json::json!({ "note": KEY }).to_string();
    repository.write("read", &read);
    repository.unrender();
    let stage = || {
        let mut command = repository.command(&["hash-object", "-w", "--stdin", "--path", "live.json"]);
        repository.said(&command.stdin(fs::File::open(repository.path("read")).unwrap()).output().unwrap())
    };
    let said = stage();
    assert!(said.code != 0 && said.err.contains("try again"), "{}", said.whole());
    repository.assert_clean();
    // While it is rendered the journal knows it.
    repository.render();
    assert_eq!(stage().code, 0);
    repository.assert_clean();
}
