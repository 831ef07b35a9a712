//! What a person can do about an error: the one place that knows which verb or flag helps, for the errors of all layers.
//!
//! An error says itself what is wrong, and [`Explain::hint`] what would be right where that is no command of ours.

pub(super) mod lint;
mod session;
mod store;

pub(super) use lint::finding;
pub(super) use store::secret_command;

use crate::error::Explain;
use crate::host::git::ProtocolError;
use crate::plan::wrap::Unwrappable;
use crate::session::{MissingSecret, SessionError};
use crate::store::{LookupError, StoreError, Unresolved};

/// What to do about a server that can't be wrapped.
pub(super) fn unwrappable(why: &Unwrappable) -> String {
    match why {
        Unwrappable::Program(_) => "install it as `keystencil`".to_owned(),
        Unwrappable::Target(_) => "give the target another name in the config".to_owned(),
        _ => "`deliver = \"auto\"`, for the target or under [targets.NAME.servers.SERVER], fills it in the file"
            .to_owned(),
    }
}

/// What to do about an error of whatever layer.
pub(super) fn of(error: &(dyn Explain + 'static)) -> Option<String> {
    let any: &(dyn std::error::Error + 'static) = error;
    if let Some(error) = any.downcast_ref::<SessionError>() {
        return session::of(error);
    }
    if let Some(one) = any.downcast_ref::<MissingSecret>() {
        return session::missing_secret(one);
    }
    if let Some(error) = any.downcast_ref::<StoreError>() {
        return store::of(error);
    }
    if let Some(error) = any.downcast_ref::<LookupError>() {
        return error.missing().first().and_then(store::unresolved);
    }
    if let Some(one) = any.downcast_ref::<Unresolved>() {
        return store::unresolved(one);
    }
    if any.is::<ProtocolError>() {
        return Some("this command is for git to call: set it up with `keystencil install git`".to_owned());
    }
    error.hint()
}
