//! Signals while `exec` waits: none of them ends us before the secrets are out, and the child gets each one once.
//!
//! The child is in our process group. What the terminal sends (Ctrl-C, Ctrl-\, a new window size) it therefore has
//! already; only what was sent to us alone is passed on. The kernel says which is which.
//!
//! # Limitations
//! A signal sent to the whole process group with `kill` can't be told from one sent to us: **the child gets it twice**.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, getsid, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Origin};
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Signals that mean: end.
pub(super) const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
const OTHERS: [i32; 3] = [SIGUSR1, SIGUSR2, SIGWINCH];

/// Where `exec` is.
#[derive(Debug)]
enum Phase {
    /// The child is not there yet, or is just being started; these signals have come meanwhile. The helper that fills
    /// in the secrets is to know as well: a prompt that it shows ends with it.
    Before { arrived: Vec<i32>, helper: Option<Pid> },
    /// The child runs, and its id is its own until it is waited for.
    Running(Pid),
    /// The child has ended.
    Over,
}

/// Watches signals until dropped.
pub(in crate::cli) struct Signals {
    phase: Arc<Mutex<Phase>>,
    handle: Handle,
}

impl Signals {
    /// Starts watching. A signal that was ignored when we started (`nohup`) stays ignored, by the child too.
    pub(in crate::cli) fn watch() -> io::Result<Self> {
        let ignored = ignored();
        let watched = ENDING.into_iter().chain(OTHERS).filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let mut signals = SignalsInfo::<WithOrigin>::new(watched)?;
        let handle = signals.handle();
        let phase = Arc::new(Mutex::new(Phase::Before { arrived: Vec::new(), helper: None }));
        let shared = Arc::clone(&phase);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for origin in &mut signals {
                receive(&mut lock(&shared), &origin);
            }
        })?;
        Ok(Self { phase, handle })
    }

    /// The signal that asked us to end before there was a child.
    pub(super) fn arrived(&self) -> Option<i32> {
        match &*lock(&self.phase) {
            Phase::Before { arrived, .. } => arrived.iter().copied().find(|signal| ENDING.contains(signal)),
            Phase::Running(_) | Phase::Over => None,
        }
    }

    /// Ends this process by a signal, as if it had not been watched for. Returns if that can't be.
    pub(super) fn end_by(self, signal: i32) {
        drop(self);
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }

    /// Waits for the end of a helper, which gets the signals that are to end us.
    pub(super) fn until_end_of_helper(&self, helper: &mut Child) -> io::Result<ExitStatus> {
        let tell = |pid: Option<Pid>| {
            if let Phase::Before { arrived, helper } = &mut *lock(&self.phase) {
                *helper = pid;
                pid.into_iter().for_each(|pid| arrived.iter().for_each(|signal| send_ending(pid, *signal)));
            }
        };
        tell(pid_of(helper));
        wait_unreaped(helper);
        tell(None);
        helper.wait()
    }

    /// From now on the child gets the signals, and those that came while it was started.
    pub(in crate::cli) fn forward_to(&self, child: &Child) {
        let Some(pid) = pid_of(child) else { return };
        let mut phase = lock(&self.phase);
        if let Phase::Before { arrived, .. } = std::mem::replace(&mut *phase, Phase::Running(pid)) {
            arrived.into_iter().for_each(|signal| send(pid, signal));
        }
    }

    /// Waits until the child has ended, without reaping it: so its id is nobody else's while a signal is passed on.
    pub(in crate::cli) fn until_end_of(&self, child: &Child) {
        wait_unreaped(child);
        *lock(&self.phase) = Phase::Over;
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn receive(phase: &mut Phase, origin: &Origin) {
    match phase {
        // It is unknown whether a Ctrl-C at this moment reached the child: twice is better than not at all.
        Phase::Before { arrived, helper } if is_for_us_alone(origin) || ENDING.contains(&origin.signal) => {
            arrived.push(origin.signal);
            if let Some(pid) = helper.filter(|_| is_for_us_alone(origin)) {
                send_ending(pid, origin.signal);
            }
        }
        Phase::Running(pid) if is_for_us_alone(origin) => send(*pid, origin.signal),
        Phase::Before { .. } | Phase::Running(_) | Phase::Over => {}
    }
}

/// Whether the child has not got this signal by itself. A terminal that closes tells only the leader of its session.
fn is_for_us_alone(origin: &Origin) -> bool {
    match origin.cause {
        Cause::Sent(_) => true,
        _ => origin.signal == SIGHUP && getsid(None) == Ok(getpid()),
    }
}

/// The other signals are for the program that is still to come.
fn send_ending(pid: Pid, signal: i32) {
    if ENDING.contains(&signal) {
        send(pid, signal);
    }
}

fn wait_unreaped(child: &Child) {
    if let Some(pid) = pid_of(child) {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), ended).is_err_and(|error| error == rustix::io::Errno::INTR) {}
    }
}

fn send(pid: Pid, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        // It may have ended this instant; then there is no process to signal.
        let _ = kill_process(pid, signal);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The signals that this process ignores, one bit each from the lowest (proc(5), `SigIgn`). Other systems don't say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
