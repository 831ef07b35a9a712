//! Layer 4: render, unrender and recover as transactions. The only writer of targets and of their copies.
//!
//! Each transaction runs under our own lock on the target's state. The new text is planned from what is there, the
//! journal is synced before the target may hold a secret, the finished file is staged beside the target, and only the
//! comparison and the rename happen under the host application's lock. If the target changed meanwhile, it is planned
//! again.

mod absorb;
mod agents;
mod clean;
mod cleaning;
mod closed;
mod commands;
mod committable;
mod compare;
mod deliver;
mod deliveries;
mod error;
mod exposures;
mod filter;
mod grants;
mod guard;
pub mod import;
mod job;
mod keep;
mod log;
mod moving;
mod neighbours;
mod notes;
mod outputs;
mod owed;
mod pieces;
mod plain;
mod refill;
mod reminder;
mod render;
mod repositories;
mod runs;
mod scrub;
mod sealing;
mod seen;
mod settings;
mod sources;
mod state;
mod status;
mod template_file;
mod transaction;
mod transcripts;
mod undo;
mod unrender;
mod values;
mod walk;
mod window;
mod wrapping;
mod write;

pub use absorb::Absorbing;
pub use agents::Let;
pub use clean::{Cleaner, Known};
pub use cleaning::{Cleaning, Left};
pub use commands::Commands;
pub use compare::Compared;
pub use deliver::{DeliverError, Delivery, Recorded};
pub use deliveries::Receiver;
pub use error::{Missing, MissingSecret, SessionError};
pub use exposures::Exposure;
pub use filter::{
    FilterCall, FilterChange, FilterOptions, FilterState, Filtered, ignore_line, install_filter, uninstall_filter,
};
pub use grants::{Allowed, Revoked, Standing};
pub use import::{ImportRequest, Imported, Keeper, Rewrite};
pub use job::Job;
pub use keep::Memory;
pub use log::{Event, Record, Via, Who};
pub use owed::Owed;
pub use refill::Refilled;
pub use render::{RenderOptions, Rendered};
pub use repositories::Repositories;
pub use sealing::{Sealable, Sealed, placeholders};
pub use seen::Seen;
pub use settings::Hooks;
pub use state::State;
pub use status::{Holder, TargetStatus};
pub use transaction::{Failures, Transaction};
pub use transcripts::{Fingerprints, Reader, Search, Spot, session_files};
pub use wrapping::SlotDelivery;

use crate::host::Profile;
use crate::host::git::Places;
use crate::journal::Lease;
use crate::plan::wrap::Deliveries;
use crate::template::Variables;
pub use closed::{Closed, Lost, Outcome, Release, Unrendered};
use jiff::Timestamp;
pub use sources::Sources;
use std::cell::LazyCell;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A live file and the template it is made from.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in the config, if it is there.
    pub name: Option<String>,
    /// The template.
    pub template: PathBuf,
    /// The live file; may be a symlink.
    pub path: PathBuf,
    /// Whose file it is.
    pub profile: &'static dyn Profile,
    /// How its servers get their secrets.
    pub deliveries: Deliveries,
}

/// Everything a transaction needs from outside.
pub struct Session<'a> {
    /// Where journals are.
    pub state: State,
    /// What templates may read.
    pub variables: &'a Variables,
    /// Asks the stores.
    pub sources: &'a dyn Sources,
    /// Finds the values of `env()` references.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Where repositories are looked for that a target may lie in.
    pub places: Places,
    /// Targets that may be rendered though git could commit them: the config says so.
    pub unguarded: Vec<PathBuf>,
    /// This program as wrapped servers call it: as `PATH` finds it. Looked for where a server is wrapped.
    pub program: LazyCell<String>,
    /// How git's filter is to call this program.
    pub filter: FilterCall,
    /// Tells the time.
    pub now: fn() -> Timestamp,
    /// Whether a slot is filled only if the user allowed its flow.
    pub guarded: bool,
    /// The digest of the commands that the config declares, if it does.
    pub commands: Option<String>,
    /// The config, if it lets AI tools do what is asked of a person; counts only once a person said yes to that.
    pub agents: Option<String>,
}

impl Session<'static> {
    /// A session that can only take secrets out: it knows no store and no variable.
    #[must_use]
    pub fn closing(state: State) -> Self {
        static NOTHING: LazyLock<Variables> = LazyLock::new(Variables::default);
        Self {
            state,
            variables: &NOTHING,
            sources: &sources::Nothing,
            env: &|_| None,
            places: Places::default(),
            unguarded: Vec::new(),
            program: LazyCell::new(String::new),
            filter: FilterCall::default(),
            now: Timestamp::now,
            guarded: true,
            commands: None,
            agents: None,
        }
    }
}

/// Leases by whether their holder is still there.
fn living(leases: &[Lease]) -> Vec<Lease> {
    leases.iter().filter(|lease| crate::host::process::is_alive(lease)).cloned().collect()
}
