//! Wrapping a server: `keystencil run` takes the place of its command, or `keystencil headers` becomes its helper, so that
//! no file ever holds what its references stand for.
//!
//! Wrapping is a splice of the text. The token of the command moves, as it is written, to behind `--`; our program and
//! `run --for TARGET:POINTER` take its place, and all other bytes stay. So [`unwrap()`] gets the plain form back from the
//! text alone. What could not be got back is refused with its place, and never written.

mod call;
mod deliver;
mod server;
mod unwrap;

pub use call::{For, NotFor};
pub use deliver::{Deliver, Delivered, Deliveries, Wrapping};
pub(in crate::plan) use deliver::{Stood, deliver};
pub use server::{Unwrappable, Wrapper, wrap};
pub use unwrap::{Wrapped, plain, unwrap, wrapped};
