//! The native keyring as people have it: a real Secret Service, other programs that write to it, and the ways it fails.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/keyring.rs"]
mod keyring;

use keyring::Keyring;
use keystencil::secret::{Secret, SecretName};
use keystencil::store::{Choice, LookupError, StoreError, StoreKind, Stores};
use std::time::Duration;

fn name(service: &str) -> SecretName {
    account(service, "api-key")
}

fn account(service: &str, account: &str) -> SecretName {
    SecretName::new(service, account).unwrap()
}

fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

fn read(stores: &Stores, name: &SecretName) -> Result<String, LookupError> {
    stores.resolve(std::slice::from_ref(name), Some(Duration::from_secs(3))).map(|all| all[name].expose().to_owned())
}

fn answer(error: &LookupError) -> &StoreError {
    &error.missing()[0].answers[0].1
}

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
