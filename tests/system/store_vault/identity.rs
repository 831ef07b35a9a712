//! Identities with a passphrase, asked for once and kept for a while.

use super::home::{Home, chmod, name, run, secret};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keystencil::error::Explain;
use keystencil::store::vault::NewIdentity;
use keystencil::store::{Ask, KeptIn, Store, StoreError, Vault};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

pub(crate) const PASSPHRASE: &str = "canary battery staple";

/// Somebody who types these, one after another, and then the last for ever; counts how often they were asked.
#[derive(Default)]
pub(crate) struct Typist {
    pub(crate) answers: Vec<&'static str>,
    pub(crate) asked: AtomicUsize,
    pub(crate) told: Mutex<Vec<String>>,
}

impl Typist {
    pub(crate) fn of(answers: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { answers: answers.to_vec(), ..Self::default() })
    }

    pub(crate) fn times(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Ask for Typist {
    fn passphrase(&self, _: &Path) -> Option<Zeroizing<String>> {
        self.hidden("")
    }

    fn hidden(&self, question: &str) -> Option<Zeroizing<String>> {
        self.told.lock().unwrap().push(question.to_owned());
        let time = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len().saturating_sub(1));
        self.answers.get(time).map(|answer| Zeroizing::new((*answer).to_owned()))
    }

    fn line(&self, question: &str) -> Option<String> {
        self.hidden(question).map(|answer| String::clone(&answer))
    }

    fn tell(&self, message: &str) {
        self.told.lock().unwrap().push(message.to_owned());
    }
}

/// A vault with the secret `github` whose identity has that passphrase.
fn protected() -> Home {
    let home = Home::with_secret();
    home.vault().rekey(&NewIdentity::Protected(Zeroizing::new(PASSPHRASE.to_owned()))).unwrap();
    home
}

fn runtime(home: &Home) -> PathBuf {
    let folder = home.folder.path().join("run");
    let _ = fs::create_dir(&folder);
    chmod(&folder, 0o700);
    folder
}

fn get(vault: &Vault) -> Result<String, StoreError> {
    vault.get_many(&[name("github").into()]).remove(0).map(|secret| secret.expose().to_owned())
}

fn is_locked(error: &StoreError) -> bool {
    matches!(error, StoreError::VaultLocked { .. })
}

#[test]
fn without_anybody_to_ask_a_protected_vault_is_locked_and_stays_as_it_is() {
    let home = protected();
    home.is_refused(is_locked);
}

#[test]
fn a_passphrase_is_asked_for_once_in_a_process() {
    let home = protected();
    let typist = Typist::of(&["wrong", PASSPHRASE]);
    let vault = home.vault().asking(Some(typist.clone()));
    assert_eq!(get(&vault).unwrap(), "canary-1");
    vault.set(&name("b"), &secret("2")).unwrap();
    vault.put_backup("c", b"3", jiff::Timestamp::now()).unwrap();
    assert_eq!(vault.list().unwrap().len(), 2);
    assert_eq!(typist.times(), 2, "once wrong, once right");
}

#[test]
fn who_does_not_know_the_passphrase_is_told_so_after_three_times_or_gives_up() {
    let home = protected();
    let typist = Typist::of(&["wrong"]);
    let error = get(&home.vault().asking(Some(typist.clone()))).unwrap_err();
    assert!(matches!(error, StoreError::VaultPassphrase { .. }), "{error:?}");
    assert_eq!(typist.times(), 3);
    let typist = Typist::of(&[""]);
    assert!(is_locked(&get(&home.vault().asking(Some(typist.clone()))).unwrap_err()));
    assert_eq!(typist.times(), 1);
}

#[test]
fn what_unlock_keeps_opens_the_vault_until_it_is_forgotten() {
    let home = protected();
    let runtime = runtime(&home);
    let typist = Typist::of(&[PASSPHRASE]);
    let vault = home.vault().with_runtime_folder(Some(runtime.clone()));
    assert!(is_locked(&vault.unlock(Duration::from_secs(60)).unwrap_err()), "nobody is there");
    let asking = home.vault().with_runtime_folder(Some(runtime.clone())).asking(Some(typist));
    let kept = asking.unlock(Duration::from_secs(60)).unwrap().unwrap();
    if let KeptIn::File(path) = &kept {
        assert_eq!(super::mode(path), 0o600);
        assert_eq!(super::mode(path.parent().unwrap()), 0o700);
    }
    let another = home.vault().with_runtime_folder(Some(runtime));
    assert_eq!(get(&another).unwrap(), "canary-1");
    // Another identity is another secret.
    let whole = fs::read(home.identity()).unwrap();
    let other = protected();
    fs::copy(other.identity(), home.identity()).unwrap();
    assert!(is_locked(&get(&another).unwrap_err()));
    fs::write(home.identity(), whole).unwrap();
    assert_eq!(another.forget(), Ok(true));
    assert!(is_locked(&get(&another).unwrap_err()));
    assert_eq!(another.forget(), Ok(false));
}

