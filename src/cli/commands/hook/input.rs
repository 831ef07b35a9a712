//! What a hook gets on standard input: one JSON value, however long the pipe stays open behind it.

use serde::Deserialize;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::sync::mpsc;
use std::time::Duration;

/// More than this is no hook's input.
const LIMIT: u64 = 1 << 20;
/// The value is there when the hook is started, or a moment later. Arbitrary, well below the ten seconds that the client
/// gives a SessionStart hook.
const PATIENCE: Duration = Duration::from_secs(5);
/// The UTF-8 byte order mark.
const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

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
    /// Not there in time.
    Late,
    /// It is about another event.
    OtherEvent(String),
}

impl Input {
    /// Reads standard input, which must be about that event. What follows the value is not waited for.
    pub(super) fn read(event: &str) -> Result<Self, BadInput> {
        let (sender, receiver) = mpsc::channel();
        let event = event.to_owned();
        // A read that never returns can't be given up, so it is left to a thread that ends with the process.
        std::thread::spawn(move || sender.send(Self::read_from(io::stdin().lock(), &event)));
        receiver.recv_timeout(PATIENCE).unwrap_or(Err(BadInput::Late))
    }

    fn read_from(input: impl Read, event: &str) -> Result<Self, BadInput> {
        let input = without_bom(input.take(LIMIT)).map_err(|_| BadInput::Unreadable)?;
        let mut values = serde_json::Deserializer::from_reader(BufReader::new(input));
        let mut input = Self::deserialize(&mut values).map_err(|_| BadInput::Unreadable)?;
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

/// Passes over a byte order mark. No byte is waited for that the value may not have.
fn without_bom(mut input: impl Read) -> io::Result<impl Read> {
    let mut start = Vec::new();
    for expected in BOM {
        let mut byte = [0];
        match input.read_exact(&mut byte) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            other => other?,
        }
        start.extend(byte);
        if byte != [expected] {
            break;
        }
    }
    if start == BOM {
        start.clear();
    }
    Ok(Cursor::new(start).chain(input))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, and fails the test if it is asked for one more than the value has.
    struct Open<'a>(&'a [u8]);

    impl Read for Open<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (first, rest) = self.0.split_first().expect("the input was read past the value");
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn one_value_is_read_and_nothing_behind_it_is_waited_for() {
        let value = r#"{"session_id":"s","hook_event_name":"E","other":{"a":["}",1.5,null]}}"#;
        for text in
            [value.to_owned(), format!(" \n\t{value}"), format!("\u{feff}{value}"), format!("\u{feff}\r\n{value}")]
        {
            let input = Input::read_from(Open(text.as_bytes()), "E").unwrap();
            assert_eq!(input.session_id.as_deref(), Some("s"), "{text:?}");
        }
        for behind in ["", "\n", "{\"session_id\":\"other\"}", "}", "\0torn"] {
            let input = Input::read_from(format!("{value}{behind}").as_bytes(), "E").unwrap();
            assert_eq!(input.session_id.as_deref(), Some("s"), "{behind:?}");
        }
    }

    #[test]
    fn more_than_a_hooks_input_is_not_read_to_its_end() {
        struct Endless(u64);
        impl Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0 += into.len() as u64;
                into.fill(b' ');
                Ok(into.len())
            }
        }
        let mut endless = Endless(0);
        assert_eq!(Input::read_from(&mut endless, "E").unwrap_err(), BadInput::Unreadable);
        assert!(endless.0 <= LIMIT);
    }

    #[test]
    fn what_is_no_hooks_input_is_told_apart_from_another_events() {
        let parse = |text: &str| Input::read_from(text.as_bytes(), "SessionEnd").map(|input| input.goes_on());
        assert_eq!(parse(r#"{"hook_event_name":"SessionEnd","reason":"clear"}"#), Ok(true));
        assert_eq!(parse(r#"{"hook_event_name":"SessionEnd","reason":"other","new":1}"#), Ok(false));
        assert_eq!(parse("{}"), Ok(false));
        for text in ["", "{", "[]", "null", "{\"reason\":1}", "\u{feff}", "\u{feff}\u{feff}{}"] {
            assert_eq!(parse(text), Err(BadInput::Unreadable), "{text}");
        }
        let id = |length: usize| {
            let text = format!("{{\"session_id\":\"{}\"}}", "x".repeat(length));
            Input::read_from(text.as_bytes(), "SessionEnd").unwrap().session_id
        };
        assert!(id(LONGEST_ID).is_some() && id(LONGEST_ID + 1).is_none());
        let other = r#"{"hook_event_name":"PreToolUse"}"#;
        assert_eq!(parse(other), Err(BadInput::OtherEvent("PreToolUse".to_owned())));
    }
}
