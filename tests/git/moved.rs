//! A target that is moved or copied in its work tree while it is rendered: no key is committed, and none stays on disk.

use crate::repository::{Repository, holds_key};
use std::fs;

/// Ways in which a rendered file gets another name.
const WAYS: [&str; 8] = [
    "mkdir config; mv live.json config/",
    "mkdir config; git mv live.json config/live.json",
    "mkdir -p a/b/c; mv live.json a/b/c/other.json",
    "cp live.json live.json.bak",
    "cp -p live.json copy",
    "mv live.json live.json~; git checkout live.json",
    "mkdir config; cp live.json config/; : > live.json",
    "mkdir config; ln live.json config/hard.json; rm live.json",
];

/// No file of the work tree holds the key.
#[track_caller]
fn assert_none_on_disk(repository: &Repository, when: &str) {
    for (path, content) in repository.files() {
        assert!(!holds_key(&String::from_utf8_lossy(&content)), "{when}: {}", path.display());
    }
}

fn shell(repository: &Repository, script: &str) {
    // An alias that begins so is a script, in git's own surroundings.
    repository.git(&["-c", &format!("alias.do=!set -e; {script}; true"), "do"]);
}

#[test]
fn a_file_that_was_moved_in_the_work_tree_is_closed_at_the_end() {
    for way in WAYS {
        let repository = Repository::new();
        repository.render();
        shell(&repository, way);
        let said = repository.run(&["unrender"]);
        assert!(said.code == 0 && said.err.contains("too: a copy of"), "{way}: {}", said.whole());
        assert_none_on_disk(&repository, way);
        assert!(repository.run(&["status"]).out.contains("at rest"), "{way}");
        repository.git(&["add", "--all", "--force"]);
        repository.assert_clean();
    }
}

#[test]
fn one_that_was_committed_under_its_new_name_is_closed_too() {
    let repository = Repository::new();
    repository.render();
    shell(&repository, "mkdir config; mv live.json config/; git add -A config; git commit -qm moved");
    assert_eq!(repository.run(&["unrender"]).code, 0);
    assert_none_on_disk(&repository, "committed");
    assert!(fs::read_dir(repository.path("dots/config")).unwrap().count() == 1);
}
