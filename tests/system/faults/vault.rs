//! The vault: whatever call a change of it is refused, the identity in its place opens it, and no secret is lost.

use crate::scratch::{GITHUB, Home, OPENAI, said};
use crate::trace::{Point, inject, points};
use std::fs;

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Refuses the command each of its calls once, and hands what came of it to `check`.
fn refuse(home: &Home, args: &[&str], points: &[Point], mut check: impl FnMut(Option<i32>, &str)) {
    let (mut runs, mut refused) = (0, 0);
    for (turn, point) in points.iter().enumerate() {
        let Some(error) = point.error(turn) else { continue };
        home.restore();
        let output = inject(home, args, point, &format!("error={error}"), "");
        let (said, code) = (said(&output), output.status.code());
        let when = format!("{args:?}, {error} at {point:?}: {said}");
        assert!(code.is_some_and(|code| [0, 2, 3].contains(&code)) && !said.contains("panicked"), "{when}");
        assert!(code == Some(0) || said.contains("error: ") && said.lines().count() > 1, "{when}");
        runs += 1;
        refused += usize::from(code != Some(0));
        check(code, &when);
    }
    println!("{args:?}: {runs} faults, {refused} were errors");
    assert!(refused > 0);
}

#[track_caller]
fn has(home: &Home, name: &str, value: &str, when: &str) {
    let shown = home.run(&["secret", "get", "-n", name]);
    assert!(shown.stdout == value.as_bytes(), "{name} is lost: {}\n{when}", said(&shown));
}

#[test]
fn a_change_of_the_vault_that_is_refused_a_call_loses_nothing_and_can_be_made_later() {
    for args in [
        &["vault", "rekey"][..],
        &["secret", "set", "new", "--from-file", "/etc/passwd"],
        &["vault", "recipients", "add", RECIPIENT],
    ] {
        let mut home = Home::new();
        home.keep();
        let points = points(&home, args, false);
        refuse(&home, args, &points, |_, when| {
            for (name, value) in [("openai", OPENAI), ("github", GITHUB)] {
                has(&home, name, value, when);
            }
            home.assert_no_secret(when);
            for args in [args, &["vault", "rekey"]] {
                let again = home.run(args);
                assert!(again.status.success(), "{args:?}: {}\n{when}", said(&again));
            }
            has(&home, "github", GITHUB, when);
            home.assert_nothing_owed(when);
        });
    }
}

/// The calls about the vault and the backup that is put there; the rest of an import is a render's.
#[test]
fn an_import_that_is_refused_a_call_about_its_backup_keeps_the_file_and_can_be_run_again() {
    let mut home = Home::new();
    for folder in [".config/keystencil", ".local/share/keystencil", "dotfiles"] {
        fs::remove_dir_all(home.path(folder)).unwrap();
    }
    let value = serde_json::to_string(OPENAI).unwrap();
    let config =
        format!("{{\n  \"n\": 1.0,\n  \"mcpServers\": {{ \"search\": {{ \"env\": {{ \"API_KEY\": {value} }} }} }}\n}}");
    fs::write(home.target(), &config).unwrap();
    home.keep();
    let target = home.target().display().to_string();
    let import = ["import", &target, "--yes"];
    let mut points = points(&home, &import, false);
    points.retain(|point| point.line.contains("/.local/share/keystencil"));
    let after = home.text();
    refuse(&home, &import, &points, |code, when| {
        let found = home.text();
        assert!(
            found == config.as_bytes() || found == after,
            "the file is neither as it was nor as it is to be: {when}"
        );
        assert!(code != Some(2) || found == config.as_bytes(), "an error that changed something: {when}");
        if found == after {
            has(&home, "search", OPENAI, when);
        }
        home.age_lock();
        let again = home.run(&import);
        assert!(again.status.success(), "again: {}\n{when}", said(&again));
        home.assert_nothing_owed(when);
        let filled = home.succeeds(&["-q", "exec", "--", "cat", &target]);
        assert!(filled.stdout == config.as_bytes(), "filled it is another file: {when}");
        home.until_quiet();
    });
}
