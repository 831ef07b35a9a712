//! Looks through texts for what must not be committed, and says it without saying a secret.
//!
//! Pure: bytes go in, [`Finding`]s come out. [`search`] joins what [`scan`](crate::scan) suspects with the user's own
//! secrets ([`own`]) and what journals know (`Rendered`); [`allow`] and [`baseline`] drop what a person has looked at;
//! [`sarif`] writes it for machines; [`mask`] takes secrets out of a stream instead. A finding holds no byte of a
//! secret but the public beginning of its format.

pub mod allow;
pub mod baseline;
pub mod decode;
pub mod finding;
pub mod mask;
pub mod name;
pub mod own;
pub mod sarif;
pub mod search;
pub mod stray;

pub use baseline::Baseline;
pub use finding::{Finding, Kind};
pub use mask::Mask;
pub use own::Own;
pub use search::{Known, Scan, finds};
