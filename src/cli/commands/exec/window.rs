//! `--window start`: the secrets leave as soon as the program has started its own programs with them.
//!
//! What a host's servers need, they get when they are started; after that its config file may hold placeholders again.
//! So this waits until the program's children are there, and ends its hold. Where the host's hooks render again (around
//! `/clear`, or the host would find its config changed and reconnect the servers with placeholders), it ends that hold
//! after that.
//!
//! All times are for an idle machine, and are multiplied by the load (at five processes for each processor the window
//! closed before Claude Code had read its config after `/clear`).
//!
//! # Limitations
//! A server that is reconnected by hand later **gets the placeholder**. A program that starts no program keeps the
//! secrets for [`LONGEST`]. Other systems than Linux don't say which children there are, and that is how long it takes
//! there.

use super::close::{by_child, is_of};
use crate::host::guard::Watch;
use crate::host::process::{Process, is_alive};
use crate::journal::Lease;
use crate::session::{Release, Session, Target};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The children count as started when they have stayed the same for this long. Claude Code starts its servers within a
/// few milliseconds of each other (measured), from a config it has read whole before the first.
const QUIET: Duration = Duration::from_millis(500);
/// The secrets leave after this time whatever is started.
const LONGEST: Duration = Duration::from_secs(10);
/// When a hook has rendered again the children are there already, and the host has yet to read its config: Claude Code
/// does when its hook is through, most of a second later (measured), and starts what it has to start then.
const REOPENED: Duration = Duration::from_secs(3);
/// How often the children are looked at: arbitrary, a hundredth of the time they take to start.
const LOOK: Duration = Duration::from_millis(20);

/// Lets go of the targets whenever the program has started its children with them. Returns when the program has ended.
pub(super) fn run(session: &Session<'_>, targets: &[Target], own: &Lease, child: &Lease) {
    let Some(pid) = child.pid else { return };
    let mut at_least = Duration::ZERO;
    loop {
        wait_for_children(pid, child, at_least);
        at_least = REOPENED;
        // Silent, since the terminal is the program's. What can't be taken out now is taken out at the end.
        if !by_child(None, targets, own, Some(pid)) {
            let_go_here(session, targets, own, pid);
        }
        loop {
            let watch = Watch::on(session.state.folder());
            if targets.iter().any(|target| is_held(session, target, own, pid)) {
                break;
            }
            if !is_alive(child) {
                return;
            }
            if watch.sleep(std::slice::from_ref(child)).is_err() {
                sleep(QUIET);
            }
        }
    }
}

fn wait_for_children(pid: u32, child: &Lease, at_least: Duration) {
    let start = Instant::now();
    let (mut seen, mut since) = (BTreeSet::new(), Instant::now());
    let slowness = Process::slowness();
    let (quiet, at_least, longest) = (QUIET * slowness, at_least * slowness, LONGEST * slowness);
    while start.elapsed() < longest && is_alive(child) {
        let now = Process::children(pid);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if !seen.is_empty() && since.elapsed() >= quiet && start.elapsed() >= at_least {
            return;
        }
        sleep(LOOK);
    }
}

/// Whether the program or one that it started holds the target again, or this process does: it is what is in a journal
/// that was gone when the window was to be closed, and was put back from what this process knows.
fn is_held(session: &Session<'_>, target: &Target, own: &Lease, pid: u32) -> bool {
    let journal = session.journal(&target.path).ok().flatten();
    journal.is_some_and(|journal| journal.leases.iter().any(|lease| lease.same_holder(own) || is_of(lease, pid)))
}

/// Where no child can do it.
fn let_go_here(session: &Session<'_>, targets: &[Target], own: &Lease, pid: u32) {
    for target in targets {
        let leases = session.journal(&target.path).ok().flatten().map(|journal| journal.leases).unwrap_or_default();
        for lease in leases.into_iter().filter(|lease| lease.same_holder(own) || is_of(lease, pid)) {
            let _ = session.unrender(&target.path, &Release::Holder(lease));
        }
    }
}
