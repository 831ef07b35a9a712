//! JSON, with comments and trailing commas where they are allowed: checked in one pass, then read and edited in place.

mod check;
pub(super) mod edit;
pub mod escape;
mod locate;
pub(super) mod node;
mod number;
mod same;
mod scan;
pub mod string;
pub(super) mod text;
pub(super) mod walk;
