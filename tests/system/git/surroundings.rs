//! What else people do with a repository while a file in it is rendered.

use super::repository::{Repository, holds_key};
use crate::sandbox::{AT_REST, KEY, Running};
use std::fs;
use std::os::unix::process::CommandExt as _;

/// Adds a setting beside the slot, as a host does.
fn with_theme(repository: &Repository, theme: &str) {
    let live = repository.read("dots/live.json");
    let end = if live.contains("\r\n") { "\r\n" } else { "\n" };
    repository.write("dots/live.json", &live.replacen('{', &format!("{{{end}  \"theme\": \"{theme}\","), 1));
}

#[test]
fn what_git_writes_over_a_rendered_file_is_whole_and_nothing_is_owed_in_the_end() {
    for way in [&["stash", "-u"][..], &["checkout", "-q", "--", "live.json"], &["reset", "-q", "--hard"]] {
        let repository = Repository::new();
        repository.render();
        with_theme(&repository, "dark");
        repository.git(way);
        assert_eq!(repository.read("dots/live.json"), AT_REST, "{way:?}");
        if way[0] == "stash" {
            repository.git(&["stash", "pop"]);
            assert!(repository.read("dots/live.json").contains("dark") && !repository.is_rendered());
            repository.git(&["checkout", "-q", "live.json"]);
        }
        repository.render();
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "{way:?}");
        repository.unrender();
        assert_eq!(repository.read("dots/live.json"), AT_REST, "{way:?}");
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "{way:?}");
        repository.assert_clean();
    }
}

#[test]
fn another_branch_is_checked_out_over_a_rendered_file() {
    let repository = Repository::new();
    repository.git(&["checkout", "-qb", "other"]);
    with_theme(&repository, "light");
    repository.git(&["commit", "-qam", "light"]);
    repository.render();
    repository.git(&["checkout", "-q", "main"]);
    assert_eq!(repository.read("dots/live.json"), AT_REST);
    repository.git(&["checkout", "-q", "other"]);
    repository.unrender();
    assert!(repository.read("dots/live.json").contains("light"));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.assert_clean();
}

#[test]
fn a_merge_with_a_conflict_is_resolved_while_the_file_is_rendered() {
    let repository = Repository::new();
    repository.git(&["checkout", "-qb", "other"]);
    with_theme(&repository, "light");
    repository.git(&["commit", "-qam", "light"]);
    repository.git(&["checkout", "-q", "main"]);
    repository.render();
    with_theme(&repository, "dark");
    repository.git(&["commit", "-qam", "dark"]);
    assert_ne!(repository.try_git(&["merge", "other"]).code, 0);
    let torn = repository.read("dots/live.json");
    assert!(torn.contains("<<<<<<<") && !holds_key(&torn), "{torn}");
    // Nobody can merge a template into that; the user resolves it, with the key in its place again.
    assert_eq!(repository.run(&["render"]).code, 2);
    repository.write("dots/live.json", AT_REST);
    repository.render();
    with_theme(&repository, "both");
    repository.git(&["add", "live.json"]);
    repository.git(&["commit", "-qm", "merged"]);
    repository.assert_clean();
    repository.unrender();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_rebase_and_a_cherry_pick_leave_no_key_in_a_commit() {
    let repository = Repository::new();
    repository.git(&["checkout", "-qb", "other"]);
    repository.write("dots/notes.txt", "more\n");
    repository.git(&["commit", "-qam", "notes"]);
    repository.git(&["checkout", "-q", "main"]);
    with_theme(&repository, "dark");
    repository.git(&["commit", "-qam", "dark"]);
    repository.render();
    repository.git(&["cherry-pick", "other"]);
    repository.git(&["rebase", "-q", "--autostash", "other"]);
    with_theme(&repository, "late");
    repository.git(&["commit", "-q", "--amend", "-a", "--no-edit"]);
    repository.assert_clean();
}

#[test]
fn line_ends_and_encodings_are_git_s_own_affair() {
    for (config, attributes) in [
        (&["core.autocrlf", "true"][..], ""),
        (&["core.autocrlf", "input"], ""),
        (&["core.safecrlf", "true"], "*.json text eol=crlf\n"),
        (&["core.eol", "crlf"], "* text=auto\n"),
        (&["core.quotepath", "false"], "*.json working-tree-encoding=UTF-8 ident\n"),
    ] {
        let repository = Repository::new();
        repository.git(&["config", config[0], config[1]]);
        let lines = repository.read("dots/.gitattributes");
        repository.write("dots/.gitattributes", &format!("{attributes}{lines}"));
        let crlf =
            attributes.contains("crlf") || config[0] == "core.eol" || config[1] == "true" && attributes.is_empty();
        let at_rest = if crlf { AT_REST.replace('\n', "\r\n") } else { AT_REST.to_owned() };
        repository.write("dots/live.json", &at_rest);
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "-q", "--allow-empty", "-m", "lines"]);
        repository.render();
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "{config:?} {attributes}");
        with_theme(&repository, "dark");
        repository.git(&["commit", "-qam", "dark"]);
        repository.assert_clean();
        repository.unrender();
        assert_eq!(repository.git(&["status", "--porcelain"]), "", "{config:?} {attributes}");
    }
}

