//! Who ends a hold of a target, and what came of it.

use crate::document::Pointer;
use crate::journal::Lease;
use crate::session::Seen;
use std::path::PathBuf;

/// Which holds an unrender ends.
#[derive(Debug, Clone)]
pub enum Release {
    /// That of one holder.
    Holder(Lease),
    /// That of a session of the host application.
    Session(String),
    /// None but the dead ones: what `recover` does.
    Dead,
    /// Every one.
    All,
}

/// What came of an unrender.
#[derive(Debug)]
pub struct Unrendered {
    /// The target, every symlink resolved.
    pub path: PathBuf,
    /// What was done.
    pub outcome: Outcome,
}

/// What was done.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing: the target is not rendered.
    NotRendered,
    /// The hold ended, others remain.
    Held(Vec<Lease>),
    /// The secrets are out.
    Closed(Closed),
}

/// How the secrets were taken out.
#[derive(Debug, Default)]
pub struct Closed {
    /// How many secrets were taken out of the target.
    pub removed: usize,
    /// Slots whose value was changed while rendered; they stay as changed.
    pub changed: Vec<Pointer>,
    /// Where secrets were that had moved away from their slots.
    pub moved: Vec<Pointer>,
    /// Slots whose secret is too short to be searched for, and is not where it would be recognised.
    pub missing: Vec<Pointer>,
    /// Copies that secrets were taken out of.
    pub scrubbed: Vec<PathBuf>,
    /// What the host keeps of its sessions and holds secrets; it is as it was.
    pub seen: Box<Seen>,
    /// Copies that could not be read or written.
    pub unscrubbed: Vec<PathBuf>,
    /// The target was not a JSON object any more; its secrets were removed all the same.
    pub damaged: bool,
    /// The host's lock was held too long and was ignored.
    pub lock_ignored: bool,
    /// Files elsewhere that secrets were taken out of: copies that the user or an editor made, or what the target was
    /// moved to.
    pub elsewhere: Vec<PathBuf>,
    /// Nothing of what was filled in was found again. It is kept as missing.
    pub lost: Option<Lost>,
}

/// Where secrets were looked for that are not accounted for.
#[derive(Debug, Default)]
pub struct Lost {
    /// How many there are.
    pub secrets: usize,
    /// The folders that were searched.
    pub looked: Vec<PathBuf>,
    /// Files that hold one of them, and are not copies of the target. They are as they were.
    pub suspected: Vec<PathBuf>,
}
