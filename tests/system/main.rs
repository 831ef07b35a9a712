//! What needs more than Rust and a C compiler: keyrings, git, age, strace, name spaces, the real client.
//!
//! Built with the feature `system-tests` alone, which `scripts/test` turns on after it has installed what they need. A
//! tool that is missing is a failure, never a skipped test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg(target_os = "linux")]

mod claude_code;
#[path = "../support/comments.rs"]
mod comments;
mod crash;
mod drift;
mod faults;
mod git;
mod hosts;
#[path = "../support/keepassxc.rs"]
mod keepassxc;
#[path = "../support/keyring.rs"]
mod keyring;
#[path = "../support/names.rs"]
mod names;
mod opens;
#[allow(dead_code)]
#[path = "../support/poll.rs"]
mod poll;
#[allow(dead_code)]
#[path = "../support/residue.rs"]
mod residue;
#[allow(dead_code, reason = "the same home as the command line's tests, of which not all is needed here")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
#[path = "../support/scratch.rs"]
mod scratch;
mod store_interop;
mod store_memory;
mod store_native;
mod store_vault;
#[path = "../support/trace.rs"]
mod trace;
#[path = "../support/watcher.rs"]
mod watcher;
mod with_keyring;
#[path = "../support/allow.rs"]
mod yes;
