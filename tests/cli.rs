//! The command line as a person and a script meet it: the real binary in a throw-away home, with the vault as store.

// clippy.toml allows these in `#[test]` functions; here the helpers beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

#[path = "cli/absorb.rs"]
mod absorb;
#[path = "cli/allow.rs"]
mod allow;
#[path = "cli/canary.rs"]
mod canary;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/check_staged.rs"]
mod check_staged;
#[path = "cli/color.rs"]
mod color;
#[path = "cli/config.rs"]
mod config;
#[path = "cli/copies.rs"]
mod copies;
#[cfg(target_os = "linux")]
#[path = "cli/deleted_state.rs"]
mod deleted_state;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/diff.rs"]
mod diff;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/errors.rs"]
mod errors;
#[path = "cli/exec.rs"]
mod exec;
#[path = "cli/help.rs"]
mod help;
#[cfg(target_os = "linux")]
#[path = "cli/helpers.rs"]
mod helpers;
#[path = "cli/hook_input.rs"]
mod hook_input;
#[path = "cli/hooks.rs"]
mod hooks;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/import_configs.rs"]
mod import_configs;
#[path = "cli/import_names.rs"]
mod import_names;
#[path = "cli/import_whole.rs"]
mod import_whole;
#[path = "cli/jsonc.rs"]
mod jsonc;
#[path = "support/keepassxc.rs"]
mod keepassxc;
#[path = "support/keyring.rs"]
mod keyring;
#[path = "cli/keyrings.rs"]
mod keyrings;
#[cfg(target_os = "linux")]
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/moved.rs"]
mod moved;
#[path = "support/names.rs"]
mod names;
#[path = "cli/pass.rs"]
mod pass;
#[path = "cli/pipes.rs"]
mod pipes;
#[path = "support/planted.rs"]
mod planted;
#[path = "cli/providers.rs"]
mod providers;
#[path = "cli/purge.rs"]
mod purge;
#[path = "cli/relocate.rs"]
mod relocate;
#[path = "cli/render.rs"]
mod render;
#[path = "cli/rotate.rs"]
mod rotate;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[path = "cli/sealed.rs"]
mod sealed;
#[path = "cli/sealed_stores.rs"]
mod sealed_stores;
#[path = "cli/secret.rs"]
mod secret;
#[path = "cli/shim.rs"]
mod shim;
#[path = "cli/starts.rs"]
mod starts;
#[path = "cli/status.rs"]
mod status;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/unrender.rs"]
mod unrender;
#[path = "cli/vault.rs"]
mod vault;
#[path = "cli/vault_plugin.rs"]
mod vault_plugin;
#[path = "cli/vault_transfer.rs"]
mod vault_transfer;
#[path = "support/allow.rs"]
mod yes;
