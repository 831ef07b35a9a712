//! A target that is moved or copied in its work tree while it is rendered: no key is committed, and none stays on disk.

use super::repository::{Repository, holds_key};
use crate::sandbox::AT_REST;
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
    repository.assert_clean();
    assert_eq!(repository.run(&["unrender"]).code, 0);
    assert_none_on_disk(&repository, "committed");
    assert!(fs::read_dir(repository.path("dots/config")).unwrap().count() == 1);
}

#[test]
fn whatever_way_it_goes_into_the_repository_it_goes_without_its_key() {
    for way in WAYS {
        for stage in [
            &["add", "--all"][..],
            &["add", "--force", "."],
            &["commit", "-qam", "all"],
            &["stash", "--include-untracked"],
            &["stash", "--all"],
        ] {
            let repository = Repository::new();
            repository.render();
            shell(&repository, way);
            // Where nothing that git knows was changed there is nothing to commit.
            let said = repository.try_git(stage);
            assert!(said.code == 0 || stage[0] == "commit" && said.code == 1, "{way} {stage:?}: {}", said.whole());
            repository.assert_clean();
            repository.run(&["unrender"]);
            assert_none_on_disk(&repository, way);
        }
    }
}

#[test]
fn a_target_from_elsewhere_is_copied_into_a_repository_without_its_key() {
    let repository = Repository::new();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    repository.render_any();
    fs::copy(repository.path("live.json"), repository.path("dots/backup.json")).unwrap();
    repository.git(&["add", "--all"]);
    repository.assert_clean();
}

#[test]
fn what_was_not_found_stays_known_to_git() {
    let repository = Repository::new();
    repository.write("dots/.gitignore", "/build/\n");
    repository.render();
    shell(&repository, "mkdir build; mv live.json build/");
    assert_eq!(repository.run(&["unrender"]).code, 3);
    assert!(repository.run(&["status"]).out.contains("~/dots"));
    repository.git(&["add", "--force", "build"]);
    repository.assert_clean();
    repository.git(&["rm", "-rq", "--cached", "build"]);
    shell(&repository, "mv build/live.json moved.json");
    assert_eq!(repository.run(&["recover"]).code, 0);
    assert_none_on_disk(&repository, "found");
}

/// How often git started our program for an `add` of everything.
fn started(repository: &Repository) -> usize {
    let trace = repository.path("trace");
    let _ = fs::remove_file(&trace);
    let mut command = repository.command(&["add", "--all"]);
    assert!(command.env("GIT_TRACE", &trace).status().unwrap().success());
    let trace = fs::read_to_string(trace).unwrap();
    trace.lines().filter(|line| line.contains("run_command: ") && line.contains("--any")).count()
}

#[test]
fn at_rest_no_file_but_the_targets_is_asked_about() {
    let repository = Repository::new();
    repository.write("dots/one.txt", "one\n");
    assert_eq!(started(&repository), 0);
    repository.render();
    for name in ["two", "three"] {
        repository.write(&format!("dots/{name}.txt"), name);
    }
    assert_eq!(started(&repository), 1);
    repository.unrender();
    repository.write("dots/four.txt", "four\n");
    assert_eq!(started(&repository), 0);
}

#[test]
fn other_filters_and_the_persons_own_attributes_go_on() {
    for local in [None, Some("mine")] {
        let repository = Repository::without_filter();
        let own = match local {
            None => ".config/git/attributes".to_owned(),
            Some(name) => {
                repository.git(&["config", "core.attributesFile", &format!("~/{name}")]);
                name.to_owned()
            }
        };
        repository.write(&own, "*.two filter=lfs\n*.three eol=crlf\n");
        repository.write("dots/.gitattributes", "*.one filter=lfs\n");
        repository.git(&["config", "filter.lfs.clean", "sed s/^/lfs:/"]);
        let config = repository.read("dots/.git/config");
        assert_eq!(repository.run(&["install", "git"]).code, 0);
        let look = |when: &str| {
            for name in ["a.one", "b.two"] {
                repository.write(&format!("dots/{name}"), &format!("{when}\n"));
                repository.git(&["add", name]);
                assert_eq!(repository.staged(name), format!("lfs:{when}\n"));
            }
            assert_eq!(repository.git(&["check-attr", "eol", "x.three"]), "x.three: eol: crlf\n");
        };
        look("at rest");
        repository.render();
        look("rendered");
        assert!(repository.git(&["check-attr", "filter", "x"]).contains("keystencil-any"));
        // What the user changes meanwhile counts again from the next render on, at rest at once.
        repository.unrender();
        repository.write(&own, "*.two filter=lfs\n*.three eol=lf\n");
        assert_eq!(repository.git(&["check-attr", "eol", "x.three"]), "x.three: eol: lf\n");
        repository.write(&own, "*.two filter=lfs\n*.three eol=crlf\n");
        look("at rest again");
        assert_eq!(repository.run(&["uninstall", "git"]).code, 0);
        assert_eq!(repository.read("dots/.git/config"), config);
        look("uninstalled");
        let info = fs::read_dir(repository.path("dots/.git/info")).unwrap();
        assert!(info.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("keystencil")));
    }
}

#[test]
fn a_key_of_a_known_format_in_a_file_of_nobodys_is_no_affair_of_the_filter() {
    let repository = Repository::new();
    let token = ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat();
    repository.render();
    repository.write("dots/fixture.txt", &token);
    repository.git(&["add", "--all"]);
    assert_eq!(repository.staged("fixture.txt"), token);
}

#[test]
fn in_a_home_folder_that_is_the_work_tree_of_a_bare_repository_a_moved_file_is_found_by_its_index() {
    let repository = Repository::without_filter();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    repository.write("live.json", AT_REST);
    let bare = |arguments: &[&str]| {
        repository.git(&[&["--git-dir=../.dotfiles", "--work-tree=.."], arguments].concat());
    };
    repository.git(&["init", "-q", "--bare", "../.dotfiles"]);
    bare(&["add", "../live.json"]);
    bare(&["commit", "-qm", "first"]);
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    repository.render_any();
    fs::create_dir(repository.path("config")).unwrap();
    fs::rename(repository.path("live.json"), repository.path("config/claude.json")).unwrap();
    bare(&["add", "../config"]);
    let said = repository.run(&["unrender"]);
    assert!(said.code == 0 && said.err.contains("~/config/claude.json"), "{}", said.whole());
    assert_eq!(repository.read("config/claude.json"), AT_REST);
}

#[test]
fn in_another_work_tree_of_the_repository_every_file_goes_through_the_filter_too() {
    let repository = Repository::new();
    repository.git(&["worktree", "add", "-q", "../tree", "-b", "other"]);
    repository.render();
    fs::copy(repository.path("dots/live.json"), repository.path("tree/new.json")).unwrap();
    repository.git(&["-C", "../tree", "add", "--all"]);
    repository.git(&["-C", "../tree", "commit", "-qm", "new"]);
    repository.assert_clean();
    repository.unrender();
}
