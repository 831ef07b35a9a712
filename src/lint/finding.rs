//! One thing that must not be committed: where, which rule, and what to do about it.

use crate::scan::{self, Rule};
use std::path::PathBuf;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What is in the name of the file, and not in the file.
    InName(Box<Kind>),
    /// A key of a known format.
    Format(&'static Rule),
    /// A random value after a telling name.
    Random,
    /// A password in a URL.
    UrlPassword,
    /// A secret of the user's own, by the name it is stored under, and how it is written.
    Own {
        /// Its reference as a template writes it.
        name: String,
        /// `base64`, `URL-encoded` and the like; empty if it stands as it is.
        form: &'static str,
    },
    /// What keystencil filled in, by its placeholder.
    Rendered(String),
    /// A secret in what a host keeps of its sessions, by its placeholder, and how it is written.
    Seen {
        /// Its placeholder.
        placeholder: String,
        /// `base64`, `URL-encoded` and the like; empty if it stands as it is.
        form: &'static str,
    },
    /// A rendered file as a whole: its secrets are too short to be found one by one.
    RenderedFile,
    /// A value where the template has a reference.
    Literal(String),
    /// A template that has no blueprint: why, and what to do.
    Broken(String, Option<String>),
    /// A reference to what no store has.
    Unknown(String),
    /// A reference that the host would log, and why.
    Logged(String),
}

impl Kind {
    /// The rule's identifier: stable, for comments and baselines.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::InName(kind) => kind.rule(),
            Self::Format(rule) => rule.id,
            Self::Random => "random-value",
            Self::UrlPassword => "url-password",
            Self::Own { .. } => "own-secret",
            Self::Rendered(_) | Self::RenderedFile => "rendered-file",
            Self::Seen { .. } => "secret-in-session",
            Self::Literal(_) => "literal-in-slot",
            Self::Broken(..) => "broken-reference",
            Self::Unknown(_) => "unknown-secret",
            Self::Logged(_) => "logged-secret",
        }
    }

    /// What it is, as a sentence without its end.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::InName(kind) => format!("{} in the file's name", kind.message()),
            Self::Format(rule) => format!("a key of {} ({})", rule.provider, rule.id),
            Self::Random => "a random value under a name that suggests a secret".to_owned(),
            Self::UrlPassword => "a password in a URL".to_owned(),
            Self::Own { name, form: "" } => format!("your own secret {name}"),
            Self::Own { name, form } => format!("your own secret {name}, {form}"),
            Self::Rendered(placeholder) => format!("a rendered file: the secret of {placeholder} is filled in"),
            Self::Seen { placeholder, form: "" } => format!("a session's file holds the secret of {placeholder}"),
            Self::Seen { placeholder, form } => {
                format!("a session's file holds the secret of {placeholder}, {form}")
            }
            Self::RenderedFile => "a rendered file: its secrets are filled in".to_owned(),
            Self::Literal(slot) => format!("slot {slot} has a value where the template has a reference"),
            Self::Broken(why, _) => format!("the template does not work: {why}"),
            Self::Unknown(why) => why.clone(),
            Self::Logged(why) => format!("a reference that would be logged: {why}"),
        }
    }

    /// Whether a baseline may hold it: a secret that is certainly the user's own is not a false positive, and no hash
    /// of it belongs into a file that is committed.
    #[must_use]
    pub fn may_be_known(&self) -> bool {
        match self {
            Self::InName(kind) => kind.may_be_known(),
            Self::Own { .. } | Self::Seen { .. } | Self::Rendered(_) | Self::RenderedFile | Self::Literal(_) => false,
            _ => true,
        }
    }

    /// Says as much of a value as anybody may see: the beginning that all keys of a format have, and how long it is.
    #[must_use]
    pub fn redacted(&self, value: &[u8]) -> String {
        let head = match self {
            Self::InName(kind) => return kind.redacted(value),
            Self::Format(rule) => scan::public_beginning(rule, value),
            _ => "",
        };
        match self {
            Self::Own { .. } | Self::Seen { .. } | Self::Rendered(_) => "[secret]".to_owned(),
            _ if value.is_empty() => String::new(),
            _ => format!("{head}[{} bytes]", value.len() - head.len()),
        }
    }
}

/// Something found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters (in bytes where the line is not text).
    pub column: usize,
    /// What it is.
    pub kind: Kind,
    /// As much of it as may be seen.
    pub shown: String,
    /// What a baseline knows it by; made by [`Baseline::print`](super::Baseline::print).
    pub print: Option<String>,
}
