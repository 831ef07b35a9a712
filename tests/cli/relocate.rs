//! `secret move`, with a real keyring.

use crate::keyring::Keyring;
use crate::sandbox::{BINARY, KEY, Said};
use std::process::Output;

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(keyring: &Keyring, line: &str, input: &str) -> Said {
    let said = said(&keyring.try_run(BINARY, &line.split(' ').collect::<Vec<_>>(), input));
    assert!(line.contains(" get ") || !said.whole().contains("canary"), "{said:?}");
    said
}

/// What a store has under the name `openai`.
fn value(keyring: &Keyring, store: &str) -> Option<String> {
    let get = || run(keyring, &format!("--store {store} secret get openai -n"), "");
    let mut said = get();
    // A store that is slow on a busy machine has lost nothing.
    while said.err.contains("did not answer") {
        said = get();
    }
    assert!(said.code == 0 || said.err.contains("is not in any store") || said.err.contains("is locked"), "{said:?}");
    (said.code == 0).then_some(said.out)
}

#[test]
fn a_secret_moves_to_the_vault_and_back() {
    let keyring = Keyring::start();
    assert_eq!(run(&keyring, "secret set openai", KEY).err, "stored `openai` (account `api-key`) in the keyring\n");
    let moved = run(&keyring, "secret move openai --to vault", "");
    assert_eq!(moved.whole(), "moved `openai` (account `api-key`) from the keyring to the vault\n[0]");
    assert_eq!((value(&keyring, "native"), value(&keyring, "vault").as_deref()), (None, Some(KEY)));
    let again = run(&keyring, "secret move openai --to vault", "");
    assert_eq!((again.code, again.err.contains("is already in the vault")), (0, true), "{again:?}");
    assert_eq!(run(&keyring, "secret move openai --to native --json", "").code, 0);
    assert_eq!((value(&keyring, "native").as_deref(), value(&keyring, "vault")), (Some(KEY), None));
    let nothing = run(&keyring, "secret move nothing --to vault", "");
    assert_eq!(nothing.code, 2);
    assert!(
        nothing.err.starts_with("error: secret `nothing` (account `api-key`) is not in any store\n"),
        "{nothing:?}"
    );
}

#[test]
fn another_value_in_the_new_store_is_replaced_only_when_that_is_asked_for() {
    let keyring = Keyring::start();
    run(&keyring, "secret set openai", KEY);
    run(&keyring, "--store vault secret set openai", "another-canary");
    let refused = run(&keyring, "secret move openai --to vault", "");
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("the vault has a different value") && refused.err.contains("--replace"),
        "{refused:?}"
    );
    assert_eq!(value(&keyring, "native").as_deref(), Some(KEY));
    assert_eq!(value(&keyring, "vault").as_deref(), Some("another-canary"));
    assert_eq!(run(&keyring, "secret move openai --to vault --replace", "").code, 0);
    assert_eq!((value(&keyring, "native"), value(&keyring, "vault").as_deref()), (None, Some(KEY)));
    // The same value is none of another: the move that was cut off is finished.
    run(&keyring, "--store native secret set openai", KEY);
    assert_eq!(run(&keyring, "secret move openai --to vault", "").code, 0);
    assert_eq!((value(&keyring, "native"), value(&keyring, "vault").as_deref()), (None, Some(KEY)));
}

#[test]
fn the_entry_of_another_program_is_copied_and_stays() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("Key of mine", "service openai username api-key origin elsewhere", KEY);
    let copied = run(&keyring, "secret move openai --to vault", "");
    assert_eq!(copied.code, 3);
    assert!(copied.err.contains("copied `openai`"), "{copied:?}");
    assert!(copied.err.contains("still in the keyring as `Key of mine`: another program keeps track"), "{copied:?}");
    assert_eq!((value(&keyring, "native").as_deref(), value(&keyring, "vault").as_deref()), (Some(KEY), Some(KEY)));
    let said = run(&keyring, "secret move openai --to vault --json", "");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (said.code, json[0]["moved"].as_bool(), json[0]["left"][0].as_str()),
        (3, Some(false), Some("Key of mine"))
    );
}

