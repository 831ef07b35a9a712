//! `check --staged`: the index of a real git, and pre-commit from PyPI.

use crate::check::{github_key, places};
use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use std::fs;
use std::path::Path;
use std::process::Command;

struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    fn new(sandbox: Sandbox) -> Self {
        fs::create_dir(sandbox.path("repo")).unwrap();
        let repository = Self { sandbox };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn try_git(&self, arguments: &[&str]) -> Said {
        let command = self.sandbox.command(&[]);
        let mut git = Command::new("git");
        git.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        git.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(self.sandbox.path("repo"));
        git.args([
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments);
        self.sandbox.said(&git.output().unwrap())
    }

    fn git(&self, arguments: &[&str]) -> Said {
        let said = self.try_git(arguments);
        assert_eq!(said.code, 0, "git {arguments:?}: {said:?}");
        said
    }

    fn write(&self, name: &str, text: &str) {
        self.sandbox.write(&format!("repo/{name}"), text);
    }

    fn check(&self, arguments: &[&str]) -> Said {
        let mut command = self.sandbox.command(&["check", "--staged"]);
        self.sandbox.said(&command.args(arguments).current_dir(self.sandbox.path("repo")).output().unwrap())
    }
}

#[test]
fn the_index_is_read_and_not_the_work_tree() {
    let repository = Repository::new(Sandbox::empty());
    repository.write("staged\n name.txt", &github_key());
    repository.write("not-staged.txt", &github_key());
    repository.write("cured.txt", "nothing");
    repository.git(&["add", "staged\n name.txt", "cured.txt"]);
    repository.write("staged\n name.txt", "nothing");
    repository.write("cured.txt", &github_key());
    let said = repository.check(&["--json"]);
    assert_eq!(places(&said), ["staged\n name.txt:1:1 github-pat"]);
    assert_eq!(said.code, 1);
    assert_eq!(repository.check(&["cured.txt"]).whole(), "nothing found in 1 staged file\n[0]");
    // What was committed before is not what would be committed now.
    repository.git(&["commit", "--quiet", "-m", "x"]);
    assert_eq!(repository.check(&[]).whole(), "nothing found in 0 staged files\n[0]");
    // A renamed file brings its content.
    repository.git(&["mv", "staged\n name.txt", "renamed.txt"]);
    assert_eq!(places(&repository.check(&["--json"])), ["renamed.txt:1:1 github-pat"]);
}

#[test]
fn an_own_secret_and_a_rendered_file_are_found_in_the_index() {
    let repository = Repository::new(Sandbox::with_key());
    repository.write("deep/notes.txt", &format!("é {KEY}"));
    assert_eq!(repository.sandbox.run(&["render"]).code, 0);
    fs::copy(repository.sandbox.path("live.json"), repository.sandbox.path("repo/copy.json")).unwrap();
    repository.git(&["add", "."]);
    let said = repository.check(&["--json"]);
    assert_eq!(places(&said), ["copy.json:5:19 own-secret", "deep/notes.txt:1:3 own-secret"], "{said:?}");
    assert!(!said.whole().contains("9f2b7c"), "{said:?}");
}

#[test]
fn a_template_that_is_staged_is_checked_though_it_is_no_text_or_gone_from_the_work_tree() {
    let sandbox = Sandbox::empty();
    sandbox.write(".config/keystencil/config.toml", "[targets.c]\ntemplate = '~/repo/c.json'\npath = '~/live.json'\n");
    let repository = Repository::new(sandbox);
    fs::write(repository.sandbox.path("repo/c.json"), b"{\xff}").unwrap();
    repository.git(&["add", "."]);
    repository.write("c.json", "{}");
    let said = repository.check(&["--json"]);
    assert_eq!(places(&said), ["c.json:1:1 broken-reference"], "{said:?}");
    repository.write("c.json", r#"{"a": "<< keyring( >>"}"#);
    repository.git(&["add", "."]);
    fs::remove_file(repository.sandbox.path("repo/c.json")).unwrap();
    let said = repository.check(&["--json"]);
    assert_eq!(places(&said).len(), 1, "{said:?}");
}

#[test]
fn the_staged_text_of_a_template_is_compiled() {
    let repository = Repository::new(Sandbox::with_key());
    let sandbox = &repository.sandbox;
    sandbox.write(".config/keystencil/config.toml", "[targets.c]\ntemplate = '~/repo/c.json'\npath = '~/live.json'\n");
    repository.write("c.json", "{\"a\": \"<< keyrin('github') >>\"}");
    repository.git(&["add", "."]);
    repository.write("c.json", "{\"a\": \"<< keyring('github') >>\"}");
    let said = repository.check(&["--json"]);
    assert_eq!(places(&said).len(), 1, "{said:?}");
    assert!(places(&said)[0].ends_with(" broken-reference"), "{said:?}");
    repository.git(&["add", "."]);
    assert_eq!(repository.check(&[]).code, 0);
}

#[test]
fn a_merge_a_broken_index_and_no_repository_are_errors_that_say_so() {
    let repository = Repository::new(Sandbox::empty());
    repository.write("a.txt", "one");
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "-m", "1"]);
    repository.git(&["checkout", "--quiet", "-b", "other"]);
    repository.write("a.txt", "two");
    repository.git(&["commit", "--quiet", "-am", "2"]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("a.txt", "three");
    repository.git(&["commit", "--quiet", "-am", "3"]);
    assert_ne!(repository.try_git(&["merge", "other"]).code, 0);
    let said = repository.check(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("a.txt is unmerged"), "{said:?}");
    // Resolved, it is what the merge commit would bring.
    repository.write("a.txt", &github_key());
    repository.git(&["add", "."]);
    assert_eq!(places(&repository.check(&["--json"])), ["a.txt:1:1 github-pat"]);
    repository.write(".git/index", "this is no index");
    let said = repository.check(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("git can't tell what is staged"), "{said:?}");
    let said = repository.sandbox.run(&["check", "--staged"]);
    assert!(said.code == 2 && said.err.contains("not a git repository"), "{said:?}");
}

#[test]
fn submodules_are_told_of_and_links_are_read_as_what_they_say() {
    let repository = Repository::new(Sandbox::empty());
    let other = repository.sandbox.path("other");
    repository.git(&["init", "--quiet", other.to_str().unwrap()]);
    let inside = other.to_str().unwrap();
    repository.git(&["-C", inside, "commit", "--quiet", "--allow-empty", "-m", "x"]);
    repository.git(&["submodule", "--quiet", "add", inside, "sub"]);
    std::os::unix::fs::symlink("/nowhere", repository.sandbox.path("repo/link")).unwrap();
    repository.git(&["add", "."]);
    let said = repository.check(&[]);
    assert_eq!(said.whole(), "nothing found in 2 staged files; 1 submodule left to their own repositories\n[0]");
}

#[test]
fn a_worktree_and_a_bare_repository_with_a_work_tree_elsewhere_are_read() {
    let repository = Repository::new(Sandbox::empty());
    repository.write("a.txt", "one");
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "-m", "1"]);
    repository.git(&["worktree", "add", "--quiet", "../tree"]);
    repository.sandbox.write("tree/b.txt", &github_key());
    let tree = repository.sandbox.path("tree");
    repository.git(&["-C", tree.to_str().unwrap(), "add", "."]);
    let mut command = repository.sandbox.command(&["check", "--staged", "--json"]);
    let said = repository.sandbox.said(&command.current_dir(&tree).output().unwrap());
    assert_eq!(places(&said), ["b.txt:1:1 github-pat"]);
    // Dotfiles: a bare repository whose work tree is the home folder.
    let bare = repository.sandbox.path("dots.git");
    repository.git(&["init", "--quiet", "--bare", bare.to_str().unwrap()]);
    let home = repository.sandbox.home().to_owned();
    let (bare, home) = (format!("--git-dir={}", bare.display()), format!("--work-tree={}", home.display()));
    repository.sandbox.write(".bashrc", &format!("export X={}", github_key()));
    repository.git(&["-C", repository.sandbox.home().to_str().unwrap(), &bare, &home, "add", ".bashrc"]);
    let mut command = repository.sandbox.command(&["check", "--staged", "--json"]);
    command.env("GIT_DIR", repository.sandbox.path("dots.git")).env("GIT_WORK_TREE", repository.sandbox.home());
    let said = repository.sandbox.said(&command.output().unwrap());
    assert_eq!(places(&said), ["~/.bashrc:1:10 github-pat"], "{said:?}");
}

