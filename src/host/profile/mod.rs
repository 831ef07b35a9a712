//! Host profiles: all that is special about one host application. Adding a host is adding a file here.

mod claude_code;
mod claude_files;
mod claude_folders;
mod claude_hooks;
mod contract;
mod plain;
pub mod shield;

pub use claude_code::{ClaudeCode, MEASURED};
pub use claude_files::ClaudeFiles;
pub use contract::{HookChange, Profile, UnfitSettings};
pub use plain::Plain;

use std::ffi::OsString;
use std::path::Path;

/// All profiles, the most particular first.
pub static PROFILES: &[&dyn Profile] = &[&ClaudeCode, &ClaudeFiles, &Plain];

/// The profile of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Profile> {
    PROFILES.iter().copied().find(|profile| profile.name() == name)
}

/// The profile a target looks like; [`Plain`] if none claims it. `env` reads an environment variable.
#[must_use]
pub fn of(target: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> &'static dyn Profile {
    PROFILES.iter().copied().find(|profile| profile.is_host_of(target, env)).unwrap_or(&Plain)
}
