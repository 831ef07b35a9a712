//! What the scenarios stand on: a home, a client in it, an API for it, and a search for what was left.

pub(crate) mod api;
pub(crate) mod home;
pub(crate) mod process;
pub(crate) mod stencil;
pub(crate) mod terminal;
pub(crate) mod tools;
pub(crate) mod watch;
pub(crate) mod wrapped;
