//! Helper processes: this program started once more, for a moment, to do what a process that lives on must not do
//! itself.
//!
//! Libraries leave copies of values in buffers they freed (a cipher's, a parser's, an allocator's spare pages), and
//! nobody can wipe those. So a long-lived process, the `exec` of a session or the guard, reads no secret and no
//! rendered file: a child of it does, and ends. What they tell each other is free of secrets: process ids, paths, an
//! exit status.
//!
//! Not verbs of the command line: no help, manual or completion knows them.

use super::environment;
use crate::host::process::Process;
use crate::journal::Lease;
use std::ffi::OsStr;
use std::io;
use std::process::Command;

/// The first argument of a helper.
pub(super) const FILL: &str = "exec-fill";
pub(super) const CLOSE: &str = "exec-close";
#[cfg(unix)]
pub(super) const START: &str = "exec-start";

/// Whether what is filled in has to be allowed: passed on, and not read from the environment again.
const ON: &str = "grants";
pub(super) const OFF: &str = "no-grants";

/// A process that fills in the secrets for us, as the command line of this process asks for.
pub(super) fn fill(own: &Lease, without_grants: bool) -> io::Result<Command> {
    let mut command = start(FILL)?;
    command.arg(id(own)).arg(if without_grants { OFF } else { ON }).args(environment::arguments());
    Ok(command)
}

/// A process that ends holds.
pub(super) fn close() -> io::Result<Command> {
    start(CLOSE)
}

/// A process that becomes the program.
#[cfg(unix)]
pub(super) fn become_program() -> io::Result<Command> {
    start(START)
}

/// This program once more, whatever has become of its file.
pub(super) fn start(verb: &str) -> io::Result<Command> {
    let mut command = Command::new(environment::own_image().ok_or(io::ErrorKind::NotFound)?);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "keystencil");
    command.arg(verb);
    Ok(command)
}

/// Started by way of `/proc/self/exe` a process would be listed as `exe`.
pub(super) fn show_name() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"keystencil");
}

/// A holder, as a helper reads it with [`process`]. Told and not looked up again: a helper that can't look it up would
/// take it for dead.
pub(super) fn id(lease: &Lease) -> String {
    format!("{}:{}", lease.pid.unwrap_or_default(), lease.started)
}

/// An argument that [`id`] made.
pub(super) fn process(argument: impl AsRef<OsStr>) -> Option<Process> {
    let (pid, started) = argument.as_ref().to_str()?.split_once(':')?;
    Some(Process { pid: pid.parse().ok()?, started: started.parse().ok()?, program: "keystencil".to_owned() })
}

/// An argument that is a number.
pub(super) fn number(argument: impl AsRef<OsStr>) -> Option<u32> {
    argument.as_ref().to_str()?.parse().ok()
}
