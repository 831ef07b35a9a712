//! The only printer. Data goes to standard output, messages (notes, warnings, errors) to standard error.
//!
//! So a pipe gets nothing but data, and `exec` leaves standard output to the program it runs. Everything printed is
//! a [`Text`], whose pieces are cleaned of control characters: a hostile file name or config can't write escape
//! sequences to the terminal. Colours are stripped where they are not wanted.

mod ask;
#[cfg(unix)]
mod hidden;
mod layout;
mod style;
pub(super) mod text;

pub(super) use layout::{age, count, sentence, table, wrap};
pub(super) use text::{Text, clean};

use super::error::CommandError;
use super::global::GlobalArgs;
use crate::cli::hints;
use crate::error::{Explain, Place};
use crate::secret::Secret;
use anstream::{AutoStream, ColorChoice};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
pub(super) use style::{BAD, BOLD, DIM, GOOD, MARK, WARN};
use zeroize::Zeroizing;

/// Something the user should know, without being an error.
#[derive(Debug)]
pub(super) struct Warning {
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<String>,
}

/// How to print, and what is known about the reader.
#[derive(Debug, Clone)]
pub(super) struct Report {
    color: ColorChoice,
    quiet: bool,
    verbose: bool,
    home: Option<PathBuf>,
    folder: Option<PathBuf>,
}

impl Report {
    /// A printer for somebody in `folder` whose home is `home`: paths are shown as seen from there.
    pub(super) fn new(color: ColorChoice, home: Option<PathBuf>, folder: Option<PathBuf>) -> Self {
        Self { color, quiet: false, verbose: false, home, folder }
    }

    /// Prints as the command line asks for.
    pub(super) fn asked(self, global: &GlobalArgs) -> Self {
        Self { color: global.color.into(), quiet: global.quiet, verbose: global.verbose, ..self }
    }

    /// How it prints, as a word for [`Self::in_tone`] of a helper.
    pub(super) fn tone(&self) -> String {
        let color = match self.color {
            ColorChoice::Auto => "auto",
            ColorChoice::Never => "never",
            ColorChoice::Always | ColorChoice::AlwaysAnsi => "always",
        };
        let loudness = match (self.quiet, self.verbose) {
            (true, _) => "quiet",
            (_, true) => "verbose",
            _ => "plain",
        };
        format!("{color}-{loudness}")
    }

    /// Prints as the process did that made this word.
    pub(super) fn in_tone(self, tone: &str) -> Self {
        let (color, loudness) = tone.split_once('-').unwrap_or(("auto", "plain"));
        let color = match color {
            "never" => ColorChoice::Never,
            "always" => ColorChoice::Always,
            _ => ColorChoice::Auto,
        };
        Self { color, quiet: loudness == "quiet", verbose: loudness == "verbose", ..self }
    }

