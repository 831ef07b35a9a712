//! From a live config to a template: [`import`] finds the keys of a config in plain text, [`absorb`] takes into the
//! template what the host changed, [`plain_text`] says where a key is in plain text in a target.

pub mod absorb;
pub mod import;
mod literal;
mod plaintext;

pub use plaintext::{PlainText, plain_text};
