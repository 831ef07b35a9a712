//! Words of a POSIX shell: in the command lines that git runs its filters with, and in those that the user pastes.

/// A text as one word of a POSIX shell.
///
/// ```
/// use keystencil::host::shell::word;
/// assert_eq!(word("/usr/bin/keystencil"), "/usr/bin/keystencil");
/// assert_eq!(word("/it's/a b"), r"'/it'\''s/a b'");
/// assert_eq!([word(""), word("-f")], ["''", "'-f'"]);
/// ```
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
