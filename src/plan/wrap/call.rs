//! How keystencil is called in a wrapped server: `run --for TARGET:POINTER [--bare] --` before the command of a server that
//! is started, `headers --for TARGET:POINTER` as the helper of one that is reached.

use crate::document::Pointer;
use std::fmt;
use std::str::FromStr;

/// Which server a call is for: a target of the config, and where the server stands in its file.
///
/// ```
/// use keystencil::plan::wrap::For;
/// let server = For::parse("claude:/mcpServers/github").unwrap();
/// assert_eq!((server.target.as_str(), server.pointer.as_str()), ("claude", "/mcpServers/github"));
/// assert_eq!(server.to_string(), "claude:/mcpServers/github");
/// assert!(["claude", "claude:/", ":/a"].iter().all(|text| For::parse(text).is_none()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For {
    /// The target's name in the config.
    pub target: String,
    /// The server.
    pub pointer: Pointer,
}

impl For {
    /// Reads the value of `--for`; nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = text.find(":/").filter(|at| *at > 0)?;
        let (target, pointer) = text.split_at_checked(at)?;
        let pointer = Pointer::parse(pointer.strip_prefix(':').filter(|pointer| pointer.len() > 1)?).ok()?;
        Some(Self { target: target.to_owned(), pointer })
    }
}

/// A text that names no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a target and a JSON pointer, as in `claude:/mcpServers/github`")]
pub struct NotFor;

impl FromStr for For {
    type Err = NotFor;

    fn from_str(text: &str) -> Result<Self, NotFor> {
        Self::parse(text).ok_or(NotFor)
    }
}

impl fmt::Display for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.target, self.pointer)
    }
}

/// What stands before a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// Which server it is for.
    pub(super) server: For,
    /// Whether the server had no list of arguments.
    pub(super) is_bare: bool,
    /// How many words there are, `--` included.
    pub(super) count: usize,
}

/// The words that come before a command.
pub(super) fn before(server: &For, is_bare: bool) -> Vec<String> {
    let bare = is_bare.then(|| "--bare".to_owned());
    let start = ["run".to_owned(), "--for".to_owned(), server.to_string()];
    start.into_iter().chain(bare).chain(["--".to_owned()]).collect()
}

/// Reads those words back from the start of a list of arguments that has a command behind them.
pub(super) fn read_before<'w>(words: impl Iterator<Item = &'w str>) -> Option<Before> {
    let mut words = words.enumerate();
    words.next().filter(|(_, word)| *word == "run")?;
    let mut server = None;
    let mut is_bare = false;
    loop {
        match words.next()? {
            (at, "--") => {
                words.next()?;
                return Some(Before { server: server?, is_bare, count: at + 1 });
            }
            (_, "--bare") if !is_bare => is_bare = true,
            (_, "--for") if server.is_none() => server = Some(For::parse(words.next()?.1)?),
            (_, word) if server.is_none() => server = Some(For::parse(word.strip_prefix("--for=")?)?),
            _ => return None,
        }
    }
}

/// Whether a path leads to a program of our name.
pub(super) fn is_ours(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name) == "keystencil"
}

/// A helper's command line.
pub(super) fn helper(program: &str, server: &For) -> String {
    [program, "headers", "--for", &server.to_string()].map(word).join(" ")
}

/// Reads it back: the program, and which server it is for.
pub(super) fn read_helper(text: &str) -> Option<(String, For)> {
    let words = split(text)?;
    let [program, verb, option, server] = words.as_slice() else { return None };
    (is_ours(program) && verb == "headers" && option == "--for").then_some(())?;
    Some((program.clone(), For::parse(server)?))
}

/// A text as one word of a POSIX shell: on Windows, Git's `sh` runs the helpers too.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words of a command line that uses nothing of the shell but quotes.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        char => word.push(char),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => word.push(chars.next().filter(|next| "\\\"$`".contains(*next))?),
                        '$' | '`' => return None,
                        char => word.push(char),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            char if "$`|&;<>()*?[#~=%!{}\n\r".contains(char) => return None,
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn server(text: &str) -> For {
        For::parse(text).unwrap()
    }

    #[test]
    fn a_helper_is_read_back_whatever_the_server_and_the_folder_are_called() {
        for name in ["github", "my server", "it's", "a\"b", "$(x)", "é", "a~1b", "-f", "x;y"] {
            for program in ["/usr/bin/keystencil", r"C:\Program Files\keystencil.exe", "/a b/keystencil"] {
                let server = server(&format!("claude:/mcpServers/{name}"));
                let line = helper(program, &server);
                assert_eq!(read_helper(&line), Some((program.to_owned(), server)), "{line}");
            }
        }
    }

    #[test]
    fn what_is_no_call_of_ours_is_no_helper() {
        for line in [
            "",
            "keystencil",
            "keystencil headers --for",
            "keystencil headers --for claude",
            "other headers --for claude:/a/b",
            "keystencil headers --for claude:/a/b; rm x",
            "keystencil headers --for $(x):/a/b",
            "keystencil headers --for 'claude:/a/b",
            "keystencil headers --for claude:/a/b extra",
        ] {
            assert_eq!(read_helper(line), None, "{line}");
        }
        let edited = r#"  "/opt/keystencil"   headers --for "claude:/mcpServers/a b" "#;
        assert_eq!(read_helper(edited), Some(("/opt/keystencil".to_owned(), server("claude:/mcpServers/a b"))));
    }

    #[test]
    fn the_words_before_a_command_are_read_back() {
        for is_bare in [false, true] {
            let server = server("t:/mcp/a");
            let mut words = before(&server, is_bare);
            let count = words.len();
            assert_eq!(read_before(words.iter().map(String::as_str)), None, "there is no command");
            words.extend(["npx", "--", "x"].map(str::to_owned));
            let read = read_before(words.iter().map(String::as_str));
            assert_eq!(read, Some(Before { server, is_bare, count }));
        }
        let read = |line: &str| read_before(line.split(' ')).map(|before| before.count);
        assert_eq!(read("run --bare --for=t:/a/b -- npx"), Some(4));
        for other in ["run -- npx", "run --for t -- npx", "run --for t:/a --for t:/a -- npx", "exec --for t:/a -- npx"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn our_program_is_known_by_its_file_name() {
        for ours in ["keystencil", "/usr/bin/keystencil", r"C:\x\KeyStencil.EXE", "C:/x/keystencil.exe"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["", "/keystencil/npx", "keystencil-dev", "keystencil.sh", "xkeystencil"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
