//! Who is running: a process is told from a later one with the same id by its start time, and from one of an earlier
//! boot by the boot id.
//!
//! # Limitations
//! A holder in another PID namespace (a container that shares the home folder) can't be seen from here: **it counts as
//! alive until the next boot**. A home folder shared between machines looks like a reboot to each of them.

use crate::journal::Lease;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started: clock ticks since boot on Linux (proc(5), `stat` field 22), seconds since 1970 elsewhere.
    pub started: u64,
    /// The name of its program.
    pub program: String,
}

/// So many processes above one are looked at. Arbitrary: far more than there are.
const MOST_ANCESTORS: usize = 64;

/// How a process was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The file that runs, links followed; `None` for a process of somebody else.
    pub program: Option<PathBuf>,
    /// Its command line, which a process may overwrite with a title.
    pub arguments: Vec<String>,
    /// The folder it is in now.
    pub folder: Option<PathBuf>,
}

impl Process {
    /// The process of that id, unless there is none or it has ended and waits to be reaped.
    #[must_use]
    pub fn find(pid: u32) -> Option<Self> {
        system::find(pid).ok().flatten()
    }

    /// The process that started this one, as far back as can be seen: parent, its parent, and so on.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        let mut ancestors: Vec<Self> = Vec::new();
        let mut next = system::look(self.pid).and_then(|(_, parent)| parent);
        // A circle can't be, but a table that changes while it is read can look like one.
        while let Some((process, parent)) = next.and_then(system::look).filter(|_| ancestors.len() < MOST_ANCESTORS) {
            // Who started later has the id of one that is gone.
            if process.started > ancestors.last().unwrap_or(self).started {
                break;
            }
            ancestors.push(process);
            next = parent;
        }
        ancestors
    }

    /// How it was started, as far as the system says.
    #[must_use]
    pub fn invocation(&self) -> Invocation {
        system::invocation(self.pid)
    }

    /// The ids of the running processes that this one started itself; none where the system does not say.
    #[must_use]
    pub fn children(pid: u32) -> BTreeSet<u32> {
        system::children(pid)
    }

    /// Ends what this process has started, directly or not, with an argument that begins so, and all that those have
    /// started. Does nothing where the system does not say what that is.
    pub fn end_started(&self, argument: &str) {
        let mut found: Vec<u32> = Vec::new();
        let mut open: Vec<(u32, bool)> = vec![(self.pid, false)];
        while let Some((pid, is_meant)) = open.pop().filter(|_| found.len() < MOST_ANCESTORS) {
            for child in Self::children(pid) {
                let is_it = |child| system::invocation(child).arguments.iter().any(|one| one.starts_with(argument));
                let is_meant = is_meant || is_it(child);
                found.extend(is_meant.then_some(child));
                open.push((child, is_meant));
            }
        }
        #[cfg(unix)]
        for pid in found.into_iter().filter_map(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    /// How many times longer than on an idle machine a program may take to start others: the processes that want to run
    /// for each processor, from 1 to 4 (arbitrary: beyond that nobody works on it). Always 1 where the system does not
    /// say.
    #[must_use]
    pub fn slowness() -> u32 {
        system::slowness().clamp(1, 4)
    }

    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self::find(pid).unwrap_or(Self { pid, started: 0, program: String::new() })
    }

    /// A lease held by this process.
    #[must_use]
    pub fn lease(&self, session: Option<String>, since: Timestamp) -> Lease {
        Lease {
            pid: Some(self.pid),
            started: self.started,
            boot: boot(),
            session,
            program: Some(self.program.clone()),
            since,
        }
    }
}

/// A hold without a process: it lasts until `unrender` or the next boot.
#[must_use]
pub fn manual_lease(session: Option<String>, since: Timestamp) -> Lease {
    Lease { pid: None, started: 0, boot: boot(), session, program: None, since }
}

/// Whether a lease's holder is still there. Where the system does not say (no file descriptors left, say) it counts as
/// alive: a living holder must never lose its secrets, and a dead one is found dead later.
#[must_use]
pub fn is_alive(lease: &Lease) -> bool {
    let now = boot();
    if !lease.may_be_of(&now, 0) {
        return false;
    }
    match lease.pid {
        // The same boot seen from another namespace.
        Some(pid) if lease.may_be_of(&now, 1) => match system::find(pid) {
            Ok(found) => found.is_some_and(|process| process.started == lease.started),
            Err(_) => true,
        },
        _ => true,
    }
}

/// Names the running boot of the machine, and on Linux the PID namespace after a slash.
#[must_use]
pub fn boot() -> String {
    system::boot()
}

#[cfg(target_os = "linux")]
mod system {
    use super::{BTreeSet, Invocation, Process};
    use rustix::io::Errno;
    use std::io::Read as _;
    use std::{fs, io};

