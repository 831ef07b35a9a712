//! A disk of a megabyte that is really full: a file system in memory, which only this test and what it starts can see.
//!
//! A refused call is one call; a full disk refuses all that need room, in the middle of a write, and lets others pass.

use crate::scratch::{GITHUB, Home, said};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the test that runs inside, where that disk is.
const DISK: &str = "KEYSTENCIL_SMALL_DISK";
const BLOCK: u64 = 4096;

#[test]
fn a_full_disk_is_a_clear_error_and_what_was_begun_can_be_ended_when_there_is_room() {
    if let Some(disk) = env::var_os(DISK) {
        return on_the_disk(&PathBuf::from(disk));
    }
    let disk = tempfile::tempdir().unwrap();
    let with_disk = |program: &Path, arguments: &[&str]| {
        let mount = format!("mount -t tmpfs -o size=1m none \"${DISK}\" && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &mount, "sh"]).arg(program).args(arguments);
        command.env(DISK, disk.path()).env("TMPDIR", disk.path()).output().unwrap()
    };
    let probe = with_disk(Path::new("true"), &[]);
    if !probe.status.success() {
        // A container may forbid that to everybody, root included; then refused calls have to do.
        let why = String::from_utf8_lossy(&probe.stderr).trim().to_owned();
        println!("no real full disk was tried: nobody may mount a file system here ({why})");
        return;
    }
    let name = "faults::small_disk::a_full_disk_is_a_clear_error_and_what_was_begun_can_be_ended_when_there_is_room";
    let output = with_disk(&env::current_exe().unwrap(), &["--exact", name, "--nocapture"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{}", said(&output));
}

/// Takes all room but so many blocks.
fn fill(disk: &Path, blocks: u64) {
    let room = rustix::fs::statvfs(disk).unwrap();
    let taken = (room.f_bavail * room.f_frsize).saturating_sub(blocks * BLOCK);
    fs::write(disk.join("filler"), vec![0; usize::try_from(taken).unwrap()]).unwrap();
    let room = rustix::fs::statvfs(disk).unwrap();
    assert_eq!(room.f_bavail * room.f_frsize, blocks * BLOCK);
}

fn make_room(disk: &Path) {
    fs::remove_file(disk.join("filler")).unwrap();
}

fn on_the_disk(disk: &Path) {
    let home = Home::new();
    // Large enough to be cut in the middle.
    let text = format!("{{\n  \"padding\": \"{}\"\n}}\n", "x".repeat(20_000));
    fs::write(home.target(), text).unwrap();
    home.succeeds(&["render"]);
    home.succeeds(&["unrender"]);
    let at_rest = home.text();
    let (mut refused, mut done) = (0, 0);
    for blocks in 0..20 {
        let when = format!("{blocks} blocks free");
        fill(disk, blocks);
        let render = home.run(&["render"]);
        tell(&render, &when, &mut refused, &mut done);
        if render.status.success() {
            assert!(home.is_rendered(), "{when}");
        } else {
            assert!(home.text() == at_rest, "{when}: {}", said(&render));
        }
        make_room(disk);
        home.succeeds(&["unrender"]);
        assert!(home.text() == at_rest, "{when}");
        home.assert_nothing_owed(&when);

        home.succeeds(&["render"]);
        let rendered = home.text();
        fill(disk, blocks);
        let unrender = home.run(&["unrender"]);
        tell(&unrender, &when, &mut refused, &mut done);
        if unrender.status.success() {
            home.assert_nothing_owed(&when);
        } else {
            assert!(home.has_journal() && [&at_rest, &rendered].contains(&&home.text()), "{when}: {}", said(&unrender));
        }
        make_room(disk);
        // The user has ended the hold, whether there was room or not.
        for args in [["recover"], ["unrender"]] {
            home.succeeds(&args);
        }
        assert!(home.text() == at_rest, "{when}");
        home.assert_nothing_owed(&when);

        fill(disk, blocks);
        for args in [&["secret", "set", "new", "--from-file", "/etc/passwd"][..], &["vault", "rekey"]] {
            tell(&home.run(args), &when, &mut refused, &mut done);
            let shown = home.run(&["secret", "get", "-n", "github"]);
            assert!(shown.stdout == GITHUB.as_bytes(), "{args:?}, {when}: {}", said(&shown));
        }
        make_room(disk);
        home.succeeds(&["vault", "rekey"]);
        home.assert_nothing_owed(&when);
        for old in fs::read_dir(home.path(".config/keystencil")).unwrap().map(|entry| entry.unwrap().path()) {
            if old.to_string_lossy().contains("identity.txt.old") {
                fs::remove_file(old).unwrap();
            }
        }
    }
    println!("refused {refused} times, done {done} times");
    assert!(refused > 5 && done > 10, "refused {refused} times, done {done} times");
}

/// Done, or an error that says why.
fn tell(output: &std::process::Output, when: &str, refused: &mut usize, done: &mut usize) {
    let said = said(output);
    match output.status.code() {
        Some(0) => *done += 1,
        Some(2 | 3) => {
            *refused += 1;
            let says = said.contains("No space left on device") && said.contains("hint: ");
            assert!(says, "{when}: {said}");
        }
        _ => panic!("{when}: {said}"),
    }
}
