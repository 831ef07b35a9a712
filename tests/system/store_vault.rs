//! The vault, with the `age` tool as its independent reader, and every way its files may be wrong.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod backup;
mod credential;
mod home;
mod identity;
mod rekey;

use home::{Home, chmod, mode, name, query, run, secret};
use keystencil::store::{Bus, Choice, Store, StoreError, StoreKind, Stores, VaultPaths};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn what_is_set_is_read_back_and_gone_after_remove() {
    let home = Home::new();
    let vault = home.vault();
    assert_eq!(home.get("github"), Err(StoreError::NotFound { query: query("github"), store: StoreKind::Vault }));
    assert_eq!(vault.remove(&name("github")), Ok(false));
    assert_eq!(vault.list(), Ok(vec![]));
    assert!(fs::read_dir(home.folder.path()).unwrap().next().is_none(), "reading must not make files");
    for value in ["one", "two \"quoted\" \\ \n line \u{1f511}\u{0}"] {
        vault.set(&name("github"), &secret(value)).unwrap();
        assert_eq!(home.get("github").unwrap(), value);
    }
    vault.set(&name("another"), &secret("x")).unwrap();
    let list = vault.list().unwrap();
    assert_eq!(list.iter().map(|entry| entry.name.service()).collect::<Vec<_>>(), ["another", "github"]);
    assert!(list[1].modified > list[1].created, "{list:?}");
    assert_eq!(vault.remove(&name("github")), Ok(true));
    assert!(home.get("github").unwrap_err().is_not_found());
    assert_eq!(home.get("another").unwrap(), "x");
}

