//! Entries that other programs wrote, read and changed here, and the reverse: secret-tool, Python keyring.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod matrix;
#[path = "store_interop/keepassxc.rs"]
mod with_keepassxc;

use crate::keyring::Keyring;
use crate::names::{account, answer, name, read, secret};
use keystencil::store::{Choice, StoreError};

#[test]
fn an_entry_of_secret_tool_is_found_under_each_pair_of_attributes() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    for (service, attributes) in [
        ("a", "service a username api-key"),
        ("b", "service b account api-key"),
        ("c", "service c user api-key"),
        ("d", "Title d UserName api-key"),
    ] {
        keyring.secret_tool_store(service, attributes, &format!("value of {service}"));
        assert_eq!(read(&stores, &name(service)).unwrap(), format!("value of {service}"));
    }
}

#[test]
fn an_earlier_step_wins_over_a_later_one() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("later", "service github account api-key", "later");
    keyring.secret_tool_store("earlier", "service github username api-key", "earlier");
    assert_eq!(read(&keyring.stores(Choice::Native), &name("github")).unwrap(), "earlier");
}

#[test]
fn a_name_is_never_matched_by_half_of_it() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("half", "service github", "half");
    keyring.secret_tool_store("other", "service github username other", "other");
    let error = read(&keyring.stores(Choice::Native), &name("github")).unwrap_err();
    assert!(answer(&error).is_not_found(), "{error:?}");
}

#[test]
fn secret_tool_reads_what_keystencil_wrote() {
    let keyring = Keyring::start();
    keyring.stores(Choice::Native).set(&account("github", "work"), &secret("ghp_\u{fc} \"x\"\n")).unwrap();
    assert_eq!(keyring.secret_tool_lookup("service github username work").as_deref(), Some("ghp_\u{fc} \"x\"\n"));
    assert_eq!(
        keyring.secret_tool_lookup("application keystencil service github").as_deref(),
        Some("ghp_\u{fc} \"x\"\n")
    );
}

#[test]
fn beside_an_entry_of_another_program_only_our_own_is_removed() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    stores.set(&name("github"), &secret("ours")).unwrap();
    // With no attribute of its own this would replace ours: gnome-keyring matches by subset there as well.
    keyring.secret_tool_store("Theirs", "service github username api-key origin there", "canary");
    let error = read(&stores, &name("github")).unwrap_err();
    assert!(matches!(answer(&error), StoreError::Ambiguous { with_own: true, .. }), "{error:?}");
    let foreign = StoreError::Foreign {
        name: name("github"),
        label: "Theirs".to_owned(),
        change: Some("secret-tool store --label=Theirs origin there service github username api-key".to_owned()),
    };
    assert_eq!(stores.set(&name("github"), &secret("new")), Err(foreign.clone()), "that would still be two values");
    stores.remove(&name("github")).unwrap();
    assert_eq!(read(&stores, &name("github")).unwrap(), "canary");
    assert_eq!(stores.remove(&name("github")), Err(foreign));
}

#[test]
fn a_value_in_a_prefix_of_go_keyring_is_unwrapped_and_one_of_ours_is_what_was_stored() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    for (index, (stored, read_as)) in [
        ("go-keyring-base64:Z2hwXzE=", "ghp_1"),
        ("go-keyring-encoded:6768705f31", "ghp_1"),
        ("go-keyring-encoded:zz", "go-keyring-encoded:zz"),
        ("go-keyring-base64:", "go-keyring-base64:"),
    ]
    .into_iter()
    .enumerate()
    {
        let (theirs, ours) = (format!("theirs-{index}"), format!("ours-{index}"));
        keyring.secret_tool_store("x", &format!("service {theirs} username api-key"), stored);
        assert_eq!(read(&stores, &name(&theirs)).unwrap(), read_as);
        stores.set(&name(&ours), &secret(stored)).unwrap();
        assert_eq!(read(&stores, &name(&ours)).unwrap(), stored);
    }
}

#[test]
fn a_value_keeps_the_newline_that_another_program_stored() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("echo", "service github username api-key", "ghp_1\n");
    assert_eq!(read(&keyring.stores(Choice::Native), &name("github")).unwrap(), "ghp_1\n");
}

/// Runs `code` with `k`, Python's keyring on the Secret Service; what it prints.
fn python_keyring(keyring: &Keyring, code: &str, input: &str) -> String {
    let backend = "import sys, keyring\nfrom keyring.backends.SecretService import Keyring\nk = Keyring()\n";
    keyring.run(&crate::names::python(), &["-c", &format!("{backend}{code}")], input)
}

#[test]
fn python_keyring_and_keystencil_read_each_other() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    let script = |code: &str, input: &str| python_keyring(&keyring, code, input);
    script("k.set_password('openai', 'api-key', sys.stdin.read())", "from python");
    assert_eq!(read(&stores, &name("openai")).unwrap(), "from python");
    stores.set(&name("github"), &secret("from here")).unwrap();
    assert_eq!(script("print(k.get_password('github', 'api-key'), end='')", ""), "from here");
    stores.remove(&name("github")).unwrap();
    assert_eq!(script("print(k.get_password('github', 'api-key'))", ""), "None\n");
}

#[test]
fn a_second_entry_that_python_made_is_told_and_each_way_out_works() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    let script = |code: &str, input: &str| python_keyring(&keyring, code, input);
    let set = "k.set_password('openai', 'api-key', sys.stdin.read())";
    stores.set(&name("openai"), &secret("canary ours")).unwrap();
    script(set, "canary of python");
    let error = read(&stores, &name("openai")).unwrap_err();
    assert!(
        matches!(answer(&error), StoreError::Ambiguous { labels, with_own: true, .. } if labels.len() == 2),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("canary"));
    // Python's is not ours to change, and ours alone would leave two values.
    assert!(matches!(stores.set(&name("openai"), &secret("new")), Err(StoreError::Foreign { .. })));
    assert_eq!(keyring.secret_tool_lookup("application keystencil service openai").as_deref(), Some("canary ours"));

    stores.remove(&name("openai")).unwrap();
    assert_eq!(read(&stores, &name("openai")).unwrap(), "canary of python");
    script("k.delete_password('openai', 'api-key')", "");
    stores.set(&name("openai"), &secret("ours")).unwrap();
    script(set, "ours");
    assert_eq!(read(&stores, &name("openai")).unwrap(), "ours", "one value twice is no question");
}

#[test]
fn bytes_that_are_no_text_are_an_error_without_the_bytes() {
    let keyring = Keyring::start();
    let mut child = keyring.command("secret-tool");
    child.args(["store", "--label=L", "service", "github", "username", "api-key"]).stdin(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"canary\xff\xfe").unwrap();
    assert!(child.wait().unwrap().success());
    let error = read(&keyring.stores(Choice::Auto), &name("github")).unwrap_err();
    assert!(matches!(answer(&error), StoreError::NotText { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}
