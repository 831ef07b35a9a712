//! How often a command opens what it decides by: every template once, since it is compiled once; the grants of a target
//! once, and once more under the lock before anything is filled, since they may have been taken back meanwhile.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::scratch::{Home, run, said};
use std::fs;

const TARGETS: [&str; 2] = ["claude", "second"];

/// A home with two targets, of which everything is allowed.
fn home() -> Home {
    let home = Home::new();
    fs::copy(home.template(), home.path("dotfiles/second.json")).unwrap();
    let config = home.path(".config/keystencil/config.toml");
    let second = "[targets.second]\ntemplate = \"~/dotfiles/second.json\"\npath = \"~/second.json\"\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + second).unwrap();
    home.allow();
    home
}

/// How often the command and the processes it starts open files whose names end so: templates, grants, the config.
fn opens(home: &Home, args: &[&str]) -> [usize; 3] {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = home.program("strace");
    strace.args(["-f", "-q", "-e", "trace=open,openat", "-o"]).arg(log.path()).arg(crate::scratch::BIN).args(args);
    let output = run(&mut strace);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{args:?}: {}", said(&output));
    let log = fs::read_to_string(log.path()).unwrap();
    let count = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    [count("/dotfiles/"), count(".grants.json\""), count("/config.toml\"")]
}

#[test]
fn a_render_compiles_each_template_once_and_reads_its_grants_once_and_once_under_the_lock() {
    let home = home();
    for number in [1, 2] {
        let args = [&["render"], &TARGETS[..number]].concat();
        for when in ["first", "again"] {
            assert_eq!(opens(&home, &args), [number, 2 * number, 1], "{args:?}, {when}");
        }
        home.succeeds(&["unrender"]);
    }
}

#[test]
fn exec_opens_no_more_than_render_and_the_config_once_for_itself_and_once_for_what_fills() {
    let home = home();
    for number in [1, 2] {
        let mut args = vec!["exec"];
        args.extend(TARGETS[..number].iter().flat_map(|name| ["--target", name]));
        args.extend(["--", "true"]);
        assert_eq!(opens(&home, &args), [number, 2 * number, 2], "{args:?}");
    }
}

#[test]
fn what_only_reads_opens_each_template_and_its_grants_once() {
    let home = home();
    for args in [&["diff"][..], &["status"], &["render", "--dry-run"], &["allow"]] {
        assert_eq!(opens(&home, args), [2, 2, 1], "{args:?}");
    }
}
