//! keystencil fills the key-shaped holes of a committed config template from the operating system's keyring for as
//! long as a program runs, and afterwards takes out exactly what it put in.
//!
//! The crate is an hourglass: texts become a plan in pure functions, and one place writes. The rooms, from below:
//! [`secret`] (a value that never prints), [`document`] (config text as bytes), [`scan`] (what a key looks like),
//! [`template`] (template text to blueprint), [`journal`] (what is owed, and how it leaves again), [`host`] (files, locks,
//! processes, and what is special about one host application), [`consent`] (what a person allowed), [`plan`] (what a render
//! does), [`lint`] (what must not be committed), [`adopt`] (from a live config to a template), [`store`] (where secrets
//! live), [`session`] (render and unrender as transactions), `cli`. A room imports only rooms below it.

// The indented examples of the help texts are shell commands, which rustdoc would take for tests.
pub mod adopt;
#[cfg(not(doctest))]
pub mod cli;
pub mod consent;
pub mod document;
pub mod error;
pub mod host;
pub mod journal;
pub mod lint;
pub mod plan;
pub mod scan;
pub mod secret;
pub mod session;
pub mod store;
pub mod template;
