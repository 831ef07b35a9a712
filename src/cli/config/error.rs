//! Why the config can't be used.

use crate::cli::suggest::nearest;
use crate::cli::typed::Typed;
use crate::error::{Explain, Place};
use crate::host::profile::PROFILES;
use crate::store::command::Unfit;
use std::io;
use std::path::PathBuf;

/// Why the config can't be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ConfigError {
    /// It can't be read.
    #[error("cannot read the config: {source}")]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not TOML, or not what a config holds.
    #[error("{message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser said.
        message: String,
    },
    /// A target has a profile that does not exist.
    #[error("unknown profile `{name}`")]
    UnknownProfile {
        /// Where.
        place: Place,
        /// What was written.
        name: String,
    },
    /// A target does not say which file it is.
    #[error("target `{name}` has no path")]
    NoPath {
        /// Where.
        place: Place,
        /// Its name.
        name: String,
    },
    /// `rotate_after` is not a duration.
    #[error("`{text}` is not a duration")]
    BadAge {
        /// Where.
        place: Place,
        /// What was written.
        text: String,
    },
    /// A command that can't be declared so.
    #[error("provider `{name}`: {unfit}")]
    Provider {
        /// Where.
        place: Place,
        /// Its name.
        name: String,
        /// Why not.
        unfit: Unfit,
    },
    /// Another user could declare other commands.
    #[error("other users can change this {}, and the config says which programs are run", kind(*is_folder))]
    Writable {
        /// The config, or its folder.
        path: PathBuf,
        /// Which of the two.
        is_folder: bool,
    },
    /// The same.
    #[error("this {} belongs to another user, and the config says which programs are run", kind(*is_folder))]
    Foreign {
        /// The config, or its folder.
        path: PathBuf,
        /// Which of the two.
        is_folder: bool,
    },
    /// Two targets are one file.
    #[error("targets `{first}` and `{second}` are the same file, {}", path.display())]
    SameFile {
        /// The config.
        config: PathBuf,
        /// One name.
        first: String,
        /// The other name.
        second: String,
        /// The file.
        path: PathBuf,
    },
}

fn kind(is_folder: bool) -> &'static str {
    if is_folder { "folder" } else { "file" }
}

impl Explain for ConfigError {
    fn place(&self) -> Option<Place> {
        Some(match self {
            Self::Unreadable { path, .. }
            | Self::SameFile { config: path, .. }
            | Self::Writable { path, .. }
            | Self::Foreign { path, .. } => Place::file(path),
            Self::Syntax { place, .. }
            | Self::UnknownProfile { place, .. }
            | Self::NoPath { place, .. }
            | Self::Provider { place, .. }
            | Self::BadAge { place, .. } => place.clone(),
        })
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("name it with `--config FILE`, or make one with `keystencil init`".to_owned())
            }
            Self::Syntax { message, .. } => {
                // serde: "unknown field `paht`, expected one of `template`, `path`, `profile`"
                let mut quoted = message.split('`').skip(1).step_by(2);
                let wrong = quoted.next()?;
                nearest(wrong, quoted).map(|right| format!("did you mean `{right}`?"))
            }
            Self::UnknownProfile { name, .. } => {
                let names = PROFILES.iter().map(|profile| profile.name());
                Some(match nearest(name, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", names.collect::<Vec<_>>().join(" and ")),
                })
            }
            Self::NoPath { .. } => {
                Some("say which file it is: `path = \"~/.claude.json\"`, or `profile = \"claude-code\"`".to_owned())
            }
            Self::BadAge { .. } => {
                Some("write it as `\"90 days\"` or `\"12 weeks\"`; `\"never\"` turns the reminders off".to_owned())
            }
            Self::Provider { unfit, .. } => Some(unfit.hint().to_owned()),
            Self::Writable { path, .. } => Some(format!("`{}`", Typed::other("chmod go-w").file(path))),
            Self::Foreign { path, .. } => Some(format!(
                "if it is yours, `{}`; else declare the commands in a config of your own",
                Typed::other("sudo chown \"$USER\"").file(path)
            )),
            Self::SameFile { .. } => Some("merge their templates into one".to_owned()),
        }
    }
}