    pub(super) fn find(pid: u32) -> io::Result<Option<Process>> {
        match stat(pid) {
            Ok(stat) => parse(pid, &stat).ok_or_else(|| io::ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // It ended between the opening and the reading.
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// proc_pid_stat(5). A file of /proc has no length that would tell how much to read; this one fits in a page, and
    /// comes whole.
    fn stat(pid: u32) -> io::Result<String> {
        let (mut file, mut page) = (fs::File::open(format!("/proc/{pid}/stat"))?, [0; 4096]);
        let read = file.read(&mut page)?;
        Ok(String::from_utf8_lossy(page.get(..read).unwrap_or_default()).into_owned())
    }

    /// `None` if that is no such text; `Some(None)` if the process has ended and waits to be reaped.
    fn parse(pid: u32, stat: &str) -> Option<Option<Process>> {
        // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
        let (head, tail) = stat.rsplit_once(')')?;
        let (_, program) = head.split_once('(')?;
        let mut fields = tail.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some((!matches!(state, "Z" | "X")).then(|| Process { pid, started, program: program.to_owned() }))
    }

    /// A process and the id of its parent, by one look.
    pub(super) fn look(pid: u32) -> Option<(Process, Option<u32>)> {
        let stat = stat(pid).ok()?;
        let (_, tail) = stat.rsplit_once(')')?;
        let parent = tail.split_ascii_whitespace().nth(1).and_then(|parent| parent.parse().ok());
        Some((parse(pid, &stat)??, parent.filter(|parent| *parent > 0)))
    }

    pub(super) fn invocation(pid: u32) -> Invocation {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // A title that was written over the arguments may end in many zeros, or in none.
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\0');
        let arguments = line.split('\0').filter(|_| !line.is_empty()).map(str::to_owned).collect();
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
        Invocation { program: link("exe"), arguments, folder: link("cwd") }
    }

    /// proc_pid_task(5), `children`: one list for each thread, since each can start processes.
    pub(super) fn children(pid: u32) -> BTreeSet<u32> {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
        let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
    }

    /// The load of the last minute (a fixed point number of 16 bits after the point) for each processor.
    pub(super) fn slowness() -> u32 {
        let load = rustix::system::sysinfo().loads.first().map_or(0, |load| *load >> 16);
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        u32::try_from(load / processors).unwrap_or(1)
    }

    pub(super) fn boot() -> String {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{}/{}", id.trim(), namespace.display())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{BTreeSet, Invocation, Process};
    use std::io;
    use std::path::Path;
    use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

    pub(super) fn find(pid: u32) -> io::Result<Option<Process>> {
        Ok(running(pid))
    }

    fn running(pid: u32) -> Option<Process> {
        let pid = Pid::from_u32(pid);
        let mut system = System::new();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
        let process = system.process(pid)?;
        let gone = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
        let program = process.name().to_string_lossy().into_owned();
        (!gone).then(|| Process { pid: pid.as_u32(), started: process.start_time(), program })
    }

    pub(super) fn look(pid: u32) -> Option<(Process, Option<u32>)> {
        let found = running(pid)?;
        let pid = Pid::from_u32(pid);
        let mut system = System::new();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
        Some((found, system.process(pid)?.parent().map(Pid::as_u32)))
    }

    pub(super) fn invocation(pid: u32) -> Invocation {
        let pid = Pid::from_u32(pid);
        let mut system = System::new();
        let asked = ProcessRefreshKind::nothing();
        let asked = asked.with_exe(UpdateKind::Always).with_cmd(UpdateKind::Always).with_cwd(UpdateKind::Always);
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, asked);
        let Some(process) = system.process(pid) else { return Invocation::default() };
        Invocation {
            program: process.exe().map(Path::to_owned),
            arguments: process.cmd().iter().map(|argument| argument.to_string_lossy().into_owned()).collect(),
            folder: process.cwd().map(Path::to_owned),
        }
    }

    pub(super) fn children(_pid: u32) -> BTreeSet<u32> {
        BTreeSet::new()
    }

    pub(super) fn slowness() -> u32 {
        1
    }

    pub(super) fn boot() -> String {
        System::boot_time().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recycled_process_id_is_not_the_holder() {
        let mut lease = Process::current().lease(None, Timestamp::UNIX_EPOCH);
        assert!(is_alive(&lease));
        lease.started += 1;
        assert!(!is_alive(&lease));
    }

    #[test]
    fn a_holder_of_an_earlier_boot_is_gone_manual_ones_included() {
        let mut lease = manual_lease(None, Timestamp::UNIX_EPOCH);
        assert!(is_alive(&lease));
        lease.boot = "another-boot/pid:[1]".to_owned();
        assert!(!is_alive(&lease));
    }

    #[test]
    fn a_process_that_waits_to_be_reaped_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while Process::find(child.id()).is_some() {
            assert!(std::time::Instant::now() < deadline, "still there");
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
