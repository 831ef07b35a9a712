//! KeePassXC as the keyring, which does much in another way than gnome-keyring: it makes every change by a prompt, asks
//! the user for each program and entry, and answers no search while its database is locked.

use crate::keepassxc::Asks;
use crate::keyring::Keyring;
use crate::names::{LIMIT, account, answer, ask, name, query, read, secret};
use keystencil::secret::{Attributes, Pinned, Query, Wanted};
use keystencil::store::{Choice, Notice, StoreError, StoreKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn an_entry_of_keepassxc_is_found_by_its_title_and_user_name() {
    let keyring = Keyring::keepassxc(&[("github", "api-key", "ghp_1"), ("github", "work", "ghp_2")], Asks::default());
    let stores = keyring.stores(Choice::Native);
    assert_eq!(read(&stores, &name("github")).unwrap(), "ghp_1");
    assert_eq!(read(&stores, &account("github", "work")).unwrap(), "ghp_2");
    assert!(answer(&read(&stores, &account("github", "home")).unwrap_err()).is_not_found());
    let foreign = StoreError::Foreign { name: name("github"), label: "github".to_owned(), change: None };
    assert_eq!(stores.set(&name("github"), &secret("ours")), Err(foreign.clone()));
    assert_eq!(stores.remove(&name("github")), Err(foreign));
    assert_eq!(read(&stores, &name("github")).unwrap(), "ghp_1");
}

#[test]
fn twenty_entries_of_keepassxc_are_read_at_once() {
    let titles: Vec<String> = (0..20).map(|number| format!("service {number}")).collect();
    let entries: Vec<_> = titles.iter().map(|title| (title.as_str(), "api-key", title.as_str())).collect();
    let keyring = Keyring::keepassxc(&entries, Asks::default());
    let names: Vec<_> = titles.iter().map(|title| query(title)).collect();
    let all = keyring.stores(Choice::Native).resolve(&names, Some(LIMIT)).unwrap();
    for (name, title) in names.iter().zip(&titles) {
        assert_eq!(all[name].expose(), title);
    }
}

#[test]
fn what_keystencil_stores_in_keepassxc_is_changed_listed_and_removed_again() {
    let keyring = Keyring::keepassxc(&[("other", "api-key", "theirs")], Asks::default());
    let stores = keyring.stores(Choice::Auto);
    assert_eq!(stores.set(&name("github"), &secret("ghp_1")), Ok(StoreKind::Native));
    assert_eq!(read(&stores, &name("github")).unwrap(), "ghp_1");
    assert_eq!(keyring.secret_tool_lookup("service github username api-key").as_deref(), Some("ghp_1"));
    keyring.wait_for_entry("github (api-key)", "Password", Some("ghp_1"));
    assert_eq!(stores.set(&name("github"), &secret("ghp_2")), Ok(StoreKind::Native));
    keyring.wait_for_entry("github (api-key)", "Password", Some("ghp_2"));
    keyring.wait_for_entry("github (api-key)", "application", Some("keystencil"));
    let listed: Vec<_> = stores.list().entries.into_iter().map(|entry| (entry.name, entry.writer)).collect();
    assert_eq!(listed, [(name("github"), Some("keystencil".to_owned()))]);
    assert_eq!(stores.remove(&name("github")), Ok(vec![StoreKind::Native]));
    assert!(answer(&read(&stores, &name("github")).unwrap_err()).is_not_found());
    keyring.wait_for_entry("other", "Password", Some("theirs"));
}

#[test]
fn a_locked_database_is_an_error_where_nobody_is_asked() {
    let keyring = Keyring::keepassxc(&[("github", "api-key", "ghp_1")], Asks::default());
    keyring.lock_keepassxc();
    // A provider that is merely slow would have until then.
    let stores = keyring.stores(Choice::Native);
    for asked in ["github", "never stored"] {
        assert_eq!(answer(&read(&stores, &name(asked)).unwrap_err()), &StoreError::Locked);
    }
    assert_eq!(stores.set(&name("new"), &secret("x")), Err(StoreError::Locked));
    assert_eq!(stores.remove(&name("github")), Err(StoreError::Locked));
    assert_eq!(stores.list().silent, [(StoreKind::Native, StoreError::Locked)]);
}

#[test]
fn an_entry_that_a_person_has_to_allow_is_an_error_where_nobody_is_asked() {
    let asks = Asks { before_reading: true, before_deleting: true };
    let keyring = Keyring::keepassxc(&[("github", "api-key", "ghp_1")], asks);
    let stores = keyring.stores(Choice::Native);
    let error = read(&stores, &name("github")).unwrap_err();
    assert_eq!(answer(&error), &StoreError::Unconfirmed);
    assert_eq!(
        error.to_string(),
        "secret `github` (account `api-key`) can't be looked up: the keyring asked for confirmation and got none"
    );
    assert!(answer(&read(&stores, &name("other")).unwrap_err()).is_not_found());
}

#[test]
fn a_person_is_waited_for_and_told_so_until_the_keyring_goes_away() {
    let asks = Asks { before_reading: true, ..Asks::default() };
    let mut keyring = Keyring::keepassxc(&[("github", "api-key", "ghp_1")], asks);
    let told = Arc::new(AtomicUsize::new(0));
    let (seen, pid) = (Arc::clone(&told), keyring.pid());
    // Nobody can click here; so the dialog goes with its program as soon as it is waited for.
    let notice = Notice::new(move || {
        seen.fetch_add(1, Ordering::SeqCst);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
    let stores = keyring.stores(Choice::Native).interactive(true).telling(notice);
    let error = stores.resolve(&[query("github")], None).unwrap_err();
    assert_eq!(told.load(Ordering::SeqCst), 1);
    assert_eq!(answer(&error), &StoreError::NoService);
    keyring.kill();
}

#[test]
fn a_pin_finds_an_entry_of_keepassxc_by_its_attributes_and_its_database() {
    let keyring = Keyring::keepassxc(&[("github", "api-key", "ghp_1"), ("github", "work", "ghp_2")], Asks::default());
    let stores = keyring.stores(Choice::Auto);
    let pinned = |collection: Option<&str>| {
        let attributes =
            [("Title", "github"), ("UserName", "work")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let wanted = Wanted::Attributes(Attributes::new(attributes.into()).unwrap());
        Query::Keyring(Pinned::new(wanted, collection.map(str::to_owned)).unwrap())
    };
    assert_eq!(ask(&stores, &pinned(None)).unwrap(), "ghp_2");
    let error = ask(&stores, &pinned(Some("no such"))).unwrap_err();
    let StoreError::NoSuchCollection { known, .. } = answer(&error) else { panic!("{error:?}") };
    assert_eq!(known.len(), 1, "{known:?}");
    for collection in [known[0].as_str(), "default"] {
        assert_eq!(ask(&stores, &pinned(Some(collection))).unwrap(), "ghp_2", "{collection}");
    }
}
