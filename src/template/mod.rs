//! Layer 1: template text to [`Blueprint`]. Secrets never enter here.
//!
//! [`compile`] is the way in; [`Reference`], [`parse_parts`] and [`is_placeholder`] are the language of what is in a
//! target at rest. The rest is the way between, one step a file: [`engine`] tells it.

mod arguments;
mod assemble;
pub mod blueprint;
mod call;
mod checked;
mod checks;
pub mod engine;
pub mod error;
mod explain;
mod functions;
mod include;
mod lexer;
mod look;
mod marks;
mod names;
mod operands;
pub mod placeholder;
mod prepare;
mod quoted;
mod reserved;
mod run;
mod source;
mod sources;
mod strict;
mod token;
pub mod trace;
mod values;
mod variables;

pub use blueprint::{Blueprint, Encoding, Part, Reference, Slot, Source};
pub use engine::{Load, Template, TemplateError, compile};
pub use include::check_include_name;
pub use placeholder::{NoPlaceholder, is_placeholder, parse_parts};
pub use reserved::is_provider_name;
pub use variables::Variables;
