//! A target that was moved, copied or replaced while it was rendered: its keys are found again, or it is said that they
//! are not.

use crate::sandbox::{AT_REST, KEY, Running, Sandbox};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

fn holds_key(text: &str) -> bool {
    text.contains("canary")
}

/// No file of the home holds the key, the vault aside, which is encrypted.
#[track_caller]
fn assert_clean(sandbox: &Sandbox, when: &str) {
    for (path, content) in sandbox.files() {
        assert!(!holds_key(&String::from_utf8_lossy(&content)), "{when}: {}", path.display());
    }
}

fn rendered() -> Sandbox {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert!(holds_key(&sandbox.live()));
    sandbox
}

#[track_caller]
fn assert_owes_nothing(sandbox: &Sandbox) {
    let said = sandbox.run(&["status"]);
    assert!(said.code == 0 && said.out.contains("at rest"), "{}", said.whole());
    assert_eq!(sandbox.run(&["recover"]).err, "nothing to recover\n");
}

/// Names that people and editors make of `live.json`.
const MADE: [&str; 14] = [
    "live.json.bak",
    "live.json~",
    ".live.json.swp",
    "live.json copy",
    "live copy.json",
    "live.json.orig",
    "live.json.old",
    "live.json.save",
    "#live.json#",
    "live.bak.json",
    "live.json.bak2",
    "live.json.2026-11-30",
    "live (1).json",
    "Copy of live.json",
];

#[test]
fn a_target_that_was_moved_aside_is_closed_where_it_is() {
    for name in MADE.into_iter().chain(["mine.json", "x"]) {
        let sandbox = rendered();
        fs::rename(sandbox.path("live.json"), sandbox.path(name)).unwrap();
        let said = sandbox.run(&["unrender"]);
        assert!(said.code == 0 && said.err.contains(&format!("~/{name}")), "{name}: {}", said.whole());
        assert_eq!(sandbox.read(name), AT_REST, "{name}");
        assert!(!sandbox.path("live.json").exists());
        assert_clean(&sandbox, name);
        assert_owes_nothing(&sandbox);
    }
}

#[test]
fn a_copy_of_the_target_is_closed_with_it_and_keeps_its_mode_and_its_time() {
    for name in MADE {
        let sandbox = rendered();
        fs::copy(sandbox.path("live.json"), sandbox.path(name)).unwrap();
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(sandbox.path(name)).unwrap().modified().unwrap();
        assert_eq!(sandbox.run(&["unrender"]).code, 0);
        let after = fs::metadata(sandbox.path(name)).unwrap();
        assert_eq!((after.modified().unwrap(), after.permissions().mode() & 0o777), (before, 0o640), "{name}");
        assert_eq!(sandbox.read(name), AT_REST, "{name}");
        assert_clean(&sandbox, name);
        assert_owes_nothing(&sandbox);
    }
}

#[test]
fn what_takes_the_targets_place_does_not_hide_where_it_went() {
    for other in ["", "{}", "{\"fresh\": true}", "not json", "[]"] {
        let sandbox = rendered();
        fs::rename(sandbox.path("live.json"), sandbox.path("live.json.bak")).unwrap();
        sandbox.write("live.json", other);
        let said = sandbox.run(&["unrender"]);
        assert!(said.err.contains("~/live.json.bak"), "{other}: {}", said.whole());
        assert_eq!(sandbox.live(), other);
        assert_clean(&sandbox, other);
    }
}

