//! The shape of the crate: a room imports only rooms below it, no files import each other in a circle, files stay
//! small, one place writes targets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod imports;

use imports::{circles, uses};

/// The rooms, from the ground up.
const ROOMS: [&str; 14] = [
    "error", "secret", "document", "scan", "template", "journal", "host", "consent", "plan", "lint", "adopt", "store",
    "session", "cli",
];
/// The rooms that decide: texts go in, a decision comes out.
const PURE: [&str; 10] =
    ["error", "secret", "document", "scan", "template", "journal", "consent", "plan", "lint", "adopt"];
/// What they may take from a room with effects.
const PURE_ELSEWHERE: [&str; 2] = ["host/servers.rs", "host/servers/find.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The part of a file before its tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// The first part of a path below `src`.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn all_uses() -> (imports::Uses, imports::Outside) {
    let files: Vec<_> =
        all_sources().into_iter().map(|(path, text)| (path.to_str().unwrap().replace('\\', "/"), text)).collect();
    uses(&files)
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = circles(&all_uses().0);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let rank = |path: &str| ROOMS.iter().position(|name| *name == room(path));
    let mut faults = Vec::new();
    for (file, used) in all_uses().0 {
        for (other, names) in used {
            let is_pure = PURE.contains(&room(&file)) && PURE.contains(&room(&other));
            let (own, below) = (rank(&file).unwrap_or(ROOMS.len()), rank(&other).unwrap_or(ROOMS.len()));
            if below > own {
                faults.push(format!("{file} imports {other}, which is above it: {names:?}"));
            } else if PURE.contains(&room(&file)) && !is_pure && !PURE_ELSEWHERE.contains(&other.as_str()) {
                faults.push(format!("{file}, which is pure, imports {other}, which is not: {names:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_pure_room_touches_no_file_no_process_no_environment_and_no_clock() {
    let effects = [
        "std::fs",
        "std::process",
        "std::env",
        "std::net",
        "std::thread::sleep",
        "std::time",
        "rustix",
        "jiff::Timestamp::now",
        "jiff::Zoned::now",
    ];
    let is_effect = |path: &String| {
        let is_within =
            |effect: &&str| path.strip_prefix(effect).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        path == "std" || effects.iter().any(is_within)
    };
    let mut faults = Vec::new();
    for (file, paths) in all_uses().1 {
        if PURE.contains(&room(&file)) || PURE_ELSEWHERE.contains(&file.as_str()) {
            faults.extend(paths.into_iter().filter(is_effect).map(|path| format!("{file} uses {path}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_source_file_has_more_than_400_lines() {
    let long: Vec<String> = all_sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn only_the_session_replaces_files_of_a_host() {
    for (path, text) in all_sources() {
        let may = path.starts_with("session") || path.starts_with("host/replace.rs");
        assert!(may || !product(&text).contains(".stage"), "{} stages a file", path.display());
    }
}

#[test]
fn the_environment_is_read_on_the_top_layer_only() {
    for (path, text) in all_sources() {
        assert!(path.starts_with("cli") || !product(&text).contains("env::var"), "{}", path.display());
    }
}

/// What cargo says, run in the crate's folder without the network.
fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let said = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// `1.88` and `1.88.0` as numbers.
fn version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_dependency_needs_a_newer_rust_than_the_one_we_promise() {
    // Packages of other systems need not be here, and asking for them would need the network.
    let about = cargo(&["-vV"]);
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&cargo(&metadata)).unwrap();
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| package["rust_version"].as_str().is_some_and(|needed| version(needed) > ours))
        .map(|package| format!("{} needs {}", package["name"], package["rust_version"]))
        .collect();
    assert!(newer.is_empty(), "{}", newer.join("\n"));
}

/// Whether a line of code tells a user of an option: a quoted one, or one in the message of an error.
fn names_a_flag(line: &str) -> bool {
    let begins_one = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase());
    let starts: &[&str] = if line.contains("#[error(") { &["--"] } else { &["`--", "with --", "use --", "or --"] };
    starts.iter().any(|start| line.split(start).skip(1).any(begins_one))
}

#[test]
fn a_message_that_names_an_option_is_noticed() {
    for told in [r#"#[error("it is there; pass --force")]"#, "\"`--force` replaces it\"", "\"or --yes\""] {
        assert!(names_a_flag(told), "{told}");
    }
    for call in [r#"call.args(["config", "--global"])"#, r#"format!(" --config {}", x)"#, r#"#[error("a -- b")]"#] {
        assert!(!names_a_flag(call), "{call}");
    }
}

#[test]
fn only_the_command_line_knows_which_of_its_verbs_and_flags_helps() {
    for (path, text) in all_sources().into_iter().filter(|(path, _)| !path.starts_with("cli")) {
        for line in product(&text).lines().filter(|line| !line.trim_start().starts_with("//")) {
            // What a file says it was made by is not a hint.
            let is_verb = line.contains("`keystencil ") && !line.contains("// Made by `keystencil import`");
            assert!(!is_verb && !names_a_flag(line), "{}: {}", path.display(), line.trim());
        }
    }
}
