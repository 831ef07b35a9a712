//! What the guard of a target does between two looks at its journal: sleep until a holder ends or the journal changes.
//!
//! On Linux it sleeps in `poll` on pidfds and inotify, and wakes for nothing else. Elsewhere it looks twice a second.
//! [`crate::session`] decides what is done on waking; [`start`] makes the process.

use crate::plan::Lease;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Starts a command detached: no terminal, no environment, and once it has called [`detach`], no open files of ours.
///
/// # Errors
/// What the system says if the program can't be started.
pub fn start(command: &mut Command) -> io::Result<()> {
    command
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// Leaves the session and process group of whoever started this process, so that a signal to them is none to us, and
/// closes what that left open to every program: who reads a pipe to its end would wait for us. Must be called before
/// anything is opened.
pub fn detach() {
    #[cfg(unix)]
    close_inherited();
    // Fails only for a group leader, which a process just started by `start` is not.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
}

#[cfg(unix)]
fn close_inherited() {
    let open = std::fs::read_dir("/dev/fd").into_iter().flatten().filter_map(Result::ok);
    let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The last of them is that of the folder just read, and closed already.
    for number in numbers.into_iter().filter(|number| *number > 2) {
        let _ = nix::unistd::close(number);
    }
}

/// Sleeps until one of the holders is gone, something in `folder` was renamed or removed, or `limit` is over.
///
/// # Errors
/// What the system says if it can't watch.
pub fn sleep_until_change(folder: &Path, holders: &[Lease], limit: Option<Duration>) -> io::Result<()> {
    system::sleep_until_change(folder, holders, limit)
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Duration, Lease, Path, io};
    use crate::host::process::is_alive;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    pub(super) fn sleep_until_change(folder: &Path, holders: &[Lease], limit: Option<Duration>) -> io::Result<()> {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let events = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::DELETE;
        inotify::add_watch(&watch, folder, events)?;
        let mut processes = Vec::new();
        for holder in holders {
            let Some(pid) = holder.pid.and_then(|pid| Pid::from_raw(pid.cast_signed())) else { continue };
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(process) => processes.push(process),
                Err(Errno::SRCH) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            // Only now is it certain that the descriptor is of the holder and not of a later process of that id.
            if !is_alive(holder) {
                return Ok(());
            }
        }
        let mut descriptors = vec![PollFd::new(&watch, PollFlags::IN)];
        descriptors.extend(processes.iter().map(|process| PollFd::new(process, PollFlags::IN)));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut descriptors, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Duration, Lease, Path, io};

    /// Often enough that nothing is left a second after a holder's end.
    const LOOK: Duration = Duration::from_millis(500);

    pub(super) fn sleep_until_change(_folder: &Path, _holders: &[Lease], limit: Option<Duration>) -> io::Result<()> {
        std::thread::sleep(limit.map_or(LOOK, |limit| limit.min(LOOK)));
        Ok(())
    }
}
