//! What is typed and not shown: the echo is off from before the question until the last answer is there.
//!
//! What was typed before the question is dropped, and so is what comes after the answer: the rest of a key of several
//! lines would be run by the shell. Ctrl-C and Ctrl-Z do what they do elsewhere, with the terminal as it was.

use rpassword::ConfigBuilder;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use zeroize::Zeroizing;

/// Clears what was typed so far: Ctrl-U.
const CLEAR: u8 = 0x15;

/// The terminal while nothing that is typed is shown; as it was before when this is dropped.
#[must_use = "what is typed is shown again when it is dropped"]
pub(super) struct Hidden(Terminal);

impl Hidden {
    pub(super) fn start() -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let shown = tcgetattr(&device)?;
        let terminal = Terminal { device, shown };
        terminal.hide()?;
        Ok(Self(terminal))
    }

    pub(super) fn read(&self, question: &str) -> io::Result<Zeroizing<String>> {
        let mut device = &self.0.device;
        device.write_all(question.as_bytes())?;
        let terminal = Terminal { device: device.try_clone()?, shown: self.0.shown.clone() };
        let keys = Keys { terminal, question: question.to_owned() };
        let typed = rpassword::read_password_with_config(ConfigBuilder::new().input_reader(keys).build());
        device.write_all(b"\n")?;
        typed.map(Zeroizing::new)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.show();
    }
}

struct Terminal {
    device: File,
    /// Its modes before.
    shown: Termios,
}

impl Terminal {
    fn hide(&self) -> io::Result<()> {
        let mut modes = self.shown.clone();
        // Without lines, whose length the terminal bounds (4,095 bytes on Linux).
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(&self.device, OptionalActions::Flush, &modes)?)
    }

    fn show(&self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.shown);
    }
}

/// What is typed, key by key.
struct Keys {
    terminal: Terminal,
    question: String,
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(key) = buffer.get_mut(..1) else { return Ok(0) };
        let read = self.terminal.device.read(key)?;
        let is = |code| matches!(self.terminal.shown.special_codes[code], bound @ 1..=254 if key == [bound]);
        if is(SpecialCodeIndex::VINTR) || is(SpecialCodeIndex::VQUIT) {
            let signal = if is(SpecialCodeIndex::VINTR) { Signal::INT } else { Signal::QUIT };
            self.terminal.show();
            self.terminal.device.write_all(b"\n")?;
            kill_current_process_group(signal)?;
            return Err(io::Error::other("interrupted"));
        }
        if is(SpecialCodeIndex::VSUSP) {
            self.terminal.show();
            self.terminal.device.write_all(b"\n")?;
            // Goes on here when the shell says so.
            kill_current_process_group(Signal::TSTP)?;
            self.terminal.hide()?;
            self.terminal.device.write_all(self.question.as_bytes())?;
            key.fill(CLEAR);
        }
        Ok(read)
    }
}
