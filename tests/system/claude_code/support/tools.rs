//! Where the programs are that the tests run. A missing one fails the test with a sentence that says what to do.

use std::path::{Path, PathBuf};

/// The folder with the scripts beside this test's sources.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system/claude_code")
}

/// A program of the system, by its name.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("`{name}` is not installed, and this test needs it; `scripts/test` says how to get everything it needs")
    })
}

/// The `node_modules` that `scripts/fetch-client` made.
pub(crate) fn modules() -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/claude-code/node_modules");
    assert!(
        modules.is_dir(),
        "the pinned Claude Code is not in target/claude-code; `scripts/test` fetches it (with `scripts/fetch-client`) before it runs the tests"
    );
    modules
}

/// The native binary of the pinned client.
pub(crate) fn client() -> PathBuf {
    let vendor = modules().join("@anthropic-ai");
    std::fs::read_dir(&vendor)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("claude")))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("no native client in {}; `scripts/test` fetches it (with `scripts/fetch-client`)", vendor.display())
        })
}

/// The version that `package.json` pins.
pub(crate) fn client_version() -> String {
    let pins: serde_json::Value = serde_json::from_str(include_str!("../package.json")).expect("package.json is JSON");
    pins["dependencies"]["@anthropic-ai/claude-code"].as_str().expect("a pinned version").to_owned()
}
