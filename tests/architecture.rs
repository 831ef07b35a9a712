//! The shape of the crate: a layer imports only layers below it, files stay small, one place writes targets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The layers by their first path segment. `error` and `secret` are the ground every layer stands on.
const LAYERS: [(&str, usize); 14] = [
    ("error", 0),
    ("secret", 1),
    ("document", 2),
    ("scan", 3),
    ("template", 4),
    ("journal", 5),
    ("host", 6),
    ("consent", 7),
    ("plan", 8),
    ("lint", 9),
    ("adopt", 10),
    ("store", 11),
    ("session", 12),
    ("cli", 13),
];
const TOP: usize = 14;

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

fn layer(segment: &str) -> Option<usize> {
    LAYERS.iter().find(|(name, _)| *name == segment).map(|(_, layer)| *layer)
}

#[test]
fn a_layer_imports_only_layers_below_it() {
    let mut faults = Vec::new();
    for (path, text) in all_sources().into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        let segment = path.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        let own = layer(&segment).unwrap_or(TOP);
        for (number, line) in product(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let below = layer(&used).unwrap_or(TOP);
                let same = used == segment;
                if below > own || (below == own && !same && own > 0) {
                    faults.push(format!(
                        "{}:{}: layer {own} uses `{used}` of layer {below}",
                        path.display(),
                        number + 1
                    ));
                }
            }
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
