//! Seals with two stores, a real keyring and a vault: what was allowed holds where the secret is, and nowhere else.

use crate::keyring::Keyring;
use crate::keyrings::{github, hook, run, with_target};
use crate::sandbox::{BINARY, KEY};
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

fn live(keyring: &Keyring) -> String {
    fs::read_to_string(keyring.path().join(".claude.json")).unwrap_or_default()
}

/// What a hook fills in, which is taken out again; and what it said.
fn filled(keyring: &Keyring) -> (bool, String) {
    let said = hook(keyring);
    let is_filled = live(keyring).contains("canary");
    assert_ne!(run(keyring, &["unrender", "--all"], "").code, 2);
    assert!(!live(keyring).contains("canary"));
    (is_filled, said)
}

/// A keyring, and a target for which the user allowed the secret that this store has.
fn allowed_in(store: &str) -> Keyring {
    let keyring = Keyring::start();
    assert_eq!(run(&keyring, &["--store", store, "secret", "set", "github"], KEY).code, 0);
    with_target(&keyring, &github());
    keyring
}

#[test]
fn what_was_allowed_for_a_secret_holds_after_it_was_moved_to_the_other_store_and_back() {
    let keyring = allowed_in("vault");
    assert!(filled(&keyring).0);
    for store in ["native", "vault", "native"] {
        let moved = run(&keyring, &["secret", "move", "--all", "--to", store], "");
        assert_eq!(moved.code, 0, "{moved:?}");
        let (is_filled, said) = filled(&keyring);
        assert!(is_filled, "{store}: {said}");
    }
    // What was taken back stays so, wherever the secret goes.
    let records = keyring.path().join(".local/state/keystencil");
    let record = || fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path());
    let record = record().find(|path| path.to_string_lossy().ends_with(".grants.json")).unwrap();
    let old = fs::read(&record).unwrap();
    assert_eq!(run(&keyring, &["allow", "--revoke"], "").code, 0);
    fs::write(&record, old).unwrap();
    assert_eq!(run(&keyring, &["secret", "move", "github", "--to", "vault"], "").code, 0);
    assert!(!filled(&keyring).0);
}

#[test]
fn a_command_that_was_let_run_by_hand_still_is_after_its_secret_was_moved() {
    let keyring = Keyring::start();
    assert_eq!(run(&keyring, &["--store", "vault", "secret", "set", "github"], KEY).code, 0);
    let line = format!("exec {BINARY} run -- printenv TOKEN");
    let by_hand = |terminal: bool| {
        let mut command = keyring.command(if terminal { "script" } else { "sh" });
        command.args(if terminal { ["-qec", &line, "/dev/null"] } else { ["-c", &line, "sh"] });
        command.env("TOKEN", "<< keyring('github') >>").env("SHELL", "/bin/sh").current_dir(keyring.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (mut shown, mut byte, mut is_asked) = (String::new(), [0], false);
        while let Ok(1) = screen.read(&mut byte) {
            shown.push(char::from(byte[0]));
            // What is typed before the question is no answer to it.
            if !is_asked && shown.ends_with("] ") {
                keyboard.write_all(b"y\n").unwrap();
                is_asked = true;
            }
        }
        drop(keyboard);
        (child.wait().unwrap().code(), shown.contains("canary"))
    };
    assert_eq!(by_hand(false), (Some(125), false));
    assert_eq!(by_hand(true), (Some(0), true));
    for store in ["native", "vault", "native"] {
        assert_eq!(run(&keyring, &["secret", "move", "github", "--to", store], "").code, 0);
        assert_eq!(by_hand(false), (Some(0), true), "{store}");
    }
    assert_eq!(run(&keyring, &["allow", "--revoke", "--all"], "").code, 0);
    assert_eq!(by_hand(false), (Some(125), false));
}

#[test]
fn a_move_that_does_not_happen_seals_nothing() {
    let keyring = allowed_in("vault");
    assert_eq!(run(&keyring, &["--store", "native", "secret", "set", "github"], "another-canary").code, 0);
    let refused = run(&keyring, &["secret", "move", "github", "--to", "native"], "");
    assert!(refused.code == 2 && refused.err.contains("has a different value"), "{refused:?}");
    assert!(!filled(&keyring).0, "the other value was never allowed");
    // Nor does a record that the old store's key does not verify get a seal by a move the other way.
    assert_eq!(run(&keyring, &["secret", "move", "github", "--to", "vault", "--replace"], "").code, 0);
    assert!(filled(&keyring).0, "the place was allowed for what the vault has under that name");
}

#[test]
fn what_was_allowed_holds_after_a_move_that_was_killed_at_any_moment() {
    let keyring = allowed_in("vault");
    for round in 0..12u64 {
        let to = if round % 2 == 0 { "native" } else { "vault" };
        let mut child = keyring.command(BINARY).args(["-q", "secret", "move", "github", "--to", to]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        let _ = child.kill();
        child.wait().unwrap();
        let (is_filled, said) = filled(&keyring);
        assert!(is_filled, "round {round}: {said}");
        let again = || run(&keyring, &["secret", "move", "github", "--to", to], "");
        // A keyring has three seconds to answer, which a machine that stands still does not give it.
        let again = (0..5).map(|_| again()).find(|said| !said.err.contains("did not answer")).unwrap();
        assert_eq!(again.code, 0, "round {round}: {again:?}");
        assert!(filled(&keyring).0);
    }
}

#[test]
fn what_was_allowed_for_the_vaults_value_does_not_fill_another_value_of_the_keyring() {
    let keyring = allowed_in("vault");
    assert!(filled(&keyring).0);
    keyring.secret_tool_store("L", "service github username api-key", "other-canary");
    let (is_filled, said) = filled(&keyring);
    assert!(!is_filled && said.contains("run `keystencil allow` in a terminal"), "{said}");
    keyring.allow();
    assert!(filled(&keyring).0);
    assert_eq!(run(&keyring, &["render"], "").code, 0);
    assert!(live(&keyring).contains("other-canary"));
}

#[test]
fn two_processes_that_make_the_first_key_in_the_keyring_at_once_both_count() {
    let keyring = Keyring::start();
    run(&keyring, &["secret", "set", "github"], KEY);
    fs::write(keyring.path().join("t.json"), r#"{"a": "<< keyring('github') >>"}"#).unwrap();
    let names: Vec<String> = (0..4).map(|number| format!("{number}.json")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = keyring.command(BINARY);
            command.args(["-q", "allow", "--allow-new=1", "--template", "t.json", "--to", name]);
            command.current_dir(keyring.path()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for name in names {
        let mut command = keyring.command(BINARY);
        command.args(["render", "--template", "t.json", "--to", &name]).current_dir(keyring.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(fs::read_to_string(keyring.path().join(name)).unwrap().contains("canary"));
    }
}

#[test]
fn a_hook_says_that_the_store_is_locked_whose_key_tells_what_was_allowed_for_a_variable() {
    let keyring = allowed_in("native");
    let template = keyring.path().join(".config/keystencil/claude.json");
    fs::write(&template, r#"{"home": "<< env('HOME') >>", "no": "<< env('LC_ALL') >>"}"#).unwrap();
    keyring.allow();
    keyring.lock();
    let said = hook(&keyring);
    assert!(said.contains("the keyring is locked") && !said.contains("keystencil allow"), "{said}");
}
