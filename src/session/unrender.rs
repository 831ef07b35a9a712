//! Unrender: a hold ends; with the last one the secrets leave the target and its copies, without asking a store.

use super::closed::{Closed, Lost, Outcome, Release, Unrendered};
use super::neighbours::Search;
use super::owed::Owed;
use super::state::TargetState;
use super::undo::undo_earlier;
use super::undo::undo_text;
use super::write::{PATIENCE, PATIENCE_WITH_THE_DEAD, Written, replace};
use super::{Event, Record, Session, SessionError, living, scrub, seen};
use crate::document::Pointer;
use crate::host::git::Repository;
use crate::host::process::is_alive;
use crate::host::replace::sync_folder;
use crate::host::{Profile, ReplaceError, Resolved, mode, profile};
use crate::journal::account::{Shape, is_lost};
use crate::journal::{Filled, Journal, Lease};
use std::io;
use std::path::Path;
use std::time::Duration;

impl Session<'_> {
    /// Ends holds of the target at `path`; the last one takes the secrets out.
    ///
    /// # Errors
    /// [`SessionError`]; then the target and its journal are as they were.
    pub fn unrender(&self, path: &Path, release: &Release) -> Result<Unrendered, SessionError> {
        match Resolved::follow(path) {
            Ok(file) => self.unrender_state(&self.state_of(path, &file)?, file.path(), release),
            // Its folder is gone, or its links lead nowhere. The hold ends all the same.
            Err(error) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                let is_of_it = |journal: Journal| journal.target == path || journal.named == path;
                let was_given = |state: &TargetState| state.shape().is_some_and(|shape| shape.given == path);
                let of_it =
                    |state: &TargetState| state.journal().ok().flatten().is_some_and(is_of_it) || was_given(state);
                match self.state.owing()?.iter().find(|state| of_it(state)) {
                    Some(state) => self.unrender_state(state, &path, release),
                    None => Err(error.into()),
                }
            }
        }
    }

    /// Takes out what dead holders left, in every target there is. One target's failure does not keep the others.
    pub fn recover(&self) -> Vec<Result<Unrendered, SessionError>> {
        let unrender = |state: TargetState| {
            let Some(journal) = state.journal()? else { return Ok(None) };
            // One without any lease is one that was being closed.
            if !journal.leases.is_empty() && living(&journal.leases).len() == journal.leases.len() {
                return Ok(None);
            }
            log::debug!("recovering {}", journal.target.display());
            self.unrender_state(&state, &journal.target, &Release::Dead).map(Some)
        };
        self.state.sweep();
        let mut all: Vec<_> = match self.state.owing() {
            Ok(owing) => owing.into_iter().filter_map(|state| unrender(state).transpose()).collect(),
            Err(error) => return vec![Err(error)],
        };
        all.extend(self.search_again());
        let _ = self.state.attend();
        all
    }

    /// The state files about a target; those of another path if the target was moved there and a symlink left behind.
    /// Those of another file as well if a link in the path led there when it was rendered, and another has taken its
    /// place.
    pub(super) fn state_of(&self, path: &Path, file: &Resolved) -> Result<TargetState, SessionError> {
        let own = self.state.of(file);
        if own.is_owing()? {
            return Ok(own);
        }
        let given = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let moved_here = |state: &TargetState| {
            let journal = state.journal().ok().flatten();
            journal.is_some_and(|journal| {
                Resolved::follow(&journal.named).is_ok_and(|target| target.path() == file.path())
                    || state.shape().is_some_and(|shape| shape.given == given)
            })
        };
        Ok(self.state.owing()?.into_iter().find(moved_here).unwrap_or(own))
    }

    pub(super) fn unrender_state(
        &self,
        state: &TargetState,
        path: &Path,
        release: &Release,
    ) -> Result<Unrendered, SessionError> {
        let done = |outcome| Ok(Unrendered { path: path.to_owned(), outcome });
        if !state.is_owing()? {
            return done(Outcome::NotRendered);
        }
        let _lock = state.lock()?;
        let Some(mut journal) = state.journal()? else { return done(Outcome::NotRendered) };
        let (staying, leaving) = parted(std::mem::take(&mut journal.leases), release);
        journal.leases = staying;
        let event = if matches!(release, Release::Dead) { Event::Recover } else { Event::Unrender };
        let died = |lease: &Lease| lease.pid.is_some() && !is_alive(lease);
        let patience = if leaving.iter().any(died) { PATIENCE_WITH_THE_DEAD } else { PATIENCE };
        let record = Record::new((self.now)(), event, &journal, &leaving, journal.leases.len());
        if journal.leases.is_empty() {
            // If this process is killed before all copies are clean, the next one finds no holder.
            state.begin_closing()?;
            let closed = self.close(state, &journal, patience)?;
            self.state.log(&record.with(&closed.seen));
            return done(Outcome::Closed(closed));
        }
        if !leaving.is_empty() {
            state.write_journal(&journal)?;
            self.state.log(&record);
        }
        done(Outcome::Held(journal.leases))
    }

    /// Takes every secret out of the target and its copies, then forgets the journal, unless a copy could not be
    /// cleaned. Under our own lock.
    pub(super) fn close(
        &self,
        state: &TargetState,
        journal: &Journal,
        patience: Duration,
    ) -> Result<Closed, SessionError> {
        let mut closed = Closed::default();
        let shape = state.shape();
        // Until something was in the target nothing can be missed.
        let is_there = self.close_target(journal, shape.as_ref(), patience, &mut closed)? || shape.is_none();
        if let Some(shape) = &shape {
            self.search(state, journal, shape, !is_there && !journal.slots.is_empty(), &mut closed)?;
        }
        let seen = seen::search(journal, true, (self.now)());
        seen.note(&self.state);
        closed.scrubbed.extend(seen.closed);
        closed.unscrubbed.extend(seen.failed);
        closed.seen = Box::new(seen.seen);
        // Copies that can't be cleaned now stay in the journal: `recover` tries again, and needs the fingerprints for
        // that.
        if closed.unscrubbed.is_empty() {
            if let (Some(lost), Some(shape)) = (&closed.lost, shape) {
                state.keep_owed(Owed::new(journal.clone(), shape, lost))?;
            }
            state.remove_journal(&journal.key)?;
            // A value of the user's may be one of the secrets, or in the place of one.
            let is_all_out = closed.changed.is_empty() && closed.missing.is_empty() && journal.foreign.is_empty();
            if let Some(own) = journal.mode.filter(|_| is_all_out && !closed.damaged && closed.lost.is_none()) {
                mode::give_back(&journal.target, own);
            }
            // The next command of any kind does what can't be done now.
            let _ = self.state.attend();
        }
        Ok(closed)
    }

    /// Takes every secret out of the target and the copies that its host makes; whether what is in it accounts for what
    /// was filled in.
    pub(super) fn close_target(
        &self,
        journal: &Journal,
        shape: Option<&Shape>,
        patience: Duration,
        closed: &mut Closed,
    ) -> Result<bool, SessionError> {
        let profile: &dyn Profile = profile::named(&journal.profile).unwrap_or(&profile::Plain);
        let mut is_there = false;
        let files = files_of(journal)?;
        for file in &files {
            let (mut written, mut removed) = (Written::default(), 0);
            replace(file, profile, patience, &mut written, |text| {
                let Some(text) = text else { return Ok(None) };
                let (undone, after) = undo_text(text, journal, &mut closed.damaged);
                let after = undo_earlier(text, after, journal);
                is_there |= shape.is_some_and(|shape| !is_lost(Some(text), journal, shape, &undone));
                // It may be planned more than once.
                removed = removed.max(undone.removed);
                merge(&mut closed.changed, undone.changed);
                merge(&mut closed.moved, undone.moved);
                merge(&mut closed.missing, undone.missing);
                Ok(after)
            })?;
            if written.committed {
                self.look_again(file);
            }
            closed.removed += removed;
            closed.lock_ignored |= written.lock_ignored;
            // The journal may be forgotten only when the secrets can't come back after a power cut; a process that was
            // killed in between may have replaced the target for us without having synced it.
            if !written.committed {
                let _ = file.path().parent().map(sync_folder);
            }
            scrub::scrub(profile, file, journal, closed);
        }
        Ok(is_there)
    }

    /// Searches the neighbourhood of a target for copies, everywhere if the target itself accounts for nothing.
    pub(super) fn search(
        &self,
        state: &TargetState,
        journal: &Journal,
        shape: &Shape,
        is_lost: bool,
        closed: &mut Closed,
    ) -> Result<(), SessionError> {
        let mut spared = vec![self.state.folder().to_owned()];
        for other in self.state.owing()?.iter().filter(|other| !other.is_same(state)) {
            // One that can't be read is reported by the code that needs it.
            spared.extend(other.journal().ok().flatten().into_iter().flat_map(|other| [other.target, other.named]));
        }
        let files = files_of(journal)?;
        let real = files.iter().map(Resolved::path).chain([journal.target.as_path()]);
        let around = real.filter_map(|path| Repository::around(path.parent()?)).collect::<Vec<_>>();
        let mut repositories: Vec<Repository> = Vec::new();
        for repository in around.into_iter().chain(self.state.noted_around(&journal.target)) {
            if !repositories.contains(&repository) {
                repositories.push(repository);
            }
        }
        let search = Search { journal, shape, files: &files, spared: &spared, repositories, is_lost };
        let found = search.run();
        closed.elsewhere.extend(found.closed);
        closed.unscrubbed.extend(found.failed);
        if is_lost && !found.is_it {
            let secrets = journal.slots.iter().flat_map(Filled::secrets).count();
            let looked = found.looked.into_iter().collect();
            closed.lost = Some(Lost { secrets, looked, suspected: found.suspected });
        }
        Ok(())
    }
}

/// The leases that stay and those that end.
fn parted(leases: Vec<Lease>, release: &Release) -> (Vec<Lease>, Vec<Lease>) {
    leases.into_iter().partition(|lease| {
        let stays = match release {
            Release::Holder(holder) => !lease.same_holder(holder),
            Release::Session(session) => lease.session.as_ref() != Some(session),
            Release::Dead => true,
            Release::All => false,
        };
        stays && is_alive(lease)
    })
}

/// Where the secrets may be: the file that was rendered, and the one its name leads to now if a link was changed
/// meanwhile. A file whose folder is gone holds nothing.
fn files_of(journal: &Journal) -> Result<Vec<Resolved>, SessionError> {
    let mut files: Vec<Resolved> = Vec::new();
    for path in [&journal.named, &journal.target] {
        match Resolved::follow(path) {
            Ok(file) if files.iter().any(|known| known.path() == file.path()) => {}
            Ok(file) => files.push(file),
            Err(ReplaceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

fn merge(all: &mut Vec<Pointer>, more: Vec<Pointer>) {
    all.extend(more);
    all.sort();
    all.dedup();
}
