//! Which slots get to their servers through a file and which do not, and what the file looks like at rest.

use super::server::{Unwrappable, Wrapper, moved, wrap};
use super::unwrap::Wrapped;
use crate::document::{Document, Pointer, Splice, edit};
use crate::host::servers::find::Server;
use std::collections::{BTreeMap, BTreeSet};

/// How the secrets of a server get to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deliver {
    /// They stand in the file while a program runs.
    #[default]
    File,
    /// They are put into the process as it starts, or into its headers as it connects; what can't be stays closed.
    Wrap,
    /// The same; what can't be is filled in the file.
    Auto,
}

/// What the config says about a target.
///
/// ```
/// use keystencil::document::Pointer;
/// use keystencil::plan::wrap::{Deliver, Deliveries};
/// let servers = [("db".to_owned(), Deliver::File)].into();
/// let deliveries = Deliveries { all: Deliver::Wrap, servers };
/// assert_eq!(deliveries.of(&Pointer::parse("/mcpServers/db")?, "db"), Deliver::File);
/// assert_eq!(deliveries.of(&Pointer::parse("/mcpServers/x")?, "x"), Deliver::Wrap);
/// # Ok::<(), keystencil::document::PointerError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// For all servers that are not named.
    pub all: Deliver,
    /// By the server's name, or by its pointer.
    pub servers: BTreeMap<String, Deliver>,
}

impl Deliveries {
    /// How one server gets its secrets.
    #[must_use]
    pub fn of(&self, pointer: &Pointer, name: &str) -> Deliver {
        let named = self.servers.get(pointer.as_str()).or_else(|| self.servers.get(name));
        named.copied().unwrap_or(self.all)
    }

    /// Whether every server gets them through the file.
    #[must_use]
    pub fn are_files(&self) -> bool {
        self.all == Deliver::File && self.servers.values().all(|deliver| *deliver == Deliver::File)
    }
}

/// How the servers of a target are wrapped, and which.
#[derive(Debug, Clone, Copy)]
pub struct Wrapping<'a> {
    /// How.
    pub wrapper: Wrapper<'a>,
    /// Which.
    pub deliveries: &'a Deliveries,
}

/// How the slots of a target are delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// From the plain form to what stands in the file: the wrapped servers.
    pub splices: Vec<Splice>,
    /// The slots of the servers that are wrapped: they stay closed in the file.
    pub wrapped: BTreeSet<Pointer>,
    /// Slots whose servers should be wrapped and can't be, and why: they stay closed as well.
    pub refused: BTreeMap<Pointer, Unwrappable>,
    /// Slots of wrapped servers that do not stand in the file as they should: plain, or for another program.
    pub unwrapped: BTreeSet<Pointer>,
}

impl Delivered {
    /// Whether a slot may be filled in the file.
    #[must_use]
    pub fn is_file(&self, slot: &Pointer) -> bool {
        !self.wrapped.contains(slot) && !self.refused.contains_key(slot)
    }
}

/// What a target's text was before its servers were read as plain ones.
pub(in crate::plan) struct Stood<'a> {
    /// The text at rest.
    pub(in crate::plan) document: &'a Document<'a>,
    /// Its wrapped servers.
    pub(in crate::plan) wrapped: &'a [Wrapped],
}

/// Decides how the slots that stand in `plain` are delivered. Wrapped servers that stand as they should keep their bytes,
/// however the host has laid them out; and so do those that no slot is in, which are somebody else's.
pub(in crate::plan) fn deliver(
    plain: &Document<'_>,
    slots: &[Pointer],
    stood: &Stood<'_>,
    wrapping: Option<&Wrapping<'_>>,
) -> Delivered {
    let mut delivered = Delivered::default();
    let mut by_server: BTreeMap<Pointer, Vec<Pointer>> = BTreeMap::new();
    for slot in slots.iter().filter(|_| wrapping.is_some() || !stood.wrapped.is_empty()) {
        match Server::around(slot) {
            Some(server) => by_server.entry(server).or_default().push(slot.clone()),
            None if wrapping.is_some_and(|wrapping| wrapping.deliveries.all == Deliver::Wrap) => {
                delivered.refused.insert(slot.clone(), Unwrappable::NoServer(slot.clone()));
            }
            None => {}
        }
    }
    for (server, slots) in &by_server {
        let Some(wrapping) = wrapping else { continue };
        let name = name_of(plain, server);
        let how = wrapping.deliveries.of(server, &name);
        if how == Deliver::File {
            continue;
        }
        match wrap(plain, server, slots, &wrapping.wrapper) {
            Ok(splices) => {
                delivered.wrapped.extend(slots.iter().cloned());
                match as_it_stood(plain, server, &splices, stood) {
                    Some(splice) => delivered.splices.push(splice),
                    None => {
                        delivered.unwrapped.extend(slots.iter().cloned());
                        delivered.splices.extend(splices);
                    }
                }
            }
            Err(error) if how == Deliver::Wrap => {
                delivered.refused.extend(slots.iter().map(|slot| (slot.clone(), error.clone())));
            }
            Err(_) => {}
        }
    }
    delivered.splices.extend(of_others(plain, &by_server, stood));
    delivered
}

fn name_of(document: &Document<'_>, server: &Pointer) -> String {
    Server::at(document, server).map_or_else(|_| server.last().unwrap_or_default().into_owned(), |server| server.name)
}

/// The server as the host has written it, if it says what wrapping it would.
fn as_it_stood(plain: &Document<'_>, server: &Pointer, splices: &[Splice], stood: &Stood<'_>) -> Option<Splice> {
    if !stood.wrapped.iter().any(|one| one.pointer.is_within(server)) {
        return None;
    }
    let (node, there) = (plain.find(server)?, stood.document.find(server)?);
    let start = node.span().start;
    let wrapped = edit::splice(node.raw(), moved(splices, start));
    let wrapped = Document::parse_relaxed(wrapped.as_bytes()).ok()?;
    wrapped.root().same_value(&there).then(|| Splice { span: node.span(), text: there.raw().to_owned() })
}

/// Wrapped servers that the template has no reference in.
fn of_others(plain: &Document<'_>, ours: &BTreeMap<Pointer, Vec<Pointer>>, stood: &Stood<'_>) -> Vec<Splice> {
    let others = stood.wrapped.iter().filter(|one| !ours.keys().any(|server| one.pointer.is_within(server)));
    let kept = others.filter_map(|one| {
        let (node, there) = (plain.find(&one.pointer)?, stood.document.find(&one.pointer)?);
        // The merge has changed nothing in it.
        let start = there.span().start;
        (edit::splice(there.raw(), moved(&one.splices, start)) == node.raw())
            .then(|| Splice { span: node.span(), text: there.raw().to_owned() })
    });
    kept.collect()
}
