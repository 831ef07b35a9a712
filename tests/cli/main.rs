//! The command line as the user and a script meet it: the real binary in a throw-away home, with the vault as store.

// clippy.toml allows these in `#[test]` functions; here the helpers beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]
#![cfg(unix)]

mod absorb;
mod agents;
mod allow;
mod bad_targets;
#[path = "../support/below_nobody.rs"]
mod below_nobody;
mod canary;
mod check;
#[cfg(feature = "system-tests")]
mod check_staged;
mod clean_sessions;
mod color;
mod config;
mod copies;
#[cfg(target_os = "linux")]
mod deleted_state;
mod deliveries;
mod demo;
mod diff;
mod doctor;
mod errors;
mod exec;
mod headers;
mod help;
#[cfg(target_os = "linux")]
mod helpers;
mod holders;
mod hook_input;
mod hooks;
mod import;
mod import_configs;
mod import_names;
mod import_whole;
mod jsonc;
#[path = "../support/keepassxc.rs"]
mod keepassxc;
#[path = "../support/keyring.rs"]
mod keyring;
#[cfg(all(target_os = "linux", feature = "system-tests"))]
mod keyrings;
#[cfg(all(target_os = "linux", feature = "system-tests"))]
mod memory;
mod moved;
#[path = "../support/names.rs"]
mod names;
#[cfg(feature = "system-tests")]
mod once;
mod pass;
mod pipes;
#[path = "../support/planted.rs"]
mod planted;
#[allow(dead_code)]
#[path = "../support/poll.rs"]
mod poll;
mod providers;
mod purge;
mod readme;
mod records;
#[cfg(all(target_os = "linux", feature = "system-tests"))]
mod relocate;
mod render;
#[allow(dead_code)]
#[path = "../support/residue.rs"]
mod residue;
mod rotate;
mod run;
mod run_bad_input;
mod run_by_hand;
mod run_changes;
mod run_silent;
mod sandbox;
#[path = "../support/scratch.rs"]
mod scratch;
mod sealed;
#[cfg(all(target_os = "linux", feature = "system-tests"))]
mod sealed_stores;
mod secret;
mod seen;
mod shield;
mod shim;
mod starts;
mod status;
mod terminal;
mod tool_outputs;
mod typed;
mod unrender;
mod vault;
mod vault_pin;
#[cfg(feature = "system-tests")]
mod vault_plugin;
mod vault_transfer;
mod wrap;
#[path = "../support/allow.rs"]
mod yes;
