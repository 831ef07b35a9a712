//! The vault through `keyring-core`'s own `Entry`, with the expectations its sample store is tested for.

use super::home::{Home, chmod, name, secret};
use keyring::api::CredentialStoreApi as _;
use keyring::{Entry, Error};
use keystencil::store::{Store, VaultStore};
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

fn store(home: &Home) -> Arc<VaultStore> {
    VaultStore::of(home.vault())
}

fn entry(home: &Home, service: &str, user: &str) -> Entry {
    store(home).build(service, user, None).unwrap()
}

#[test]
fn an_entry_is_set_got_changed_and_deleted() {
    let home = Home::new();
    let one = entry(&home, "github", "api-key");
    assert!(matches!(one.get_password(), Err(Error::NoEntry)));
    assert!(matches!(one.get_secret(), Err(Error::NoEntry)));
    assert!(matches!(one.get_attributes(), Err(Error::NoEntry)));
    assert!(matches!(one.delete_credential(), Err(Error::NoEntry)));
    assert!(matches!(one.get_credential(), Err(Error::NoEntry)));
    assert!(fs::read_dir(home.folder.path()).unwrap().next().is_none(), "asking must not make files");
    for password in ["first", "\u{30d1}\u{30b9} with \0 and \n", " "] {
        one.set_password(password).unwrap();
        assert_eq!(one.get_password().unwrap(), password);
        assert_eq!(one.get_secret().unwrap(), password.as_bytes());
    }
    assert_eq!(home.get("github").unwrap(), " ");
    one.delete_credential().unwrap();
    assert!(matches!(one.get_password(), Err(Error::NoEntry)));
    assert!(matches!(one.delete_credential(), Err(Error::NoEntry)));
}

#[test]
fn what_keystencil_stores_an_entry_reads_and_the_other_way_round() {
    let home = Home::with_secret();
    assert_eq!(entry(&home, "github", "api-key").get_password().unwrap(), "canary-1");
    assert!(matches!(entry(&home, "github", "other").get_password(), Err(Error::NoEntry)));
    entry(&home, "openai", "api-key").set_password("two").unwrap();
    assert_eq!(home.get("openai").unwrap(), "two");
}

#[test]
fn two_entries_of_one_name_are_one_credential() {
    let home = Home::new();
    let (one, two) = (entry(&home, "s", "u"), entry(&home, "s", "u"));
    one.set_password("1").unwrap();
    assert_eq!(two.get_password().unwrap(), "1");
    let wrapper = one.get_credential().unwrap();
    two.set_password("2").unwrap();
    assert_eq!(wrapper.get_password().unwrap(), "2");
    assert_eq!(wrapper.get_specifiers(), Some(("s".to_owned(), "u".to_owned())));
    two.delete_credential().unwrap();
    assert!(matches!(wrapper.get_password(), Err(Error::NoEntry)));
    assert_eq!(store(&home).search(&HashMap::new()).unwrap().len(), 0);
}

#[test]
fn what_is_no_text_or_empty_or_no_name_is_invalid() {
    let home = Home::new();
    let one = entry(&home, "s", "u");
    assert!(matches!(one.set_secret(b"\xff\xfe"), Err(Error::Invalid(what, _)) if what == "secret"));
    assert!(matches!(one.set_password(""), Err(Error::Invalid(what, _)) if what == "secret"));
    assert!(!home.file().exists());
    let store = store(&home);
    for (service, user, part) in [("", "u", "service"), ("s", "", "user"), ("s\0", "u", "service"), ("s", "\0", "user")]
    {
        let refused = store.build(service, user, None).unwrap_err();
        assert!(matches!(&refused, Error::Invalid(what, _) if what == part), "{refused:?}");
    }
    let modifiers = HashMap::from([("target", "login")]);
    assert!(matches!(store.build("s", "u", Some(&modifiers)), Err(Error::Invalid(..))));
}

