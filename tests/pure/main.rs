//! What needs no process of ours, no disk and no other program: the shape of the crate, the invariants as properties,
//! the JSON editor against other parsers, and the templates.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
#[path = "../support/comments.rs"]
mod comments;
mod invariants;
mod json;
mod json_hostile;
mod json_oracle;
mod template_cases;
mod template_examples;
mod template_hostile;
mod template_invariants;
mod toml;
mod toml_files;
