//! The real Claude Code, pinned in `package-lock.json`, runs under keystencil against a mock API on loopback.
//!
//! Each test makes a throw-away home, starts the client as a person would (`-p`, or interactively in tmux), lets an MCP
//! server write down what it was given, ends the client in one particular way, and then searches the home, the
//! temporary folders and the backups for the secret in every form it could have taken.
//!
//! Needs node, tmux and the client that `scripts/fetch-client` puts under `target/`; `scripts/test` sees to that. A
//! missing tool is a failure, never a skipped test.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

pub(crate) mod support;

mod absorb;
mod agent;
mod bare_client;
mod copies;
mod delivery;
mod endings;
mod launchers;
mod never_on_disk;
mod overlap;
mod races;
mod seen;
mod slash_commands;
mod state;
mod wrap;
