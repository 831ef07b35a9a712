//! TOML: read by `toml`'s own parser, which says where each key and value stands, and written token by token.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{comment, key, value};

/// What a string of a reading starts with that is no string in the file: a date, `inf`, `nan`, and an integer that is too long.
/// No text has this character, by definition of it.
const BARE: char = '\u{fdd0}';
