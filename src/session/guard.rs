//! The guard: waits for the holders' death and then takes the secrets out. One for a target; ends by itself.

use super::closed::Release;
use super::{Memory, Session, SessionError, living};
use crate::host::Resolved;
use crate::host::guard::Watch;
use crate::host::process::is_alive;
use crate::journal::Lease;
use std::path::Path;
use std::time::Duration;

/// After a failure (a full disk, say) the guard tries again after this time, doubled each time, …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// … and gives up when the pause would be longer than this. The next command of any kind recovers then.
const LAST_PAUSE: Duration = Duration::from_secs(600);

impl Session<'_> {
    /// Adds a holder to a target that is rendered; `false` if it is not.
    ///
    /// # Errors
    /// [`SessionError`] if the journal can't be read or written.
    pub fn hold(&self, path: &Path, holder: Lease) -> Result<bool, SessionError> {
        let state = self.state_of(path, &Resolved::follow(path)?)?;
        let _lock = state.lock()?;
        let Some(mut journal) = state.journal()?.filter(|journal| !journal.leases.is_empty()) else { return Ok(false) };
        journal.leases.retain(|lease| !lease.same_holder(&holder));
        journal.leases.push(holder);
        state.write_journal(&journal)?;
        Ok(true)
    }

    /// Guards the target at `path` until no process holds it and `starter`, which may be about to render, is
    /// gone. Returns at once if another guard is there. It reads journals only: what dead holders left is taken out by
    /// `take_out`, which says whether it did.
    ///
    /// # Errors
    /// [`SessionError`] if the secrets could not be taken out for a quarter of an hour.
    pub fn guard(&self, path: &Path, starter: Option<&Lease>, take_out: &dyn Fn() -> bool) -> Result<(), SessionError> {
        let file = Resolved::follow(path)?;
        let state = self.state.of(&file);
        let Some(alone) = state.guard_lock()? else { return Ok(()) };
        let mut memory = Memory::new(state.clone());
        let mut pause = FIRST_PAUSE;
        loop {
            let watch = Watch::on(state.folder());
            // Nobody reports what can't be put back, and what is in its place can't be relied on.
            let kept = memory.look_in_time();
            // One without any lease is one that was being closed.
            let is_due = |leases: &[Lease]| leases.is_empty() || living(leases).len() < leases.len();
            let found = state.journal();
            let is_clean = found.as_ref().is_ok_and(|found| found.as_ref().is_none_or(|found| !is_due(&found.leases)));
            if kept.is_err() || !is_clean && !take_out() {
                if pause > LAST_PAUSE {
                    return self.unrender_state(&state, file.path(), &Release::Dead).map(drop);
                }
                std::thread::sleep(pause);
                pause *= 2;
                continue;
            }
            pause = FIRST_PAUSE;
            let found = match is_clean {
                true => found,
                // It may have been deleted meanwhile.
                false => memory.look_in_time().and_then(|()| state.journal()),
            };
            let mut watched = found?.map(|journal| living(&journal.leases)).unwrap_or_default();
            watched.retain(|lease| lease.pid.is_some());
            watched.extend(starter.filter(|starter| is_alive(starter)).cloned());
            if watched.is_empty() {
                if !state.folder().exists() {
                    // A home folder that was deleted meanwhile must not come back for a lock.
                    if !memory.has_lost()? {
                        return Ok(());
                    }
                    // The state alone went, between two looks: the next one puts it back.
                    continue;
                }
                // Anyone who renders next starts a guard after writing its journal under this lock, so either we see
                // that journal or the new guard finds ours gone.
                let lock = state.lock()?;
                let rendered = state.journal()?.is_some_and(|journal| journal.leases.iter().any(|l| l.pid.is_some()));
                if !rendered && !memory.has_lost()? {
                    drop(alone);
                    drop(lock);
                    return Ok(());
                }
                continue;
            }
            log::debug!("the guard of {} waits for {} holders", file.path().display(), watched.len());
            if watch.sleep(&watched).is_err() {
                std::thread::sleep(FIRST_PAUSE);
            }
        }
    }
}
