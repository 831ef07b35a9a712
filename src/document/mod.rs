//! Layer 0: JSON text as bytes. It finds, walks and splices, and knows no secret and no file.

mod check;
pub mod edit;
mod locate;
mod node;
mod number;
mod place;
pub mod pointer;
mod same;
mod scan;
pub mod string;
pub mod text;
mod walk;

pub use edit::{EditError, Operation, Patch, Splice, UnfitValue};
/// The version whose patches [`Patch`] converts from and to, and, as `json_patch::jsonptr`, whose pointers [`Pointer`].
pub use json_patch;
pub use node::{Kind, Member, Node};
pub use place::Span;
pub use pointer::{Pointer, PointerError};
pub use text::{Document, SyntaxError};
pub use walk::StringToken;
