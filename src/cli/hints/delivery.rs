//! What to do about a server that gets nothing, where nobody is asked: a host has started it, or asks for its headers.

use crate::cli::typed::Typed;
use crate::consent::record::{Differs, Unfit};
use crate::session::DeliverError;
use crate::store::StoreError;

/// What to do about values that are not delivered to a server of this target.
pub(in crate::cli) fn deliver(target: &str, error: &DeliverError) -> Option<String> {
    match error {
        DeliverError::Missing(error) => {
            let trouble = error.missing().first().and_then(|missing| missing.trouble());
            trouble.and_then(unattended).or_else(|| super::of(error))
        }
        DeliverError::Session(error) => super::of(error),
        DeliverError::Silent(_, store) => unattended(store).or_else(|| super::of(store)),
        DeliverError::Unset(_) => Some("set it for the host, or store its value and name that".to_owned()),
        DeliverError::NoKeys => Some(
            "HOME, XDG_DATA_HOME and DBUS_SESSION_BUS_ADDRESS lead to your stores: start the host with those of your \
             session"
                .to_owned(),
        ),
        DeliverError::NotAllowed => Some(format!("`{}` at a terminal allows it", of_target("allow", target))),
    }
}

/// What to do about a server that is not the one that was allowed.
pub(in crate::cli) fn differs(target: &str, differs: &Differs) -> String {
    match differs {
        Differs::Moved { .. } => format!("if that is right, allow it anew: `{}`", of_target("allow", target)),
        Differs::NoDestination => "only a host that names its URL gets headers".to_owned(),
        Differs::Home(_) => "start it with the home folder that it was allowed with".to_owned(),
        _ => format!(
            "`{}` writes it as the template has it; `{}` shows what is new",
            of_target("render", target),
            of_target("allow", target)
        ),
    }
}

/// What to do about a server of which there can be no record.
pub(in crate::cli) fn unfit(target: &str, why: &Unfit) -> String {
    match why {
        Unfit::NotFound => format!("install it, then `{}`", of_target("allow", target)),
        Unfit::Key(_) => "store it with `keystencil secret set`, and put a reference in its place".to_owned(),
        _ => "`deliver = \"file\"` under [targets.NAME.servers.SERVER] fills it in the file".to_owned(),
    }
}

fn of_target(verb: &str, target: &str) -> Typed {
    Typed::ours(verb).operand(target)
}

/// What helps where a terminal would not.
fn unattended(error: &StoreError) -> Option<String> {
    match error {
        StoreError::Locked => Some("unlock it (logging in does), then have the host start the server again".to_owned()),
        StoreError::Unconfirmed => {
            Some("turn the question off in the keyring's settings (KeePassXC: Secret Service Integration)".to_owned())
        }
        _ => None,
    }
}
