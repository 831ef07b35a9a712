//! Backups in the vault.

use super::home::{Home, name, secret};
use jiff::Timestamp;
use keystencil::error::Explain;
use keystencil::store::{Store, StoreError};
use std::fs;
use std::path::PathBuf;

fn files(home: &Home) -> Vec<PathBuf> {
    let folder = home.file().with_extension("d");
    let mut all: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_backup_comes_back_byte_for_byte_and_is_no_secret() {
    let home = Home::new();
    let vault = home.vault();
    assert_eq!(vault.list_backups(), Ok(vec![]));
    assert_eq!(vault.get_backup("github"), Ok(None));
    assert!(!home.file().exists(), "reading must not make files");
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).chain(*b"canary-in-a-backup").collect();
    vault.put_backup("github", &bytes, time("2026-02-01T00:00:00Z")).unwrap();
    vault.put_backup("older", b"", time("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(*vault.get_backup("github").unwrap().unwrap(), bytes);
    assert_eq!(*vault.get_backup("older").unwrap().unwrap(), b"");
    assert!(home.get("github").unwrap_err().is_not_found());
    assert_eq!(vault.list(), Ok(vec![]));
    let list = vault.list_backups().unwrap();
    assert_eq!(
        list.iter().map(|one| (one.name.as_str(), one.size)).collect::<Vec<_>>(),
        [("older", 0), ("github", 300_018)]
    );
    for path in files(&home) {
        assert_eq!(super::mode(&path), 0o600);
        let sealed = fs::read(path).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }
}

#[test]
fn a_backup_is_removed_with_its_file_and_never_replaced() {
    let home = Home::with_secret();
    let vault = home.vault();
    let now = Timestamp::now();
    vault.put_backup("a", b"1", now).unwrap();
    let error = vault.put_backup("a", b"2", now).unwrap_err();
    assert_eq!(error, StoreError::BackupExists { name: "a".to_owned() });
    assert_eq!(*vault.get_backup("a").unwrap().unwrap(), b"1");
    assert_eq!(vault.remove_backup("a"), Ok(true));
    assert_eq!(vault.remove_backup("a"), Ok(false));
    assert!(files(&home).is_empty());
    for bad in ["", "a\nb", "a\0"] {
        assert!(matches!(vault.put_backup(bad, b"1", now), Err(StoreError::BackupName { .. })), "{bad:?}");
    }
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn the_age_tool_reads_a_backup_with_the_key_in_the_vault() {
    let home = Home::new();
    home.vault().put_backup("a", b"content", Timestamp::now()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&home.age()).unwrap();
    let key = home.folder.path().join("key");
    fs::write(&key, document["backups"][0]["key"].as_str().unwrap()).unwrap();
    let file = files(&home).remove(0);
    let output = super::run("age", &["-d", "-i", key.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!(output.stdout, b"content", "{output:?}");
}

#[test]
fn a_damaged_or_missing_backup_is_told_with_its_file_and_harms_no_secret() {
    let home = Home::with_secret();
    let vault = home.vault();
    vault.put_backup("a", &[7; 200_000], Timestamp::now()).unwrap();
    let file = files(&home).remove(0);
    let whole = fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).step_by(9973).map(|length| whole[..length].to_vec()).collect();
    for at in (0..whole.len()).step_by(9973) {
        let mut one = whole.clone();
        one[at] ^= 1;
        damaged.push(one);
    }
    for bytes in damaged {
        fs::write(&file, bytes).unwrap();
        let error = vault.get_backup("a").unwrap_err();
        assert!(matches!(error, StoreError::BackupDamaged { .. }), "{error:?}");
        assert!(error.place().is_some());
    }
    fs::remove_file(&file).unwrap();
    assert!(matches!(vault.get_backup("a"), Err(StoreError::BackupDamaged { .. })));
    assert_eq!(home.get("github").unwrap(), "canary-1");
    // It can be given up.
    assert_eq!(vault.remove_backup("a"), Ok(true));
    assert_eq!(vault.list_backups(), Ok(vec![]));
}

#[test]
fn the_next_change_finishes_what_a_killed_process_began_and_removes_what_it_left() {
    let home = Home::with_secret();
    let vault = home.vault();
    vault.put_backup("a", b"content", Timestamp::now()).unwrap();
    let file = files(&home).remove(0);
    // Killed between the vault and the rename.
    let staged = file.with_file_name(format!(".keystencil-vault-{}", file.file_name().unwrap().to_str().unwrap()));
    fs::rename(&file, &staged).unwrap();
    assert_eq!(*vault.get_backup("a").unwrap().unwrap(), b"content");
    // Killed before the vault, and while the vault or the identity was written.
    let litter = [
        file.with_file_name(".keystencil-vault-Ab1"),
        home.file().with_file_name(".keystencil-vault-x"),
        home.identity().with_file_name(".keystencil-vault-y"),
    ];
    for path in &litter {
        fs::write(path, "x").unwrap();
    }
    let other = home.file().with_file_name(".keystencil-other");
    fs::write(&other, "of somebody else").unwrap();
    vault.set(&name("b"), &secret("2")).unwrap();
    assert_eq!(files(&home), [file]);
    assert_eq!(*vault.get_backup("a").unwrap().unwrap(), b"content");
    assert!(litter.iter().all(|path| !path.exists()));
    assert!(other.exists());
}
