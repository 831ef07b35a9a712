//! `install git` and `uninstall git`.

use super::repository::{Repository, holds_key};
use crate::sandbox::AT_REST;
use std::fs;

#[test]
fn install_is_done_once_and_uninstall_takes_exactly_that_out() {
    for attributes in [None, Some(""), Some("*.png binary"), Some("*.png binary\r\n*.txt text\r\n")] {
        let repository = Repository::without_filter();
        if let Some(attributes) = attributes {
            repository.write("dots/.gitattributes", attributes);
        }
        let config = repository.read("dots/.git/config");
        let dry = repository.run(&["install", "git", "--dry-run"]);
        assert!(dry.code == 0 && dry.err.contains("would install"), "{}", dry.whole());
        assert_eq!(repository.read("dots/.git/config"), config);
        assert_eq!(repository.path("dots/.gitattributes").exists(), attributes.is_some());

        let said = repository.run(&["install", "git"]);
        assert!(said.code == 0 && said.err.contains("~/dots/.gitattributes"), "{}", said.whole());
        let lines = repository.read("dots/.gitattributes");
        assert!(lines.contains("/live.json filter=keystencil diff=keystencil"), "{lines}");
        assert_eq!(repository.git(&["config", "filter.keystencil.required"]), "true\n");
        assert_eq!(repository.git(&["config", "diff.keystencil.cachetextconv"]), "false\n");
        let installed = repository.read("dots/.git/config");
        let again = repository.run(&["install", "git"]);
        assert!(again.code == 0 && again.err.contains("nothing was changed"), "{}", again.whole());
        assert_eq!((repository.read("dots/.gitattributes"), repository.read("dots/.git/config")), (lines, installed));

        let said = repository.run(&["uninstall", "git"]);
        assert_eq!(said.code, 0, "{}", said.whole());
        assert_eq!(repository.read("dots/.git/config"), config);
        match attributes {
            Some(attributes) => assert_eq!(repository.read("dots/.gitattributes"), attributes),
            None => assert!(!repository.path("dots/.gitattributes").exists()),
        }
        assert!(!repository.path("dots/.git/info/attributes").exists());
        let again = repository.run(&["uninstall", "git"]);
        assert!(again.code == 0 && again.err.contains("nothing was changed"), "{}", again.whole());
    }
}

#[test]
fn the_filter_is_not_taken_out_while_it_is_needed() {
    let repository = Repository::new();
    repository.render();
    let said = repository.run(&["uninstall", "git"]);
    assert!(said.code == 2 && said.err.contains("is rendered"), "{}", said.whole());
    let state = repository.path(".local/state/keystencil");
    let mut files = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let journal = files.find(|path| path.to_string_lossy().ends_with(".journal.json")).unwrap();
    let text = fs::read(&journal).unwrap();
    fs::write(&journal, "damaged").unwrap();
    let said = repository.run(&["uninstall", "git"]);
    assert!(said.code == 2 && said.err.contains("damaged"), "{}", said.whole());
    fs::write(&journal, text).unwrap();
    repository.unrender();
    assert_eq!(repository.run(&["uninstall", "git"]).code, 0);
}

#[test]
fn files_and_folders_of_any_name_are_meant_and_no_others() {
    let names: [&[u8]; 6] =
        [b"a b/c d.json", b"li[v]e *?.json", b"quo\"te's\\.json", b"new\nline.json", b"\xff\xfe.json", b"!#x.json"];
    for name in names {
        let repository = Repository::without_filter();
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
        let path = repository.path("dots").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, AT_REST).unwrap();
        let run = |verb: &[&str]| {
            let mut command = repository.sandbox().command(verb);
            if verb[0] == "render" {
                repository.allow_pair(".config/keystencil/claude.json", &path);
                command.args(["--template", ".config/keystencil/claude.json", "--to"]);
            }
            repository.said(&command.arg(&path).output().unwrap())
        };
        assert_eq!(run(&["install", "git"]).code, 0, "{name:?}");
        assert_eq!(run(&["install", "git"]).err.matches("nothing was changed").count(), 1, "{name:?}");
        assert_eq!(run(&["render"]).code, 0, "{name:?}");
        assert!(holds_key(&fs::read_to_string(&path).unwrap()));
        repository.git(&["add", "--all"]);
        repository.assert_clean();
        assert_eq!(repository.git(&["check-attr", "filter", "x.json"]), "x.json: filter: keystencil-any\n");
        assert_eq!(repository.run(&["unrender", "--all"]).code, 0);
        assert_eq!(repository.git(&["diff"]), "", "{name:?}");
    }
}

#[test]
fn a_config_that_can_not_be_written_is_an_error_and_the_rest_can_be_done_later() {
    let repository = Repository::without_filter();
    fs::write(repository.path("dots/.git/config.lock"), "").unwrap();
    let said = repository.run(&["install", "git"]);
    assert!(said.code == 2 && said.err.contains("config"), "{}", said.whole());
    assert!(!repository.path("dots/.gitattributes").exists());
    fs::remove_file(repository.path("dots/.git/config.lock")).unwrap();
    fs::create_dir(repository.path("dots/.gitattributes")).unwrap();
    let said = repository.run(&["install", "git"]);
    assert!(said.code == 2 && said.err.contains(".gitattributes"), "{}", said.whole());
    fs::remove_dir(repository.path("dots/.gitattributes")).unwrap();
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    repository.render();
    repository.git(&["add", "--all"]);
    repository.assert_clean();
}

#[test]
fn a_file_with_another_filter_is_refused() {
    let repository = Repository::without_filter();
    repository.write("dots/.gitattributes", "*.json filter=git-crypt diff=git-crypt\n");
    let said = repository.run(&["install", "git"]);
    assert!(said.code == 2 && said.err.contains("git-crypt"), "{}", said.whole());
    assert_eq!(repository.read("dots/.gitattributes"), "*.json filter=git-crypt diff=git-crypt\n");
}

#[test]
fn the_line_holds_on_branches_that_lack_it() {
    let repository = Repository::new();
    repository.git(&["branch", "old", "HEAD~1"]);
    repository.render();
    repository.git(&["checkout", "-q", "old"]);
    assert!(!repository.path("dots/.gitattributes").exists() && repository.is_rendered());
    repository.git(&["commit", "-q", "--allow-empty", "-am", "old"]);
    repository.assert_clean();
}

#[test]
fn the_committed_attributes_can_be_left_alone_and_the_definition_kept_for_all_repositories() {
    let repository = Repository::without_filter();
    let said = repository.run(&["install", "git", "--private", "--global"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    assert!(!repository.path("dots/.gitattributes").exists());
    assert_eq!(repository.git(&["config", "--global", "filter.keystencil.required"]), "true\n");
    assert_eq!(repository.try_git(&["config", "--local", "filter.keystencil.required"]).code, 1);
    repository.render();
    repository.git(&["add", "--renormalize", "."]);
    repository.assert_clean();
    repository.unrender();
    assert_eq!(repository.run(&["uninstall", "git", "--global"]).code, 0);
    assert_eq!(fs::read_to_string(repository.path(".gitconfig")).unwrap_or_default(), "");
}

#[test]
fn without_a_repository_it_says_how_to_name_one() {
    let repository = Repository::without_filter();
    fs::rename(repository.path("dots/.git"), repository.path("gone")).unwrap();
    let said = repository.run(&["install", "git"]);
    assert!(said.code == 2 && said.err.contains("--repo"), "{}", said.whole());
}