#[test]
fn an_exec_and_a_guard_find_a_moved_target_too() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["exec", "--", "mv", "live.json", "live.json.bak"]);
    assert!(said.code == 0 && said.err.contains("~/live.json.bak"), "{}", said.whole());
    assert_clean(&sandbox, "exec");
    let mut exec = Running(sandbox.command(&["exec", "--", "sleep", "600"]).spawn().unwrap());
    sandbox.wait_until(|| sandbox.path("live.json").exists() && holds_key(&sandbox.live()));
    fs::rename(sandbox.path("live.json"), sandbox.path("live.json.old")).unwrap();
    // The program itself, and not a helper of `exec` that is about to end.
    let program = || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", exec.0.id())).unwrap();
        let is_it = |pid: &&str| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n");
        children.split_whitespace().find(is_it).map(|pid| pid.parse::<i32>().unwrap())
    };
    sandbox.wait_until(|| program().is_some());
    let sleep = program().unwrap();
    exec.0.kill().unwrap();
    exec.0.wait().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(sleep).unwrap(), rustix::process::Signal::KILL)
        .unwrap();
    sandbox.wait_until(|| !holds_key(&sandbox.read("live.json.old")));
}

#[test]
fn keys_that_are_found_nowhere_are_told_of_until_they_are_found() {
    let sandbox = rendered();
    fs::create_dir_all(sandbox.path("far/away")).unwrap();
    fs::rename(sandbox.path("live.json"), sandbox.path("far/away/x.json")).unwrap();
    let said = sandbox.run(&["unrender"]);
    assert!(
        said.code == 3 && said.err.contains("not found again") && said.err.contains("--forget"),
        "{}",
        said.whole()
    );
    for verb in ["status", "doctor", "recover", "unrender"] {
        let said = sandbox.run(&[verb]);
        assert!(said.code == 3 && said.whole().contains("not found again"), "{verb}: {}", said.whole());
        let said = said.whole();
        assert!(!said.contains("at rest") && said.contains("looked"), "{verb}: {said}");
    }
    // Another session comes and goes.
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["unrender"]).code, 3);
    assert_eq!(sandbox.live(), AT_REST);
    // The hint, typed.
    fs::rename(sandbox.path("far/away/x.json"), sandbox.path("live.json")).unwrap();
    let said = sandbox.run(&["recover"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    assert_clean(&sandbox, "moved back");
    assert_owes_nothing(&sandbox);
}

#[test]
fn a_target_that_was_deleted_is_told_of_until_it_is_forgotten() {
    for named in [&["claude"][..], &["--to", "live.json"], &[]] {
        let sandbox = rendered();
        fs::remove_file(sandbox.path("live.json")).unwrap();
        let said = sandbox.run(&["unrender"]);
        assert_eq!(said.code, 3, "{}", said.whole());
        let said = sandbox.run(&[&["unrender", "--forget"][..], named].concat());
        assert!(said.code == 0 && said.err.contains("forgotten"), "{}", said.whole());
        assert_owes_nothing(&sandbox);
        assert_eq!(sandbox.run(&["unrender", "--forget"]).err, "there is nothing to forget\n");
    }
}

#[test]
fn the_hint_works_as_it_is_typed() {
    let sandbox = rendered();
    fs::remove_file(sandbox.path("live.json")).unwrap();
    let said = sandbox.run(&["unrender"]);
    let typed = said.err.split('`').find(|word| word.contains("--forget")).unwrap();
    let typed = typed.replace("HOME", sandbox.home().to_str().unwrap());
    let arguments: Vec<&str> = typed.split(' ').skip(1).collect();
    assert_eq!(sandbox.run(&arguments).code, 0, "{typed}");
    assert_owes_nothing(&sandbox);
}

#[test]
fn a_server_that_was_removed_on_purpose_is_nothing_to_tell_of() {
    for after in [
        "{\"mcpServers\": {}}",
        "{\"mcpServers\": {\"other\": {\"command\": \"x\"}}}",
        "{\"mcpServers\": {\"github\": {}}}",
        "{\"mcpServers\": {\"github\": {\"env\": {\"TOKEN\": \"<< keyring('github') >>\"}}}}",
        "{\"mcpServers\": {\"github\": {\"env\": {\"TOKEN\": null}}}}",
    ] {
        let sandbox = rendered();
        sandbox.write("live.json", after);
        let said = sandbox.run(&["unrender"]);
        assert!(said.code == 0 || after.contains("null") && said.code == 3, "{after}: {}", said.whole());
        assert_eq!(sandbox.live(), after);
        assert_owes_nothing(&sandbox);
    }
    // The host's own settings show that it is the same file, also where the last server took the object with it.
    let sandbox = Sandbox::with_key();
    sandbox.write("live.json", "{\"theme\": \"dark\", \"userID\": \"abc\", \"numStartups\": 3, \"projects\": {}}");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    sandbox.write("live.json", "{\"userID\":\"abc\",\"theme\":\"dark\",\"numStartups\":4,\"projects\":{\"/p\":{}}}");
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_owes_nothing(&sandbox);
    // And a fresh one of the host's that it is not.
    assert_eq!(sandbox.run(&["render"]).code, 0);
    sandbox.write("live.json", "{\"userID\":\"other\",\"numStartups\":1}");
    assert_eq!(sandbox.run(&["unrender"]).code, 3);
}

#[test]
fn files_that_are_no_copies_are_left_as_they_are_and_told_of_only_when_something_is_missing() {
    let key = serde_json::to_string(KEY).unwrap();
    let own = format!("TOKEN={key}\n");
    let other = format!("{{\"mine\": {{\"TOKEN\": {key}}}}}");
    let sandbox = rendered();
    sandbox.write(".env", &own);
    sandbox.write("other.json", &other);
    let said = sandbox.run(&["unrender"]);
    assert_eq!((said.code, said.err.contains(".env")), (0, false), "{}", said.whole());
    assert_eq!((sandbox.read(".env"), sandbox.read("other.json")), (own.clone(), other.clone()));
    assert_eq!(sandbox.run(&["render"]).code, 0);
    fs::remove_file(sandbox.path("live.json")).unwrap();
    sandbox.write(".env", &own);
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 3 && said.err.contains("~/.env"), "{}", said.whole());
    assert!(!holds_key(&said.err));
    assert_eq!((sandbox.read(".env"), sandbox.read("other.json")), (own, other));
}

