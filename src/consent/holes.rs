//! References of the host's own in a server: `${VAR}`, `{env:VAR}`, `${input:id}`. The host fills them, so what a
//! server is started with differs there from what the user allowed.
//!
//! The one place that says where they are and where they would decide what is started or reached. Asked by
//! [`super::record`] about what it keeps, and by [`crate::plan::wrap`] before a server is written so. What a host
//! writes in another way is put into this one first, by [`HostReferences`](crate::host::servers::HostReferences).

use super::steering::steers;
use crate::document::Kind;
use crate::host::servers::may_lead;
use crate::template::parse_parts;
use std::ops::Range;

/// How they begin and end.
const WRITTEN: [&str; 3] = ["${", "{env:", "{file:"];
/// Programs whose `-e` sets a variable of a container.
const CONTAINERS: [&str; 4] = ["docker", "podman", "nerdctl", "container"];

/// Programs whose `-p` is a program's text.
const EVALUATING: [&str; 4] = ["node", "nodejs", "bun", "deno"];

/// Why a server with a hole in this place can't be delivered without a file.
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
    /// It would steer the program.
    Steering,
    /// Nobody could tell where it ends and the secret begins.
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
            Self::Steering => "is a variable that steers programs, and the host fills it in",
            Self::BesideReference => "has a reference of the host beside one of keystencil",
        }
    }
}

/// Where the holes of a text are.
///
/// ```
/// use keystencil::consent::holes::holes;
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

/// What is wrong with the holes of a command and its arguments: which word (the command is the first), and why.
#[must_use]
pub fn in_command<'w>(words: impl Iterator<Item = &'w str>) -> Option<(usize, BadHole)> {
    let mut program = String::new();
    let mut before = "";
    for (at, word) in words.enumerate() {
        let found = holes(word);
        let bad = match at {
            0 => {
                program = name(word);
                (!found.is_empty()).then_some(BadHole::Command)
            }
            _ if found.is_empty() => None,
            _ if is_beside_reference(word) => Some(BadHole::BesideReference),
            _ => match variable_of_container(&program, before, word) {
                Some((name, text)) => in_variable(name, text),
                None if takes_script(&program, before) => Some(BadHole::Script),
                None if word.starts_with('-') => Some(BadHole::Option),
                None => leads(word, &found, false).then_some(BadHole::Address),
            },
        };
        if let Some(bad) = bad {
            return Some((at, bad));
        }
        before = if at == 0 { "" } else { word };
    }
    None
}

/// What is wrong with the holes in the text of a variable.
#[must_use]
pub fn in_variable(name: &str, text: &str) -> Option<BadHole> {
    if is_beside_reference(text) {
        return Some(BadHole::BesideReference);
    }
    let found = holes(text);
    if leads(text, &found, may_lead(name, Kind::String)) {
        return Some(BadHole::Address);
    }
    // What steers a program is compared to the last byte.
    (!found.is_empty() && steers(name)).then_some(BadHole::Steering)
}

/// What is wrong with the holes of the URL that a server is reached at: they may be in its path, and after it.
#[must_use]
pub fn in_url(url: &str) -> Option<BadHole> {
    leads(url, &holes(url), true).then_some(BadHole::Address)
}

/// Whether a text has a reference of the host and one of keystencil.
fn is_beside_reference(text: &str) -> bool {
    !holes(text).is_empty() && parse_parts(text).is_some()
}

/// Whether a hole may decide where something is sent: in the scheme, the host or the port of a URL, or anywhere in what
/// is an address and has no scheme.
fn leads(text: &str, holes: &[Range<usize>], is_address: bool) -> bool {
    let begins = path_begins(text).unwrap_or(if is_address { text.len() } else { 0 });
    holes.first().is_some_and(|first| first.start < begins)
}

/// Where the part of a URL begins in which the host may put something: the path.
fn path_begins(url: &str) -> Option<usize> {
    let begin = url.find("://")? + "://".len();
    let authority = url.get(begin..)?;
    Some(begin + authority.find(['/', '?', '#', '\\']).unwrap_or(authority.len()))
}

/// `docker run -e NAME=text`.
fn variable_of_container<'w>(program: &str, option: &str, word: &'w str) -> Option<(&'w str, &'w str)> {
    let (name, text) = word.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (CONTAINERS.contains(&program) && ["-e", "--env"].contains(&option) && is_name).then_some((name, text))
}

/// `-c`, `-e`, `-lc`, `--eval`, `/c`: the next argument is a program's text.
fn takes_script(program: &str, option: &str) -> bool {
    let short = option.strip_prefix('-').filter(|letters| letters.len() < 5);
    let short = short.filter(|letters| letters.chars().all(|c| c.is_ascii_alphabetic()));
    let ends: &[char] = if EVALUATING.contains(&program) { &['c', 'e', 'E', 'p'] } else { &['c', 'e', 'E'] };
    let long = option.to_ascii_lowercase();
    short.is_some_and(|letters| letters.ends_with(ends))
        || ["--eval", "--exec", "--print", "--command", "-command", "-encodedcommand", "/c", "/k", "eval"]
            .contains(&long.as_str())
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
        assert_eq!(bad(&["docker", "run", "-e", "REGION=${REGION}", "-p", "${PORT}:80", "image"]), None);
        assert_eq!(bad(&["docker", "run", "-e", "NODE_OPTIONS=${X}", "image"]), Some((3, BadHole::Steering)));
        assert_eq!(bad(&["docker", "exec", "x", "sh", "-c", "${X}"]), Some((5, BadHole::Script)));
        assert_eq!(bad(&["docker", "run", "image", "-e", "${X}"]), Some((4, BadHole::Script)));
        assert_eq!(bad(&["node", "-p", "${X}"]), Some((2, BadHole::Script)));
        assert_eq!(bad(&["npx", "<< keyring('a') >> ${X}"]), Some((1, BadHole::BesideReference)));
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
        for (name, text) in [("BASE_URL", "${BASE_URL}"), ("X", "https://${H}")] {
            assert_eq!(in_variable(name, text), Some(BadHole::Address), "{name}");
        }
        for (name, text) in [("REGION", "${REGION}"), ("BASE_URL", "https://h/${V}"), ("NODE_OPTIONS", "plain")] {
            assert_eq!(in_variable(name, text), None, "{name}");
        }
        assert_eq!(in_variable("NODE_OPTIONS", "{env:X}"), Some(BadHole::Steering));
        assert_eq!(in_variable("K", "${X}<< keyring('a') >>"), Some(BadHole::BesideReference));
        assert_eq!(in_url("${URL}"), Some(BadHole::Address));
        assert_eq!(in_url("https://h/${TENANT}/x?y=${Z}"), None);
    }
}
