//! The native keyring as people have it: a real Secret Service, and the ways it fails.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::keyring::Keyring;
use crate::names::{LIMIT, account, answer, ask, name, query, read, secret};
use keystencil::error::Explain;
use keystencil::secret::{Attributes, Pinned, Query, Secret, Wanted};
use keystencil::store::{Bus, Choice, Native, Store, StoreError, StoreKind};
use std::time::Duration;

#[test]
fn what_is_set_is_read_back_and_gone_after_remove() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    assert_eq!(stores.set(&name("github"), &secret("ghp_1")), Ok(StoreKind::Native));
    assert_eq!(read(&stores, &name("github")).unwrap(), "ghp_1");
    assert_eq!(stores.get(&name("github")).unwrap().0, StoreKind::Native);
    assert_eq!(stores.remove(&name("github")), Ok(vec![StoreKind::Native]));
    assert_eq!(stores.remove(&name("github")), Ok(vec![]));
    assert!(answer(&read(&stores, &name("github")).unwrap_err()).is_not_found());
    assert!(!keyring.path().join("data").exists(), "the vault must not be made for a machine that has a keyring");
}

#[test]
fn setting_twice_changes_the_value_and_adds_no_second_entry() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    stores.set(&name("github"), &secret("one")).unwrap();
    stores.set(&name("github"), &secret("two")).unwrap();
    assert_eq!(read(&stores, &name("github")).unwrap(), "two");
    let listing = stores.list();
    assert_eq!(listing.entries.len(), 1, "{listing:?}");
    let entry = &listing.entries[0];
    assert_eq!(
        (&entry.name, entry.store, entry.writer.as_deref()),
        (&name("github"), StoreKind::Native, Some("keystencil"))
    );
    assert!(entry.created.is_some() && entry.modified.is_some(), "{entry:?}");
}

#[test]
fn the_list_shows_what_keystencil_wrote_and_nothing_else_of_the_keyring() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("Private", "service bank username me", "hunter2");
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    let listing = stores.list();
    assert_eq!(listing.entries.iter().map(|e| e.name.service()).collect::<Vec<_>>(), ["github"]);
    assert_eq!(listing.silent, []);
}

#[test]
fn a_survey_shows_whose_entries_a_template_uses_and_no_others() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("Private", "service bank username me", "hunter2");
    keyring.secret_tool_store("By hand", "service github account api-key", "ghp_1");
    keyring.secret_tool_store("Tracked", "service npm username api-key origin x", "npm_1");
    let python = "service pypi username api-key application Python_keyring_library";
    keyring.secret_tool_store("Password", python, "pypi-1");
    keyring.secret_tool_store("K", "Title dsn UserName api-key Uuid 1 Path /dsn", "postgres://");
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("openai"), &secret("sk-1")).unwrap();
    keyring.stores(Choice::Vault).set(&name("github"), &secret("old")).unwrap();
    let wanted = ["github", "npm", "pypi", "dsn", "openai", "nowhere"].map(name);
    let listing = stores.survey(&wanted);
    let all: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| (entry.name.service(), entry.store, entry.writer.as_deref(), entry.is_foreign))
        .collect();
    assert_eq!(
        all,
        [
            ("dsn", StoreKind::Native, Some("KeePassXC"), true),
            ("github", StoreKind::Native, None, true),
            ("github", StoreKind::Vault, Some("keystencil"), false),
            ("npm", StoreKind::Native, None, true),
            ("openai", StoreKind::Native, Some("keystencil"), false),
            ("pypi", StoreKind::Native, Some("Python_keyring_library"), true),
        ]
    );
    assert_eq!(listing.silent, []);
    assert!(listing.entries.iter().all(|entry| entry.modified.is_some()), "{listing:?}");
    assert!(!format!("{listing:?}").contains("ghp_1"));
    keyring.lock();
    let locked = stores.survey(&wanted);
    assert_eq!(locked.silent, [(StoreKind::Native, StoreError::Locked)]);
    assert_eq!(locked.entries.len(), 1, "the vault's entry is shown all the same");
}

