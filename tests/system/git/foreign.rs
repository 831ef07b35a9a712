//! The filter in an environment that is not the one it was installed in: it sees the same keys, or it refuses.

use super::repository::Repository;
use crate::sandbox::{AT_REST, Said};
use crate::yes::Yes;
use std::fs;
use std::process::Command;

/// Environments that git runs in: of a Flatpak editor, of `sudo git`, of a container.
const FOREIGN: [&[(&str, &str)]; 5] = [
    &[("XDG_STATE_HOME", "/nowhere/state")],
    &[("XDG_CONFIG_HOME", "/nowhere/config"), ("XDG_DATA_HOME", "/nowhere/data"), ("XDG_STATE_HOME", "/nowhere/state")],
    &[("HOME", "/nowhere")],
    &[("HOME", "/")],
    &[("HOME", "/nowhere"), ("XDG_STATE_HOME", "/tmp"), ("KEYSTENCIL_CONFIG", "/nowhere/config.toml")],
];

fn foreign<'a>(repository: &Repository, variables: &[(&'a str, &'a str)], arguments: &[&str]) -> Command {
    let mut command = repository.command(arguments);
    // git itself trusts the folder, no matter whose home it is.
    command.envs(variables.iter().copied());
    command
}

/// A repository whose target was never committed, and whose key has no known format and is where no placeholder was.
fn with_a_new_target() -> Repository {
    let repository = Repository::without_filter();
    repository.git(&["rm", "-q", "--cached", "live.json"]);
    repository.git(&["commit", "-qm", "without"]);
    assert_eq!(repository.run(&["install", "git", "--private"]).code, 0);
    repository
}

#[test]
fn a_foreign_environment_stages_placeholders_all_the_same() {
    for variables in FOREIGN {
        for way in [&["add", "--all"][..], &["add", "--force", "live.json"], &["stash", "--include-untracked"]] {
            let repository = with_a_new_target();
            repository.render();
            let said = repository.said(&foreign(&repository, variables, way).output().unwrap());
            assert_eq!(said.code, 0, "{variables:?} {way:?}: {}", said.whole());
            repository.assert_clean();
            if way[0] == "add" {
                assert_eq!(repository.staged("live.json"), AT_REST, "{variables:?}");
            }
        }
    }
}

#[test]
fn a_foreign_environment_shows_no_key_either() {
    for variables in FOREIGN {
        let repository = Repository::new();
        repository.render();
        let live = repository.read("dots/live.json");
        repository.write("dots/live.json", &live.replace("github\": {", "renamed\": {"));
        for way in [&["diff"][..], &["diff", "--no-index", "/dev/null", "live.json"]] {
            let said = repository.said(&foreign(&repository, variables, way).output().unwrap());
            assert!(said.out.contains("keyring('github')") && !said.out.contains("canary"), "{}", said.whole());
        }
    }
}

#[test]
fn the_template_is_the_one_of_the_config_whoevers_home_it_is() {
    for variables in FOREIGN {
        let repository = with_a_new_target();
        // Rendered on another machine: no journal knows the value, and nothing is committed.
        repository.write("dots/live.json", &AT_REST.replace("<< keyring('github') >>", "not of any format"));
        let said = repository.said(&foreign(&repository, variables, &["add", "live.json"]).output().unwrap());
        assert!(said.code != 0 && said.err.contains("/mcpServers/github/env/TOKEN"), "{variables:?}: {}", said.whole());
    }
}

/// git refuses everything that the filter is for, and the reason is one line with its hint.
fn refused(repository: &Repository, why: &str) -> Said {
    for way in [&["add", "live.json"][..], &["commit", "-qam", "leak"], &["stash", "-u"], &["diff", "HEAD"]] {
        let said = repository.try_git(way);
        assert!(said.code != 0 && !said.whole().contains("canary"), "{way:?}: {}", said.whole());
        repository.assert_clean();
    }
    let said = repository.try_git(&["add", "live.json"]);
    assert!(said.err.contains(why) && said.err.contains("`keystencil install git`"), "{}", said.err);
    said
}

#[test]
fn a_state_that_is_missing_damaged_or_not_keystencil_s_stops_git() {
    let repository = Repository::new();
    repository.render();
    let state = repository.path(".local/state/keystencil");
    let note = state.join("repositories.json");
    let text = fs::read(&note).unwrap();
    for damaged in ["", "{", "[]", "{\"version\":99,\"home\":\"/\",\"all\":[]}"] {
        fs::write(&note, damaged).unwrap();
        refused(&repository, "damaged");
    }
    fs::remove_file(&note).unwrap();
    refused(&repository, "no filter was installed from it");
    fs::create_dir(&note).unwrap();
    refused(&repository, "can't be read");
    fs::remove_dir(&note).unwrap();
    let aside = repository.path("aside");
    fs::rename(&state, &aside).unwrap();
    refused(&repository, "folder not found");
    fs::write(&state, "a file").unwrap();
    refused(&repository, "");
    fs::remove_file(&state).unwrap();
    // The hint, typed.
    fs::rename(&aside, &state).unwrap();
    assert_eq!(repository.run(&["install", "git"]).code, 0);
    repository.git(&["add", "live.json"]);
    repository.assert_clean();
    fs::write(note, text).unwrap();
}

