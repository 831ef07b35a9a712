//! One run of one program: started, read, waited for, and ended when it takes too long.

use super::super::LIMIT;
use super::declaration::Provider;
use super::error::Failure;
use super::mask;
use crate::secret::Secret;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a program gets while the user is there: it may ask for a fingerprint, or for a password.
const AT_A_TERMINAL: Duration = Duration::from_secs(120);
/// More than any key; so that an endless output ends.
const MAX_BYTES: usize = 1 << 20;
/// How long the standard error of a program that has ended is waited for: something it started may hold it open.
const GRACE: Duration = Duration::from_millis(200);

/// Asks one program for one reference. `terminal` passes it our standard input.
pub(super) fn ask(
    provider: &Provider,
    reference: &str,
    interactive: bool,
    terminal: bool,
    known: &[&Secret],
) -> Result<Secret, Failure> {
    if provider.is_option(reference) {
        return Err(Failure::Option);
    }
    let limit = provider.timeout().unwrap_or(if interactive { AT_A_TERMINAL } else { LIMIT });
    let mut running = Running::start(provider, reference, terminal, limit)?;
    let (status, printed) = running.finish()?;
    // All of it is read before anything is said: a program may print half a key and then fail.
    let said = || mask::shown(&running.said.so_far(), &printed, known);
    match status.code() {
        Some(0) => value(&printed, provider.first_line()),
        Some(code) => Err(Failure::Status(code, said())),
        None => Err(Failure::Signal(said())),
    }
}

/// The secret in what was printed.
fn value(printed: &[u8], first_line: bool) -> Result<Secret, Failure> {
    let text = std::str::from_utf8(printed).map_err(|_| Failure::NotText)?;
    let text = if first_line { text.split_inclusive('\n').next().unwrap_or_default() } else { text };
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match text {
        "" => Err(Failure::Empty),
        text if text.contains('\0') => Err(Failure::NotText),
        text => Ok(Secret::new(text.to_owned())),
    }
}

/// A program that has not been waited for.
struct Running {
    child: Child,
    /// Whether it leads a process group of its own.
    leads: bool,
    limit: Duration,
    deadline: Instant,
    printed: Receiver<io::Result<Zeroizing<Vec<u8>>>>,
    said: Said,
}

impl Running {
    fn start(provider: &Provider, reference: &str, terminal: bool, limit: Duration) -> Result<Self, Failure> {
        let mut command = Command::new(provider.program());
        command
            .args(provider.arguments(reference))
            .envs(provider.env())
            .current_dir(provider.folder())
            .stdin(if terminal { Stdio::inherit() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // In a group of its own it could not read from the terminal.
        #[cfg(unix)]
        if !terminal {
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        let leads = cfg!(unix) && !terminal;
        let started = Instant::now();
        log::debug!("starting the provider `{}`, for {} ms at most", provider.name(), limit.as_millis());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Absent,
            _ => Failure::NotStarted(error.to_string()),
        })?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let deadline = started.checked_add(limit).unwrap_or(started);
        let (printed, said) = (mpsc::channel().1, Said::default());
        let mut running = Self { child, leads, limit, deadline, printed, said };
        match (read(out), Said::hear(err)) {
            (Ok(printed), Ok(said)) => (running.printed, running.said) = (printed, said),
            (Err(error), _) | (_, Err(error)) => {
                running.kill();
                return Err(Failure::NotStarted(error.to_string()));
            }
        }
        Ok(running)
    }

    /// What it printed and how it ended, within the limit.
    fn finish(&mut self) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), Failure> {
        let printed = match self.printed.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(printed)) => printed,
            Ok(Err(error)) => {
                self.kill();
                return Err(Failure::NotStarted(error.to_string()));
            }
            Err(_) => {
                self.kill();
                return Err(Failure::TimedOut(self.limit));
            }
        };
        if printed.len() > MAX_BYTES {
            self.kill();
            return Err(Failure::TooLong);
        }
        match self.wait(self.deadline) {
            Some(status) => Ok((status, printed)),
            None => {
                self.kill();
                Err(Failure::TimedOut(self.limit))
            }
        }
    }

    /// Waits for its end; it closed its output, so that is near.
    fn wait(&mut self, until: Instant) -> Option<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends it, with its process group where it has one. It has not been waited for, so its id is still its own.
    fn kill(&mut self) {
        if self.leads {
            kill_group(&self.child);
        }
        let _ = self.child.kill();
        // One that hangs in the kernel can't be ended, and is no reason to hang with it.
        let _ = Instant::now().checked_add(Duration::from_secs(1)).map(|until| self.wait(until));
    }
}

#[cfg(unix)]
fn kill_group(leader: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let pid = i32::try_from(leader.id()).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process_group(pid, Signal::KILL));
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

/// Reads standard output on a thread of its own, up to one byte more than a secret may have.
fn read(out: Option<impl Read + Send + 'static>) -> io::Result<Receiver<io::Result<Zeroizing<Vec<u8>>>>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || {
        let Some(out) = out else { return };
        // Room for all of it: a buffer that grows leaves copies behind that nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 64));
        let read = out.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(read.map(|_| bytes));
    })?;
    Ok(receiver)
}

/// What a program says on standard error. More than is shown is read and dropped, so that it can continue.
#[derive(Default)]
struct Said {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    end: Option<Receiver<()>>,
}

impl Said {
    fn hear(err: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::with_capacity(mask::READ))));
        let (sender, end) = mpsc::sync_channel(1);
        let heard = Arc::clone(&bytes);
        thread::Builder::new().spawn(move || {
            let Some(mut err) = err else { return };
            let mut buffer = Zeroizing::new([0; 4096]);
            while let Ok(length @ 1..) = err.read(&mut *buffer) {
                let mut heard = super::lock(&heard);
                let room = mask::READ.saturating_sub(heard.len());
                heard.extend_from_slice(buffer.get(..length.min(room)).unwrap_or_default());
            }
            let _ = sender.send(());
        })?;
        Ok(Self { bytes, end: Some(end) })
    }

    /// All of it, or what there is after a moment: another process may keep the pipe open.
    fn so_far(&self) -> Zeroizing<Vec<u8>> {
        let _ = self.end.as_ref().map(|end| end.recv_timeout(GRACE));
        super::lock(&self.bytes).clone()
    }
}

/// A mutex that a panic elsewhere can't make unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