#[test]
fn an_archive_holds_placeholders() {
    let repository = Repository::new();
    repository.render();
    repository.git(&["commit", "-q", "--allow-empty", "-am", "x"]);
    let archive = repository.command(&["archive", "HEAD"]).output().unwrap();
    let text = String::from_utf8_lossy(&archive.stdout).into_owned();
    assert!(archive.status.success() && text.contains("<< keyring('github') >>") && !holds_key(&text));
}

#[test]
fn a_new_key_that_somebody_put_in_a_slot_is_refused_and_a_short_one_that_we_put_there_is_closed() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    let key = serde_json::to_string(KEY).unwrap();
    assert!(live.contains(&key));
    repository.write("dots/live.json", &live.replace(&key, "\"a-new-key-of-mine\""));
    let said = repository.try_git(&["commit", "-qam", "leak"]);
    assert!(said.code != 0 && said.err.contains("/mcpServers/github/env/TOKEN"), "{}", said.whole());
    assert!(!said.err.contains("a-new-key-of-mine"));
    repository.git(&["-c", "advice.objectNameWarning=false", "checkout", "-q", "live.json"]);
    assert_eq!(repository.run(&["unrender", "--all"]).code, 0);

    repository.store("github", "4711");
    assert_eq!(repository.run(&["render"]).code, 0);
    assert!(repository.read("dots/live.json").contains("\"4711\""));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    with_theme(&repository, "dark");
    repository.git(&["commit", "-qam", "dark"]);
    assert!(!repository.staged("live.json").contains("4711"));
}

#[test]
fn a_key_of_a_known_format_that_is_new_is_refused_and_one_that_is_committed_already_is_not() {
    let repository = Repository::new();
    let token = ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat();
    let live = AT_REST.replacen('{', &format!("{{\n  \"note\": \"{token}\","), 1);
    repository.write("dots/live.json", &live);
    let said = repository.try_git(&["add", "live.json"]);
    assert!(said.code != 0 && said.err.contains("live.json:2"), "{}", said.whole());
    assert!(!said.err.contains(&token), "{}", said.err);
    let mut command = repository.command(&["commit", "-qam", "a leak that somebody wants"]);
    assert!(command.env("KEYSTENCIL_GIT_ALLOW", "1").status().unwrap().success());
    with_theme(&repository, "dark");
    repository.git(&["commit", "-qam", "dark"]);
}

