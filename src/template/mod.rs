//! Floor 1: template text to [`Blueprint`]. Secrets never enter here.

pub mod blueprint;
pub mod engine;

pub use blueprint::{Blueprint, Encoding, Part, Reference, Slot, Source};
pub use engine::{Template, TemplateError, Variables, compile};
