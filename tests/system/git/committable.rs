//! A target that git could commit is not rendered, unless it goes through the filter.

use super::repository::Repository;
use crate::sandbox::{AT_REST, Said};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// The render is refused with both hints, and nothing was changed.
fn refused(repository: &Repository) -> Said {
    let before = fs::read(repository.path("dots/live.json")).ok();
    let said = repository.run(&["render"]);
    assert_eq!(said.code, 2, "{}", said.whole());
    assert!(said.err.contains("keystencil install git") && said.err.contains(".gitignore"), "{}", said.err);
    assert_eq!(fs::read(repository.path("dots/live.json")).ok(), before);
    assert!(said.err.lines().count() <= 3, "{}", said.err);
    said
}

fn configure(repository: &Repository, more: &str) {
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/live.json'\n";
    repository.write(".config/keystencil/config.toml", &format!("{config}{more}"));
}

#[test]
fn a_tracked_target_is_refused_and_either_hint_works() {
    let repository = Repository::without_filter();
    let said = refused(&repository);
    // From wherever it is typed.
    assert!(said.err.contains("`git -C HOME/dots rm --cached -- live.json`"), "{}", said.err);
    repository.write("dots/.gitignore", "/live.json\n");
    refused(&repository);
    repository.git(&["rm", "-q", "--cached", "live.json"]);
    repository.render();
    repository.git(&["add", "--all"]);
    repository.assert_clean();
    repository.unrender();
    assert_eq!(repository.run(&["uninstall", "git"]).code, 0);
    fs::remove_file(repository.path("dots/.gitignore")).unwrap();
    assert!(!refused(&repository).err.contains("git rm"));
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    repository.render();
}

