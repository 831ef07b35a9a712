//! A command for the user to type: the one way in which a message puts a path or a name into one.
//!
//! Whatever the path or the name is made of, a POSIX shell and then the program get back that very value: words are
//! quoted, and what begins with a dash is not taken for an option. A test in `hints.rs` checks that no message is put
//! together in another way, and that the command line takes each verb and option named here.

use super::report::text::is_hostile;
use crate::host::shell::word;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

/// A command for the user to type; `Display` is the line, without backticks.
pub(super) struct Typed {
    line: String,
    ends_options: bool,
}

impl Typed {
    /// A verb of ours, with options that take no value.
    pub(super) fn ours(verb: &str) -> Self {
        Self::other(&format!("keystencil {verb}"))
    }

    /// Another program, with what never needs quotes.
    pub(super) fn other(call: &str) -> Self {
        Self { line: call.to_owned(), ends_options: false }
    }

    /// An option with its value, which may begin with a dash only after `=`. Options come before operands.
    pub(super) fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        let separator = if is_dashed(value) { '=' } else { ' ' };
        self.line.extend([" ", name]);
        self.line.push(separator);
        self.line.push_str(&shell_word(value));
        self
    }

    /// An operand: a name, say.
    pub(super) fn operand(mut self, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        if is_dashed(value) && !std::mem::replace(&mut self.ends_options, true) {
            self.line.push_str(" --");
        }
        self.line.push(' ');
        self.line.push_str(&shell_word(value));
        self
    }

    /// The verb of another program, behind that program's options.
    pub(super) fn then(mut self, verb: &str) -> Self {
        self.line.extend([" ", verb]);
        self
    }

    /// A file or a folder as an operand.
    pub(super) fn file(mut self, path: &Path) -> Self {
        let folder = if is_dashed(path.as_os_str()) { Path::new(".") } else { Path::new("") };
        self.line.push(' ');
        self.line.push_str(&shell_word(folder.join(path).as_os_str()));
        self
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

fn is_dashed(value: &OsStr) -> bool {
    value.as_encoded_bytes().first() == Some(&b'-')
}

/// One word. What a terminal would not show as it is, and bytes that are no text, are octal escapes in `$'…'`, which
/// POSIX has since 2024, and bash, ksh and zsh for decades.
fn shell_word(value: &OsStr) -> String {
    if let Some(text) = value.to_str().filter(|text| !text.contains(is_hostile)) {
        return word(text);
    }
    let mut quoted = String::from("$'");
    for chunk in value.as_encoded_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => quoted.extend(['\\', character]),
                _ if is_hostile(character) => octal(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut quoted),
                _ => quoted.push(character),
            }
        }
        octal(chunk.invalid(), &mut quoted);
    }
    quoted + "'"
}

fn octal(bytes: &[u8], into: &mut String) {
    into.extend(bytes.iter().map(|byte| format!("\\{byte:03o}")));
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::Typed;
    use crate::cli::args::Cli;
    use clap::Parser as _;
    use proptest::prelude::*;
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    use std::path::Path;
    use std::process::Command;

    /// The words that a shell makes of a line.
    fn split(shell: &str, line: &str) -> Vec<OsString> {
        let said = Command::new(shell).arg("-c").arg(format!("printf '%s\\0' {line}")).output().unwrap();
        assert!(said.status.success() && said.stderr.is_empty(), "{line}: {said:?}");
        let mut words: Vec<_> =
            said.stdout.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
        words.pop();
        words
    }

    fn parsed(shell: &str, command: &Typed) -> String {
        let words = split(shell, &command.to_string());
        format!("{:?}", Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}")))
    }

    /// Names with what shells, patterns and parsers of options read as theirs.
    fn names() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "-", "--", "--to", "'", "\"", "\\", "`", "$", "$(id)", "*", "?", "[a]", "!", "#", "~", " ", ";",
                    "&", "|", "<", ">", "(", "{a,b}", "=", "%s", "\u{e9}", "a", "b/c",
                ])
                .prop_map(str::to_owned),
            ],
            1..6,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_path_or_a_name_is_the_same_again_behind_the_shell_and_the_command_line(name in names()) {
            let holds = |command: Typed, values: &[&Path]| {
                let said = parsed("sh", &command);
                assert!(values.iter().any(|value| said.contains(&format!("{value:?}"))), "{command}: {said}");
            };
            let path = Path::new(&name);
            holds(Typed::ours("allow").operand(&name), &[path]);
            holds(Typed::ours("allow").operand("x").operand(&name), &[path]);
            holds(Typed::ours("absorb").option("--only", &name), &[path]);
            holds(Typed::ours("unrender --all").option("--to", path), &[path]);
            holds(Typed::ours("import").file(path), &[path, &Path::new(".").join(path)]);
        }
    }

    #[test]
    #[cfg_attr(not(feature = "system-tests"), ignore = "needs bash")]
    fn bytes_that_are_no_text_and_what_no_terminal_shows_are_the_same_again_in_bash() {
        let name = OsStr::from_bytes(b"/a\n\x1b[31m'\\\xff\xe2\x80\xaez 0");
        let line = Typed::other("x").operand(name).to_string();
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert_eq!(split("bash", &line), [OsStr::new("x"), name]);
    }
}
