//! Lets what was allowed for a secret hold in the store that it is about to move to. Asked by `secret move`, before the
//! new store has the value.
//!
//! The seals are added before anything moves, and those of the old store stay: killed at any instant, what was allowed
//! holds wherever the value is. A record that the old store's key does not verify gets nothing.

use super::grants::Allowed;
use super::runs::NOWHERE;
use super::sealing::{Sealable, Sealed, references};
use super::{Session, SessionError};
use crate::secret::{Query, SealKey, SecretName};
use crate::store::StoreKind;
use std::path::Path;

impl Session<'_> {
    /// Seals with the key of the store `to` what the key of the store `from` says was allowed for this secret.
    ///
    /// # Errors
    /// [`SessionError::Store`] if a store does not say which keys it has, or takes none; [`SessionError::Grants`] and
    /// [`SessionError::File`].
    pub fn seal_for_move(&self, name: &SecretName, from: StoreKind, to: StoreKind) -> Result<(), SessionError> {
        let is_it = |query: &Query| matches!(query, Query::Name(asked) if asked == name);
        let asks = |texts: &[&str]| {
            let all = texts.iter().flat_map(|text| references(text));
            all.into_iter().any(|reference| reference.source.query().is_some_and(is_it))
        };
        let states = self.state.granting()?;
        let mut runs = self.state.runs();
        // One that can't be read holds for nothing.
        let mut allowed = states.iter().filter_map(|state| state.grants().ok().flatten());
        let is_about_it = |allowed: &Allowed| allowed.grants.iter().any(|sealed| asks(&[&sealed.what.text]));
        if !allowed.any(|allowed| is_about_it(&allowed)) && !runs.iter().any(|sealed| asks(&sealed.what.texts())) {
            return Ok(());
        }
        let (mut old, mut new): (Vec<SealKey>, Vec<SealKey>) = Default::default();
        for (kind, keys) in self.sources.seal_keys() {
            match kind {
                kind if kind == from => old = keys?,
                kind if kind == to => new = keys?,
                _ => {}
            }
        }
        for state in states {
            let _lock = state.lock()?;
            let Ok(Some(mut allowed)) = state.grants() else { continue };
            let target = allowed.target.clone();
            let mut changed = false;
            for sealed in allowed.grants.iter_mut().filter(|sealed| asks(&[&sealed.what.text])) {
                changed |= self.seal_again(sealed, &target, &old, &mut new, to)?;
            }
            for sealed in allowed.servers.iter_mut().filter(|sealed| asks(&sealed.what.texts())) {
                changed |= self.seal_again(sealed, &target, &old, &mut new, to)?;
            }
            if changed {
                state.write_grants(&allowed)?;
            }
        }
        let mut changed = false;
        for sealed in runs.iter_mut().filter(|sealed| asks(&sealed.what.texts())) {
            changed |= self.seal_again(sealed, Path::new(NOWHERE), &old, &mut new, to)?;
        }
        if changed { self.state.write_runs(&runs) } else { Ok(()) }
    }

    /// Seals one with the new store's key, which is made if there is none; whether that was to be done.
    fn seal_again<T: Sealable>(
        &self,
        sealed: &mut Sealed<T>,
        target: &Path,
        old: &[SealKey],
        new: &mut Vec<SealKey>,
        to: StoreKind,
    ) -> Result<bool, SessionError> {
        if !sealed.verifies(target, old) || sealed.verifies(target, new) {
            return Ok(false);
        }
        if new.is_empty() {
            new.push(self.sources.make_seal_key(to)?);
        }
        new.iter().take(1).for_each(|key| sealed.add(target, key));
        Ok(true)
    }
}
