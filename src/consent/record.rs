//! A server as a person allowed it, as a whole, and whether what is started or reached now is that server.
//!
//! `run` and `headers` deliver into a process, so no document is there to look a slot's surroundings up in: the host hands
//! over arguments, variables, or a URL. A [`Server`] holds all of these as they were written when somebody said yes; what is
//! there now is rebuilt and compared with it. References of the host (`${VAR}`, `{env:X}`, `${input:x}`) are holes: the host
//! fills them before it starts anything, so their text is the only thing that may differ.
//!
//! A text without holes and references is kept as a hash: it may be a key that somebody wrote in plain text.

mod hash;
mod read;
mod run;
mod text;
mod url;

pub use hash::steering_hash;
pub use read::{Find, Machine, Unfit};
pub use run::Run;

use crate::document::Pointer;
use crate::template::{Part, Reference, parse_parts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use text::{fits, fits_argument};

/// A server of a target, with the texts of its references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where it stands.
    pub pointer: Pointer,
    /// How it is used.
    pub entry: Entry,
}

/// How a host uses a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// The host starts it.
    Started(Started),
    /// The host connects to it.
    Reached(Reached),
}

/// A server that the host starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The variables it is given, plain ones too.
    pub env: BTreeMap<String, String>,
    /// The folder it is started in, if the server names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Where the program was found when it was allowed, and behind it the interpreter that its first line looks for.
    #[serde(with = "paths")]
    pub found: Vec<PathBuf>,
    /// The variables that steer programs and that the person had, each with a hash of its value.
    pub steering: BTreeMap<String, String>,
}

/// A server that the host connects to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Scheme, host and port.
    pub origin: String,
    /// The path.
    pub path: String,
    /// The headers that have references.
    pub headers: BTreeMap<String, String>,
}

/// What is there now, in the place of a server that a host starts.
pub struct Now<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// A variable of the environment; `None` if it is not set, or not text.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The working folder.
    pub folder: Option<&'a Path>,
    /// Where the program is found, and its interpreter.
    pub found: &'a [PathBuf],
}

/// How what is there now is not what was allowed. Names places, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// Another program.
    #[error("the command is not the one that was allowed")]
    Command,
    /// More arguments or fewer.
    #[error("the number of arguments is not the one that was allowed")]
    Arguments,
    /// An argument, counted from 1.
    #[error("argument {0} is not the one that was allowed")]
    Argument(usize),
    /// A variable of its environment.
    #[error("the variable `{0}` differs from the one that was allowed")]
    Variable(String),
    /// The working folder.
    #[error("the working folder is not the one that was allowed")]
    Folder,
    /// The program is elsewhere.
    #[error("the command was found at {} when it was allowed, and is at {} now", was.display(), is.display())]
    Moved {
        /// Where it was.
        was: PathBuf,
        /// Where it is.
        is: PathBuf,
    },
    /// The home folder leads programs to their settings.
    #[error("`{0}` names a different folder than when this was allowed")]
    Home(String),
    /// The host names no destination.
    #[error("the host does not say which URL the headers are for")]
    NoDestination,
    /// The destination is another one.
    #[error("the URL is not the one that was allowed")]
    Destination,
}

/// Variables whose value a system gives anew at each login, and which lead to no code: the name is enough. What `PATH` leads
/// to is compared by where the program is found.
const FRESH: [&str; 7] =
    ["PATH", "TMPDIR", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_CONNECTION", "SSH_CLIENT", "XDG_RUNTIME_DIR"];
/// Without these a program finds none of its files, so another value ends the start.
const HOMES: [&str; 2] = ["HOME", "USERPROFILE"];

impl Server {
    /// The texts that may have references.
    pub fn texts(&self) -> Vec<&str> {
        match &self.entry {
            Entry::Started(started) => started.args.iter().chain(started.env.values()).map(String::as_str).collect(),
            Entry::Reached(reached) => reached.headers.values().map(String::as_str).collect(),
        }
    }

    /// Whether whoever allowed the other one allowed this: it is written the same and its program is where it was. The
    /// variables that the person had may differ.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let written = |server: &Self| {
            let mut server = server.clone();
            if let Entry::Started(started) = &mut server.entry {
                started.steering.clear();
            }
            server
        };
        written(self) == written(other)
    }

    /// All that it says, for a seal: each value behind what it is, so that none can be taken for another.
    #[must_use]
    pub fn fields(&self) -> Vec<&[u8]> {
        let mut fields: Vec<&[u8]> = vec![self.pointer.as_str().as_bytes()];
        match &self.entry {
            Entry::Started(started) => {
                fields.extend([b"command".as_slice(), started.command.as_bytes()]);
                started.args.iter().for_each(|arg| fields.extend([b"arg".as_slice(), arg.as_bytes()]));
                for (name, map) in [(b"env".as_slice(), &started.env), (b"steering".as_slice(), &started.steering)] {
                    map.iter().for_each(|(key, value)| fields.extend([name, key.as_bytes(), value.as_bytes()]));
                }
                started.folder.iter().for_each(|at| fields.extend([b"folder".as_slice(), at.as_bytes()]));
                for path in &started.found {
                    fields.extend([b"found".as_slice(), path.as_os_str().as_encoded_bytes()]);
                }
            }
            Entry::Reached(reached) => {
                fields.extend([b"url".as_slice(), reached.origin.as_bytes(), reached.path.as_bytes()]);
                for (name, text) in &reached.headers {
                    fields.extend([b"header".as_slice(), name.as_bytes(), text.as_bytes()]);
                }
            }
        }
        fields
    }
}

