//! A vault that somebody else put in the place of one's own.

use crate::sandbox::{Said, Sandbox};
use std::fs;
use std::path::PathBuf;

const REPLACED: &str = "another one was put in its place";
const OLDER: &str = "an older copy of the vault";

fn vault(sandbox: &Sandbox) -> PathBuf {
    sandbox.path(".local/share/keystencil/vault.age")
}

/// The own public key of a home's vault.
fn public(sandbox: &Sandbox) -> String {
    let list = sandbox.run(&["vault", "recipients", "list"]).out;
    list.split_whitespace().find(|word| word.starts_with("age1")).unwrap().to_owned()
}

fn set(sandbox: &Sandbox, name: &str) -> Said {
    sandbox.run_with_input(&["secret", "set", name], &format!("canary-of-{name}"))
}

/// The vault is not written to, doctor says so, and what is done with it otherwise goes on.
#[track_caller]
fn refused(sandbox: &Sandbox, why: &str) {
    let before = fs::read(vault(sandbox)).unwrap();
    for arguments in [&["secret", "set", "new"][..], &["secret", "rm", "github", "--yes"], &["vault", "rekey"]] {
        let said = sandbox.run_with_input(arguments, "canary-of-new");
        assert!(said.code == 2 && said.err.contains(why) && said.err.contains("`keystencil vault trust`"), "{said:?}");
        assert!(fs::read(vault(sandbox)).unwrap() == before, "{arguments:?} wrote to it");
    }
    // The user's yes to what a template asks for is the tests' own, and would write to the vault.
    let doctor = sandbox.said(&sandbox.strict_command(&["doctor"]).output().unwrap()).whole();
    let words: Vec<&str> = doctor.split_whitespace().collect();
    assert!(words.join(" ").contains(why), "{doctor}");
    assert_eq!(sandbox.run(&["secret", "list"]).code, 0);
    assert!(fs::read(vault(sandbox)).unwrap() == before, "it was written to");
}

#[test]
fn a_vault_of_a_stranger_in_the_place_of_ones_own_is_sealed_to_by_nobody() {
    let (sandbox, stranger) = (Sandbox::with_key(), Sandbox::with_key());
    assert_eq!(stranger.run(&["vault", "recipients", "add", &public(&sandbox)]).code, 0);
    fs::copy(vault(&stranger), vault(&sandbox)).unwrap();
    refused(&sandbox, REPLACED);
    // Whoever looks at it sees who reads it, and is not held to be careful by a pipe.
    let said = sandbox.run(&["vault", "trust"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains(&format!("unknown  {}", public(&stranger))), "{said:?}");
    assert!(said.err.contains("known    age1") && said.err.contains("1 secret in it"), "{said:?}");
    refused(&sandbox, REPLACED);
    assert_eq!(sandbox.run(&["vault", "trust", "--yes"]).code, 0);
    assert_eq!(set(&sandbox, "new").code, 0);
    let said = sandbox.run(&["vault", "trust"]);
    assert!(said.code == 0 && said.err.contains("this machine knows the vault"), "{said:?}");
}

#[test]
fn an_older_copy_of_the_vault_is_not_written_to_and_a_newer_one_of_a_reader_is() {
    let sandbox = Sandbox::with_key();
    let older = fs::read(vault(&sandbox)).unwrap();
    assert_eq!(set(&sandbox, "b").code, 0);
    let newer = fs::read(vault(&sandbox)).unwrap();
    fs::write(vault(&sandbox), older).unwrap();
    refused(&sandbox, OLDER);
    fs::write(vault(&sandbox), &newer).unwrap();
    assert_eq!(set(&sandbox, "c").code, 0);

    // A second machine that reads it adds a third, and stores something.
    let second = Sandbox::with_key();
    let key = public(&second);
    assert_eq!(sandbox.run(&["vault", "recipients", "add", &key]).code, 0);
    fs::remove_dir_all(second.path(".local/state/keystencil")).unwrap();
    fs::copy(vault(&sandbox), vault(&second)).unwrap();
    let third = Sandbox::with_key();
    assert_eq!(second.run(&["vault", "recipients", "add", &public(&third)]).code, 0);
    let said = set(&second, "d");
    assert_eq!(said.code, 0, "{said:?}");
    fs::copy(vault(&second), vault(&sandbox)).unwrap();
    assert_eq!(set(&sandbox, "e").code, 0);
    assert!(sandbox.run(&["secret", "list"]).out.contains("d "));

    // Who was taken off the list can't make one that passes, though they knew the old mark.
    fs::copy(vault(&sandbox), vault(&second)).unwrap();
    let said = sandbox.run(&["vault", "recipients", "rm", &key]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(set(&second, "f").code, 0);
    fs::copy(vault(&second), vault(&sandbox)).unwrap();
    refused(&sandbox, REPLACED);
}

#[test]
fn another_identity_changes_what_the_machine_knows_and_an_export_does_not_tell_it() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["vault", "rekey"]).code, 0);
    assert_eq!(set(&sandbox, "b").code, 0);
    assert!(!sandbox.run(&["vault", "export", "--plaintext"]).out.contains("mark"));
    // A damaged memory is none, and a state folder that can't be written to stops nothing.
    let state = sandbox.path(".local/state/keystencil");
    let pins: Vec<_> = fs::read_dir(&state).unwrap().flatten().map(|entry| entry.path()).collect();
    let pin = pins.iter().find(|path| path.to_string_lossy().ends_with(".vault.json")).unwrap();
    assert!(!fs::read_to_string(pin).unwrap().contains("canary"));
    fs::write(pin, "{").unwrap();
    assert_eq!(set(&sandbox, "c").code, 0);
    fs::remove_dir_all(&state).unwrap();
    fs::write(&state, "no folder").unwrap();
    assert_eq!(set(&sandbox, "d").code, 0);
}