#[test]
fn two_different_values_for_one_name_are_an_error_that_names_labels_only() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("Work", "service github username api-key origin work", "canary-one");
    keyring.secret_tool_store("Home", "service github username api-key origin home", "canary-two");
    let error = read(&keyring.stores(Choice::Auto), &name("github")).unwrap_err();
    let StoreError::Ambiguous { labels, .. } = answer(&error) else { panic!("{error:?}") };
    let mut labels = labels.clone();
    labels.sort();
    assert_eq!(labels, ["Home", "Work"]);
    let said = format!("{error} {error:?}");
    assert!(said.contains("`Home`") && !said.contains("canary"), "{said}");
}

#[test]
fn the_same_value_twice_is_no_ambiguity() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("Work", "service github username api-key origin work", "same");
    keyring.secret_tool_store("Home", "service github username api-key origin home", "same");
    assert_eq!(read(&keyring.stores(Choice::Native), &name("github")).unwrap(), "same");
}

fn with_attributes(attributes: &[(&str, &str)], collection: Option<&str>) -> Query {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let wanted = Wanted::Attributes(Attributes::new(attributes).unwrap());
    Query::Keyring(Pinned::new(wanted, collection.map(str::to_owned)).unwrap())
}

fn in_collection(service: &str, collection: &str) -> Query {
    Query::Keyring(Pinned::new(Wanted::Name(name(service)), Some(collection.to_owned())).unwrap())
}

#[test]
fn attributes_find_what_no_name_finds_and_all_of_them_must_match() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    keyring.secret_tool_store("A", "Title OpenAI UserName me Path /work", "work");
    keyring.secret_tool_store("B", "Title OpenAI UserName me Path /home", "home");
    assert_eq!(ask(&stores, &with_attributes(&[("Title", "OpenAI"), ("Path", "/work")], None)).unwrap(), "work");
    let error = ask(&stores, &with_attributes(&[("Title", "OpenAI"), ("UserName", "me")], None)).unwrap_err();
    assert!(matches!(answer(&error), StoreError::Ambiguous { labels, .. } if labels.len() == 2), "{error:?}");
    let error = ask(&stores, &with_attributes(&[("Title", "OpenAI"), ("UserName", "you")], None)).unwrap_err();
    assert_eq!(error.to_string(), "secret with Title `OpenAI`, UserName `you` is not in the keyring");
}

#[test]
fn a_pin_to_one_store_asks_that_one_only() {
    let keyring = Keyring::start();
    keyring.stores(Choice::Vault).set(&name("github"), &secret("in the vault")).unwrap();
    keyring.stores(Choice::Native).set(&name("github"), &secret("in the keyring")).unwrap();
    keyring.stores(Choice::Vault).set(&name("old"), &secret("in the vault")).unwrap();
    let native = |service| Query::Keyring(Pinned::new(Wanted::Name(name(service)), None).unwrap());
    // Whatever `--store` says: a pin is the template's word for one secret.
    for choice in [Choice::Auto, Choice::Native, Choice::Vault] {
        let stores = keyring.stores(choice);
        assert_eq!(ask(&stores, &Query::Vault(name("github"))).unwrap(), "in the vault");
        assert_eq!(ask(&stores, &native("github")).unwrap(), "in the keyring");
        let error = ask(&stores, &native("old")).unwrap_err();
        assert_eq!(error.to_string(), "secret `old` (account `api-key`) is not in the keyring");
    }
    let error = ask(&keyring.stores(Choice::Auto), &Query::Vault(name("new"))).unwrap_err();
    assert_eq!(error.to_string(), "secret `new` (account `api-key`) is not in the vault");
}

#[test]
fn a_collection_is_called_by_its_label_its_alias_or_its_path() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    keyring.secret_tool_store_in("session", "S", "service github username api-key", "for the session");
    for collection in ["login", "Login", "default"] {
        assert_eq!(ask(&stores, &in_collection("github", collection)).unwrap(), "ghp_1", "{collection}");
    }
    assert_eq!(ask(&stores, &in_collection("github", "session")).unwrap(), "for the session");
    assert_eq!(ask(&stores, &with_attributes(&[("service", "github")], Some("session"))).unwrap(), "for the session");
    assert!(matches!(answer(&read(&stores, &name("github")).unwrap_err()), StoreError::Ambiguous { .. }));
    let error = ask(&stores, &in_collection("github", "logn")).unwrap_err();
    assert_eq!(error.to_string(), "the keyring has no collection `logn`");
    assert!(
        matches!(answer(&error), StoreError::NoSuchCollection { known, .. } if known.contains(&"Login".to_owned()))
    );
    let error = ask(&stores, &in_collection("other", "login")).unwrap_err();
    assert_eq!(error.to_string(), "secret `other` (account `api-key`) in the collection `login` is not in the keyring");
}