#[test]
fn a_file_from_before_the_render_is_not_looked_at() {
    let sandbox = Sandbox::with_key();
    let key = serde_json::to_string(KEY).unwrap();
    let own = AT_REST.replace("\"<< keyring('github') >>\"", &key);
    sandbox.write("live.json.bak", &own);
    // As if it were of yesterday: the time of the last change can't be set, so the clock of the render is.
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let state = sandbox.path(".local/state/keystencil");
    let journal = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let journal = journal.into_iter().find(|path| path.to_string_lossy().ends_with(".journal.json")).unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    let at = text.find("\"since\":\"").unwrap() + 9;
    let later = format!("{}2999{}", &text[..at], &text[at + 4..]);
    fs::write(&journal, later).unwrap();
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.read("live.json.bak"), own);
}

#[test]
fn another_target_that_is_rendered_is_no_copy() {
    let sandbox = Sandbox::with_key();
    let config = "[targets.a]\ntemplate = 'claude.json'\npath = '~/live.json'\n[targets.b]\ntemplate = 'claude.json'\npath = '~/live.json.bak'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["unrender", "a"]).code, 0);
    assert!(!holds_key(&sandbox.live()) && holds_key(&sandbox.read("live.json.bak")));
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_clean(&sandbox, "both");
}

#[test]
fn a_swap_file_keeps_its_length() {
    let sandbox = rendered();
    let mut swap = b"b0VIM 9.1\0\0\0\0".to_vec();
    swap.extend(sandbox.read_bytes("live.json"));
    swap.extend([0; 64]);
    fs::write(sandbox.path(".live.json.swp"), &swap).unwrap();
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.read_bytes(".live.json.swp").len(), swap.len());
    assert_clean(&sandbox, "swap");
}

