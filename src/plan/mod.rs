//! Floor 2: pure decisions. Texts go in, a plan comes out; nothing here reads a file, a clock or a store.
//!
//! [`mod@sync`] merges the blueprint (stays), [`mod@insert`] fills the slots (leaves again) and says what is owed in a
//! [`journal`], [`mod@undo`] pays it back under any drift, [`diff`] shows it, and [`threeway`] who changed
//! what; [`absorb`] takes the host's part into the template. [`detect`] says what a key looks like,
//! [`check`] where one must not stand, [`plain_text`] where one does in a target, [`grants`] which secret may flow where,
//! [`servers`] what a server looks like, [`steering`] which variables steer programs. [`import`] finds the keys of a config in
//! plain text.

pub mod absorb;
pub mod account;
pub mod check;
pub mod detect;
pub mod diff;
pub mod escape;
pub mod exposed;
pub mod fingerprint;
pub mod grants;
pub mod import;
pub mod insert;
pub mod journal;
pub mod keylike;
mod literal;
pub mod path;
mod plaintext;
pub mod render;
pub mod servers;
pub mod steering;
pub mod sync;
pub mod threeway;
pub mod undo;

pub use exposed::{Exposure, exposed};
pub use fingerprint::{Finder, Fingerprint, Key};
pub use insert::{Filling, insert};
pub use journal::{Journal, Lease};
pub use plaintext::{PlainText, plain_text};
pub use render::{PlanError, RenderPlan, plan_render};
pub use sync::{Applied, Conflict, OnConflict, SyncPlan, sync};
pub use undo::{Undo, is_clean, names_in, undo, undo_raw};
