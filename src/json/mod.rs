//! Floor 0: JSON text as bytes. It finds, walks and splices, and knows no secret and no file.

pub mod edit;
pub mod pointer;
pub mod string;
pub mod text;

pub use edit::{EditError, Operation, Patch, Splice};
pub use pointer::{Pointer, PointerError};
pub use text::{Document, Kind, Node, Span, SyntaxError};
