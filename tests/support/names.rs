//! Short words for what the tests of the stores say again and again.

#![allow(dead_code)]

use keystencil::secret::{Query, Secret, SecretName};
use keystencil::store::{LookupError, StoreError, Stores};
use std::time::Duration;

/// A store that is slow on a loaded machine is not a failure.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn name(service: &str) -> SecretName {
    account(service, "api-key")
}

pub(crate) fn account(service: &str, account: &str) -> SecretName {
    SecretName::new(service, account).unwrap()
}

pub(crate) fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

/// The question for a secret by its name.
pub(crate) fn query(service: &str) -> Query {
    name(service).into()
}

/// The value that answers a query.
pub(crate) fn ask(stores: &Stores, query: &Query) -> Result<String, LookupError> {
    let all = stores.resolve(std::slice::from_ref(query), Some(LIMIT))?;
    Ok(all[query].expose().to_owned())
}

pub(crate) fn read(stores: &Stores, name: &SecretName) -> Result<String, LookupError> {
    ask(stores, &name.clone().into())
}

pub(crate) fn answer(error: &LookupError) -> &StoreError {
    &error.missing()[0].answers[0]
}

/// A Python that has `keyring`; `scripts/test` makes one and says where.
pub(crate) fn python() -> String {
    let python = std::env::var("KEYSTENCIL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = std::process::Command::new(&python).args(["-c", "import keyring, secretstorage"]).output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "`{python}` has no Python keyring: run scripts/test, which installs it, or set KEYSTENCIL_TEST_PYTHON to a \
         Python that can `import keyring, secretstorage`"
    );
    python
}
