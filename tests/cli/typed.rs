//! Commands that messages name, typed as they stand: names and paths may be made of whatever a shell reads as its own.

use crate::sandbox::{Sandbox, TEMPLATE};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const NAME: &str = "-it's \"a\" $PWD *";
const FILE: &str = "it's $(x) [a] * !; .json";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config = format!("[targets.{NAME:?}]\ntemplate = 'claude.json'\npath = {:?}\n", format!("~/{FILE}"));
    sandbox.write(".config/keystencil/config.toml", &config);
    sandbox.write(".config/keystencil/claude.json", TEMPLATE);
    sandbox
}

/// The commands between backticks in the hints of `doctor`.
fn hints(sandbox: &Sandbox) -> Vec<String> {
    let said = sandbox.said(&sandbox.strict_command(&["doctor", "--json"]).output().unwrap());
    let findings: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let home = sandbox.home().to_str().unwrap();
    let hints = findings.as_array().unwrap().iter().filter_map(|finding| finding["hint"].as_str());
    hints.filter_map(|hint| Some(hint.split('`').nth(1)?.replace("HOME", home))).collect()
}

fn one(sandbox: &Sandbox, start: &str) -> String {
    let hints = hints(sandbox);
    hints.iter().find(|hint| hint.starts_with(start)).unwrap_or_else(|| panic!("{start}: {hints:?}")).clone()
}

/// Runs a command as a shell reads it, with more options.
fn typed(sandbox: &Sandbox, line: &str, more: &[&str]) -> crate::sandbox::Said {
    let said = Command::new("sh").args(["-c", &format!("printf '%s\\0' {line}")]).output().unwrap();
    let words = String::from_utf8(said.stdout).unwrap();
    let mut words: Vec<&str> = words.split_terminator('\0').skip(1).collect();
    words.splice(1..1, more.iter().copied());
    sandbox.said(&sandbox.strict_command(&words).output().unwrap())
}

#[test]
fn what_doctor_says_to_type_reaches_the_target_whatever_it_is_called() {
    let sandbox = sandbox();
    let allow = one(&sandbox, "keystencil allow");
    let said = typed(&sandbox, &allow, &["--pending"]);
    assert!(said.whole().contains("github"), "{allow}: {said:?}");
    let said = typed(&sandbox, &allow, &["--allow-new=1"]);
    assert_eq!(said.code, 0, "{allow}: {said:?}");

    let key = ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat();
    sandbox.write(FILE, &format!(r#"{{"mcpServers": {{"x": {{"env": {{"GROQ_API_KEY": "{key}"}}}}}}}}"#));
    let import = one(&sandbox, "keystencil import");
    let said = typed(&sandbox, &import, &["--dry-run", "--template=other.json"]);
    assert!(said.code == 0 && said.whole().contains("GROQ_API_KEY"), "{import}: {said:?}");

    let mode = || sandbox.path(FILE).metadata().unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(sandbox.path(FILE), std::fs::Permissions::from_mode(0o644)).unwrap();
    let chmod = one(&sandbox, "chmod");
    assert!(Command::new("sh").args(["-c", &chmod]).status().unwrap().success(), "{chmod}");
    assert_eq!(mode(), 0o600);
}
