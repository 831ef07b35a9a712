//! Changes as values: RFC 6902 patches, and splices of a text. What a patch makes of a text is its syntax's to say.
//!
//! Values may be secrets, which this layer cannot know: `Debug` shows only their length, errors only paths.

mod convert;
mod patch;
mod splice;
mod wire;

pub(super) use super::json::edit::replacements;
pub use super::json::edit::{apply, apply_to};
pub use convert::UnfitValue;
pub(super) use patch::trim;
pub use patch::{EditError, Operation, Patch};
pub(super) use splice::splice_borrowed;
pub use splice::{Splice, splice, splice_bytes};
