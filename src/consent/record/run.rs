//! A command that a person runs by hand with references in its arguments and its environment.

use super::text::kept;
use crate::template::parse_parts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A command as a person allowed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Where the program was found, and its interpreter.
    pub found: Vec<String>,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The working folder.
    pub folder: String,
    /// The variables with references, and those of a file that steer programs.
    pub variables: BTreeMap<String, String>,
}

impl Run {
    /// The command as it is kept: a text without references is a hash.
    #[must_use]
    pub fn new(found: Vec<String>, argv: &[String], folder: String, variables: BTreeMap<String, String>) -> Self {
        let argv = argv.iter().map(|text| kept(text)).collect();
        let variables = variables.into_iter().map(|(name, text)| (name, kept(&text))).collect();
        Self { found, argv, folder, variables }
    }

    /// The texts that may have references.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.argv.iter().chain(self.variables.values()).map(String::as_str).collect()
    }

    /// What a person names it by: eight digits.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 run id v1");
        for field in self.fields() {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        hasher.finalize().to_hex().chars().take(8).collect()
    }

    /// Whether there is a reference in it at all.
    #[must_use]
    pub fn has_references(&self) -> bool {
        self.texts().into_iter().any(|text| parse_parts(text).is_some())
    }

    /// All that it says, for a seal: each value behind what it is.
    #[must_use]
    pub fn fields(&self) -> Vec<&[u8]> {
        let mut fields: Vec<&[u8]> = vec![b"folder", self.folder.as_bytes()];
        self.found.iter().for_each(|path| fields.extend([b"found".as_slice(), path.as_bytes()]));
        self.argv.iter().for_each(|text| fields.extend([b"arg".as_slice(), text.as_bytes()]));
        for (name, text) in &self.variables {
            fields.extend([b"env".as_slice(), name.as_bytes(), text.as_bytes()]);
        }
        fields
    }
}