#[test]
fn the_comment_is_the_attribute_that_can_be_changed() {
    let home = Home::new();
    let one = entry(&home, "s", "u");
    let comment = HashMap::from([("comment", "of the test account")]);
    assert!(matches!(one.update_attributes(&comment), Err(Error::NoEntry)));
    one.set_password("1").unwrap();
    let before = one.get_attributes().unwrap();
    assert_eq!(before["created"], before["modified"]);
    one.update_attributes(&comment).unwrap();
    one.update_attributes(&HashMap::new()).unwrap();
    let after = one.get_attributes().unwrap();
    assert_eq!(after["comment"], "of the test account");
    assert_eq!(after["modified"], before["modified"], "the value is as old as before");
    assert_eq!(one.get_password().unwrap(), "1");
    for key in ["created", "modified", "colour"] {
        assert!(matches!(one.update_attributes(&HashMap::from([(key, "x")])), Err(Error::Invalid(..))), "{key}");
    }
    one.set_password("2").unwrap();
    assert_eq!(one.get_attributes().unwrap()["comment"], "of the test account", "a new value keeps it");
}

#[test]
fn a_search_finds_what_is_equal_in_all_that_it_names() {
    let home = Home::new();
    for (service, user) in [("a", "1"), ("a", "2"), ("b", "1")] {
        entry(&home, service, user).set_password("x").unwrap();
    }
    entry(&home, "b", "1").update_attributes(&HashMap::from([("comment", "c")])).unwrap();
    let found = |spec: &[(&str, &str)]| {
        let found = store(&home).search(&spec.iter().copied().collect()).unwrap();
        found.iter().map(|entry| entry.get_specifiers().unwrap()).map(|(s, u)| s + &u).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(&[]), "a1 a2 b1");
    assert_eq!(found(&[("service", "a")]), "a1 a2");
    assert_eq!(found(&[("service", "a"), ("user", "2")]), "a2");
    assert_eq!(found(&[("comment", "c")]), "b1");
    assert_eq!(found(&[("service", "")]), "");
    assert!(matches!(store(&home).search(&HashMap::from([("uuid", "1")])), Err(Error::Invalid(..))));
}

#[test]
fn threads_and_stores_at_once_lose_nothing() {
    let home = Home::new();
    let first = store(&home);
    std::thread::scope(|scope| {
        for writer in 0..12 {
            let store = if writer % 2 == 0 { first.clone() } else { store(&home) };
            scope.spawn(move || {
                let one = store.build("s", &format!("u{writer}"), None).unwrap();
                // Who waits too long behind eleven others is told so.
                let busy = |error: &Error| matches!(error, Error::NoStorageAccess(_));
                let tries = (0..30).map(|_| one.set_password(&writer.to_string()));
                tries.take_while(|set| set.as_ref().is_err_and(busy)).for_each(drop);
                assert_eq!(one.get_password().unwrap(), writer.to_string());
            });
        }
    });
    assert_eq!(first.search(&HashMap::new()).unwrap().len(), 12);
}

#[test]
fn a_vault_that_can_not_be_used_is_sorted_as_keyring_core_sorts_and_tells_no_secret() {
    let home = Home::with_secret();
    let one = entry(&home, "github", "api-key");
    chmod(&home.identity(), 0o644);
    let refused = one.get_password().unwrap_err();
    assert!(matches!(refused, Error::NoStorageAccess(_)), "{refused:?}");
    chmod(&home.identity(), 0o600);
    home.age_seal(r#"{"version":2}"#);
    assert!(matches!(one.get_password(), Err(Error::BadStoreFormat(_))));
    fs::write(home.file(), "canary").unwrap();
    let refused = one.set_password("x").unwrap_err();
    assert!(matches!(refused, Error::BadStoreFormat(_)), "{refused:?}");
    assert!(!format!("{refused} {refused:?} {one:?} {:?}", store(&home)).contains("canary"));
}

#[test]
fn as_the_default_store_it_serves_entries_made_anywhere() {
    let home = Home::new();
    keyring::set_default_store(store(&home));
    Entry::new("s", "u").unwrap().set_password("1").unwrap();
    assert_eq!(Entry::search(&HashMap::from([("service", "s")])).unwrap().len(), 1);
    drop(keyring::unset_default_store());
    home.vault().set(&name("t"), &secret("2")).unwrap();
    assert_eq!(home.get("t").unwrap(), "2");
}
