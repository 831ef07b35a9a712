//! What is rendered now, since when, for whom. Reads journals only: no target, no store, no lock.

use super::{Owed, Seen, Session, SessionError, Target, seen};
use crate::host::Resolved;
use crate::host::process::{Process, is_alive};
use crate::journal::{Journal, Lease};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// A holder and whether it is still there.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Its lease.
    pub lease: Lease,
    /// Whether its process runs.
    pub alive: bool,
}

/// What one target owes.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// Its name in the config.
    pub name: Option<String>,
    /// The live file.
    pub path: PathBuf,
    /// Since when it is rendered; `None` if it is not.
    pub since: Option<Timestamp>,
    /// Who holds it.
    pub holders: Vec<Holder>,
    /// The placeholders that are filled, without repetition.
    pub secrets: Vec<String>,
    /// Pointers of the filled slots.
    pub slots: Vec<String>,
    /// What was filled in by earlier renders and not found again.
    pub owed: Vec<Owed>,
    /// Why nothing is known: the journal can't be read. Without a target of the config, `path` is the journal's.
    pub trouble: Option<Arc<SessionError>>,
}

impl TargetStatus {
    /// Whether it is rendered and no holder is left: `recover` is due.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.since.is_some() && !self.holders.iter().any(|holder| holder.alive)
    }
}

impl Session<'_> {
    /// The status of the given targets, and of everything else that is rendered.
    ///
    /// # Errors
    /// [`SessionError::File`] if the state folder can't be read. A journal that can't be read is reported in its row.
    pub fn status(&self, targets: &[Target]) -> Result<Vec<TargetStatus>, SessionError> {
        let mut journals = Vec::new();
        let mut damaged = Vec::new();
        for state in self.state.owing()? {
            match state.journal() {
                Ok(journal) => journals.extend(journal),
                // One that can't be read must not hide the others.
                Err(error) => damaged.push((state.journal_path(), error)),
            }
        }
        let mut owed = self.state.owed()?;
        let mut all = Vec::new();
        for target in targets {
            let file = Resolved::follow(&target.path).ok();
            let path = file.as_ref().map_or(target.path.as_path(), Resolved::path);
            let moved = || Some(self.journal(&target.path).ok()??.target);
            let own = journals.iter().position(|journal| journal.target == path);
            let own =
                own.or_else(|| moved().and_then(|moved| journals.iter().position(|journal| journal.target == moved)));
            let journal = own.map(|index| journals.swap_remove(index));
            let mut status = status_of(target.name.clone(), target.path.clone(), journal.as_ref());
            let journal_path = file.map(|file| self.state.of(&file).journal_path());
            if let Some(at) = damaged.iter().position(|(path, _)| Some(path) == journal_path.as_ref()) {
                status.trouble = Some(Arc::new(damaged.swap_remove(at).1));
            }
            status.owed = owed.extract_if(.., |owed| owed.is_of(&target.path)).collect();
            all.push(status);
        }
        all.extend(damaged.into_iter().map(|(path, error)| {
            let mut status = status_of(None, path, None);
            status.trouble = Some(Arc::new(error));
            status
        }));
        journals.sort_by(|a, b| a.target.cmp(&b.target));
        all.extend(
            journals.iter().map(|journal| status_of(journal.name.clone(), journal.target.clone(), Some(journal))),
        );
        for owed in owed {
            match all.iter_mut().find(|status| status.path == owed.journal.target) {
                Some(status) => status.owed.push(owed),
                None => {
                    let mut status = status_of(owed.journal.name.clone(), owed.journal.target.clone(), None);
                    status.owed.push(owed);
                    all.push(status);
                }
            }
        }
        Ok(all)
    }

    /// The journal of the target at `path`, if it has one.
    ///
    /// # Errors
    /// [`SessionError::Journal`] if the journal can't be read.
    pub fn journal(&self, path: &std::path::Path) -> Result<Option<Journal>, SessionError> {
        self.state_of(path, &Resolved::follow(path)?)?.journal()
    }

    /// Whether a process holds any target now.
    #[must_use]
    pub fn is_holding(&self, process: &Process) -> bool {
        let journals = self.state.owing().unwrap_or_default().into_iter().filter_map(|state| state.journal().ok()?);
        let is_it = |lease: &Lease| lease.pid == Some(process.pid) && lease.started == process.started;
        journals.flat_map(|journal| journal.leases).any(|lease| is_it(&lease))
    }
}

impl Session<'_> {
    /// Where the host of a rendered target has noted its secrets meanwhile.
    ///
    /// # Errors
    /// [`SessionError::Journal`] if the journal can't be read.
    pub fn seen(&self, path: &std::path::Path) -> Result<Seen, SessionError> {
        Ok(self.journal(path)?.map(|journal| seen::search(&journal, false, (self.now)()).seen).unwrap_or_default())
    }
}

fn status_of(name: Option<String>, path: PathBuf, journal: Option<&Journal>) -> TargetStatus {
    let mut status = TargetStatus {
        name,
        path,
        since: None,
        holders: Vec::new(),
        secrets: Vec::new(),
        slots: Vec::new(),
        owed: Vec::new(),
        trouble: None,
    };
    let Some(journal) = journal else { return status };
    status.since = Some(journal.since);
    status.holders =
        journal.leases.iter().map(|lease| Holder { lease: lease.clone(), alive: is_alive(lease) }).collect();
    for slot in &journal.slots {
        status.slots.push(slot.pointer.to_string());
        for (placeholder, _) in slot.secrets() {
            if !status.secrets.iter().any(|known| known == placeholder) {
                status.secrets.push(placeholder.to_owned());
            }
        }
    }
    status
}