#[test]
fn an_unlocked_vault_closes_by_itself() {
    let home = protected();
    let vault = home.vault().with_runtime_folder(Some(runtime(&home)));
    let asking = home.vault().with_runtime_folder(Some(runtime(&home))).asking(Some(Typist::of(&[PASSPHRASE])));
    // The first may be over on a loaded machine before it is looked at.
    let mut opened = [2, 8, 32].into_iter().filter(|seconds| {
        asking.unlock(Duration::from_secs(*seconds)).unwrap();
        get(&vault).is_ok_and(|value| value == "canary-1")
    });
    let seconds = opened.next().expect("it was never open");
    let since = Instant::now();
    let closed = loop {
        match get(&vault) {
            Ok(_) if since.elapsed() < Duration::from_secs(seconds + 60) => {
                std::thread::sleep(Duration::from_millis(100));
            }
            outcome => break outcome,
        }
    };
    assert!(is_locked(&closed.unwrap_err()));
}

#[test]
fn an_identity_without_a_passphrase_needs_no_unlock() {
    let home = Home::with_secret();
    let typist = Typist::of(&[PASSPHRASE]);
    assert_eq!(home.vault().asking(Some(typist.clone())).unlock(Duration::from_secs(60)), Ok(None));
    assert_eq!(typist.times(), 0);
    let missing = Home::new().vault().unlock(Duration::from_secs(60)).unwrap_err();
    assert!(matches!(missing, StoreError::VaultIdentityMissing { .. }));
}

