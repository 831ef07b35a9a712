//! A rendered file and a real git: nothing that keystencil put in a file is ever in a repository.

// clippy.toml allows these in `#[test]` functions; here the helpers beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

#[path = "git/committable.rs"]
mod committable;
#[path = "git/filter.rs"]
mod filter;
#[path = "git/foreign.rs"]
mod foreign;
#[path = "git/ignored.rs"]
mod ignored;
#[path = "git/install.rs"]
mod install;
#[path = "git/moved.rs"]
mod moved;
#[path = "git/process.rs"]
mod process;
#[path = "git/refused.rs"]
mod refused;
#[path = "git/repository.rs"]
mod repository;
#[allow(dead_code, reason = "the same home as the command line's tests, of which not all is needed here")]
#[path = "cli/sandbox.rs"]
mod sandbox;
#[path = "git/surroundings.rs"]
mod surroundings;
#[path = "support/allow.rs"]
mod yes;