impl Started {
    /// Compares what is to be started with what was allowed, as a whole.
    ///
    /// ```
    /// use keystencil::consent::record::{Differs, Now, Started};
    /// let allowed = Started {
    ///     command: "npx".into(),
    ///     args: vec!["-y".into(), "${HOME}/server".into()],
    ///     env: [("TOKEN".into(), "<< keyring('github') >>".into())].into(),
    ///     ..Started::default()
    /// };
    /// let variable = |_: &str| Some("<< keyring('github') >>".to_owned());
    /// let now = |argv: [&str; 3]| argv.map(str::to_owned);
    /// let compare = |argv: [String; 3]| allowed.compare(&Now { argv: &argv, variable: &variable, folder: None, found: &[] });
    /// assert_eq!(compare(now(["npx", "-y", "/home/me/server"])), Ok(()));
    /// assert_eq!(compare(now(["npx", "-y", "/home/me/other"])), Err(Differs::Argument(2)));
    /// ```
    ///
    /// # Errors
    /// [`Differs`]: the first difference.
    pub fn compare(&self, now: &Now<'_>) -> Result<(), Differs> {
        let Some((command, args)) = now.argv.split_first() else { return Err(Differs::Command) };
        if !fits(&self.command, command) {
            return Err(Differs::Command);
        }
        if args.len() != self.args.len() {
            return Err(Differs::Arguments);
        }
        for (index, (written, actual)) in self.args.iter().zip(args).enumerate() {
            if !fits_argument(written, actual) {
                return Err(Differs::Argument(index + 1));
            }
        }
        for (name, written) in &self.env {
            if !(now.variable)(name).is_some_and(|actual| fits(written, &actual)) {
                return Err(Differs::Variable(name.clone()));
            }
        }
        let is_in = |written: &String| now.folder.and_then(Path::to_str).is_some_and(|actual| fits(written, actual));
        if !self.folder.as_ref().is_none_or(is_in) {
            return Err(Differs::Folder);
        }
        for (index, was) in self.found.iter().enumerate() {
            let is = now.found.get(index).cloned().unwrap_or_default();
            if is != *was {
                return Err(Differs::Moved { was: was.clone(), is });
            }
        }
        if now.found.len() > self.found.len() {
            return Err(Differs::Command);
        }
        self.same_home(now)
    }

    fn same_home(&self, now: &Now<'_>) -> Result<(), Differs> {
        let is_other = |name: &&&str| {
            let known = self.steering.get(**name).filter(|_| !self.env.contains_key(**name));
            known.is_some_and(|was| (now.variable)(name).is_some_and(|is| steering_hash(name, &is) != *was))
        };
        HOMES.iter().find(is_other).map_or(Ok(()), |name| Err(Differs::Home((*name).to_owned())))
    }

    /// Whether a variable that steers programs goes on to this server: the server's own text names it, or the person had
    /// it when this was allowed, with this value where that can lead to code.
    #[must_use]
    pub fn passes(&self, name: &str, value: &str) -> bool {
        self.env.contains_key(name)
            || self.steering.get(name).is_some_and(|was| FRESH.contains(&name) || steering_hash(name, value) == *was)
    }
}

impl Reached {
    /// Compares the URL that the host names with the one that was allowed: scheme, host, port and path.
    ///
    /// # Errors
    /// [`Differs::NoDestination`] and [`Differs::Destination`].
    pub fn compare(&self, destination: Option<&str>) -> Result<(), Differs> {
        let destination = destination.filter(|url| !url.is_empty()).ok_or(Differs::NoDestination)?;
        if url::leads_to(&self.origin, &self.path, destination) { Ok(()) } else { Err(Differs::Destination) }
    }
}

/// The references in a text.
#[must_use]
pub fn references(text: &str) -> Vec<Reference> {
    let reference = |part: Part| match part {
        Part::Secret(reference) => Some(reference),
        Part::Literal(_) => None,
    };
    parse_parts(text).unwrap_or_default().into_iter().filter_map(reference).collect()
}

/// Paths as text, also where they are none: what is not UTF-8 is not found again.
mod paths {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::path::PathBuf;

    pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<String>::deserialize(deserializer)?.into_iter().map(PathBuf::from).collect())
    }
}

#[cfg(test)]
mod tests;
