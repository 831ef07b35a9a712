//! Moves a secret from one store to another. After a kill at any instant, it is in at least one of them.
//!
//! The order is everything: write, read back and compare, then remove. Asked by `secret move`.

use super::{Store, StoreError};
use crate::secret::{Query, Secret, SecretName};

/// What came of a move that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is in the new store only.
    Whole,
    /// It was in the new store only before.
    Already,
    /// It is in the new store; in the old one this is left, which was not removed for this reason. It may be found
    /// first.
    Copied {
        /// Labels of the entries that are left, as far as the store has labels.
        left: Vec<String>,
        /// Why, if removing them was refused.
        reason: Option<StoreError>,
    },
}

/// Moves a secret. What the new store has under this name is only replaced if `replace` says so. `prepare` is called
/// when nothing speaks against the move, before the new store has the value.
///
/// ```
/// use keystencil::secret::{Secret, SecretName};
/// use keystencil::store::{Moved, Store, StoreError, Vault, VaultPaths, relocate};
/// let home = tempfile::tempdir()?;
/// let vault = |name: &str| {
///     let file = |kind: &str| home.path().join(format!("{name}.{kind}"));
///     Vault::new(VaultPaths { vault: file("age"), identity: file("txt") })
/// };
/// let (old, new) = (vault("old"), vault("new"));
/// let name = SecretName::new("openai", "api-key")?;
/// old.set(&name, &Secret::new("sk-1".to_owned()))?;
/// assert_eq!(relocate(&old, &new, &name, false, || Ok::<_, StoreError>(()))?, Moved::Whole);
/// assert!(old.list()?.is_empty() && new.list()?.len() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::Differs`] if the new store has another value; [`StoreError::NotKept`] if it does not give back what it
/// was given; every way a store may not answer; and what `prepare` says. The old store is as it was then.
pub fn relocate<E: From<StoreError>>(
    from: &dyn Store,
    to: &dyn Store,
    name: &SecretName,
    replace: bool,
    prepare: impl FnOnce() -> Result<(), E>,
) -> Result<Moved, E> {
    let there = get(to, name);
    let secret = match (get(from, name), &there) {
        (Err(error), Ok(_)) if error.is_not_found() => return Ok(Moved::Already),
        (secret, _) => secret?,
    };
    let is_there = match there {
        Ok(same) if same == secret => true,
        Ok(_) if !replace => return Err(StoreError::Differs { name: name.clone(), store: to.kind() }.into()),
        Err(error) if !error.is_not_found() && !matches!(error, StoreError::Empty { .. }) => return Err(error.into()),
        _ => false,
    };
    prepare()?;
    if !is_there {
        to.set(name, &secret)?;
        if get(to, name).ok().as_ref() != Some(&secret) {
            return Err(StoreError::NotKept { name: name.clone(), store: to.kind() }.into());
        }
    }
    let reason = from.remove(name).err();
    // After the entry that was found there may be another, which another program filed in its own way.
    let left = from.describe(std::slice::from_ref(name)).pop().and_then(Result::ok).unwrap_or_default();
    if left.is_empty() && reason.is_none() {
        return Ok(Moved::Whole);
    }
    Ok(Moved::Copied { left: left.into_iter().filter_map(|entry| entry.label).collect(), reason })
}

fn get(store: &dyn Store, name: &SecretName) -> Result<Secret, StoreError> {
    let query = Query::from(name.clone());
    let missing = || StoreError::NotFound { query: query.clone(), store: store.kind() };
    store.get_many(std::slice::from_ref(&query)).pop().unwrap_or_else(|| Err(missing()))
}
