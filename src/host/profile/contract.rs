//! What every host profile answers, and what its hooks are asked for.

use crate::document::{Document, Kind, Patch, Pointer};
use crate::error::Explain;
use crate::host::Resolved;
use crate::host::replace::ReplaceError;
use crate::template::Slot;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// What keystencil asks about a host application.
pub trait Profile: Debug + Sync {
    /// Its name in the config.
    fn name(&self) -> &'static str;

    /// Whether a target looks like this host's, for a target that names no profile; `env` reads an environment variable.
    fn is_host_of(&self, target: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> bool;

    /// Where the host keeps its config, if it says so by itself; `env` reads an environment variable.
    fn default_target(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf>;

    /// The lock directory the host takes to write the target, if it takes one.
    fn lock(&self, target: &Resolved) -> Option<PathBuf>;

    /// The copies of the target that the host makes and that exist now.
    ///
    /// # Errors
    /// [`ReplaceError`] if a folder they may be in can't be read.
    fn copies(&self, target: &Resolved) -> Result<Vec<PathBuf>, ReplaceError>;

    /// How the paths of the copies begin that the host makes, whether there are any now or not.
    fn copies_begin(&self, target: &Resolved) -> Vec<PathBuf>;

    /// The folders in which the host keeps its sessions, with what they read and wrote: its own folder, then those for
    /// temporary files. Noted with a render, and searched when its secrets leave; `env` reads an environment variable.
    fn folders(&self, _env: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The ids of the sessions that run now; `None` if nobody can tell. `folders` is what [`Self::folders`] said.
    fn living_sessions(&self, _folders: &[PathBuf]) -> Option<BTreeSet<String>> {
        None
    }

    /// Where a copy of the target would keep the host from making one of its own for a while; `None` if it need not be
    /// kept from it now, or never makes one; `env` reads an environment variable.
    fn clean_backup(
        &self,
        target: &Resolved,
        now: Timestamp,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<PathBuf>;

    /// The settings file that hooks are installed in, if the host has hooks.
    fn settings(&self, home: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf>;

    /// What adds our hooks to the settings, or takes exactly them out; `program` is how a hook calls keystencil. The patch
    /// is empty if there is nothing to do.
    ///
    /// # Errors
    /// [`UnfitSettings`] if the settings are not of the shape that the host reads.
    fn hooks(&self, settings: &Document<'_>, change: HookChange<'_>) -> Result<Patch, UnfitSettings>;

    /// Whether the host keeps things of its own in this object all the time, so that what is new there is no setting that
    /// a template would want.
    fn keeps_state_in(&self, object: &Pointer) -> bool {
        *object == Pointer::root()
    }

    /// Whether a member of this kind is something that the host notes for itself, whatever its name says: a counter, a
    /// list of what was seen, the version that ran last. Such a member revokes nothing that was allowed.
    fn is_state(&self, _member: &Pointer, _kind: Kind) -> bool {
        false
    }

    /// What the host calls a server's helper for headers, if it tells the helper which address they are for. A host that does
    /// not has none here: nothing would say where the headers go.
    fn headers_helper(&self) -> Option<&'static str> {
        None
    }

    /// Why a secret in this slot is a bad idea with this host, if it is.
    fn warning(&self, slot: &Slot) -> Option<String>;
}

/// What is to be done with our hooks.
#[derive(Debug, Clone, Copy)]
pub enum HookChange<'a> {
    /// They are added, and call keystencil like this.
    Install {
        /// A word of a shell command.
        program: &'a str,
        /// Also those that are asked before and after a tool is used.
        shield: bool,
    },
    /// They are taken out, with the lists and objects that become empty.
    Uninstall {
        /// Of those only what [`Self::Install`] added, if that is known: an empty list may have been there before.
        made: Option<&'a [Pointer]>,
    },
}

/// Settings that hooks can't be added to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer} is not {expected}")]
pub struct UnfitSettings {
    /// Where.
    pub pointer: Pointer,
    /// What should be there.
    pub expected: &'static str,
}

impl Explain for UnfitSettings {
    fn hint(&self) -> Option<String> {
        Some("repair the settings by hand; nothing was changed".to_owned())
    }
}
