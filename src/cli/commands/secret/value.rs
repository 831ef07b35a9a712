//! Where the value of a secret comes from: a hidden prompt, standard input, a variable, a file. Never an argument.
//!
//! Used by `set` and `rotate`. No error here repeats what was typed: it may be the value itself.

use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::report::{Report, Text, Warning};
use crate::error::{Explain, Place};
use crate::secret::{Secret, SecretName};
use crate::store::StoreError;
use clap::Args;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// More than any key; so that an endless input ends.
const LIMIT: usize = 1 << 20;

/// Where the value comes from.
#[derive(Args)]
#[group(skip)]
pub(super) struct ValueArgs {
    /// Take the value from this variable of the environment
    #[arg(long, value_name = "VARIABLE", conflicts_with = "from_file")]
    from_env: Option<OsString>,
    /// Take the value from this file, less one line break at its end; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Only to say that this is no place for it.
    #[arg(hide = true, num_args = 0..)]
    argument: Vec<OsString>,
}

impl std::fmt::Debug for ValueArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValueArgs").finish_non_exhaustive()
    }
}

impl ValueArgs {
    /// Refuses a value on the command line, before anything else is done.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        if self.argument.is_empty() { Ok(()) } else { Err(ValueError::Argument) }
    }

    /// The value, from wherever it comes.
    ///
    /// # Errors
    /// [`ValueError`], or [`StoreError::EmptyValue`].
    pub(super) fn read(&self, report: &Report, name: &SecretName) -> Result<Secret, CommandError> {
        let value = match (&self.from_env, &self.from_file) {
            (Some(variable), _) => from_env(variable)?,
            (None, Some(file)) if file.as_os_str() != "-" => from_file(file)?,
            (None, None) if io::stdin().is_terminal() => typed(report, &format!("Value of {name}"))?,
            _ => text(&read(&mut io::stdin().lock()).map_err(ValueError::Input)?, From::Input)?,
        };
        if value.is_empty() {
            return Err(StoreError::EmptyValue { name: name.clone() }.into());
        }
        Ok(Secret::new(String::clone(&value)))
    }

    /// Once the value is stored: what of it is left where it came from.
    pub(super) fn tell_leftovers(&self, report: &Report) {
        let Some(file) = self.from_file.as_deref().filter(|file| file.as_os_str() != "-") else { return };
        let Ok(metadata) = fs::metadata(file) else { return };
        if !metadata.is_file() {
            return;
        }
        let shown = report.path(file);
        if is_open_to_others(&metadata) {
            report.warning(&Warning {
                message: "other users of this machine can read the file that the value came from".to_owned(),
                place: Some(Place::file(file)),
                hint: Some("delete it, and get a new key from the provider if one of them may have read it".to_owned()),
            });
        } else {
            report.note(Text::new().plain(format_args!("the value is still in {shown} in plain text: delete it")));
        }
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o044 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

fn typed(report: &Report, question: &str) -> Result<Zeroizing<String>, CommandError> {
    report.ask_all_hidden(|ask| {
        let value = ask(&format!("{question}: "))?;
        if value.is_empty() || ask(&format!("{question} again: "))? == value {
            return Ok(value);
        }
        Err(CommandError::new("the two values differ").hint("nothing was changed; try again"))
    })
}

fn from_env(variable: &OsString) -> Result<Zeroizing<String>, ValueError> {
    let name = variable.to_str().filter(|name| !name.is_empty() && !name.contains(['=', '\0']));
    let value = environment::variable_os(name.ok_or(ValueError::Unset)?).ok_or(ValueError::Unset)?;
    let value = value.into_string().map_err(|value| {
        drop(Zeroizing::new(value.into_encoded_bytes()));
        ValueError::NotText { from: From::Variable }
    })?;
    Ok(Zeroizing::new(value))
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, ValueError> {
    let failed = |source| ValueError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(ValueError::Folder { path: path.to_owned() });
    }
    let bytes = read(&mut file).map_err(failed)?;
    text(&bytes, From::File)
}

fn read(input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 64));
    input.take(LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8], from: From) -> Result<Zeroizing<String>, ValueError> {
    if bytes.len() > LIMIT {
        return Err(ValueError::TooLong { from });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ValueError::NotText { from })?;
    // Windows' editors put a byte order mark in front of a file, which is no part of any key.
    let text = if from == From::File { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(text.to_owned()))
}

/// Where a value came from, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum From {
    /// Standard input.
    Input,
    /// `--from-env`.
    Variable,
    /// `--from-file`.
    File,
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "on standard input",
            Self::Variable => "of the variable",
            Self::File => "in the file",
        })
    }
}

/// Why there is no value. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ValueError {
    /// It was typed on the command line.
    #[error("a value is never taken as an argument: other programs can read those")]
    Argument,
    /// The name of the secret is a key.
    #[error("the name looks like a key itself")]
    KeyAsName,
    /// The new value is the old one.
    #[error("it already has that value")]
    Same,
    /// There is no such variable.
    #[error("the variable that `--from-env` names is not set")]
    Unset,
    /// It is no text.
    #[error("the value {from} is not UTF-8 text")]
    NotText {
        /// Where it came from.
        from: From,
    },
    /// It does not end where a key would.
    #[error("the value {from} is longer than a megabyte")]
    TooLong {
        /// Where it came from.
        from: From,
    },
    /// It is a folder.
    #[error("`--from-file` names a folder, not a file, not a file")]
    Folder {
        /// Which.
        path: PathBuf,
    },
    /// The file can't be read.
    #[error("cannot read the file: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard input can't be read.
    #[error("cannot read the value: {0}")]
    Input(io::Error),
}

impl std::convert::From<ValueError> for CommandError {
    fn from(error: ValueError) -> Self {
        Self::of(error)
    }
}

impl Explain for ValueError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Folder { path } | Self::File { path, .. } => Some(Place::file(path)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Argument => concat!(
                "nothing was stored, but the value is in your shell's history now: delete that line,\n",
                "or better get a new key. Then leave the value out, and you are asked for it;\n",
                "a pipe, `--from-env` and `--from-file` work as well"
            ),
            Self::KeyAsName => concat!(
                "nothing was stored, but it is in your shell's history now: delete that line, or better\n",
                "get a new key. Then name the service it is for: `keystencil secret set openai`"
            ),
            Self::Same => "get a new key from the provider first; nothing was changed",
            Self::Unset => "is it exported? Give the name alone, without `$`: `--from-env OPENAI_API_KEY`",
            Self::NotText { .. } => "store it encoded, as base64 say: a config file holds text",
            Self::TooLong { .. } => "is it the right file? Nothing was stored",
            Self::Folder { .. } | Self::File { .. } => "name the file that holds the key and nothing else",
            Self::Input(_) => return None,
        };
        Some(hint.to_owned())
    }
}
