//! keystencil injects secrets from the operating system's keyring into config files while a program runs, and then
//! removes exactly what it inserted.
//!
//! The crate is an hourglass: texts become a plan in pure functions, and one place writes. The rooms, from below:
//! [`secret`] (a value that never prints), [`document`] (config text as bytes), [`scan`] (what a key looks like),
//! [`template`] (template text to blueprint), [`journal`] (what is owed, and how it leaves again), [`host`] (files,
//! locks, processes, and what is special about one host application), [`consent`] (what the user allowed), [`plan`]
//! (what a render does), [`lint`] (what must not be committed), [`adopt`] (from a live config to a template), [`store`]
//! (where secrets live), [`session`] (render and unrender as transactions), `cli`. A room imports only rooms below it.
//!
//! # Where each promise is kept
//!
//! 1. *Round trip*: [`plan::plan_render`] and [`journal::undo()`] are inverse; [`document::edit`] changes only the
//!    bytes it must.
//! 2. *The host's edits survive*: [`journal::undo()`] finds each slot wherever it now is; [`mod@plan::sync`] merges by
//!    key.
//! 3. *No residue*: [`journal::Fingerprint`] recognises a secret without holding it; copies are closed by
//!    [`session::Session::unrender`].
//! 4. *Nothing of the user's is lost*: [`plan::Conflict`] is a literal that stays.
//! 5. *The oracle*: [`document::edit::apply`] against [`document::json_patch`].
//! 6. *Secret-free*: [`secret::Secret`] never prints; the [`template`] engine holds opaque references only.
//! 7. *Crash*: the [`journal::Journal`] is synced first; [`session::Session::recover`] pays what is owed.
//! 8. *Last one out*: [`journal::Lease`], [`session::Session::hold`], [`session::Session::guard`].
//! 9. *No lost update*: [`host::HostLock`] and [`host::Staged`], used by [`session::Job::render`].
//! 10. *Never on disk*: [`plan::wrap::wrap()`] has a server called through keystencil; [`plan::wrap::unwrap()`] reads
//!     the plain one back.
//! 11. *A yes holds*: [`consent`] says what a grant covers, [`secret::SealKey`] seals it.

pub mod adopt;
// The indented examples of the help texts are shell commands, which rustdoc would take for tests.
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