#[test]
fn an_entry_behind_the_one_that_moved_is_told_of() {
    let keyring = Keyring::start();
    run(&keyring, "secret set openai", KEY);
    keyring.secret_tool_store("By hand", "service openai account api-key", "old-canary");
    let said = run(&keyring, "secret move openai --to vault", "");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("still in the keyring as `By hand`, where another program stored it too"), "{said:?}");
}

#[test]
fn all_that_keystencil_stored_moves_at_once_and_one_that_can_not_keeps_no_other() {
    let keyring = Keyring::start();
    for name in ["a", "b", "c"] {
        run(&keyring, &format!("secret set {name}"), KEY);
    }
    run(&keyring, "--store vault secret set b", "another-canary");
    let said = run(&keyring, "secret move --all --to vault", "");
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("error: the vault has a different value for secret `b`"), "{said:?}");
    let list = run(&keyring, "secret list --json", "");
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let all: Vec<_> =
        list.as_array().unwrap().iter().map(|e| (e["name"].as_str().unwrap(), e["store"].as_str().unwrap())).collect();
    assert_eq!(all, [("a", "vault"), ("b", "keyring"), ("b", "vault"), ("c", "vault")]);
    assert_eq!(run(&keyring, "secret move --all --to native", "").code, 3);
    assert_eq!(run(&keyring, "secret move a --all --to native", "").code, 2);
    assert_eq!(run(&keyring, "secret move --to native", "").code, 2);
}

#[test]
fn a_locked_keyring_gives_nothing_and_takes_nothing() {
    let keyring = Keyring::start();
    run(&keyring, "secret set openai", KEY);
    run(&keyring, "--store vault secret set other", KEY);
    keyring.lock();
    for line in ["secret move openai --to vault", "secret move other --to native", "secret move --all --to vault"] {
        let said = run(&keyring, line, "");
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("the keyring is locked"), "{said:?}");
    }
    assert_eq!(value(&keyring, "vault"), None);
}

#[test]
fn a_move_that_is_killed_at_any_moment_loses_nothing() {
    let keyring = Keyring::start();
    let mut cut_off = 0;
    for round in 0..60u64 {
        assert_eq!(run(&keyring, "--store native secret set openai", KEY).code, 0);
        run(&keyring, "--store vault secret rm openai", "");
        let mut child =
            keyring.command(BINARY).args(["-q", "secret", "move", "openai", "--to", "vault"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(500 * round));
        let _ = child.kill();
        cut_off += usize::from(!child.wait().unwrap().success());
        let (native, vault) = (value(&keyring, "native"), value(&keyring, "vault"));
        assert!([&native, &vault].into_iter().flatten().count() > 0, "lost after {round}");
        assert!([native, vault].into_iter().flatten().all(|value| value == KEY));
    }
    assert!(cut_off > 0);
    assert!([0, 3].contains(&run(&keyring, "secret move openai --to vault", "").code));
    assert_eq!(value(&keyring, "vault").as_deref(), Some(KEY));
}

#[test]
fn a_new_value_reaches_both_stores_and_never_the_entry_of_another_program() {
    let keyring = Keyring::start();
    run(&keyring, "--store native secret set openai", KEY);
    run(&keyring, "--store vault secret set openai", KEY);
    assert_eq!(run(&keyring, "secret rotate openai", "new-canary").code, 0);
    assert_eq!(
        (value(&keyring, "native"), value(&keyring, "vault")),
        (Some("new-canary".into()), Some("new-canary".into()))
    );
    keyring.secret_tool_store("Theirs", "service other username api-key", "their-canary");
    for verb in ["rotate", "set"] {
        let said = run(&keyring, &format!("secret {verb} other"), "new-canary");
        assert_eq!(said.code, 2);
        assert!(said.err.contains("as the entry `Theirs`"), "{said:?}");
    }
    assert_eq!(keyring.secret_tool_lookup("service other").as_deref(), Some("their-canary"));
}