#[test]
fn pinned_and_plain_questions_go_together_and_a_locked_collection_is_told() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    let asked = [
        query("github"),
        in_collection("github", "login"),
        with_attributes(&[("service", "github"), ("username", "api-key")], None),
    ];
    let all = stores.resolve(&asked, Some(LIMIT)).unwrap();
    assert!(asked.iter().all(|query| all[query].expose() == "ghp_1"));
    keyring.lock();
    for query in asked.into_iter().chain([in_collection("other", "login"), with_attributes(&[("a", "b")], None)]) {
        assert_eq!(answer(&ask(&stores, &query).unwrap_err()), &StoreError::Locked);
    }
}

#[test]
fn an_empty_value_is_refused_and_an_empty_entry_is_an_error() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    assert_eq!(stores.set(&name("github"), &secret("")), Err(StoreError::EmptyValue { name: name("github") }));
    keyring.secret_tool_store("Empty", "service github username api-key", "");
    let error = read(&stores, &name("github")).unwrap_err();
    assert!(matches!(answer(&error), StoreError::Empty { .. }), "{error:?}");
}

#[test]
fn all_missing_secrets_are_reported_together() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("b"), &secret("there")).unwrap();
    let error = stores.resolve(&[query("c"), query("b"), account("a", "work").into()], Some(LIMIT)).unwrap_err();
    let missing: Vec<_> = error.missing().iter().map(|missing| missing.query.clone()).collect();
    assert_eq!(missing, [account("a", "work").into(), query("c")]);
    assert_eq!(error.to_string(), "secret `a` (account `work`) is not in any store");
    let others: Vec<_> = error.others().iter().map(ToString::to_string).collect();
    assert_eq!(others, ["secret `c` (account `api-key`) is not in any store"]);
}

#[test]
fn what_the_keyring_lacks_comes_from_the_vault() {
    let keyring = Keyring::start();
    keyring.stores(Choice::Vault).set(&name("old"), &secret("in the vault")).unwrap();
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("new"), &secret("in the keyring")).unwrap();
    let all = stores.resolve(&[query("old"), query("new")], Some(LIMIT)).unwrap();
    assert_eq!((all[&query("old")].expose(), all[&query("new")].expose()), ("in the vault", "in the keyring"));
    assert_eq!(stores.get(&name("old")).unwrap().0, StoreKind::Vault);
    stores.set(&name("old"), &secret("now in both")).unwrap();
    assert_eq!(stores.list().entries.len(), 3);
    assert_eq!(stores.remove(&name("old")), Ok(vec![StoreKind::Native, StoreKind::Vault]));
}

#[test]
fn more_secrets_than_calls_in_flight_are_read_over_one_connection() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    let names: Vec<_> = (0..120).map(|number| name(&format!("service {number}"))).collect();
    // By one connection: gnome-keyring can abort when a hundred come and go within a second on a busy machine (a trap
    // in its GLib, seen in one of forty runs).
    let store = "import sys, secretstorage
bus = secretstorage.dbus_init()
collection = secretstorage.get_default_collection(bus)
for number in range(120):
    name = f'service {number}'
    attributes = {'service': name, 'username': 'api-key', 'application': 'keystencil'}
    collection.create_item(name, attributes, (f'value of {name} ' + 'x' * 500).encode())
";
    keyring.run(&crate::names::python(), &["-c", store], "");
    let queries: Vec<_> = names.iter().cloned().map(Query::from).collect();
    let all = stores.resolve(&queries, Some(LIMIT)).unwrap();
    for name in &names {
        assert!(all[&Query::from(name.clone())].expose().starts_with(&format!("value of {} ", name.service())));
    }
}

#[test]
fn a_name_with_quotes_spaces_and_umlauts_is_a_name_like_any_other() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native);
    for odd in ["it's \"x\"", "a b\tc\n", "gr\u{fc}n/\u{1f511}", "*", "%", "--all"] {
        stores.set(&account(odd, odd), &secret(odd)).unwrap();
        assert_eq!(read(&stores, &account(odd, odd)).unwrap(), odd);
    }
}

