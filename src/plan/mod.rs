//! Pure decisions: texts go in, a plan comes out; nothing here reads a file, a clock or a store.
//!
//! [`mod@sync`] merges the blueprint (stays), [`mod@insert`] fills the slots (leaves again), [`diff`] shows it, and
//! [`threeway`] says who changed what, [`mod@wrap`] keeps the secrets of servers out of the file.

pub mod diff;
pub mod exposed;
pub mod insert;
pub mod render;
pub mod sync;
pub mod threeway;
pub mod wrap;

pub use exposed::{Exposure, exposed};
pub use insert::{Filling, fill, insert};
pub use render::{PlanError, RenderPlan, plan_render};
pub use sync::{Applied, Conflict, OnConflict, SyncPlan, sync};
