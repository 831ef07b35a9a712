//! A target that git ignores stays out of the repository whatever is checked out.

use super::repository::{Repository, holds_key};
use crate::sandbox::{AT_REST, Said};
use std::fs;

/// A repository that ignores its target on `main`, and not on `old`.
fn ignoring() -> Repository {
    let repository = Repository::without_filter();
    repository.git(&["rm", "-q", "--cached", "live.json"]);
    repository.git(&["commit", "-qm", "without"]);
    repository.git(&["branch", "old"]);
    repository.write("dots/.gitignore", "/live.json\n");
    repository.git(&["add", ".gitignore"]);
    repository.git(&["commit", "-qm", "ignored"]);
    repository
}

fn render(repository: &Repository) -> Said {
    let said = repository.run(&["render"]);
    assert!(said.code == 0 && repository.is_rendered(), "{}", said.whole());
    said
}

#[test]
fn a_branch_from_before_the_line_does_not_commit_it() {
    for way in [&["add", "--all"][..], &["add", "--force", "live.json"], &["stash", "--all"], &["stash", "-u"]] {
        let repository = ignoring();
        render(&repository);
        repository.git(&["checkout", "-q", "old"]);
        assert!(repository.is_rendered() && !repository.path("dots/.gitignore").exists());
        repository.git(way);
        repository.assert_clean();
        repository.try_git(&["commit", "-qm", "old"]);
        repository.assert_clean();
        if way == ["add", "--all"] {
            assert!(!repository.git(&["ls-files"]).contains("live.json"));
        }
        repository.run(&["unrender"]);
        for (path, content) in repository.files() {
            assert!(!holds_key(&String::from_utf8_lossy(&content)), "{way:?}: {}", path.display());
        }
    }
}

#[test]
fn a_branch_that_wants_the_file_back_gets_its_placeholders() {
    let repository = ignoring();
    repository.git(&["checkout", "-q", "old"]);
    repository.write("dots/.gitignore", "!/live.json\n");
    repository.git(&["add", ".gitignore"]);
    repository.git(&["commit", "-qm", "not ignored"]);
    repository.git(&["checkout", "-q", "main"]);
    render(&repository);
    repository.git(&["checkout", "-q", "old"]);
    repository.git(&["add", "--all"]);
    assert_eq!(repository.staged("live.json"), AT_REST);
    repository.assert_clean();
}

#[test]
fn it_is_told_once_and_exactly_that_is_taken_out() {
    for exclude in [None, Some(""), Some("# mine\n*.o\n"), Some("*.o"), Some("*.o\n\n/live.jso\n")] {
        let repository = ignoring();
        let path = repository.path("dots/.git/info/exclude");
        match exclude {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let config = repository.read("dots/.git/config");
        let said = repository.run(&["render", "--dry-run"]);
        assert_eq!((said.code, repository.read("dots/.git/config")), (0, config.clone()));
        let said = render(&repository);
        assert!(said.err.contains("uninstall git") && said.err.contains("~/dots"), "{}", said.whole());
        assert!(fs::read_to_string(&path).unwrap().lines().any(|line| line == "/live.json"));
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        repository.unrender();
        assert!(!render(&repository).err.contains("uninstall git"));
        repository.unrender();
        let said = repository.run(&["uninstall", "git"]);
        assert!(said.code == 0 && said.err.contains(".git/info/exclude"), "{}", said.whole());
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), exclude);
        assert_eq!(repository.read("dots/.git/config"), config);
        assert!(!repository.path("dots/.git/info/attributes").exists());
    }
}

#[test]
fn the_folders_of_copies_are_ignored_for_good_too() {
    let repository = Repository::without_filter();
    repository.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/.claude.json'\n",
    );
    repository.write("dots/.claude.json", AT_REST);
    repository.write("dots/.gitignore", "/.claude.json\n/.claude/backups/\n");
    repository.render_any();
    let live = repository.read("dots/.claude.json");
    repository.write("dots/.claude/backups/.claude.json.backup.1", &live);
    repository.write("dots/.claude.json.keystencil-x.tmp", &live);
    fs::remove_file(repository.path("dots/.gitignore")).unwrap();
    repository.git(&["add", "--all"]);
    assert!(!repository.git(&["ls-files"]).contains("claude.json"));
    repository.git(&["add", "--all", "--force"]);
    repository.assert_clean();
}

#[test]
fn a_file_under_another_filter_is_ignored_for_good_and_keeps_its_filter() {
    let repository = ignoring();
    repository.write("dots/.gitattributes", "*.json filter=git-crypt\n");
    render(&repository);
    assert_eq!(repository.git(&["check-attr", "filter", "live.json"]), "live.json: filter: git-crypt\n");
    fs::remove_file(repository.path("dots/.gitignore")).unwrap();
    repository.git(&["add", "--all"]);
    assert!(!repository.git(&["ls-files"]).contains("live.json"));
}

#[test]
fn names_of_any_kind_are_ignored_and_no_others() {
    for name in ["a b.json", "li[v]e*?.json", "!x.json", "#x.json", "end .json ", "back\\slash.json"] {
        let repository = Repository::without_filter();
        repository.write("dots/.gitignore", "*.json*\n");
        let path = repository.path("dots").join(name);
        fs::write(&path, AT_REST).unwrap();
        repository.allow_pair(".config/keystencil/claude.json", &path);
        let mut command =
            repository.sandbox().command(&["render", "--template", ".config/keystencil/claude.json", "--to"]);
        let said = repository.said(&command.arg(&path).output().unwrap());
        assert_eq!(said.code, 0, "{name}: {}", said.whole());
        fs::write(repository.path("dots/liv.json"), "{}").unwrap();
        fs::remove_file(repository.path("dots/.gitignore")).unwrap();
        repository.git(&["add", "--all"]);
        let files = repository.git(&["ls-files", "-z"]);
        assert!(!files.split('\0').any(|file| file == name) && files.contains("liv.json"), "{files}");
        repository.assert_clean();
    }
}
