//! The program that this process becomes, with its values in place.
//!
//! On Unix the process is replaced, under the limits, the signal mask and the descriptors that it was started with. Elsewhere
//! the program is a child, and its status is ours.
//!
//! # Limitations
//! Rust's runtime ignores `SIGPIPE` before a line of ours runs, and nobody can tell afterwards what it was: **the program
//! gets the default, also where whoever started us had it ignored**.

use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::harden::Hardened;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use zeroize::Zeroizing;

/// A program to become.
pub(super) struct Start {
    program: PathBuf,
    argv: Vec<Zeroizing<Vec<u8>>>,
    /// `NAME=value`.
    environment: Vec<Zeroizing<Vec<u8>>>,
}

/// Why it was not started, and the status that says so.
pub(super) struct Failed {
    pub(super) exit: Exit,
    pub(super) error: CommandError,
}

impl From<CommandError> for Failed {
    fn from(error: CommandError) -> Self {
        Self { exit: Exit::BEFORE_CMD, error }
    }
}

impl Failed {
    /// There is no such program, or what is there is none.
    pub(super) fn not_found(command: &str) -> Self {
        if command.contains('/') && Path::new(command).exists() {
            let error = CommandError::new(format!("cannot run `{command}`"));
            return Self { exit: Exit::NOT_EXECUTABLE, error: error.hint("is it executable?") };
        }
        let error = CommandError::new(format!("cannot find `{command}`")).hint("is it installed, and on PATH?");
        Self { exit: Exit::NOT_FOUND, error }
    }

    /// It is there, and the system does not start it: one whose interpreter is missing, say.
    pub(super) fn system(program: &Path, source: &std::io::Error) -> Self {
        let error = CommandError::file("start it", program, source).hint("does it start without keystencil?");
        Self { exit: Exit::NOT_EXECUTABLE, error }
    }
}

impl Start {
    /// A program without arguments and variables.
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program, argv: Vec::new(), environment: Vec::new() }
    }

    /// One argument more; the first is the name it is called by.
    pub(super) fn argument(&mut self, mut text: Zeroizing<String>) {
        self.argv.push(Zeroizing::new(std::mem::take(&mut *text).into_bytes()));
    }

    /// One variable more.
    pub(super) fn variable(&mut self, name: &OsStr, value: &str) {
        let mut line = Zeroizing::new(Vec::with_capacity(name.len() + 1 + value.len()));
        line.extend_from_slice(name.as_encoded_bytes());
        line.push(b'=');
        line.extend_from_slice(value.as_bytes());
        self.environment.push(line);
    }

    /// One variable more, as the system has it.
    pub(super) fn plain_variable(&mut self, name: OsString, value: &OsStr) {
        let mut line = name.into_encoded_bytes();
        line.push(b'=');
        line.extend_from_slice(value.as_encoded_bytes());
        self.environment.push(Zeroizing::new(line));
    }

    /// Becomes it; returns only if that can't be.
    #[cfg(unix)]
    pub(super) fn become_it(self, hardened: &Hardened) -> Result<Exit, Failed> {
        use nix::errno::Errno;
        use nix::sys::signal::SigSet;
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::process::CommandExt as _;

        let text = |mut bytes: Zeroizing<Vec<u8>>| CString::new(std::mem::take(&mut *bytes)).ok();
        let texts = |all: Vec<Zeroizing<Vec<u8>>>| all.into_iter().map(text).collect::<Option<Vec<CString>>>();
        let path = CString::new(self.program.as_os_str().as_bytes()).ok();
        let (Some(path), Some(argv), Some(environment)) = (path, texts(self.argv), texts(self.environment)) else {
            return Err(nul().into());
        };
        let mask = SigSet::thread_get_mask();
        // There is no safe call that gives SIGPIPE its default back. This one does, on its way to a program that is not
        // there; it empties the mask as well, which is why the exec proper is another.
        let _ = std::process::Command::new("/dev/null/none").exec();
        if let Ok(mask) = mask {
            let _ = mask.thread_set_mask();
        }
        let error = hardened.lifted(|| {
            let error = nix::unistd::execve(&path, &argv, &environment).err();
            if error != Some(Errno::ENOEXEC) {
                return error;
            }
            // A script without a first line is the shell's, as everywhere.
            let shell = CString::from(c"/bin/sh");
            let argv: Vec<CString> = [shell.clone(), path].into_iter().chain(argv.into_iter().skip(1)).collect();
            nix::unistd::execve(&shell, &argv, &environment).err()
        });
        Err(Failed::system(&self.program, &error.unwrap_or(Errno::EINVAL).into()))
    }

    /// Runs it as a child, and has its status.
    #[cfg(not(unix))]
    pub(super) fn become_it(self, hardened: &Hardened) -> Result<Exit, Failed> {
        let mut command = self.command()?;
        let status = hardened.lifted(|| command.status());
        status.map(crate::cli::commands::exec::exit_of).map_err(|source| Failed::system(&self.program, &source))
    }

    /// It as a child that is yet to be started.
    pub(super) fn command(&self) -> Result<Command, CommandError> {
        let text = |bytes: &[u8]| text(bytes).ok_or_else(nul);
        let mut command = Command::new(&self.program);
        #[cfg(unix)]
        if let Some(name) = self.argv.first() {
            std::os::unix::process::CommandExt::arg0(&mut command, text(name)?);
        }
        for argument in self.argv.iter().skip(1) {
            command.arg(text(argument)?);
        }
        command.env_clear();
        for line in &self.environment {
            // A name may begin with the sign, on Windows.
            let sign = line.iter().skip(1).position(|byte| *byte == b'=').map_or(line.len(), |at| at + 1);
            let (name, value) = (line.get(..sign).unwrap_or_default(), line.get(sign + 1..).unwrap_or_default());
            command.env(text(name)?, text(value)?);
        }
        Ok(command)
    }

    /// The program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }
}

fn nul() -> CommandError {
    CommandError::new("a value has a NUL character, which no program can be given").hint("store the secret without it")
}

/// What the system hands over; `None` if it can't.
#[cfg(unix)]
fn text(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    (!bytes.contains(&0)).then(|| OsString::from_vec(bytes.to_vec()))
}

/// The same; all that is filled in there is UTF-8.
#[cfg(not(unix))]
fn text(bytes: &[u8]) -> Option<OsString> {
    (!bytes.contains(&0)).then(|| String::from_utf8_lossy(bytes).into_owned().into())
}
