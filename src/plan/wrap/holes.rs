//! References of the host's own in a server: `${VAR}`, `{env:VAR}`, `${input:id}`. The host fills them, so what a wrapped
//! server is started with differs there from what a person allowed.

use crate::document::Kind;
use crate::host::servers::may_lead;
use std::ops::Range;

/// How they begin and end.
const WRITTEN: [&str; 3] = ["${", "{env:", "{file:"];
/// Programs whose `-e` sets a variable of a container.
const CONTAINERS: [&str; 4] = ["docker", "podman", "nerdctl", "container"];

/// Why a server with a hole in this place can't be wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHole {
    /// It would choose the program.
    Command,
    /// It would be a part of a program's text.
    Script,
    /// It would choose an option.
    Option,
    /// It would choose where a secret is sent.
    Address,
    /// Where it ends and the secret begins could not be told.
    BesideReference,
}

impl BadHole {
    /// The end of a sentence that begins with the place.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Command => "is a command that the host fills in",
            Self::Script => "is a script that the host fills in",
            Self::Option => "is an option that the host fills in",
            Self::Address => "is an address whose server the host fills in",
            Self::BesideReference => "has a reference of the host beside one of keystencil",
        }
    }
}

/// Where the holes of a text are.
///
/// ```
/// use keystencil::plan::wrap::holes;
/// assert_eq!(holes("a ${X:-${Y}} {env:Z} $5 {x}"), [2..12, 13..20]);
/// ```
#[must_use]
pub fn holes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let opening = WRITTEN.iter().find(|start| rest.starts_with(**start));
        let end = opening.and_then(|start| end(rest, start.len()));
        match end {
            Some(length) => {
                found.push(at..at + length);
                at += length;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

/// Where what begins a text ends, of nested ones the outermost.
fn end(text: &str, start: usize) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, char) in text.char_indices().skip_while(|(at, _)| *at < start) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + char.len_utf8());
        }
    }
    None
}

/// What is wrong with the holes of a command and its arguments: which argument (the command is the first), and why.
pub(super) fn in_command<'w>(words: impl Iterator<Item = &'w str>) -> Option<(usize, BadHole)> {
    let mut program = String::new();
    let mut is_script = false;
    for (at, word) in words.enumerate() {
        let found = holes(word);
        let bad = match at {
            0 => {
                program = name(word);
                (!found.is_empty()).then_some(BadHole::Command)
            }
            _ if found.is_empty() => None,
            _ if is_script => Some(BadHole::Script),
            _ if word.starts_with('-') => Some(BadHole::Option),
            _ => (leads(word, &found, false)).then_some(BadHole::Address),
        };
        if let Some(bad) = bad {
            return Some((at, bad));
        }
        is_script = at > 0 && takes_script(word) && !CONTAINERS.contains(&program.as_str());
    }
    None
}

/// Whether a hole may decide where something is sent: in the scheme, the host or the port of a URL, or anywhere in what is
/// an address by its name and has no scheme.
pub(super) fn in_address(name: &str, text: &str, is_address: bool) -> bool {
    leads(text, &holes(text), is_address || may_lead(name, Kind::String))
}

fn leads(text: &str, holes: &[Range<usize>], is_address: bool) -> bool {
    let Some(first) = holes.first() else { return false };
    match text.find("://") {
        Some(scheme) => {
            let host = scheme + "://".len();
            let end =
                text.get(host..).and_then(|rest| rest.find(['/', '?', '#', '\\'])).map_or(text.len(), |at| host + at);
            first.start < end
        }
        None => is_address,
    }
}

/// `-c`, `-e`, `-lc`, `--eval`, `/c`: the next argument is a program's text.
fn takes_script(option: &str) -> bool {
    let short = option.strip_prefix('-').filter(|letters| letters.len() < 5);
    let short = short.filter(|letters| letters.chars().all(|c| c.is_ascii_alphabetic()));
    short.is_some_and(|letters| letters.ends_with(['c', 'e', 'E']))
        || ["--eval", "--command", "/c", "/k", "eval"].contains(&&*option.to_ascii_lowercase())
        || ["-command", "-encodedcommand"].contains(&&*option.to_ascii_lowercase())
}

fn name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(line: &[&str]) -> Option<(usize, BadHole)> {
        in_command(line.iter().copied())
    }

    #[test]
    fn a_hole_may_be_one_argument_and_decide_nothing_else() {
        assert_eq!(bad(&["npx", "-y", "server", "${FOLDER}", "x-{env:REGION}"]), None);
        assert_eq!(bad(&["docker", "run", "-e", "REGION=${REGION}", "image"]), None);
        assert_eq!(bad(&["npx", "https://example.com/${PATH}"]), None);
        assert_eq!(bad(&["sh", "-c", "echo \"$1\"", "x", "${FOLDER}"]), None);
        assert_eq!(bad(&["${NODE}", "x"]), Some((0, BadHole::Command)));
        assert_eq!(bad(&["sh", "-c", "echo ${X}"]), Some((2, BadHole::Script)));
        assert_eq!(bad(&["bash", "-lc", "echo ${X}"]), Some((2, BadHole::Script)));
        assert_eq!(bad(&["cmd.exe", "/C", "echo {env:X}"]), Some((2, BadHole::Script)));
        assert_eq!(bad(&["node", "--eval", "${X}"]), Some((2, BadHole::Script)));
        assert_eq!(bad(&["npx", "--url=${X}"]), Some((1, BadHole::Option)));
        for address in ["https://${HOST}/x", "${SCHEME}://h/x", "https://h:${PORT}/", "https://a.${input:tld}?x"] {
            assert_eq!(bad(&["npx", address]), Some((1, BadHole::Address)), "{address}");
        }
    }

    #[test]
    fn a_variable_that_is_called_like_an_address_may_have_no_hole_before_its_path() {
        assert!(in_address("BASE_URL", "${BASE_URL}", false) && in_address("X", "https://${H}", false));
        assert!(!in_address("REGION", "${REGION}", false) && !in_address("BASE_URL", "https://h/${V}", false));
        assert!(in_address("url", "${URL}", true) && !in_address("url", "https://h/x", true));
    }
}
