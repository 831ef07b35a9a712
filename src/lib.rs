//! keystencil fills the key-shaped holes of a committed config template from the operating system's keyring for as
//! long as a program runs, and afterwards takes out exactly what it put in.
//!
//! The crate is an hourglass: texts become a plan in pure functions, and one place writes. The floors, from below:
//! [`json`] (text as bytes), [`template`] (template text to blueprint), [`plan`] (pure decisions), [`store`] and
//! [`host`] (effects), [`session`] (render and unrender as transactions), [`cli`].

// The indented examples of the help texts are shell commands, which rustdoc would take for tests.
#[cfg(not(doctest))]
pub mod cli;
pub mod error;
pub mod host;
pub mod json;
pub mod plan;
pub mod secret;
pub mod session;
pub mod store;
pub mod template;
