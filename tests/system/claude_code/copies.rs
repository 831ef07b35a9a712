//! The client copies its file: into backups, aside when it finds it torn, into temporary files. The secrets leave those too, and
//! nothing else of them changes.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::support::home::Home;
use super::support::stencil::{self, PLACEHOLDER};
use super::support::terminal::Session;
use crate::poll::{self, PATIENCE};

fn backups(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.folder().join(".claude/backups"));
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn exit(session: &Session) {
    session.enter("/exit");
    assert_eq!(session.status(), 0);
}

/// The client makes a backup whenever the newest is a minute old; a test has no minute, so it takes the newest away.
#[test]
fn a_backup_that_the_client_makes_of_the_rendered_file_stays_without_its_secrets() {
    let home = stencil::home();
    let session = Session::launched(&home);
    for backup in backups(&home) {
        std::fs::remove_file(backup).unwrap();
    }
    session.ask("hi");
    assert!(
        poll::comes_true(PATIENCE, || home.found().iter().any(|place| place.contains(".backup."))),
        "no backup was made"
    );
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode();
    let before: Vec<(PathBuf, u32)> = backups(&home).into_iter().map(|path| (path.clone(), mode(&path))).collect();
    exit(&session);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
    for (backup, mode_before) in before {
        let document: Value = serde_json::from_slice(&std::fs::read(&backup).unwrap()).unwrap();
        assert_eq!(document["mcpServers"]["probe"]["env"]["SECRET"], PLACEHOLDER);
        assert_eq!(document["hasCompletedOnboarding"], true);
        assert_eq!(mode(&backup), mode_before);
    }
}

#[test]
fn the_backup_that_the_client_makes_when_it_starts_never_holds_a_secret() {
    let home = stencil::home();
    let session = Session::launched(&home);
    session.ask("hi");
    assert!(!backups(&home).is_empty());
    let found = home.found();
    assert!(!found.iter().any(|place| place.contains("backup")), "{found:?}");
    exit(&session);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
}

/// What a torn file and a SIGKILL leave, under the names the client gives.
#[test]
fn copies_that_an_accident_left_are_cleaned_and_kept() {
    let home = stencil::home();
    let session = Session::launched(&home);
    session.ask("hi");
    let names = [
        ".claude.json.corrupted.1795448022866",
        ".claude/backups/.claude.json.corrupted.1795448022867",
        ".claude.json.tmp.4194304.0123456789ab",
    ];
    for name in names {
        std::fs::copy(home.target(), home.folder().join(name)).unwrap();
    }
    exit(&session);
    home.assert_nothing_left_within(Duration::ZERO, &[]);
    for name in names.iter().filter(|name| name.contains("corrupted")) {
        let text = std::fs::read_to_string(home.folder().join(name)).unwrap();
        assert!(text.contains("hasCompletedOnboarding"), "{name} lost more than its secrets");
    }
}