#[test]
fn a_config_that_is_gone_stops_git_where_only_the_template_could_tell() {
    let repository = with_a_new_target();
    repository.write("dots/live.json", &AT_REST.replace("<< keyring('github') >>", "not of any format"));
    fs::remove_file(repository.path(".config/keystencil/config.toml")).unwrap();
    let said = repository.try_git(&["add", "live.json"]);
    assert!(said.code != 0 && said.err.contains("config.toml"), "{}", said.whole());
}

/// The definition as older versions wrote it.
fn make_old(repository: &Repository, scope: &str) {
    let get = |key: &str| repository.git(&["config", scope, key]).trim_end().to_owned();
    for key in ["filter.keystencil.process", "filter.keystencil.clean", "diff.keystencil.textconv"] {
        let now = get(key);
        let (program, rest) = now.split_once(" git --state ").unwrap();
        let verb = ["filter-process", "clean -- %f", "textconv"].into_iter().find(|verb| rest.ends_with(verb)).unwrap();
        repository.git(&["config", scope, key, &format!("{program} git {verb}")]);
    }
}

#[test]
fn the_filter_of_an_older_version_is_told_of_and_renewed_by_the_next_render() {
    for scope in ["--local", "--global"] {
        let repository = Repository::without_filter();
        let install: &[&str] = if scope == "--global" { &["install", "git", "--global"] } else { &["install", "git"] };
        assert_eq!(repository.run(install).code, 0);
        let installed = repository.git(&["config", scope, "--get-regexp", "keystencil"]);
        make_old(&repository, scope);
        for verb in ["status", "doctor"] {
            let said = repository.run(&[verb]);
            assert!(said.out.contains("an older keystencil") && said.out.contains("install git"), "{}", said.whole());
        }
        repository.render();
        assert_eq!(repository.git(&["config", scope, "--get-regexp", "keystencil"]), installed);
        assert!(!repository.run(&["status"]).out.contains("older keystencil"));
        let mut command = foreign(&repository, FOREIGN[1], &["add", "--all"]);
        assert!(command.status().unwrap().success());
        repository.assert_clean();
        repository.unrender();
        make_old(&repository, scope);
        assert!(repository.run(install).err.contains("installed the git filter"));
        assert_eq!(repository.git(&["config", scope, "--get-regexp", "keystencil"]), installed);
    }
}

#[test]
fn an_old_filter_in_a_foreign_environment_refuses() {
    for variables in FOREIGN {
        let repository = with_a_new_target();
        repository.render();
        make_old(&repository, "--local");
        let said = repository.said(&foreign(&repository, variables, &["add", "--all"]).output().unwrap());
        assert!(said.code != 0 && said.err.contains("`keystencil install git`"), "{}", said.whole());
        repository.assert_clean();
    }
}

#[test]
fn a_render_whose_keys_the_filter_would_not_know_is_refused() {
    let repository = Repository::new();
    let other = repository.path("elsewhere");
    let run = |arguments: &[&str]| {
        let mut command = repository.sandbox().command(arguments);
        repository.said(&command.env("XDG_STATE_HOME", &other).output().unwrap())
    };
    let said = run(&["render"]);
    assert!(said.code == 2 && said.err.contains("another state folder"), "{}", said.whole());
    assert!(!repository.is_rendered());
    assert!(run(&["status"]).out.contains("another state folder"));
    assert_eq!(run(&["render", "--dry-run"]).code, 2);
    assert_eq!(run(&["install", "git"]).code, 0);
    Yes::in_home(repository.home()).with_state(&other).to_config(None);
    assert_eq!(run(&["render"]).code, 0);
    repository.git(&["add", "--renormalize", "."]);
    repository.assert_clean();
    assert_eq!(run(&["unrender", "--all"]).code, 0);
}

#[test]
fn a_state_folder_that_was_wiped_is_noted_again_by_the_next_render() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.path(".local/state/keystencil")).unwrap();
    assert_ne!(repository.try_git(&["add", "--renormalize", "."]).code, 0);
    repository.render();
    repository.git(&["add", "--renormalize", "."]);
    repository.assert_clean();
}

#[test]
fn folders_of_any_name_are_named_in_the_command() {
    for name in ["a b", "it's", "100%f", "$HOME", "new\nline"] {
        let repository = with_a_new_target();
        assert_eq!(repository.run(&["uninstall", "git"]).code, 0);
        let (state, config) = (repository.path(name), repository.path(&format!("{name}.toml")));
        fs::copy(repository.path(".config/keystencil/config.toml"), &config).unwrap();
        fs::copy(repository.path(".config/keystencil/claude.json"), repository.path("claude.json")).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = repository.sandbox().command(arguments);
            command.env("XDG_STATE_HOME", &state).env("KEYSTENCIL_CONFIG", &config);
            repository.said(&command.output().unwrap())
        };
        assert_eq!(run(&["install", "git", "--private"]).code, 0);
        Yes::in_home(repository.home()).with_state(&state).to_config(None);
        assert_eq!(run(&["render"]).code, 0);
        for process in [true, false] {
            if !process {
                repository.git(&["config", "--unset", "filter.keystencil.process"]);
            }
            repository.git(&["add", "live.json"]);
            assert_eq!(repository.staged("live.json"), AT_REST, "{name}");
            repository.git(&["rm", "-q", "--cached", "live.json"]);
            assert_eq!(run(&["render"]).code, 0, "{name}");
        }
        repository.assert_clean();
    }
}