#[test]
fn either_hint_works_for_a_name_that_git_reads_as_a_pattern() {
    let repository = Repository::without_filter();
    let (name, like) = ("it's -a*b [c] ", "it's -axb c ");
    let config = format!("[targets.claude]\ntemplate = 'claude.json'\npath = \"~/dots/{name}\"\n");
    repository.write(".config/keystencil/config.toml", &config);
    for file in [name, like] {
        repository.write(&format!("dots/{file}"), AT_REST);
    }
    repository.git(&["add", "--all"]);
    let said = repository.run(&["render"]);
    assert_eq!(said.code, 2, "{}", said.whole());
    let of = |start: &str| said.err.split(start).nth(1).unwrap().split('`').next().unwrap().to_owned();
    let command = format!("git {}", of("after `git ")).replace("HOME", repository.path("").to_str().unwrap());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    repository.write("dots/.gitignore", &format!("{}\n", of("a line `")));
    let listed = repository.git(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    assert!(!listed.contains(name) && listed.contains(like), "{listed}");
}

#[test]
fn exec_a_dry_run_and_a_hook_refuse_as_well() {
    let repository = Repository::without_filter();
    let of_client = "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n";
    repository.write(".config/keystencil/config.toml", of_client);
    repository.git(&["init", "-q", ".."]);
    repository.write("input", r#"{"session_id":"s","hook_event_name":"SessionStart"}"#);
    let mut hook = repository.sandbox().command(&["hook", "session-start"]);
    hook.env("CLAUDE_PID", std::process::id().to_string()).stdin(fs::File::open(repository.path("input")).unwrap());
    let said = repository.said(&hook.output().unwrap());
    assert!(said.code == 0 && said.out.contains("keystencil install git"), "{}", said.whole());
    assert!(!repository.path(".claude.json").exists());
    fs::remove_dir_all(repository.path(".git")).unwrap();
    configure(&repository, "");
    let said = repository.run(&["exec", "--", "true"]);
    assert!(said.code == 125 && said.err.contains("install git"), "{}", said.whole());
    let said = repository.run(&["render", "--dry-run"]);
    assert!(said.code == 2 && said.err.contains("install git"), "{}", said.whole());
    let said = repository.run(&["render", "--template", ".config/keystencil/claude.json", "--to", "dots/other.json"]);
    assert!(said.code == 2 && said.err.contains("install git"), "{}", said.whole());
    assert!(!repository.path("dots/other.json").exists());
    // A template without references puts no key anywhere.
    repository.write("plain.json", "{\"theme\": \"dark\"}");
    let said = repository.run(&["render", "--template", "plain.json", "--to", "dots/other.json"]);
    assert_eq!(said.code, 0, "{}", said.whole());
}

#[test]
fn a_target_that_does_not_exist_yet_is_refused() {
    let repository = Repository::without_filter();
    repository.git(&["rm", "-qf", "live.json"]);
    refused(&repository);
    assert!(!repository.path("dots/live.json").exists());
}

#[test]
fn every_symlink_is_followed_first() {
    let repository = Repository::without_filter();
    fs::create_dir_all(repository.path("dots/deep/er")).unwrap();
    fs::rename(repository.path("dots/live.json"), repository.path("dots/deep/er/live.json")).unwrap();
    symlink("dots/deep", repository.path("folder")).unwrap();
    symlink("folder/er/live.json", repository.path("second.json")).unwrap();
    symlink("second.json", repository.path("first.json")).unwrap();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/first.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    let said = repository.run(&["render"]);
    assert!(said.code == 2 && said.err.contains("install git"), "{}", said.whole());
    let said = repository.run(&["install", "git"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    assert!(repository.read("dots/.gitattributes").contains("/deep/er/live.json filter=keystencil"));
    assert_eq!(repository.run(&["render"]).code, 0);
    repository.git(&["add", "--all"]);
    assert_eq!(repository.staged("deep/er/live.json"), AT_REST);
    repository.assert_clean();
    assert!(repository.path("first.json").is_symlink());
}

#[test]
fn a_linked_work_tree_and_a_submodule_are_work_trees() {
    let repository = Repository::without_filter();
    repository.git(&["worktree", "add", "-q", "../linked"]);
    let target = |path: &str| format!("[targets.claude]\ntemplate = 'claude.json'\npath = '~/{path}'\n");
    let config = |path: &str| repository.write(".config/keystencil/config.toml", &target(path));
    config("linked/live.json");
    assert_eq!(repository.run(&["render"]).code, 2);
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    assert_eq!(repository.run(&["render"]).code, 0);
    assert_eq!(repository.git(&["-C", "../linked", "status", "--porcelain"]), "?? .gitattributes\n");
    repository.git(&["-C", "../linked", "add", "--renormalize", "."]);
    repository.assert_clean();
    repository.unrender();

    repository.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../dots/.git", "sub"]);
    config("dots/sub/live.json");
    assert_eq!(repository.run(&["render"]).code, 2);
    let said = repository.run(&["install", "git"]);
    assert!(said.code == 0 && said.err.contains("~/dots/sub"), "{}", said.whole());
    assert_eq!(repository.run(&["render"]).code, 0);
    repository.git(&["-C", "sub", "add", "--all"]);
    repository.git(&["-C", "sub", "commit", "-qm", "sub"]);
    assert!(!repository.git(&["-C", "sub", "show", "HEAD"]).contains("canary"));
    assert_eq!(repository.git(&["-C", "sub", "cat-file", "blob", "HEAD:live.json"]), AT_REST);
}

#[test]
fn a_bare_repository_with_the_home_folder_as_work_tree_is_found() {
    for (place, more) in [
        (".dotfiles", ""),
        (".cfg", ""),
        (".local/share/yadm/repo.git", ""),
        (".config/vcsh/repo.d/claude.git", ""),
        ("my/own place", "repositories = ['~/my/own place']\n"),
    ] {
        let repository = Repository::without_filter();
        let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
        repository.write(".config/keystencil/config.toml", &format!("{more}{config}"));
        repository.git(&["init", "-q", "--bare", repository.path(place).to_str().unwrap()]);
        let said = repository.run(&["render"]);
        assert!(said.code == 2 && said.err.contains("install git"), "{place}: {}", said.whole());
        let said = repository.run(&["install", "git"]);
        assert_eq!(said.code, 0, "{place}: {}", said.whole());
        repository.render_any();
        let (git_dir, home) = (repository.path(place), repository.home().to_owned());
        let options = [format!("--git-dir={}", git_dir.display()), format!("--work-tree={}", home.display())];
        let dotfiles = |arguments: &[&str]| {
            let all: Vec<&str> = options.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
            repository.git(&all)
        };
        dotfiles(&["add", "../live.json", "../.gitattributes"]);
        dotfiles(&["commit", "-qm", "dotfiles"]);
        assert_eq!(dotfiles(&["cat-file", "blob", "HEAD:live.json"]), AT_REST);
        assert_eq!(dotfiles(&["status", "--porcelain", "-uno"]), "");
        repository.unrender();
        assert_eq!(dotfiles(&["status", "--porcelain", "-uno"]), "", "{place}");
        repository.render_any();
        assert_eq!(dotfiles(&["status", "--porcelain", "-uno"]), "", "{place}");
        repository.unrender();
        let said = repository.run(&["uninstall", "git", "--repo", git_dir.to_str().unwrap()]);
        assert!(said.code == 0 && said.err.contains("uninstalled"), "{place}: {}", said.whole());
        assert_eq!(repository.run(&["render"]).code, 2, "{place}");
    }
}

#[test]
fn the_repository_of_a_hook_that_calls_us_is_not_mistaken_for_the_targets() {
    let repository = Repository::new();
    repository.git(&["init", "-q", "../other"]);
    let other = repository.path("other/.git");
    let mut command = repository.sandbox().command(&["render"]);
    command.env("GIT_DIR", &other).env("GIT_INDEX_FILE", other.join("index")).env("GIT_PREFIX", "x/");
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "filter.keystencil.required");
    command.env("GIT_CONFIG_VALUE_0", "false").env("GIT_LITERAL_PATHSPECS", "1");
    let said = repository.said(&command.output().unwrap());
    assert_eq!(said.code, 0, "{}", said.whole());
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.unrender();
    // But one that has the target in its work tree counts.
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    assert_eq!(repository.run(&["render"]).code, 0);
    repository.unrender();
    let mut command = repository.sandbox().command(&["render"]);
    command.env("GIT_DIR", &other).env("GIT_WORK_TREE", repository.home());
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

#[test]
fn where_git_can_not_tell_the_render_is_refused_unless_the_config_says_otherwise() {
    let repository = Repository::new();
    let said = |variables: &[(&str, &str)]| {
        let mut command = repository.sandbox().command(&["render"]);
        repository.said(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let missing = said(&[("PATH", "/nonexistent")]);
    assert!(missing.code == 2 && missing.err.contains("install git,"), "{}", missing.whole());
    let distrusted = said(&[("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")]);
    assert!(distrusted.code == 2 && distrusted.err.contains("safe.directory"), "{}", distrusted.whole());
    let index = fs::read(repository.path("dots/.git/index")).unwrap();
    repository.write("dots/.gitattributes", "");
    fs::write(repository.path("dots/.git/info/attributes"), "").unwrap();
    fs::write(repository.path("dots/.git/index"), "nonsense").unwrap();
    let corrupt = said(&[]);
    assert!(corrupt.code == 2 && corrupt.err.contains("git = \"allow\""), "{}", corrupt.whole());
    fs::write(repository.path("dots/.git/index"), index).unwrap();
    configure(&repository, "git = 'refuse'\n");
    refused(&repository);
    configure(&repository, "git = 'allow'\n");
    assert_eq!(said(&[("PATH", "/nonexistent")]).code, 0);
}

#[test]
fn a_filter_that_is_named_but_not_defined_is_none() {
    let repository = Repository::new();
    for (key, value) in [("required", "false"), ("process", "")] {
        repository.git(&["config", &format!("filter.keystencil.{key}"), value]);
        if key == "process" {
            repository.git(&["config", "--unset", "filter.keystencil.clean"]);
        }
        refused(&repository);
        assert_eq!(repository.run(&["install", "git"]).code, 0);
    }
    repository.git(&["config", "--remove-section", "filter.keystencil"]);
    refused(&repository);
}

#[test]
fn outside_of_every_repository_no_git_is_run() {
    let repository = Repository::without_filter();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    // An empty folder of that name is not a repository.
    fs::create_dir(repository.path(".git")).unwrap();
    let said = repository.sandbox().command(&["render"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(said.status.code(), Some(0));
}

#[test]
fn copies_that_claude_code_makes_in_a_work_tree_count_as_well() {
    let repository = Repository::without_filter();
    repository.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/.claude.json'\n",
    );
    repository.write("dots/.claude.json", AT_REST);
    repository.write("dots/.gitignore", "/.claude.json\n");
    let said = repository.run(&["render"]);
    assert!(said.code == 2 && said.err.contains("/.claude/backups/"), "{}", said.whole());
    repository.write("dots/.gitignore", "/.claude.json\n/.claude/backups/\n");
    assert_eq!(repository.run(&["render"]).code, 0);
    repository.unrender();
    fs::remove_file(repository.path("dots/.gitignore")).unwrap();
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    assert_eq!(repository.run(&["render"]).code, 0);
    let live = repository.read("dots/.claude.json");
    for copy in [
        ".claude/backups/.claude.json.backup.1",
        ".claude.json.corrupted.1",
        ".claude.json.tmp.1.a",
        ".claude.json.keystencil-x.tmp",
    ] {
        repository.write(&format!("dots/{copy}"), &live);
    }
    // What the render had git ignore stays ignored.
    repository.git(&["add", "--all", "--force"]);
    assert!(repository.git(&["ls-files"]).contains(".claude/backups/.claude.json.backup.1"));
    repository.assert_clean();
}

#[test]
fn a_repository_below_another_one_keeps_its_files_to_itself_and_a_bare_dot_git_counts() {
    let repository = Repository::new();
    repository.git(&["init", "-q", "--bare", repository.path(".dotfiles").to_str().unwrap()]);
    repository.render();
    repository.unrender();
    assert!(!repository.run(&["install", "git"]).err.contains(".dotfiles"));
    assert!(!repository.path(".gitattributes").exists());
    repository.git(&["init", "-q", "--bare", repository.path(".git").to_str().unwrap()]);
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
    repository.write(".config/keystencil/config.toml", config);
    fs::remove_dir_all(repository.path(".dotfiles")).unwrap();
    let said = repository.run(&["render"]);
    assert!(said.code == 2 && said.err.contains("install git"), "{}", said.whole());
}
