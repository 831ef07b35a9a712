//! Other identities and other readers.

use super::home::{Home, chmod, name, run, secret};
use super::identity::{PASSPHRASE, Typist};
use keystencil::error::Explain;
use keystencil::store::vault::NewIdentity;
use keystencil::store::{Store, StoreError, Vault, VaultPaths};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Another machine's identity, its public key, and its view of the vault of `home`.
fn machine(home: &Home, called: &str) -> (PathBuf, String, Vault) {
    let identity = home.folder.path().join(called);
    let output = run("age-keygen", &["-o", identity.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let public = run("age-keygen", &["-y", identity.to_str().unwrap()]);
    let public = String::from_utf8(public.stdout).unwrap().trim().to_owned();
    let vault = Vault::new(VaultPaths { vault: home.file(), identity: identity.clone() });
    (identity, public, vault)
}

fn get(vault: &Vault, service: &str) -> Result<String, StoreError> {
    vault.get_many(&[name(service).into()]).remove(0).map(|secret| secret.expose().to_owned())
}

fn is_shut(error: &StoreError) -> bool {
    matches!(error, StoreError::VaultWrongKey { .. })
}

#[test]
fn after_a_rekey_the_new_identity_opens_the_vault_and_the_old_one_does_not() {
    let home = Home::with_secret();
    home.vault().put_backup("b", b"backup", jiff::Timestamp::now()).unwrap();
    let before = fs::read(home.identity()).unwrap();
    let done = home.vault().rekey(&NewIdentity::Fresh).unwrap();
    let old = done.old.unwrap();
    assert_eq!(fs::read(&old).unwrap(), before, "the old identity is now kept");
    assert_ne!(fs::read(home.identity()).unwrap(), before);
    assert_eq!((super::mode(&old), super::mode(&home.identity()), super::mode(&home.file())), (0o600, 0o600, 0o600));
    assert_eq!(home.get("github").unwrap(), "canary-1");
    assert!(home.age().contains("canary-1"));
    assert_eq!(*home.vault().get_backup("b").unwrap().unwrap(), b"backup");
    let by_old = Vault::new(VaultPaths { vault: home.file(), identity: old });
    assert!(is_shut(&get(&by_old, "github").unwrap_err()));
    // A second time the first old one is not overwritten.
    let again = home.vault().rekey(&NewIdentity::Fresh).unwrap().old.unwrap();
    assert!(again.to_string_lossy().ends_with("identity.txt.old-2"), "{again:?}");
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn before_the_first_secret_a_rekey_chooses_the_identity() {
    let home = Home::new();
    let (identity, ..) = machine(&home, "key.txt");
    let done = home.vault().rekey(&NewIdentity::File(identity.clone())).unwrap();
    assert_eq!((done.old, done.had_vault), (None, false));
    home.vault().set(&name("a"), &secret("1")).unwrap();
    assert_eq!(fs::read(home.identity()).unwrap(), fs::read(identity).unwrap());
    assert_eq!(home.get("a").unwrap(), "1");
}

#[test]
fn a_protected_identity_is_what_the_age_tool_calls_one() {
    let home = Home::with_secret();
    home.vault().rekey(&NewIdentity::Protected(Zeroizing::new(PASSPHRASE.to_owned()))).unwrap();
    let text = fs::read_to_string(home.identity()).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{text}");
    assert!(!text.contains("AGE-SECRET-KEY"));
    // And away from it again.
    let vault = home.vault().asking(Some(Typist::of(&[PASSPHRASE])));
    vault.rekey(&NewIdentity::Fresh).unwrap();
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn a_new_identity_that_can_not_be_used_changes_nothing() {
    let home = Home::with_secret();
    let vault = fs::read(home.file()).unwrap();
    let bad = home.folder.path().join("bad");
    for (content, mode) in [(Some("nonsense"), 0o600), (Some(""), 0o600), (None, 0), (Some("AGE-SECRET-KEY-1"), 0o600)]
    {
        let _ = fs::remove_file(&bad);
        if let Some(content) = content {
            fs::write(&bad, content).unwrap();
            chmod(&bad, mode);
        }
        let error = home.vault().rekey(&NewIdentity::File(bad.clone())).unwrap_err();
        assert!(error.place().is_some(), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("AGE-SECRET"));
    }
    let (open, ..) = machine(&home, "open.txt");
    chmod(&open, 0o644);
    let error = home.vault().rekey(&NewIdentity::File(open)).unwrap_err();
    assert!(matches!(error, StoreError::VaultPermissions { .. }), "{error:?}");
    assert_eq!(fs::read(home.file()).unwrap(), vault);
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn what_a_linked_identity_leads_to_is_never_replaced() {
    let home = Home::with_secret();
    let elsewhere = home.folder.path().join("id_of_other_things");
    fs::rename(home.identity(), &elsewhere).unwrap();
    symlink(&elsewhere, home.identity()).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    let done = home.vault().rekey(&NewIdentity::Fresh).unwrap();
    assert_eq!(done.old.unwrap().canonicalize().unwrap(), elsewhere.canonicalize().unwrap());
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
    assert!(!fs::symlink_metadata(home.identity()).unwrap().is_symlink());
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn a_second_machine_reads_and_writes_and_locks_nobody_out() {
    let home = Home::with_secret();
    let (_, public, there) = machine(&home, "there.txt");
    assert!(is_shut(&get(&there, "github").unwrap_err()));
    assert_eq!(home.vault().add_recipient(&public, Some("laptop")), Ok(true));
    assert_eq!(home.vault().add_recipient(&format!(" {public}\n"), None), Ok(false));
    assert_eq!(get(&there, "github").unwrap(), "canary-1");
    there.set(&name("new"), &secret("from there")).unwrap();
    assert_eq!(home.get("new").unwrap(), "from there");
    let list = home.vault().recipients().unwrap();
    let shown: Vec<_> = list.iter().map(|one| (one.is_own, one.name.as_deref())).collect();
    assert_eq!(shown, [(true, None), (false, Some("laptop"))]);
    // The other machine takes another identity; this one is not locked out.
    there.rekey(&NewIdentity::Fresh).unwrap();
    assert_eq!(home.get("new").unwrap(), "from there");
    assert_eq!(home.vault().recipients().unwrap().len(), 2);
    home.vault().set(&name("again"), &secret("from here")).unwrap();
    assert_eq!(get(&there, "again").unwrap(), "from here");
    // And this one.
    home.vault().rekey(&NewIdentity::Fresh).unwrap();
    there.set(&name("last"), &secret("l")).unwrap();
    assert_eq!(home.get("last").unwrap(), "l");
}

#[test]
fn a_removed_recipient_reads_old_copies_and_no_new_ones() {
    let home = Home::with_secret();
    let (_, public, there) = machine(&home, "there.txt");
    home.vault().add_recipient(&public, Some("laptop")).unwrap();
    home.vault().put_backup("b", b"backup", jiff::Timestamp::now()).unwrap();
    let old = home.folder.path().join("old.age");
    fs::copy(home.file(), &old).unwrap();
    let (own, theirs) = {
        let list = home.vault().recipients().unwrap();
        (list[0].key.clone().unwrap(), list[1].key.clone().unwrap())
    };
    assert_eq!(home.vault().remove_recipient(&own), Err(StoreError::OwnRecipient));
    assert_eq!(home.vault().remove_recipient("nobody"), Ok(false));
    assert_eq!(home.vault().remove_recipient("laptop"), Ok(true));
    assert_eq!(home.vault().remove_recipient(&theirs), Ok(false));
    assert!(is_shut(&get(&there, "github").unwrap_err()));
    assert!(is_shut(&there.get_backup("b").unwrap_err()));
    assert_eq!(home.get("github").unwrap(), "canary-1");
    let identity = there_identity(&home);
    assert_eq!(get(&Vault::new(VaultPaths { vault: old, identity }), "github").unwrap(), "canary-1");
}

fn there_identity(home: &Home) -> PathBuf {
    home.folder.path().join("there.txt")
}

#[test]
fn ssh_keys_are_recipients_by_their_public_line() {
    for kind in ["ed25519", "rsa"] {
        let home = Home::with_secret();
        let key = home.folder.path().join("id");
        let arguments = ["-q", "-t", kind, "-N", "", "-C", "me@laptop", "-f", key.to_str().unwrap()];
        assert!(run("ssh-keygen", &arguments).status.success());
        let line = fs::read_to_string(key.with_extension("pub")).unwrap();
        assert_eq!(home.vault().add_recipient(&line, None), Ok(true));
        assert_eq!(home.vault().recipients().unwrap()[1].name.as_deref(), Some("me@laptop"));
        let there = Vault::new(VaultPaths { vault: home.file(), identity: key.clone() });
        assert_eq!(get(&there, "github").unwrap(), "canary-1");
        let output = run("age", &["-d", "-i", key.to_str().unwrap(), home.file().to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(home.vault().remove_recipient(&line), Ok(true), "by its whole line");
    }
}

#[test]
fn what_is_no_public_key_is_refused_and_a_secret_one_is_not_repeated() {
    let home = Home::with_secret();
    let before = fs::read(home.file()).unwrap();
    let identity = fs::read_to_string(home.identity()).unwrap();
    let secret_key = identity.lines().last().unwrap();
    for text in [
        "",
        "nonsense",
        "age1",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAA",
        "age1missing1qqqqqqqq",
        secret_key,
        &secret_key.to_lowercase(),
        &identity,
    ] {
        let error = home.vault().add_recipient(text, None).unwrap_err();
        assert!(matches!(error, StoreError::VaultRecipient { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").to_uppercase().contains("AGE-SECRET"), "{error}");
    }
    assert_eq!(fs::read(home.file()).unwrap(), before);
}