#[test]
fn ssh_keys_open_the_vault_with_a_passphrase_and_without() {
    for (kind, passphrase) in [("ed25519", ""), ("ed25519", PASSPHRASE), ("rsa", ""), ("rsa", PASSPHRASE)] {
        let home = Home::with_secret();
        let key = home.folder.path().join("id");
        let arguments = ["-q", "-t", kind, "-N", passphrase, "-C", "a comment", "-f", key.to_str().unwrap()];
        assert!(run("ssh-keygen", &arguments).status.success());
        let typist = Typist::of(&[PASSPHRASE]);
        let vault = home.vault().asking(Some(typist.clone())).with_runtime_folder(Some(runtime(&home)));
        vault.rekey(&NewIdentity::File(key.clone())).unwrap();
        assert_eq!(fs::read(home.identity()).unwrap(), fs::read(&key).unwrap());
        assert_eq!(get(&vault).unwrap(), "canary-1", "{kind}");
        assert_eq!(typist.times(), usize::from(!passphrase.is_empty()), "{kind}");
        let fresh = home.vault().with_runtime_folder(Some(runtime(&home)));
        if passphrase.is_empty() {
            assert!(home.age().contains("canary-1"));
            continue;
        }
        assert!(is_locked(&get(&fresh).unwrap_err()));
        let asking = home.vault().with_runtime_folder(Some(runtime(&home))).asking(Some(typist.clone()));
        asking.unlock(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(get(&fresh).unwrap(), "canary-1", "{kind}");
        fresh.set(&name("b"), &secret("2")).unwrap();
        fresh.forget().unwrap();
        let wrong = get(&fresh.asking(Some(Typist::of(&["wrong"])))).unwrap_err();
        assert!(matches!(wrong, StoreError::VaultPassphrase { .. }), "{kind}: {wrong:?}");
    }
}

/// A new ssh key with a passphrase, made with more options of `ssh-keygen`.
fn ssh_key(home: &Home, name: &str, options: &[&str]) -> PathBuf {
    let key = home.folder.path().join(name);
    let arguments = ["-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", key.to_str().unwrap()];
    assert!(run("ssh-keygen", &[&arguments, options].concat()).status.success());
    key
}

#[test]
fn an_ssh_key_opens_the_vault_with_every_cipher_that_age_knows_and_lines_of_any_length() {
    let home = Home::with_secret();
    let ciphers = ["aes256-cbc", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes256-gcm@openssh.com"];
    let mut keys: Vec<PathBuf> = ciphers.iter().map(|cipher| ssh_key(&home, cipher, &["-Z", cipher])).collect();
    // `ssh-keygen` breaks lines after 70 characters, Python's `cryptography` after 76.
    let text = fs::read_to_string(&keys[0]).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (first, body, last) = (lines[0], lines[1..lines.len() - 1].concat(), lines[lines.len() - 1]);
    for (width, end) in [(64, "\n"), (76, "\r\n"), (body.len(), "\n")] {
        let wrapped: Vec<&str> = body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let key = home.folder.path().join(width.to_string());
        fs::write(&key, format!("{first}{end}{}{end}{last}{end}", wrapped.join(end))).unwrap();
        chmod(&key, 0o600);
        keys.push(key);
    }
    for key in keys {
        let home = Home::with_secret();
        let vault = |answer| home.vault().asking(Some(Typist::of(&[answer])));
        vault(PASSPHRASE).rekey(&NewIdentity::File(key.clone())).unwrap();
        assert_eq!(get(&vault(PASSPHRASE)).unwrap(), "canary-1", "{key:?}");
        assert!(matches!(get(&vault("wrong")), Err(StoreError::VaultPassphrase { .. })), "{key:?}");
    }
}

#[test]
fn an_ssh_key_that_takes_too_much_work_or_was_changed_is_an_error_at_once() {
    let home = Home::with_secret();
    let key = ssh_key(&home, "id", &[]);
    let vault = || home.vault().asking(Some(Typist::of(&[PASSPHRASE])));
    vault().rekey(&NewIdentity::File(key)).unwrap();
    let whole = fs::read_to_string(home.identity()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let bytes = BASE64_STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    // The number of rounds follows the salt, which has 16 bytes.
    let rounds = bytes.windows(10).position(|window| window == b"\0\0\0\x06bcrypt").unwrap() + 10 + 8 + 16;
    let change = |at: usize, new: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + new.len()].copy_from_slice(new);
        let text = format!("{}\n{}\n{}\n", lines[0], BASE64_STANDARD.encode(changed), lines[lines.len() - 1]);
        fs::write(home.identity(), text).unwrap();
        get(&vault()).unwrap_err()
    };
    let error = change(rounds, &u32::MAX.to_be_bytes());
    assert!(error.to_string().contains("too much work"), "{error}");
    // The public key, to which the private one no longer belongs.
    let at = rounds + 4 + 4 + 50;
    let error = change(at, &[!bytes[at]]);
    assert!(matches!(error, StoreError::VaultIdentityUnreadable { .. }), "{error:?}");
    fs::write(home.identity(), whole).unwrap();
    assert_eq!(get(&vault()).unwrap(), "canary-1");
}

#[test]
fn ssh_keys_that_age_can_not_use_are_refused_with_the_reason() {
    let home = Home::with_secret();
    let key = home.folder.path().join("id");
    let arguments = ["-q", "-t", "ecdsa", "-N", "", "-f", key.to_str().unwrap()];
    assert!(run("ssh-keygen", &arguments).status.success());
    let before = fs::read(home.identity()).unwrap();
    let error = home.vault().rekey(&NewIdentity::File(key)).unwrap_err();
    assert!(error.to_string().contains("age does not support this kind of ssh key"), "{error}");
    assert_eq!(before, fs::read(home.identity()).unwrap());
    assert_eq!(home.get("github").unwrap(), "canary-1");
}

#[test]
fn a_protected_identity_that_was_cut_or_changed_is_an_error_at_any_length() {
    let home = protected();
    let whole = fs::read(home.identity()).unwrap();
    let vault = home.vault().asking(Some(Typist::of(&[PASSPHRASE, "", ""])));
    // Where the body begins a passphrase is asked for, which takes its second: the header is enough here.
    for length in (1..40).chain([60, 100, 130]) {
        fs::write(home.identity(), &whole[..length]).unwrap();
        let error = get(&vault).unwrap_err();
        assert!(matches!(error, StoreError::VaultIdentityUnreadable { .. }), "{length}: {error:?}");
        assert!(error.place().is_some());
    }
    let mut changed = whole.clone();
    let at = whole.len() - 80;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    fs::write(home.identity(), &changed).unwrap();
    let error = get(&home.vault().asking(Some(Typist::of(&[PASSPHRASE])))).unwrap_err();
    assert!(matches!(error, StoreError::VaultIdentityUnreadable { .. }), "{error:?}");
    fs::write(home.identity(), &whole).unwrap();
    assert_eq!(get(&home.vault().asking(Some(Typist::of(&[PASSPHRASE])))).unwrap(), "canary-1");
}

#[test]
fn a_linked_identity_is_read_and_stays_a_link() {
    let home = protected();
    let elsewhere = home.folder.path().join("dotfiles-identity");
    fs::rename(home.identity(), &elsewhere).unwrap();
    symlink(&elsewhere, home.identity()).unwrap();
    let vault = home.vault().asking(Some(Typist::of(&[PASSPHRASE])));
    vault.set(&name("b"), &secret("2")).unwrap();
    assert_eq!(get(&vault).unwrap(), "canary-1");
    assert!(fs::symlink_metadata(home.identity()).unwrap().is_symlink());
    chmod(&elsewhere, 0o644);
    assert!(matches!(get(&vault).unwrap_err(), StoreError::VaultPermissions { mode: 0o644, .. }));
}