#[test]
fn a_link_of_the_path_that_was_replaced_leads_back_to_where_it_led() {
    let sandbox = Sandbox::with_key();
    for folder in ["a", "b"] {
        fs::create_dir(sandbox.path(folder)).unwrap();
    }
    symlink("a", sandbox.path("link")).unwrap();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/link/live.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    let script = "rm link && ln -s b link && test -e a/live.json";
    for wait in ["exec", "render"] {
        if wait == "exec" {
            assert_eq!(sandbox.run(&["exec", "--", "sh", "-c", script]).code, 0);
        } else {
            fs::remove_file(sandbox.path("link")).unwrap();
            symlink("a", sandbox.path("link")).unwrap();
            assert_eq!(sandbox.run(&["render"]).code, 0);
            assert!(Command::new("sh").args(["-c", script]).current_dir(sandbox.home()).status().unwrap().success());
            assert!(sandbox.run(&["status"]).out.contains("rendered since"));
            assert_eq!(sandbox.run(&["unrender"]).code, 0);
        }
        assert_eq!(sandbox.read("a/live.json"), AT_REST, "{wait}");
        assert_clean(&sandbox, wait);
        assert_owes_nothing(&sandbox);
    }
}

#[test]
fn a_folder_that_was_renamed_is_found_beside_its_old_name() {
    let sandbox = Sandbox::with_key();
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/one/two/live.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    fs::create_dir_all(sandbox.path("one/two")).unwrap();
    for (from, to, at) in [("one", "uno", "uno/two/live.json"), ("one/two", "one/due", "one/due/live.json")] {
        fs::create_dir_all(sandbox.path("one/two")).unwrap();
        assert_eq!(sandbox.run(&["render"]).code, 0);
        fs::rename(sandbox.path(from), sandbox.path(to)).unwrap();
        let said = sandbox.run(&["unrender"]);
        assert!(said.code == 0 && said.err.contains(at), "{}", said.whole());
        assert_clean(&sandbox, to);
        assert_owes_nothing(&sandbox);
    }
}

#[test]
fn nothing_is_missed_of_a_render_that_never_came_to_its_end() {
    let sandbox = Sandbox::with_key();
    // A folder in the target's place lets no render write.
    fs::create_dir(sandbox.path("live.json")).unwrap();
    assert_eq!(sandbox.run(&["render"]).code, 2);
    fs::remove_dir(sandbox.path("live.json")).unwrap();
    let said = sandbox.run(&["status"]);
    assert!(said.code == 0 && said.out.contains("at rest"), "{}", said.whole());
}

#[test]
fn a_moved_target_is_found_among_a_thousand_newer_files() {
    let sandbox = rendered();
    fs::rename(sandbox.path("live.json"), sandbox.path("mine.json")).unwrap();
    // Times are noted in steps; the names decide nothing.
    (0..1000).for_each(|at| sandbox.write(&format!("new{at}"), "x"));
    let said = sandbox.run(&["unrender"]);
    assert!(said.code == 0 && said.err.contains("~/mine.json"), "{}", said.whole());
    assert_eq!(sandbox.read("mine.json"), AT_REST);
}

#[test]
fn a_new_value_says_how_to_end_what_is_owed_of_the_old_one() {
    let sandbox = rendered();
    fs::remove_file(sandbox.path("live.json")).unwrap();
    assert_eq!(sandbox.run(&["unrender"]).code, 3);
    let said = sandbox.run_with_input(&["secret", "rotate", "github"], "another-canary-of-the-key");
    let hint = said.err.split('`').find(|part| part.contains("--forget")).unwrap_or_default();
    let hint = hint.replace("HOME", sandbox.home().to_str().unwrap());
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    assert!(!words.is_empty(), "{}", said.whole());
    assert_eq!(sandbox.run(&words).code, 0, "{hint}");
    assert_owes_nothing(&sandbox);
}
