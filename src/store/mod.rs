//! Floor 3: where secrets live: the native keyring and the vault, and the order in which they are asked.

pub mod lookup;
pub mod native;
pub mod vault;
