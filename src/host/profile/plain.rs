//! Any JSON file that no other profile claims: no lock, no copies, no warnings.

use super::{HookChange, Profile, UnfitSettings};
use crate::document::{Document, Patch};
use crate::host::{ReplaceError, Resolved};
use crate::template::Slot;
use jiff::Timestamp;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The profile of a file nobody else is known to write.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl Profile for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn is_host_of(&self, _target: &Path, _env: &dyn Fn(&str) -> Option<OsString>) -> bool {
        true
    }

    fn default_target(&self, _home: &Path, _env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        None
    }

    fn lock(&self, _target: &Resolved) -> Option<PathBuf> {
        None
    }

    fn copies(&self, _target: &Resolved) -> Result<Vec<PathBuf>, ReplaceError> {
        Ok(Vec::new())
    }

    fn copies_begin(&self, _target: &Resolved) -> Vec<PathBuf> {
        Vec::new()
    }

    fn clean_backup(
        &self,
        _target: &Resolved,
        _now: Timestamp,
        _env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<PathBuf> {
        None
    }

    fn settings(&self, _home: &Path, _env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        None
    }

    fn hooks(&self, _settings: &Document<'_>, _change: HookChange<'_>) -> Result<Patch, UnfitSettings> {
        Ok(Patch::default())
    }

    fn warning(&self, _slot: &Slot) -> Option<String> {
        None
    }
}
