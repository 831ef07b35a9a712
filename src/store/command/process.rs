//! One run of one program: started, read, waited for, and ended when it takes too long.

use super::super::LIMIT;
use super::declaration::Provider;
use super::error::Failure;
use super::mask;
use crate::secret::Secret;
#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read};
#[cfg(unix)]
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
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

/// Asks one program for one reference. `terminal` hands it our standard input.
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

/// Standard output or standard error of a program.
#[cfg(unix)]
trait Stream: Read + AsFd + Send + 'static {}
#[cfg(unix)]
impl<S: Read + AsFd + Send + 'static> Stream for S {}
#[cfg(not(unix))]
trait Stream: Read + Send + 'static {}
#[cfg(not(unix))]
impl<S: Read + Send + 'static> Stream for S {}

/// A program that has not been waited for.
struct Running {
    child: Child,
    /// Whether it leads a process group of its own.
    leads: bool,
    limit: Duration,
    deadline: Instant,
    printed: Heard,
    said: Heard,
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
        let (printed, said) = (Heard::default(), Heard::default());
        let mut running = Self { child, leads, limit, deadline, printed, said };
        match (Heard::listen(out, MAX_BYTES + 1), Heard::listen(err, mask::READ)) {
            (Ok(printed), Ok(said)) => (running.printed, running.said) = (printed, said),
            (Err(error), _) | (_, Err(error)) => {
                running.kill();
                return Err(Failure::NotStarted(error.to_string()));
            }
        }
        Ok(running)
    }

    /// What it printed and how it ended, within the limit. What it leaves behind may hold its output open (an agent that
    /// it started), and is not waited for.
    fn finish(&mut self) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), Failure> {
        let mut pause = Duration::from_micros(200);
        let mut has_ended = false;
        let status = loop {
            match self.printed.ended(if has_ended { Duration::ZERO } else { pause }) {
                Some(Ok(())) => has_ended = true,
                Some(Err(error)) => {
                    self.kill();
                    return Err(Failure::NotStarted(error.to_string()));
                }
                None if has_ended => thread::sleep(pause),
                None => {}
            }
            if super::lock(&self.printed.bytes).len() > MAX_BYTES {
                self.kill();
                return Err(Failure::TooLong);
            }
            match self.child.try_wait() {
                // Elsewhere nothing tells whether all of it was read.
                Ok(Some(status)) if has_ended || cfg!(unix) => break status,
                _ if Instant::now() >= self.deadline => {
                    self.kill();
                    return Err(Failure::TimedOut(self.limit));
                }
                _ => pause = (pause * 2).min(Duration::from_millis(20)),
            }
        };
        let printed = self.printed.all();
        if printed.len() > MAX_BYTES { Err(Failure::TooLong) } else { Ok((status, printed)) }
    }

    /// Waits for its end, after it was told to.
    fn wait(&mut self, until: Instant) {
        while !matches!(self.child.try_wait(), Ok(Some(_))) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it, with its process group where it has one. It has not been waited for, so its id is still its own.
    fn kill(&mut self) {
        if self.leads {
            kill_group(&self.child);
        }
        let _ = self.child.kill();
        // One that hangs in the kernel can't be ended, and is no reason to hang with it.
        let until = Instant::now().checked_add(Duration::from_secs(1));
        until.into_iter().for_each(|until| self.wait(until));
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

/// What a program writes to one of its streams, read on a thread of its own. What goes beyond the room is read and dropped,
/// so that the program can continue.
#[derive(Default)]
struct Heard {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    end: Option<Receiver<io::Result<()>>>,
    /// The stream, to ask whether more of it waits to be read.
    #[cfg(unix)]
    stream: Option<OwnedFd>,
}

impl Heard {
    fn listen<S: Stream>(stream: Option<S>, room: usize) -> io::Result<Self> {
        // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::with_capacity(room))));
        let (sender, end) = mpsc::sync_channel(1);
        #[cfg(unix)]
        let kept = stream.as_ref().map(|stream| stream.as_fd().try_clone_to_owned()).transpose()?;
        let heard = Arc::clone(&bytes);
        thread::Builder::new().spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut buffer = Zeroizing::new([0; 4096]);
            let ended = loop {
                match hear(&mut stream, &mut *buffer, &heard, room) {
                    Ok(0) => break Ok(()),
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => break Err(error),
                    _ => {}
                }
            };
            let _ = sender.send(ended);
        })?;
        Ok(Self {
            bytes,
            end: Some(end),
            #[cfg(unix)]
            stream: kept,
        })
    }

    /// Waits for the end of the stream; `None` if it is not there by then.
    fn ended(&self, within: Duration) -> Option<io::Result<()>> {
        self.end.as_ref().and_then(|end| end.recv_timeout(within).ok())
    }

    /// All that a program wrote which has ended, though something else may hold the stream open.
    fn all(&self) -> Zeroizing<Vec<u8>> {
        loop {
            let is_over = self.end.as_ref().is_none_or(|end| !matches!(end.try_recv(), Err(TryRecvError::Empty)));
            let heard = super::lock(&self.bytes);
            if is_over || !self.has_more() {
                return heard.clone();
            }
            drop(heard);
            thread::yield_now();
        }
    }

    #[cfg(unix)]
    fn has_more(&self) -> bool {
        let now = Timespec::default();
        self.stream.as_ref().is_some_and(|stream| has_more(stream, Some(&now)).unwrap_or(false))
    }

    #[cfg(not(unix))]
    fn has_more(&self) -> bool {
        false
    }

    /// What there is after a moment: something else may hold the stream open.
    fn so_far(&self) -> Zeroizing<Vec<u8>> {
        let _ = self.ended(GRACE);
        super::lock(&self.bytes).clone()
    }
}

/// Reads once, without anything on its way from the stream to the bytes while somebody else has these.
#[cfg(unix)]
fn hear<S: Stream>(
    stream: &mut S,
    buffer: &mut [u8],
    heard: &Mutex<Zeroizing<Vec<u8>>>,
    room: usize,
) -> io::Result<usize> {
    has_more(&*stream, None)?;
    let mut heard = super::lock(heard);
    let length = stream.read(buffer)?;
    keep(&mut heard, buffer.get(..length), room);
    Ok(length)
}

#[cfg(not(unix))]
fn hear<S: Stream>(
    stream: &mut S,
    buffer: &mut [u8],
    heard: &Mutex<Zeroizing<Vec<u8>>>,
    room: usize,
) -> io::Result<usize> {
    let length = stream.read(buffer)?;
    keep(&mut super::lock(heard), buffer.get(..length), room);
    Ok(length)
}

fn keep(heard: &mut Vec<u8>, read: Option<&[u8]>, room: usize) {
    let room = room.saturating_sub(heard.len());
    heard.extend(read.unwrap_or_default().iter().take(room));
}

/// Whether something can be read, or the end has come; waited for without a limit if there is none.
#[cfg(unix)]
fn has_more(stream: &impl AsFd, limit: Option<&Timespec>) -> io::Result<bool> {
    Ok(poll(&mut [PollFd::new(stream, PollFlags::IN)], limit)? > 0)
}

/// A mutex that a panic elsewhere can't make unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
