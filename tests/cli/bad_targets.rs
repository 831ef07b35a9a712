//! Targets, journals and locks as they should not be: a clear message, nothing lost, and nothing left behind.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use crate::scratch::{GITHUB, Home, OPENAI, Sleeper, mode, names_in, said};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// It is an error that says what and how to continue, and the target's folder is as it was.
#[track_caller]
fn refused(home: &Home, args: &[&str], needle: &str) {
    let before = home.listing();
    let output = home.run(args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(said.contains("error: ") && said.contains("hint: ") && said.contains(needle), "{args:?}: {said}");
    let state = home.state().display().to_string();
    let of_others = |listing: &str| -> Vec<String> {
        listing.lines().filter(|line| !line.starts_with(&state)).map(ToOwned::to_owned).collect()
    };
    assert_eq!(of_others(&home.listing()), of_others(&before));
    home.assert_no_secret("refused");
    assert!(!home.has_journal(), "a refused render owes something");
}

#[track_caller]
fn pair(home: &Home) {
    home.succeeds(&["render"]);
    assert!(home.is_rendered());
    home.succeeds(&["unrender"]);
    home.assert_nothing_owed("after a pair");
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_target_that_is_no_json_object_is_refused_and_stays() {
    let home = Home::new();
    for (text, needle) in
        [("{\"a\": ", "1:7"), ("", "empty"), (" \n", "empty"), ("[]", "object"), ("3", "object"), ("\u{feff}x", "1:")]
    {
        fs::write(home.target(), text).unwrap();
        refused(&home, &["render"], needle);
        assert_eq!(home.text(), text.as_bytes());
    }
    fs::write(home.target(), b"{\"a\": \"\xff\"}").unwrap();
    refused(&home, &["render"], "");
    assert_eq!(home.text(), b"{\"a\": \"\xff\"}");
}

#[test]
fn a_target_in_toml_is_refused_as_one_that_cannot_be_filled_and_a_torn_one_with_its_place() {
    let home = Home::new();
    let config = home.path(".config/keystencil/config.toml");
    let text = fs::read_to_string(&config).unwrap().replace("~/.claude.json", "~/config.toml");
    fs::write(config, text).unwrap();
    let target = home.path("config.toml");
    for (text, needle) in [
        ("model = \"gpt\"\n[mcp_servers.a]\n", "the target is TOML, which cannot be filled yet"),
        ("model = \"gpt\nx = 1\n", "config.toml:1:"),
        ("{ \"mcpServers\": {} }", "not TOML"),
    ] {
        fs::write(&target, text).unwrap();
        refused(&home, &["render"], needle);
        refused(&home, &["import", target.to_str().unwrap(), "--yes"], needle);
        assert_eq!(fs::read_to_string(&target).unwrap(), text);
    }
}

#[test]
fn a_directory_and_a_fifo_in_the_targets_place_are_refused_and_not_waited_for() {
    let home = Home::new();
    fs::remove_file(home.target()).unwrap();
    make_fifo(&home.target());
    refused(&home, &["render"], "not a regular file");
    fs::remove_file(home.target()).unwrap();
    fs::create_dir(home.target()).unwrap();
    refused(&home, &["render"], "not a regular file");
}

#[test]
fn a_missing_target_is_created_for_its_owner_alone() {
    let home = Home::new();
    fs::remove_file(home.target()).unwrap();
    home.succeeds(&["render"]);
    assert_eq!(mode(&home.target()), 0o600);
    assert!(home.is_rendered());
    home.succeeds(&["unrender"]);
    home.assert_nothing_owed("a new target");
}

#[test]
fn a_missing_folder_is_refused() {
    let home = Home::new();
    let to = home.path("nowhere/x.json");
    let template = home.template();
    refused(&home, &["render", "--template", template.to_str().unwrap(), "--to", to.to_str().unwrap()], "nowhere");
}

#[test]
fn a_chain_of_symlinks_is_kept_and_its_end_is_written() {
    let home = Home::new();
    for folder in ["a", "b/c"] {
        fs::create_dir_all(home.path(folder)).unwrap();
    }
    fs::rename(home.target(), home.path("b/c/real.json")).unwrap();
    symlink("a/one", home.target()).unwrap();
    symlink("../b/two", home.path("a/one")).unwrap();
    symlink(home.path("b/c/real.json"), home.path("b/two")).unwrap();
    pair(&home);
    assert_eq!(fs::read_link(home.target()).unwrap(), Path::new("a/one"));
    assert_eq!(fs::read_link(home.path("a/one")).unwrap(), Path::new("../b/two"));
    assert!(fs::symlink_metadata(home.path("b/c/real.json")).unwrap().is_file());
}

#[test]
fn a_link_to_nothing_is_kept_and_what_it_names_is_created() {
    let home = Home::new();
    fs::create_dir(home.path("elsewhere")).unwrap();
    fs::remove_file(home.target()).unwrap();
    symlink("elsewhere/new.json", home.target()).unwrap();
    pair(&home);
    assert_eq!(fs::read_link(home.target()).unwrap(), Path::new("elsewhere/new.json"));
    assert_eq!(mode(&home.path("elsewhere/new.json")), 0o600);
}

#[test]
fn links_in_a_circle_are_refused() {
    let home = Home::new();
    fs::remove_file(home.target()).unwrap();
    symlink("round", home.target()).unwrap();
    symlink(".claude.json", home.path("round")).unwrap();
    refused(&home, &["render"], "symlinks");
}

#[test]
fn a_mode_is_kept_but_never_looser_than_its_owners_while_a_key_is_in_the_file() {
    let home = Home::settled();
    for (before, rendered) in [(0o644, 0o600), (0o666, 0o600), (0o600, 0o600), (0o400, 0o400), (0o640, 0o600)] {
        fs::set_permissions(home.target(), Permissions::from_mode(before)).unwrap();
        home.succeeds(&["render"]);
        assert_eq!(mode(&home.target()), rendered, "{before:o} while rendered");
        home.succeeds(&["unrender"]);
        assert_eq!(mode(&home.target()), before, "{before:o} afterwards");
    }
    home.assert_nothing_owed("modes");
}

/// Only root can have a target of somebody else; for anybody else the owner is who it was.
#[test]
fn root_keeps_the_owner_of_a_target_that_is_somebody_elses() {
    let home = Home::settled();
    let own = fs::metadata(home.target()).unwrap().uid();
    let other = if own == 0 { 65_534 } else { own };
    chown(home.target(), Some(other), None).unwrap();
    home.succeeds(&["render"]);
    assert_eq!(fs::metadata(home.target()).unwrap().uid(), other);
    home.succeeds(&["unrender"]);
    assert_eq!(fs::metadata(home.target()).unwrap().uid(), other);
}

fn journal_of(home: &Home) -> std::path::PathBuf {
    let name = names_in(&home.state()).into_iter().find(|name| name.ends_with(".journal.json")).unwrap();
    home.state().join(name)
}

#[test]
fn a_journal_that_is_damaged_or_of_a_newer_version_is_an_error_and_stays() {
    let home = Home::settled();
    home.succeeds(&["render"]);
    let (path, rendered) = (journal_of(&home), home.text());
    let good = fs::read_to_string(&path).unwrap();
    let newer = good.replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(good, newer);
    for (bad, needle) in [("{", "damaged"), ("", "damaged"), (newer.as_str(), "version 2")] {
        fs::write(&path, bad).unwrap();
        for args in [["render"], ["unrender"], ["recover"], ["status"]] {
            let output = home.run(&args);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(said.contains(needle) && said.contains("hint: "), "{args:?}: {said}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        assert_eq!(home.text(), rendered);
    }
    fs::write(&path, good).unwrap();
    home.succeeds(&["unrender"]);
    home.assert_nothing_owed("a repaired journal");
}

#[test]
fn a_target_that_became_something_else_is_told_of_and_cured_when_it_is_back() {
    let home = Home::settled();
    let at_rest = home.text();
    let circle = |path: &Path| symlink(path, path).unwrap();
    let folder = |path: &Path| fs::create_dir(path).unwrap();
    for (what, become_it) in [("symlinks", &circle as &dyn Fn(&Path)), ("folder", &folder), ("FIFO", &make_fifo)] {
        home.succeeds(&["render"]);
        let aside = home.path("aside");
        fs::rename(home.target(), &aside).unwrap();
        become_it(&home.target());
        let output = home.run(&["unrender"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{what}: {said}");
        assert!(said.contains("hint: "), "{what}: {said}");
        let back = if what == "folder" { fs::remove_dir(home.target()) } else { fs::remove_file(home.target()) };
        back.unwrap();
        fs::rename(aside, home.target()).unwrap();
        home.succeeds(&["recover"]);
        assert_eq!(home.text(), at_rest, "{what}");
        home.assert_nothing_owed(what);
    }
}

#[test]
fn a_target_that_was_moved_behind_a_link_meanwhile_is_found_there() {
    let home = Home::settled();
    let at_rest = home.text();
    home.succeeds(&["render"]);
    fs::rename(home.target(), home.path("dotfiles/live.json")).unwrap();
    symlink("dotfiles/live.json", home.target()).unwrap();
    home.succeeds(&["unrender"]);
    assert_eq!(home.text(), at_rest);
    assert!(fs::symlink_metadata(home.target()).unwrap().is_symlink());
    home.assert_nothing_owed("moved");
}

#[test]
fn a_target_that_is_gone_is_told_of_until_it_is_forgotten_and_its_folder_too() {
    let home = Home::settled();
    home.succeeds(&["render"]);
    fs::remove_file(home.target()).unwrap();
    assert_eq!(home.run(&["unrender"]).status.code(), Some(3));
    home.assert_nothing_owed("deleted");
    assert!(!home.target().exists());
    home.succeeds(&["unrender", "claude", "--forget"]);
    home.succeeds(&["status"]);
    fs::create_dir(home.path("gone")).unwrap();
    let (template, to) = (home.template(), home.path("gone/x.json"));
    home.succeeds(&["render", "--template", template.to_str().unwrap(), "--to", to.to_str().unwrap()]);
    fs::remove_dir_all(home.path("gone")).unwrap();
    assert_eq!(home.run(&["unrender"]).status.code(), Some(3));
    home.assert_nothing_owed("folder deleted");
    home.succeeds(&["unrender", "--forget", "--to", to.to_str().unwrap()]);
    home.succeeds(&["status"]);
}

#[test]
fn secrets_leave_a_target_that_was_broken_meanwhile_and_the_exit_status_says_so() {
    let home = Home::settled();
    home.succeeds(&["render"]);
    let mut torn = home.text();
    torn.truncate(torn.iter().rposition(|byte| *byte == b'"').unwrap() + 1);
    torn.extend(b"\n]] \xff");
    fs::write(home.target(), torn).unwrap();
    let output = home.run(&["unrender"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    home.assert_nothing_owed("torn");
}

#[test]
fn the_lock_of_a_dead_client_is_not_waited_out() {
    let home = Home::settled();
    let holder = Sleeper::start();
    home.succeeds(&["render", "--owner", &holder.pid()]);
    drop(holder);
    fs::create_dir(home.path(".claude.json.lock")).unwrap();
    let output = home.run(&["recover"]);
    // A lock that was ignored is something the user should know.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    home.assert_nothing_owed("under a dead client's lock");
    assert!(home.path(".claude.json.lock").exists(), "it is not ours to remove before it is stale");
}

#[test]
fn a_lock_of_yesterday_or_of_tomorrow_is_stale() {
    let home = Home::settled();
    for offset in ["-1 day", "+1 day"] {
        let lock = home.path(".claude.json.lock");
        fs::create_dir(&lock).unwrap();
        assert!(Command::new("touch").args(["-d", offset]).arg(&lock).status().unwrap().success());
        pair(&home);
        assert!(!lock.exists());
    }
}

/// Root may write anywhere, so a copy is made that nobody can: a mounted or immutable file is rare, a folder is not.
#[test]
fn a_copy_that_can_not_be_cleaned_stays_owed_until_it_can() {
    let home = Home::settled();
    home.succeeds(&["render"]);
    home.host_writes("n", 1);
    let copy = home.path(".claude/backups/.claude.json.backup.1700000000001");
    let secret = fs::read(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    // A link in a circle can't be read, not even by root.
    symlink(&copy, &copy).unwrap();
    let output = home.run(&["unrender"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(home.has_journal(), "what can't be cleaned was forgotten");
    // Another render and its end forget nothing either.
    home.run(&["render"]);
    home.run(&["unrender"]);
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, secret).unwrap();
    home.succeeds(&["recover"]);
    home.assert_nothing_owed("a copy that can be cleaned again");
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs setpriv")]
fn nobody_gets_a_secret_into_a_folder_or_a_file_that_is_not_theirs() {
    // Root is refused nothing, so these run as another user where this one is root.
    let home = Home::settled();
    let at_rest = home.text();
    if fs::metadata(home.folder()).unwrap().uid() == 0 {
        give_away(home.folder());
    }
    let as_user = |args: &[&str]| {
        let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
            let mut command = home.program("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(user_binary(&home));
            command
        } else {
            home.program(crate::scratch::BIN)
        };
        crate::scratch::run(command.args(args))
    };
    fs::set_permissions(home.folder(), Permissions::from_mode(0o555)).unwrap();
    let output = as_user(&["render"]);
    assert_eq!(output.status.code(), Some(2), "a read-only folder: {}", said(&output));
    assert!(said(&output).contains("hint: make the f"), "{}", said(&output));
    assert_eq!(home.text(), at_rest);
    fs::set_permissions(home.folder(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.target(), Permissions::from_mode(0o000)).unwrap();
    let output = as_user(&["render"]);
    assert_eq!(output.status.code(), Some(2), "an unreadable target: {}", said(&output));
    fs::set_permissions(home.target(), Permissions::from_mode(0o600)).unwrap();
    home.assert_nothing_owed("refused by permissions");
    // Read-only backups: the secrets leave the target, the copy is named, and it stays owed.
    assert!(as_user(&["render"]).status.success());
    home.host_writes("n", 1);
    give_away_if_root(&home);
    fs::set_permissions(home.path(".claude/backups"), Permissions::from_mode(0o555)).unwrap();
    let output = as_user(&["unrender"]);
    assert_eq!(output.status.code(), Some(3), "read-only backups: {}", said(&output));
    assert!(said(&output).contains("backup"), "{}", said(&output));
    let text = String::from_utf8(home.text()).unwrap();
    assert!(!text.contains(GITHUB) && !text.contains(&OPENAI[..10]));
    fs::set_permissions(home.path(".claude/backups"), Permissions::from_mode(0o755)).unwrap();
    assert!(as_user(&["recover"]).status.success());
    home.assert_nothing_owed("backups writable again");
}

/// A copy of the program that any user may run: the folder it is built in may be closed to them.
fn user_binary(home: &Home) -> std::path::PathBuf {
    let copy = home.path(".bin-keystencil");
    if !copy.exists() {
        // By another process: one that other tests start meanwhile would have it open for writing.
        let copied = Command::new("install").args(["-m", "755", crate::scratch::BIN]).arg(&copy).status();
        assert!(copied.unwrap().success());
    }
    copy
}

fn give_away_if_root(home: &Home) {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        give_away(home.folder());
    }
}

fn give_away(path: &Path) {
    chown(path, Some(65_534), Some(65_534)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_template_that_never_ends_or_never_begins_is_refused_and_an_include_too() {
    let home = Home::new();
    let template = home.template();
    let text = fs::read(&template).unwrap();
    let part = template.with_file_name("part.json");
    let (no_file, large) = ("not a regular file", "larger than 16 MiB");
    let never_ends = |path: &Path| symlink("/dev/zero", path).unwrap();
    let is_large = |path: &Path| fs::File::create(path).unwrap().set_len((16 << 20) + 1).unwrap();
    let shapes: [(_, _, fn(&Path)); 3] = [
        (no_file, "outside the template's folder", never_ends),
        (no_file, no_file, make_fifo),
        (large, large, is_large),
    ];
    for (needle, of_include, make) in shapes {
        fs::remove_file(&template).unwrap();
        make(&template);
        refused(&home, &["render"], needle);
        fs::remove_file(&template).unwrap();
        make(&part);
        fs::write(&template, "{ \"a\": << keyring('x') >>, <% include 'part.json' %> }").unwrap();
        refused(&home, &["render"], of_include);
        fs::remove_file(&part).unwrap();
    }
    fs::write(&template, text).unwrap();
    pair(&home);
}

#[test]
fn a_config_that_is_no_file_is_refused_and_not_waited_for() {
    let home = Home::new();
    let config = home.path(".config/keystencil/config.toml");
    fs::remove_file(&config).unwrap();
    make_fifo(&config);
    for args in [&["status"][..], &["render"], &["check", "."]] {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("not a regular file"), "{}", said(&output));
    }
}
