//! What the README says is typed as it is written, in an empty home.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const README: &str = include_str!("../../README.md");
const KEY: &str = "ghp_canary0123456789";

/// The commands of the console block under a heading.
fn commands(heading: &str) -> Vec<&'static str> {
    let section = README.split_once(heading).unwrap().1;
    let block = section.split_once("```console\n").unwrap().1.split_once("```").unwrap().0;
    block.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

fn bash(home: &Path, line: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_keystencil")).parent().unwrap().display();
    Command::new("bash")
        .args(["--norc", "-c", line])
        .env_clear()
        .env("HOME", home)
        .env("PATH", format!("{}/bin:{programs}:/usr/bin:/bin", home.display()))
        .env("EDITOR", "true")
        .stdin(fs::File::open(home.join("typed")).unwrap())
        .current_dir(home)
        .output()
        .unwrap()
}

/// What is to find the key. Another process writes it: see `write_program` of the command line's tests.
fn make_program(home: &Path) {
    let text = format!("#!/bin/sh\ngrep -q {KEY} ~/.claude.json && touch ~/found\n");
    fs::write(home.join("text"), text).unwrap();
    let mut install = Command::new("install");
    install.args(["-m", "755"]).args([home.join("text"), home.join("bin/claude")]);
    assert!(install.status().unwrap().success());
}

#[test]
fn the_story_typed_as_written_ends_with_the_file_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::create_dir(home.join("bin")).unwrap();
    // The key at the prompt.
    fs::write(home.join("typed"), KEY).unwrap();
    make_program(home);
    fs::write(home.join(".claude.json"), "{\n  \"numStartups\": 1e3\n}").unwrap();
    let story = commands("## From nothing to a session");
    assert!(story.len() > 6);
    for line in story.into_iter().filter(|line| !line.starts_with("cargo install")) {
        let output = bash(home, line);
        assert!(output.status.success(), "{line}: {output:?}");
    }
    assert!(home.join("found").exists(), "the program did not find the key");
    let live = fs::read_to_string(home.join(".claude.json")).unwrap();
    assert!(live.contains("1e3") && live.contains("<< keyring('github') >>") && !live.contains(KEY), "{live}");
}

#[test]
fn the_way_from_plain_text_typed_as_written_ends_with_no_key_in_plain_text() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::create_dir(home.join("bin")).unwrap();
    fs::write(home.join("typed"), "y\n").unwrap();
    make_program(home);
    let server = format!("{{\"type\":\"http\",\"headers\":{{\"Authorization\":\"Bearer {KEY}\"}}}}");
    let config = format!("{{\n  \"numStartups\": 1e3,\n  \"mcpServers\": {{\"hub\": {server}}}\n}}");
    fs::write(home.join(".claude.json"), &config).unwrap();
    let story = commands("## From plain text to a session");
    assert!(story.len() > 4);
    for line in story {
        // The user is asked on a terminal.
        let line = match line.split('#').next().unwrap().trim() {
            asks if asks.contains(" import ") && !asks.contains("--dry-run") => {
                format!("script -qec '{asks}' /dev/null")
            }
            _ => line.to_owned(),
        };
        let output = bash(home, &line);
        assert!(output.status.success(), "{line}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains(KEY), "{line} printed the key");
    }
    assert!(home.join("found").exists(), "the program did not find the key");
    let live = fs::read_to_string(home.join(".claude.json")).unwrap();
    assert_eq!(live.split_once("<< ").unwrap().0, config.split_once(KEY).unwrap().0);
    assert!(!live.contains(KEY), "{live}");
}

#[test]
fn every_command_of_the_readme_is_one_that_the_program_knows() {
    let help = Command::new(env!("CARGO_BIN_EXE_keystencil")).arg("--help").env_clear().output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let table = README.split_once("## Commands").unwrap().1.split_once("\n\nEvery command").unwrap().0;
    let cells = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        let verb = name.split([' ', '\\']).next().unwrap();
        assert!(known.contains(&verb), "`{verb}` is not in {known:?}");
    }
}