#[test]
fn the_age_tool_reads_the_vault() {
    let home = Home::with_secret();
    let content: serde_json::Value = serde_json::from_str(&home.age()).unwrap();
    assert_eq!(content["version"], 1);
    assert_eq!(content["entries"][0]["service"], "github");
    assert_eq!(content["entries"][0]["account"], "api-key");
    assert_eq!(content["entries"][0]["secret"], "canary-1");
    assert!(content["entries"][0]["created"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_vault_made_by_the_age_tool_is_read_and_kept() {
    let home = Home::with_secret();
    let entry = |service, value| {
        format!(
            r#"{{"service":"{service}","account":"api-key","secret":"{value}","created":"2026-01-02T03:04:05Z","modified":"2026-01-02T03:04:05Z"}}"#
        )
    };
    home.age_seal(&format!(r#"{{"version":1,"entries":[{},{}]}}"#, entry("a", "1"), entry("b", "2")));
    home.vault().set(&name("c"), &secret("3")).unwrap();
    assert_eq!([home.get("a"), home.get("b"), home.get("c")], [Ok("1".into()), Ok("2".into()), Ok("3".into())]);
    assert!(home.age().contains("2026-01-02T03:04:05Z"));
}

#[test]
fn the_identity_is_the_text_that_age_keygen_writes() {
    let home = Home::with_secret();
    let text = fs::read_to_string(home.identity()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("# created: 20") && lines[0].ends_with('Z'), "{}", lines[0]);
    assert!(lines[2].starts_with("AGE-SECRET-KEY-1") && lines.len() == 3);
    let public = run("age-keygen", &["-y", home.identity().to_str().unwrap()]);
    assert_eq!(lines[1], format!("# public key: {}", String::from_utf8(public.stdout).unwrap().trim()));
}

#[test]
fn only_the_owner_can_read_what_is_made() {
    let home = Home::with_secret();
    for file in [home.file(), home.identity(), home.file().with_extension("age.lock")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        assert_eq!(mode(file.parent().unwrap()), 0o700, "{}", file.display());
    }
    home.vault().set(&name("b"), &secret("2")).unwrap();
    assert_eq!(mode(&home.file()), 0o600);
    let left: Vec<_> = fs::read_dir(home.file().parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "temporary files are left: {left:?}");
}

#[test]
fn no_secret_lies_open_on_the_disk() {
    let home = Home::with_secret();
    for file in [home.file(), home.identity(), home.file().with_extension("age.lock")] {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", file.display());
    }
}

#[test]
fn an_ssh_key_can_be_the_identity() {
    for kind in ["ed25519", "rsa"] {
        let home = Home::new();
        fs::create_dir_all(home.identity().parent().unwrap()).unwrap();
        let identity = home.identity();
        let made = run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-f", identity.to_str().unwrap()]);
        assert!(made.status.success(), "{made:?}");
        home.vault().set(&name("github"), &secret("ghp_1")).unwrap();
        assert_eq!(home.get("github").unwrap(), "ghp_1");
        assert!(home.age().contains("ghp_1"));
    }
}

#[test]
fn a_missing_identity_is_not_replaced_by_a_new_one() {
    let home = Home::with_secret();
    fs::remove_file(home.identity()).unwrap();
    home.is_refused(|error| matches!(error, StoreError::VaultIdentityMissing { .. }));
    assert!(!home.identity().exists());
}

#[test]
fn an_identity_that_is_none_is_refused() {
    for content in ["", "# only a comment\n", "hello\n", "AGE-SECRET-KEY-1QQQQ\n", "\u{0}\u{1}", "-----BEGIN X-----\n"]
    {
        let home = Home::with_secret();
        fs::write(home.identity(), content).unwrap();
        home.is_refused(|error| matches!(error, StoreError::VaultIdentityUnreadable { .. }));
    }
}

#[test]
fn another_identity_does_not_open_the_vault() {
    let home = Home::with_secret();
    fs::copy(Home::with_secret().identity(), home.identity()).unwrap();
    home.is_refused(|error| matches!(error, StoreError::VaultWrongKey { .. }));
}

#[test]
fn an_identity_made_before_the_vault_is_used() {
    let home = Home::new();
    fs::create_dir_all(home.identity().parent().unwrap()).unwrap();
    let identity = home.identity();
    assert!(run("age-keygen", &["-o", identity.to_str().unwrap()]).status.success());
    let before = fs::read(home.identity()).unwrap();
    home.vault().set(&name("github"), &secret("ghp_1")).unwrap();
    assert_eq!(fs::read(home.identity()).unwrap(), before);
    assert_eq!(home.get("github").unwrap(), "ghp_1");
}

#[test]
fn a_truncated_vault_is_refused_wherever_it_was_cut() {
    let home = Home::with_secret();
    let whole = fs::read(home.file()).unwrap();
    for length in (0..whole.len()).step_by(7) {
        fs::write(home.file(), &whole[..length]).unwrap();
        home.is_refused(|error| matches!(error, StoreError::VaultDamaged { .. }));
    }
}

#[test]
fn a_vault_with_one_changed_byte_is_refused() {
    let home = Home::with_secret();
    let whole = fs::read(home.file()).unwrap();
    for position in (0..whole.len()).step_by(5) {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(home.file(), changed).unwrap();
        home.is_refused(|error| matches!(error, StoreError::VaultDamaged { .. } | StoreError::VaultWrongKey { .. }));
    }
}

#[test]
fn a_vault_whose_content_is_not_ours_is_refused() {
    for content in [
        "",
        "canary",
        "[]",
        r#"{"version":"x"}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"entries":[{"secret":"canary"}]}"#,
    ] {
        let home = Home::with_secret();
        fs::remove_file(home.file()).unwrap();
        home.age_seal(content);
        home.is_refused(|error| matches!(error, StoreError::VaultDamaged { .. }));
    }
}

#[test]
fn a_vault_of_a_newer_keystencil_is_left_to_it() {
    let home = Home::with_secret();
    fs::remove_file(home.file()).unwrap();
    home.age_seal(r#"{"version":2,"sealed":"canary"}"#);
    home.is_refused(|error| matches!(error, StoreError::VaultNewer { version: 2, .. }));
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let home = Home::with_secret();
    for path in [home.file(), home.identity()] {
        for bits in [0o640, 0o604, 0o660, 0o644] {
            chmod(&path, bits);
            home.is_refused(|error| {
                matches!(error, StoreError::VaultPermissions { mode, path: open } if *mode == bits && *open == path)
            });
        }
        chmod(&path, 0o600);
    }
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn a_vault_that_is_a_folder_is_an_error() {
    let home = Home::with_secret();
    fs::remove_file(home.file()).unwrap();
    fs::create_dir(home.file()).unwrap();
    assert!(matches!(home.get("github"), Err(StoreError::Io { .. })));
    assert!(home.vault().set(&name("github"), &secret("x")).is_err());
    assert!(home.file().is_dir());
}

#[test]
fn a_linked_vault_stays_a_link() {
    let home = Home::with_secret();
    let elsewhere = home.folder.path().join("dotfiles");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(home.file(), elsewhere.join("v.age")).unwrap();
    symlink(elsewhere.join("v.age"), home.file()).unwrap();
    home.vault().set(&name("b"), &secret("2")).unwrap();
    assert!(fs::symlink_metadata(home.file()).unwrap().is_symlink());
    assert_eq!((home.get("github").unwrap(), home.get("b").unwrap()), ("canary-1".to_owned(), "2".to_owned()));
}

#[test]
fn a_vault_that_another_process_is_changing_is_waited_for_and_then_reported() {
    let home = Home::with_secret();
    let lock = fs::File::open(home.file().with_extension("age.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(home.get("github").unwrap(), "canary-1", "reading needs no lock");
    assert!(matches!(home.vault().set(&name("b"), &secret("2")), Err(StoreError::VaultBusy { .. })));
    lock.unlock().unwrap();
    home.vault().set(&name("b"), &secret("2")).unwrap();
}

#[test]
fn twenty_writers_at_once_lose_nothing() {
    let home = Home::new();
    std::thread::scope(|scope| {
        for writer in 0..20 {
            let vault = home.vault();
            scope.spawn(move || {
                let set = || vault.set(&name(&format!("s{writer}")), &secret("x"));
                // Who waits too long behind nineteen others is told so, and nothing was written.
                let busy = |error: &StoreError| matches!(error, StoreError::VaultBusy { .. });
                while let Err(error) = set() {
                    assert!(busy(&error), "{error:?}");
                }
            });
        }
    });
    assert_eq!(home.vault().list().unwrap().len(), 20);
}

#[test]
fn an_empty_value_is_refused() {
    let home = Home::new();
    assert_eq!(home.vault().set(&name("github"), &secret("")), Err(StoreError::EmptyValue { name: name("github") }));
    assert!(!home.file().exists());
}

#[test]
fn without_any_bus_the_vault_is_the_store() {
    let home = Home::new();
    let paths = VaultPaths { vault: home.file(), identity: home.identity() };
    let stores = Stores::new(Choice::Auto, paths, Bus::default());
    let error = stores.resolve(&[query("github")], None).unwrap_err();
    assert_eq!(error.to_string(), "secret `github` (account `api-key`) is not in any store");
    assert!(error.missing()[0].answers.iter().any(StoreError::is_absent), "{error:?}");
    assert_eq!(stores.set(&name("github"), &secret("ghp_1")), Ok(StoreKind::Vault));
    assert_eq!(stores.resolve(&[query("github")], None).unwrap()[&query("github")].expose(), "ghp_1");
}
