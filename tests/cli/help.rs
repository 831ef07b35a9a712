//! The help, all of it.

use crate::sandbox::{Sandbox, snapshot};
use std::fmt::Write as _;

const COMMANDS: &[&str] = &[
    "",
    "exec",
    "render",
    "unrender",
    "diff",
    "check",
    "status",
    "recover",
    "secret",
    "secret set",
    "secret get",
    "secret list",
    "secret rm",
    "secret move",
    "secret rotate",
    "import",
    "vault",
    "vault rekey",
    "vault recipients",
    "vault recipients list",
    "vault recipients add",
    "vault recipients rm",
    "vault export",
    "vault import",
    "vault backups",
    "vault backups list",
    "vault backups show",
    "vault backups rm",
    "install git",
    "git",
    "doctor",
    "purge",
    "unlock",
    "lock",
    "init",
    "demo",
    "completions",
    "man",
];

#[test]
fn the_whole_help_is_as_it_was_read_by_somebody() {
    let sandbox = Sandbox::empty();
    let mut all = String::new();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let said = sandbox.run(&arguments);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{command}");
        let lines: Vec<&str> = said.out.lines().map(str::trim_end).collect();
        writeln!(all, "$ keystencil {}\n{}\n", arguments.join(" "), lines.join("\n")).unwrap();
    }
    snapshot("help", &all);
}

#[test]
fn help_fits_into_ninety_columns_without_a_terminal() {
    let sandbox = Sandbox::empty();
    for command in COMMANDS {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        for line in sandbox.run(&arguments).out.lines() {
            assert!(line.chars().count() <= 90, "{line}");
        }
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(Sandbox::empty().run(&["--version"]).out, format!("keystencil {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_and_the_manual_know_every_command_but_the_hidden_one() {
    let sandbox = Sandbox::empty();
    for arguments in [&["completions", "bash"][..], &["completions", "fish"], &["completions", "zsh"], &["man"]] {
        let said = sandbox.run(arguments);
        assert_eq!(said.code, 0);
        assert!(!said.out.contains("demo-child"), "{arguments:?}");
        for command in ["exec", "unrender", "secret", "recover"] {
            assert!(said.out.contains(command), "{arguments:?} without {command}");
        }
    }
    let said = sandbox.run(&["man", "--dir", "pages"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(sandbox.read("pages/keystencil-exec.1").contains("exec"));
}

#[test]
fn a_broken_config_keeps_nobody_from_the_manual() {
    let sandbox = Sandbox::empty();
    sandbox.write(".config/keystencil/config.toml", "nonsense");
    assert_eq!(sandbox.run(&["man"]).code, 0);
    assert_eq!(sandbox.run(&["completions", "bash"]).code, 0);
}
