//! Twelve configs as people have them, with planted keys: every one is found, nothing else is touched, and all come
//! back.
//!
//! The fixtures in `tests/import` have `@@name@@` for each key. The keys are made here, so that no scanner takes this
//! repository for a leak.

use crate::sandbox::Sandbox;
use base64::Engine as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits drawn from a seed; always the same.
fn drawn(seed: &str, alphabet: &[u8], length: usize) -> String {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()] as char).collect()
}

/// The key that a name in a fixture stands for.
fn key(fixture: &str, name: &str) -> String {
    let seed = format!("{fixture} {name}");
    let random = |length| drawn(&seed, DIGITS, length);
    match name {
        "openai" => format!("sk-proj-{}T3BlbkFJ{}", random(74), drawn(&seed, DIGITS, 30)),
        "anthropic" => format!("sk-ant-api03-{}AA", random(93)),
        "groq" => format!("gsk_{}", random(52)),
        "google" => format!("AIza{}", random(35)),
        "slack" => {
            format!("xoxb-{}-{}-{}", drawn(&seed, b"1234567890", 12), drawn(&seed, b"9876543210", 12), random(24))
        }
        "stripe" => format!("sk_live_{}", random(24)),
        "hex40" => drawn(&seed, b"0123456789abcdef", 40),
        "uuid" => {
            let hex = drawn(&seed, b"0123456789abcdef", 32);
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        "basic" => base64::engine::general_purpose::STANDARD.encode(format!("me@example.com:{}", random(24))),
        "encoded" => format!("p%40ss%2F{}", random(8)),
        "short" => "admin".to_owned(),
        "random40" => random(40),
        _ => random(24),
    }
}

/// A fixture with its keys, by name.
fn planted(name: &str, text: &str) -> (String, BTreeMap<String, String>) {
    let mut keys = BTreeMap::new();
    let mut config = String::new();
    for (index, piece) in text.split("@@").enumerate() {
        // Of `@@@host` the last sign is the URL's own.
        if index % 2 == 0 {
            config.push_str(piece);
        } else {
            let key = key(name, piece);
            config.push_str(&key);
            keys.insert(piece.to_owned(), key);
        }
    }
    (config, keys)
}

/// The text with each placeholder as `@@`.
fn blank(live: &str) -> String {
    let mut pieces = live.split("<< keyring(");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        text.push_str("@@");
        text.push_str(piece.split_once(" >>").unwrap().1);
    }
    text
}

fn fixtures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_planted_key_of_twelve_configs_is_found_and_nothing_else_is_touched() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 12);
    for (name, text) in fixtures {
        let (config, keys) = planted(&name, &text);
        let wanted: String =
            text.split("@@").enumerate().map(|(at, piece)| if at % 2 == 0 { piece } else { "@@" }).collect();
        let sandbox = Sandbox::empty();
        sandbox.write(".claude.json", &config);
        let said = sandbox.run(&["import", ".claude.json", "--yes", "--json"]);
        // A key in the path of a URL is filled in where the client logs it: that is told.
        let is_logged = said.err.contains("filled in where it will be logged");
        assert_eq!(said.code, if is_logged { 3 } else { 0 }, "{name}: {}", said.whole());
        let live = sandbox.read(".claude.json");
        assert_eq!(blank(&live), wanted, "{name}: {}", said.out);
        let filled = sandbox.run(&["-q", "exec", "--", "cat", ".claude.json"]);
        assert!(filled.out == config, "{name}: filled it is another file: {}", filled.err);
        assert_eq!(sandbox.read(".claude.json"), live, "{name}");
        let long: Vec<&String> = keys.values().filter(|key| key.len() > 7).collect();
        for text in [&said.out, &said.err] {
            assert!(!long.iter().any(|key| text.contains(key.as_str())), "{name}: a key was printed");
        }
        for (path, content) in sandbox.files() {
            let content = String::from_utf8_lossy(&content);
            assert!(!long.iter().any(|key| content.contains(key.as_str())), "{name}: a key in {}", path.display());
        }
        let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(said["secrets"].as_array().map_or(0, Vec::len), keys.len(), "{name}: equal values are one secret");
    }
}
