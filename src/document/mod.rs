//! Layer 0: config text as bytes. It finds, walks and splices, and knows no secret and no file.
//!
//! [`Document::open`] reads a file in its [`Syntax`]. `json/` is what is JSON's alone, with comments or without, and `toml/` what
//! is TOML's; the rest holds for any syntax: [`Pointer`]s, places, [`Patch`]es and splices.

pub mod edit;
mod json;
mod open;
mod place;
pub mod pointer;
mod reading;
mod syntax;
mod toml;

pub use edit::{EditError, Operation, Patch, Splice, UnfitValue};
pub use json::node::{Kind, Member, Node};
pub use json::text::Document;
pub use json::walk::StringToken;
pub use json::{escape, string};
/// The version whose patches [`Patch`] converts from and to, and, as `json_patch::jsonptr`, whose pointers [`Pointer`].
pub use json_patch;
pub use open::Opened;
pub use place::Span;
pub use pointer::{Pointer, PointerError};
pub use syntax::{Syntax, SyntaxError};