#[test]
fn a_value_of_the_users_own_that_is_one_of_the_secrets_is_not_committed_either() {
    let repository = Repository::new();
    let key = serde_json::to_string(KEY).unwrap();
    let live = AT_REST.replacen('{', &format!("{{\n  \"mine\": {key},"), 1);
    repository.write("dots/live.json", &live);
    assert_eq!(repository.run(&["render"]).code, 3);
    repository.git(&["commit", "-qam", "mine"]);
    repository.assert_clean();
}

#[test]
fn without_a_home_folder_git_commits_no_key() {
    let repository = Repository::new();
    repository.render();
    with_theme(&repository, "dark");
    let output = repository.command(&["commit", "-qam", "x"]).env("HOME", "").output().unwrap();
    assert!(output.status.success());
    assert!(repository.staged("live.json").contains("dark"));
    repository.assert_clean();
}

#[test]
fn an_index_that_another_git_holds_keeps_nobody_from_rendering() {
    let repository = Repository::new();
    fs::write(repository.path("dots/.git/index.lock"), "").unwrap();
    repository.render();
    repository.unrender();
    assert_eq!(repository.read("dots/live.json"), AT_REST);
    fs::remove_file(repository.path("dots/.git/index.lock")).unwrap();
    assert_eq!(repository.git(&["diff"]), "");
}

#[test]
fn flags_and_intentions_of_the_index_stay_and_no_hook_is_run() {
    let repository = Repository::new();
    repository.write_program("dots/.git/hooks/post-index-change", "#!/bin/sh\ntouch ran\n");
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        repository.git(&["update-index", flag, "live.json"]);
        fs::remove_file(repository.path("dots/ran")).unwrap();
        let before = repository.git(&["ls-files", "-v", "live.json"]);
        repository.render();
        repository.unrender();
        assert_eq!(repository.git(&["ls-files", "-v", "live.json"]), before);
        assert!(!repository.path("dots/ran").exists());
        repository.git(&["update-index", &flag.replace("--", "--no-"), "live.json"]);
    }
    repository.git(&["rm", "-q", "--cached", "live.json"]);
    repository.git(&["add", "--intent-to-add", "live.json"]);
    let before = repository.git(&["diff", "--cached", "--stat"]);
    repository.render();
    assert_eq!(repository.git(&["diff", "--cached", "--stat"]), before);
    repository.unrender();
}

#[test]
fn the_guard_leaves_a_clean_status_too() {
    let repository = Repository::new();
    let mut command = repository.sandbox().command(&["exec", "--", "sleep", "600"]);
    let mut exec = Running(command.process_group(0).spawn().unwrap());
    repository.wait_until(|| repository.is_rendered());
    repository.wait_until(|| repository.git(&["status", "--porcelain"]).is_empty());
    rustix::process::kill_process_group(rustix::process::Pid::from_child(&exec.0), rustix::process::Signal::KILL)
        .unwrap();
    exec.0.wait().unwrap();
    repository.wait_until(|| !repository.is_rendered());
    repository.wait_until(|| repository.git(&["status", "--porcelain"]).is_empty());
    repository.assert_clean();
}

#[test]
fn a_work_tree_that_is_elsewhere_is_where_it_is() {
    let repository = Repository::without_filter();
    fs::create_dir(repository.path("tree")).unwrap();
    fs::rename(repository.path("dots/live.json"), repository.path("tree/live.json")).unwrap();
    repository.git(&["config", "core.worktree", repository.path("tree").to_str().unwrap()]);
    // Beside the `.git` is not a work tree …
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    assert_eq!(repository.run(&["render"]).code, 0);
    repository.unrender();
    // … and what is one can't be told from its folder.
    let config =
        "repositories = ['~/dots/.git']\n[targets.claude]\ntemplate = 'claude.json'\npath = '~/tree/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    assert_eq!(repository.run(&["render"]).code, 2);
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    assert_eq!(repository.run(&["render"]).code, 0);
    assert_eq!(
        repository
            .git(&["-C", "../tree", "--git-dir=../dots/.git", "status", "--porcelain", "-uno"])
            .matches("live.json")
            .count(),
        0
    );
}
