//! One line of the checklist, and how it is shown.

use crate::cli::environment::is_utf8;
use crate::cli::report::{BAD, DIM, GOOD, Text, WARN, wrap};
use anstyle::Style;
use serde_json::{Value, json};

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// In order.
    Good,
    /// Not set up, or not known, and that is no fault.
    Idle,
    /// Worth a look.
    Due,
    /// Does not work.
    Bad,
}

impl Mood {
    pub(super) fn wants_a_person(self) -> bool {
        matches!(self, Self::Due | Self::Bad)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Idle => "idle",
            Self::Due => "due",
            Self::Bad => "bad",
        }
    }

    fn mark(self) -> (&'static str, Style) {
        match (self, is_utf8()) {
            (Self::Good, true) => ("✓", GOOD),
            (Self::Good, false) => ("+", GOOD),
            (Self::Idle, _) => ("-", DIM),
            (Self::Due, _) => ("!", WARN),
            (Self::Bad, true) => ("✗", BAD),
            (Self::Bad, false) => ("x", BAD),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) mood: Mood,
    /// What it is about: a target's name, `keyring`, `hooks`.
    subject: String,
    message: String,
    hint: Option<String>,
}

impl Finding {
    pub(super) fn new(mood: Mood, subject: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { mood, subject: subject.to_owned(), message: message.into(), hint: hint.map(ToOwned::to_owned) }
    }

    pub(super) fn good(subject: &str, message: impl Into<String>) -> Self {
        Self::new(Mood::Good, subject, message, None)
    }

    pub(super) fn idle(subject: &str, message: impl Into<String>) -> Self {
        Self::new(Mood::Idle, subject, message, None)
    }

    pub(super) fn due(subject: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { hint, ..Self::new(Mood::Due, subject, message, None) }
    }

    pub(super) fn bad(subject: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { hint, ..Self::new(Mood::Bad, subject, message, None) }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "state": self.mood.name(), "subject": self.subject, "message": self.message, "hint": self.hint })
    }
}

/// The checklist, in 80 columns.
pub(super) fn list(findings: &[&Finding]) -> Text {
    // A longer name takes its own room and no other's.
    let widest = findings.iter().map(|finding| finding.subject.chars().count()).filter(|width| *width <= 16).max();
    let width = widest.unwrap_or(0);
    findings.iter().fold(Text::new(), |text, finding| {
        let (mark, style) = finding.mood.mark();
        let indent = width + 4;
        let mut text = text.styled(style, mark).plain(format_args!(" {:<width$}  ", finding.subject));
        if finding.subject.chars().count() > width {
            text = text.end().plain(" ".repeat(indent));
        }
        text = text.block(&wrap(&finding.message, indent)).end();
        match &finding.hint {
            Some(hint) => text.plain(" ".repeat(indent)).styled(DIM, "hint: ").block(&wrap(hint, indent + 6)).end(),
            None => text,
        }
    })
}
