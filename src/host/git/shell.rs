//! The shell that git runs its filters with.

use std::path::Path;

/// A path as one word of a POSIX shell.
///
/// ```
/// use keystencil::host::git::word;
/// assert_eq!(word("/usr/bin/keystencil".as_ref()), "/usr/bin/keystencil");
/// assert_eq!(word("/it's/a b".as_ref()), r"'/it'\''s/a b'");
/// ```
#[must_use]
pub fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
