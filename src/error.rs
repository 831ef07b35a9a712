//! What every error of every layer can tell: what happened, where, and what to do next.
//!
//! Each layer has an error enum of its own with typed variants; this file owns the questions a report asks of
//! them. It must never hold a secret: a message is built from names, places and numbers only.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text: a file, a line and a column, or a slot, as far as they are known.
///
/// ```
/// use keystencil::error::Place;
/// let place = Place::at("claude.json", 14, 22).slot("/mcpServers/github/env/GITHUB_TOKEN");
/// assert_eq!(place.to_string(), "claude.json:14:22, slot /mcpServers/github/env/GITHUB_TOKEN");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user would name it.
    pub file: Option<PathBuf>,
    /// Line and column, both counted from 1; the column counts characters.
    pub position: Option<(usize, usize)>,
    /// The RFC 6901 pointer of the slot.
    pub slot: Option<String>,
}

impl Place {
    /// A file as a whole.
    #[must_use]
    pub fn file(file: impl AsRef<Path>) -> Self {
        Self { file: Some(file.as_ref().to_owned()), ..Self::default() }
    }

    /// A line and column (from 1) of a file.
    #[must_use]
    pub fn at(file: impl AsRef<Path>, line: usize, column: usize) -> Self {
        Self { position: Some((line, column)), ..Self::file(file) }
    }

    /// The same place, with the slot it fills.
    #[must_use]
    pub fn slot(mut self, pointer: impl Into<String>) -> Self {
        self.slot = Some(pointer.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            separator = ", ";
        }
        if let Some((line, column)) = self.position {
            match self.file {
                Some(_) => write!(f, ":{line}:{column}")?,
                None => write!(f, "line {line}, column {column}")?,
            }
            separator = ", ";
        }
        if let Some(slot) = &self.slot {
            write!(f, "{separator}slot {slot}")?;
        }
        Ok(())
    }
}

/// What a report asks of an error besides its message (which is its `Display`).
pub trait Explain: std::error::Error {
    /// Where it happened; printed after `at`.
    fn place(&self) -> Option<Place> {
        None
    }

    /// What would be right, printed after `hint:`. Never a verb or a flag of ours: which of those helps is known to the
    /// command line alone, which looks there first.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Further errors of the same kind found in the same run (all missing secrets, say), each reported in full.
    fn others(&self) -> Vec<&(dyn Explain + 'static)> {
        Vec::new()
    }
}
