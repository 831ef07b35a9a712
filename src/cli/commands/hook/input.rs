//! What a hook gets on standard input.

use serde::Deserialize;
use std::io::{self, Read as _};

/// More than this is no hook's input.
const LIMIT: u64 = 1 << 20;

/// A session id that is longer is none: it would push everything else out of the log.
const LONGEST_ID: usize = 256;

/// The part of a hook's JSON that matters here; measured with Claude Code 2.1.330.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    /// The session it is about.
    pub(super) session_id: Option<String>,
    hook_event_name: Option<String>,
    reason: Option<String>,
}

/// Input that is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadInput {
    /// Empty, torn, too long, or something else than an object.
    Unreadable,
    /// It is about another event.
    OtherEvent(String),
}

impl Input {
    /// Reads standard input, which must be about that event.
    pub(super) fn read(event: &str) -> Result<Self, BadInput> {
        let mut text = Vec::new();
        io::stdin().lock().take(LIMIT).read_to_end(&mut text).map_err(|_| BadInput::Unreadable)?;
        Self::parse(&text, event)
    }

    fn parse(text: &[u8], event: &str) -> Result<Self, BadInput> {
        let mut input: Self = serde_json::from_slice(text).map_err(|_| BadInput::Unreadable)?;
        input.session_id = input.session_id.filter(|id| id.len() <= LONGEST_ID);
        match &input.hook_event_name {
            Some(name) if name != event => Err(BadInput::OtherEvent(name.clone())),
            _ => Ok(input),
        }
    }

    /// Whether the process goes on with another session: after `/clear` and `/resume`.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.reason.as_deref(), Some("clear" | "resume"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_hooks_input_is_told_apart_from_another_events() {
        let parse = |text: &str| Input::parse(text.as_bytes(), "SessionEnd").map(|input| input.goes_on());
        assert_eq!(parse(r#"{"hook_event_name":"SessionEnd","reason":"clear"}"#), Ok(true));
        assert_eq!(parse(r#"{"hook_event_name":"SessionEnd","reason":"other","new":1}"#), Ok(false));
        assert_eq!(parse("{}"), Ok(false));
        for text in ["", "{", "[]", "null", "{\"reason\":1}"] {
            assert_eq!(parse(text), Err(BadInput::Unreadable), "{text}");
        }
        let id = |length: usize| {
            let text = format!("{{\"session_id\":\"{}\"}}", "x".repeat(length));
            Input::parse(text.as_bytes(), "SessionEnd").unwrap().session_id
        };
        assert!(id(LONGEST_ID).is_some() && id(LONGEST_ID + 1).is_none());
        let other = r#"{"hook_event_name":"PreToolUse"}"#;
        assert_eq!(parse(other), Err(BadInput::OtherEvent("PreToolUse".to_owned())));
    }
}
