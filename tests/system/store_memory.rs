//! What stays in memory of a secret that was read and dropped: nothing.
//!
//! One test, in a process of its own: it reads all of that process's memory, in which no other test should work
//! meanwhile.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::keyring::Keyring;
use keystencil::secret::{Query, SecretName};
use keystencil::store::Choice;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;
use zeroize::Zeroizing;

/// Set for the process that does nothing else.
const ALONE: &str = "KEYSTENCIL_TEST_ALONE";

/// The secret in two halves, so that it is nowhere in this program; the search compares with these as well.
const HALVES: [&str; 2] = ["canary-f81d4fae-", "7dec-11d0-a765-00a0c91e6bf6"];

#[test]
fn no_byte_of_a_secret_stays_in_memory_after_it_was_read_and_dropped() {
    if env::var_os(ALONE).is_none() {
        let name = "store_memory::no_byte_of_a_secret_stays_in_memory_after_it_was_read_and_dropped";
        let mut command = Command::new(env::current_exe().unwrap());
        let output = command.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        return;
    }
    let keyring = Keyring::start();
    let script = r#"
        printf '%s%s' "$1" "$2" | secret-tool store --label=L service native username api-key &&
        mkdir -m 700 data id && age-keygen -o id/identity.txt && printf '{"version":1,"entries":[{"service":"vault",
            "account":"api-key","secret":"%s%s","created":"2026-01-02T03:04:05Z","modified":"2026-01-02T03:04:05Z"}]}' \
            "$1" "$2" | age -e -i id/identity.txt -o data/vault.age && chmod 600 id/identity.txt data/vault.age"#;
    let made = format!("cd '{}' && {script}", keyring.path().display());
    keyring.run("sh", &["-c", &made, "sh", HALVES[0], HALVES[1]], "");

    let names = ["native", "vault"].map(|service| Query::from(SecretName::new(service, "api-key").unwrap()));
    let secrets = keyring.stores(Choice::Auto).resolve(&names, Some(Duration::from_secs(60))).unwrap();
    for name in &names {
        assert_eq!(secrets[name].expose().len(), HALVES[0].len() + HALVES[1].len());
    }
    assert!(copies() >= 2, "the search does not find a secret that is there");
    drop(secrets);
    assert_eq!(copies(), 0, "copies of a secret are left");
}

/// How often the secret is in the writable memory of this process.
fn copies() -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for mapping in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut fields = mapping.split(' ');
        let (range, mode) = (fields.next().unwrap(), fields.next().unwrap());
        if !mode.starts_with("rw") || mapping.contains("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut page = Zeroizing::new(vec![0; usize::try_from(end - start).unwrap()]);
        // A mapping of the search itself may have gone again.
        if memory.read_exact_at(&mut page, start).is_ok() {
            count += page.windows(HALVES[0].len() + HALVES[1].len()).filter(|window| is_secret(window)).count();
        }
    }
    count
}

fn is_secret(window: &[u8]) -> bool {
    let (first, second) = window.split_at(HALVES[0].len());
    first == HALVES[0].as_bytes() && second == HALVES[1].as_bytes()
}