    /// Prints data.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn out(&self, text: &Text) -> Result<(), CommandError> {
        write(&mut AutoStream::new(io::stdout().lock(), self.choice(&io::stdout())), text.printed().as_bytes())
    }

    /// Prints data as JSON, one document.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn json(&self, value: &serde_json::Value) -> Result<(), CommandError> {
        self.json_text(&format!("{value:#}"))
    }

    /// Prints a text that is JSON already, one document.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn json_text(&self, text: &str) -> Result<(), CommandError> {
        write(&mut io::stdout().lock(), format!("{}\n", text::json(text)).as_bytes())
    }

    /// Prints generated text (a completion script, a manual page) as it is.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn raw(&self, bytes: &[u8]) -> Result<(), CommandError> {
        write(&mut io::stdout().lock(), bytes)
    }

    /// Standard output for a conversation in a protocol.
    pub(super) fn stream(&self) -> impl Write {
        io::stdout().lock()
    }

    /// Prints a secret: the one place that does, for `secret get`.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn secret(&self, secret: &Secret, newline: bool) -> Result<(), CommandError> {
        let end = if newline { "\n" } else { "" };
        // One buffer, wiped afterwards; what standard output keeps of it is flushed at once.
        let mut line = Zeroizing::new(String::with_capacity(10 * secret.expose().len() + 1));
        match self.is_out_terminal() {
            true => text::clean_into(&mut line, secret.expose(), "\t\n"),
            false => line.push_str(secret.expose()),
        }
        if line.len() != secret.expose().len() {
            self.warning(&warning("its control characters are shown escaped; a pipe gets them unchanged"));
        }
        line.push_str(end);
        write(&mut io::stdout().lock(), line.as_bytes())
    }

    /// Prints what a host asked a helper for: a text that holds secrets, as it is.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn helper_answer(&self, answer: &Secret) -> Result<(), CommandError> {
        write(&mut io::stdout().lock(), answer.expose().as_bytes())
    }

    /// Passes on what a program printed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn pass_on(&self, bytes: &[u8], to_error: bool) -> io::Result<()> {
        let put = |stream: &mut dyn Write| stream.write_all(bytes).and_then(|()| stream.flush());
        if to_error { put(&mut io::stderr().lock()) } else { put(&mut io::stdout().lock()) }
    }

    /// Says what went wrong in one line, for a host's log.
    pub(super) fn one_line(&self, text: &str) {
        self.say(&Text::new().plain("keystencil: ").plain(text).end());
    }

    /// Says what was done; silent with `--quiet`.
    pub(super) fn note(&self, text: Text) {
        if !self.quiet {
            self.say(&text.end());
        }
    }

    /// Prints a detail, if `--verbose` asked for details.
    pub(super) fn detail(&self, text: Text) {
        if self.verbose {
            self.say(&text.end());
        }
    }

    /// Warns.
    pub(super) fn warning(&self, warning: &Warning) {
        let head = Text::new().styled(WARN.bold(), "warning").plain(": ").plain(&warning.message);
        self.say(&self.explained(head, warning.place.clone(), warning.hint.as_deref()));
    }

    /// Reports an error with every other error found in the same run.
    pub(super) fn error(&self, error: &(dyn Explain + 'static)) {
        let head = Text::new().styled(BAD.bold(), "error").plain(": ").plain(error);
        self.say(&self.explained(head, error.place(), hints::of(error).as_deref()));
        for other in error.others() {
            self.error(other);
        }
    }

    /// Says what clap found; its help goes to standard output.
    ///
    /// # Errors
    /// [`CommandError`] if standard output takes no more.
    pub(super) fn clap(&self, error: &clap::Error) -> Result<(), CommandError> {
        let rendered = error.render().ansi().to_string();
        if error.use_stderr() {
            self.say(&Text::trusted(rendered));
            return Ok(());
        }
        self.out(&Text::trusted(rendered))
    }

    /// Whether only what matters is to be said.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether more is to be said than usual.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether a progress bar would be seen, and is not in the way.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether standard output is a terminal.
    pub(super) fn is_out_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// A path as the user would name it: relative, or from `~`.
    pub(super) fn path(&self, path: &Path) -> String {
        let below = |folder: &Option<PathBuf>| {
            let folder = folder.as_deref().filter(|folder| folder.parent().is_some())?;
            path.strip_prefix(folder).ok().filter(|rest| !rest.as_os_str().is_empty()).map(Path::to_owned)
        };
        match (below(&self.folder), below(&self.home)) {
            (Some(relative), _) if self.folder != self.home => relative.display().to_string(),
            (_, Some(from_home)) => Path::new("~").join(from_home).display().to_string(),
            _ => path.display().to_string(),
        }
    }

    fn explained(&self, head: Text, place: Option<Place>, hint: Option<&str>) -> Text {
        let mut text = head.end();
        if let Some(mut place) = place.filter(|place| *place != Place::default()) {
            place.file = place.file.map(|file| PathBuf::from(self.path(&file)));
            text = text.styled(DIM, "  at ").plain(place).end();
        }
        if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
            text = text.styled(MARK.bold(), "hint").plain(": ").block(hint).end();
        }
        text
    }

    fn say(&self, text: &Text) {
        // Nobody is left to be told that standard error is closed.
        let _ = write(&mut AutoStream::new(io::stderr().lock(), self.choice(&io::stderr())), text.printed().as_bytes());
    }

    /// `--color` decides; otherwise `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM` and the stream do.
    fn choice(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color {
            ColorChoice::Auto => AutoStream::choice(stream),
            ColorChoice::Always => ColorChoice::AlwaysAnsi,
            given => given,
        }
    }
}

/// A message without a hint.
pub(super) fn warning(message: impl Display) -> Warning {
    Warning { message: message.to_string(), place: None, hint: None }
}

fn write(stream: &mut impl Write, bytes: &[u8]) -> Result<(), CommandError> {
    stream.write_all(bytes).and_then(|()| stream.flush()).map_err(CommandError::output)
}
