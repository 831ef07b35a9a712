//! What the guard of a target does between two looks at its journal: sleep until a holder ends or the journal changes.
//!
//! On Linux it sleeps in `poll` on pidfds and inotify, and wakes for nothing else. Elsewhere it looks twice a second.
//! [`crate::session`] decides what is done on waking; [`start`] makes the process.

use crate::journal::Lease;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// Leaves the session and process group of the process that started this one, so that a signal to them does not reach
/// us, and closes what that left open to every program: who reads a pipe to its end would wait for us. Must be called
/// before anything is opened.
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

/// Watches a folder from its making on: who looks at what is in it after that, and sleeps then, misses no change.
#[derive(Debug)]
pub struct Watch(io::Result<system::Watch>);

impl Watch {
    /// Notes from now on what is renamed, removed or rewritten in the folder, and its own end. Where that can't be,
    /// [`Self::sleep`] says so.
    #[must_use]
    pub fn on(folder: &Path) -> Self {
        Self(system::Watch::on(folder))
    }

    /// Sleeps until something has changed since the making, or one of the holders is gone.
    ///
    /// # Errors
    /// What the system says if it can't watch.
    pub fn sleep(self, holders: &[Lease]) -> io::Result<()> {
        self.0?.sleep(holders)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Lease, Path, io};
    use crate::host::process::is_alive;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::inotify;
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::os::fd::OwnedFd;

    #[derive(Debug)]
    pub(super) struct Watch(OwnedFd);

    impl Watch {
        pub(super) fn on(folder: &Path) -> io::Result<Self> {
            let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
            // Not `CLOSE_WRITE`: anyone who takes a lock there opens its file for writing, and we do ourselves.
            let inside = inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::MOVED_FROM | inotify::WatchFlags::DELETE;
            let whole = inotify::WatchFlags::DELETE_SELF | inotify::WatchFlags::MOVE_SELF;
            inotify::add_watch(&watch, folder, inside | whole | inotify::WatchFlags::MODIFY)?;
            Ok(Self(watch))
        }

        pub(super) fn sleep(self, holders: &[Lease]) -> io::Result<()> {
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
            let mut descriptors = vec![PollFd::new(&self.0, PollFlags::IN)];
            descriptors.extend(processes.iter().map(|process| PollFd::new(process, PollFlags::IN)));
            match poll(&mut descriptors, None) {
                Ok(_) | Err(Errno::INTR) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Lease, Path, io};
    use std::time::Duration;

    /// Often enough that nothing is left a second after a holder's end.
    const LOOK: Duration = Duration::from_millis(500);

    #[derive(Debug)]
    pub(super) struct Watch;

    impl Watch {
        #[allow(clippy::unnecessary_wraps)]
        pub(super) fn on(_folder: &Path) -> io::Result<Self> {
            Ok(Self)
        }

        #[allow(clippy::unnecessary_wraps, clippy::unused_self)]
        pub(super) fn sleep(self, _holders: &[Lease]) -> io::Result<()> {
            std::thread::sleep(LOOK);
            Ok(())
        }
    }
}
