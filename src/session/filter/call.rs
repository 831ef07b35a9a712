//! How git calls this program as its filter, and whose filter it is that a repository has.
//!
//! The call names the state and the config, because git may run in a sandbox, in a container or as another user, where
//! the environment leads to other folders. Used when a filter is set up, and by a render before it trusts one.

use crate::host::git::repository::Settings;
use crate::host::shell::word;
use std::path::{Path, PathBuf};

/// How git calls this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterCall {
    before_verb: String,
    state: String,
    /// Where git looks for the user's own attributes if its config does not say.
    pub(super) attributes: PathBuf,
}

/// Whose filter a repository has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterState {
    /// None that git can't do without.
    None,
    /// One of an older keystencil, which names no state.
    Old,
    /// One that names another state folder than ours.
    Other,
    /// Ours.
    Ours,
}

impl FilterCall {
    /// This program, as a word of a POSIX shell, its state folder, and its config if there is one.
    #[must_use]
    pub fn new(program: &str, state: &Path, config: Option<&Path>) -> Self {
        let state = word(&state.to_string_lossy());
        let config = config.map(|config| format!(" --config {}", word(&config.to_string_lossy()))).unwrap_or_default();
        Self { before_verb: format!("{program} git --state {state}{config}"), state, attributes: PathBuf::new() }
    }

    /// The same, with the place where git looks for the user's own attributes.
    #[must_use]
    pub fn with_attributes(self, attributes: PathBuf) -> Self {
        Self { attributes, ..self }
    }

    /// The keys of git's config and their values. `required` comes last: until it is there, no render trusts the
    /// filter.
    pub(super) fn settings(&self) -> [(&'static str, String); 10] {
        let call = |verb: &str| format!("{} {verb}", self.before_verb);
        [
            // git replaces `%f`, and `%%` by `%`, in this one only.
            ("filter.keystencil.clean", format!("{} %f", call("clean --").replace('%', "%%"))),
            ("filter.keystencil.smudge", "cat".to_owned()),
            ("filter.keystencil.process", call("filter-process")),
            ("filter.keystencil-any.clean", format!("{} %f", call("clean --any --").replace('%', "%%"))),
            ("filter.keystencil-any.smudge", "cat".to_owned()),
            ("filter.keystencil-any.process", call("filter-process --any")),
            ("filter.keystencil-any.required", "true".to_owned()),
            ("diff.keystencil.textconv", call("textconv")),
            ("diff.keystencil.cachetextconv", "false".to_owned()),
            ("filter.keystencil.required", "true".to_owned()),
        ]
    }

    /// Whose filter it is that these settings define.
    #[must_use]
    pub fn found_in(&self, settings: &Settings) -> FilterState {
        let get = |key: &str| settings.get(&format!("filter.{FILTER}.{key}"));
        let is_true = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1");
        // An empty `process` hides `clean`, and `required` makes that an error.
        let call = get("process").or_else(|| get("clean")).filter(|call| !call.is_empty());
        let (Some(call), true) = (call, get("required").is_some_and(is_true)) else { return FilterState::None };
        let names_ours = |rest: &str| rest.strip_prefix(&self.state).is_some_and(|rest| rest.starts_with(' '));
        match call.split_once(" git --state ") {
            None => FilterState::Old,
            // A `%` of a path is doubled in `clean`.
            Some((_, rest)) if names_ours(rest) || names_ours(&rest.replace("%%", "%")) => FilterState::Ours,
            Some(_) => FilterState::Other,
        }
    }
}

/// The name of the filter in the attributes.
pub(in crate::session) const FILTER: &str = "keystencil";
