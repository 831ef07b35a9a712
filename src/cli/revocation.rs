//! Where a key is revoked: by the form of its value, else by its name.

use crate::scan;
use crate::secret::{Secret, SecretName};

/// Who issues a key, and where its owner takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revocation {
    pub(super) provider: &'static str,
    pub(super) url: &'static str,
}

/// Where a key is revoked, if its provider is known. The value decides, where it can still be read.
pub(super) fn of(name: &SecretName, value: Option<&Secret>) -> Option<Revocation> {
    let hit = value.and_then(|value| scan::find(value.expose().as_bytes()).first().map(|hit| hit.rule));
    let named = || scan::rules().iter().find(|rule| rule.name.eq_ignore_ascii_case(name.service()));
    hit.or_else(named).map(|rule| Revocation { provider: rule.provider, url: rule.revoke_url })
}
