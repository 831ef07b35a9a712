//! `scripts/with-keyring`: the keyring that the project's own scripts run commands with.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::{Command, Output};

fn with_keyring(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-keyring");
    Command::new(script).args(arguments).output().unwrap()
}

#[test]
fn a_command_has_an_unlocked_keyring_and_a_home_of_its_own_that_are_gone_afterwards() {
    let output = with_keyring(&[
        "sh",
        "-c",
        "printf one | secret-tool store --label=L service github username api-key &&
         secret-tool lookup service github username api-key && echo && echo $HOME && echo $DBUS_SESSION_BUS_ADDRESS",
    ]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "one");
    assert_ne!(Some(lines[1].into()), std::env::var_os("HOME"));
    assert!(!Path::new(lines[1]).exists(), "{} is left", lines[1]);
    assert!(!Path::new(lines[2].strip_prefix("unix:path=").unwrap()).exists(), "{} is left", lines[2]);
}

#[test]
fn the_status_of_the_command_is_handed_through() {
    assert_eq!(with_keyring(&["sh", "-c", "exit 7"]).status.code(), Some(7));
}

#[test]
fn a_locked_keyring_answers_and_gives_nothing() {
    let store = "printf one | secret-tool store --label=L service github username api-key";
    let output = with_keyring(&["--locked", "sh", "-c", store]);
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn a_missing_program_is_named_with_the_hint() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-keyring");
    let output = Command::new("/bin/bash").arg(script).arg("true").env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("dbus-daemon") && said.contains("run scripts/test, which installs it"), "{said}");
}