/// `pre-commit`, which scripts/test installs beside Python's keyring.
fn pre_commit() -> String {
    let python = std::env::var("KEYSTENCIL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let tool = Path::new(&python).with_file_name("pre-commit");
    assert!(
        tool.exists(),
        "there is no {}: run scripts/test, which installs it, or set KEYSTENCIL_TEST_PYTHON to the Python beside it",
        tool.display()
    );
    tool.display().to_string()
}

#[test]
fn pre_commit_runs_the_hook_and_refuses_the_commit() {
    let repository = Repository::new(Sandbox::with_key());
    let tool = pre_commit();
    // The hooks as this repository offers them, from a repository of their own.
    let hooks = repository.sandbox.path("hooks");
    fs::create_dir(&hooks).unwrap();
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml"),
        hooks.join(".pre-commit-hooks.yaml"),
    )
    .unwrap();
    let hooks = hooks.to_str().unwrap();
    repository.git(&["init", "--quiet", hooks]);
    repository.git(&["-C", hooks, "add", "."]);
    repository.git(&["-C", hooks, "commit", "--quiet", "-m", "x"]);
    let revision = repository.git(&["-C", hooks, "rev-parse", "HEAD"]).out;
    repository.write(
        ".pre-commit-config.yaml",
        &format!("repos:\n- repo: {hooks}\n  rev: {}\n  hooks:\n  - id: keystencil-system\n", revision.trim()),
    );
    let programs = Path::new(BINARY).parent().unwrap().display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(arguments).env_clear().env("HOME", repository.sandbox.home());
        command.env("PATH", format!("{programs}:/usr/bin:/bin")).env("KEYSTENCIL_STORE", "vault");
        command.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(repository.sandbox.path("repo"));
        repository.sandbox.said(&command.output().unwrap())
    };
    assert_eq!(run(&["validate-manifest", &format!("{hooks}/.pre-commit-hooks.yaml")]).code, 0);
    repository.write("notes.txt", &format!("my key is {KEY}"));
    repository.git(&["add", "."]);
    // A half-staged hint does not help: pre-commit puts the work tree aside.
    repository.write("notes.txt", "my key is gone");
    let said = run(&["run"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("notes.txt:1:11: your own secret") && !said.whole().contains("9f2b7c"), "{said:?}");
    repository.git(&["add", "."]);
    let said = run(&["run", "--all-files"]);
    assert_eq!(said.code, 0, "{said:?}");
}
