//! A rendered file and a real git: nothing that keystencil put in a file is ever in a repository.

// clippy.toml allows these in `#[test]` functions; here the helpers beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(unix)]

mod committable;
mod filter;
mod foreign;
mod ignored;
mod install;
mod moved;
mod process;
mod refused;
mod repository;
mod surroundings;