#[test]
fn a_locked_keyring_is_an_error_in_less_than_a_second() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    keyring.lock();
    for asked in ["github", "never stored"] {
        let error = read(&stores, &name(asked)).unwrap_err();
        assert_eq!(answer(&error), &StoreError::Locked);
        assert_eq!(error.to_string(), format!("secret {} can't be looked up: the keyring is locked", name(asked)));
    }
    assert_eq!(stores.set(&name("github"), &secret("x")), Err(StoreError::Locked));
    assert_eq!(stores.set(&name("new"), &secret("x")), Err(StoreError::Locked), "it must not go to the vault instead");
    assert_eq!(stores.list().silent, [(StoreKind::Native, StoreError::Locked)]);
}

#[test]
fn a_locked_keyring_does_not_hide_the_vault() {
    let keyring = Keyring::start();
    keyring.stores(Choice::Vault).set(&name("github"), &secret("ghp_1")).unwrap();
    keyring.lock();
    assert_eq!(read(&keyring.stores(Choice::Auto), &name("github")).unwrap(), "ghp_1");
}

#[test]
fn a_person_at_a_locked_keyring_without_a_display_is_told_so_and_not_kept_waiting() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Native).interactive(true);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    keyring.lock();
    let error = stores.resolve(&[query("github")], None).unwrap_err();
    assert_eq!(answer(&error), &StoreError::Locked);
}

#[test]
fn a_frozen_keyring_ends_at_the_limit() {
    let keyring = Keyring::start();
    let stores = keyring.stores(Choice::Auto);
    stores.set(&name("github"), &secret("ghp_1")).unwrap();
    keyring.freeze();
    let limit = Duration::from_millis(400);
    let error = stores.resolve(&[query("github"), query("other")], Some(limit)).unwrap_err();
    assert_eq!(answer(&error), &StoreError::TimedOut { store: StoreKind::Native, limit });
    assert_eq!(
        error.to_string(),
        "secret `github` (account `api-key`) can't be looked up: the keyring did not answer within 0.4 s"
    );
}

#[test]
fn a_frozen_bus_ends_soon_after_the_limit() {
    let keyring = Keyring::start();
    keyring.freeze_bus();
    let limit = Duration::from_millis(300);
    let error = keyring.stores(Choice::Native).resolve(&[query("github")], Some(limit)).unwrap_err();
    assert_eq!(answer(&error), &StoreError::TimedOut { store: StoreKind::Native, limit });
}

#[test]
fn a_keyring_that_died_is_no_keyring() {
    let mut keyring = Keyring::start();
    keyring.kill();
    let error = read(&keyring.stores(Choice::Native), &name("github")).unwrap_err();
    assert_eq!(answer(&error), &StoreError::NoService);
}

#[test]
fn without_a_keyring_on_the_bus_the_vault_takes_the_secret() {
    let bus = Keyring::bus_only();
    let stores = bus.stores(Choice::Auto);
    assert_eq!(stores.set(&name("github"), &secret("ghp_1")), Ok(StoreKind::Vault));
    assert_eq!(read(&stores, &name("github")).unwrap(), "ghp_1");
    assert_eq!(stores.list().silent, [(StoreKind::Native, StoreError::NoService)]);
    assert_eq!(stores.remove(&name("github")), Ok(vec![StoreKind::Vault]));
    let only = bus.stores(Choice::Native);
    assert_eq!(only.set(&name("github"), &secret("x")), Err(StoreError::NoService));
    assert_eq!(
        read(&only, &name("github")).unwrap_err().to_string(),
        "secret `github` (account `api-key`) can't be looked up: no keyring is available here"
    );
}

#[test]
fn without_an_address_no_bus_is_asked_and_none_is_launched() {
    let nowhere = Native::new(Bus::default(), Some(LIMIT), false);
    assert_eq!(nowhere.get_many(&[query("github")]), [Err(StoreError::NoService)]);
}

#[test]
fn the_bus_in_the_runtime_folder_is_found_without_an_address() {
    let keyring = Keyring::start();
    keyring.secret_tool_store("L", "service github username api-key", "ghp_1");
    let bus = Bus { address: None, runtime_dir: Some(keyring.path().join("run")) };
    let found = Native::new(bus, Some(LIMIT), false).get_many(&[query("github")]);
    assert_eq!(found[0].as_ref().map(Secret::expose), Ok("ghp_1"));
}
