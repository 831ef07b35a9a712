//! The lines that give files our filter, in a `.gitattributes` or an `info/attributes`: how one is written, put in, and
//! taken out again. Texts go in and come out.

use std::fmt::Write as _;
use std::path::Path;

/// What follows the pattern in each of our lines, and tells them from everybody else's.
const OURS: &str = " filter=keystencil diff=keystencil";
/// What a file that we made begins with; it goes when the last of our lines goes.
const HEAD: &str = "# keystencil: a rendered file is committed with its placeholders, never with its keys";

/// The line for one file, by its name from the top of the work tree.
///
/// ```
/// use keystencil::host::git::attributes::line;
/// assert_eq!(line("a/claude.json".as_ref()), "/a/claude.json filter=keystencil diff=keystencil");
/// assert_eq!(line("a b*.json".as_ref()), "\"/a b\\\\*.json\" filter=keystencil diff=keystencil");
/// ```
#[must_use]
pub fn line(name: &Path) -> String {
    format!("{}{OURS}", pattern(name, ""))
}

/// The line for every file whose name begins so.
#[must_use]
pub fn line_for_all(prefix: &Path) -> String {
    format!("{}{OURS}", pattern(prefix, "*"))
}

/// A file of attributes that gives every file a filter, and then says what another file says: what comes later wins.
#[must_use]
pub fn all_but(filter: &str, theirs: &[u8]) -> Vec<u8> {
    let head = "# keystencil: made while a secret is in a file; what follows this line is your own global file";
    [format!("{head}\n* filter={filter}\n").as_bytes(), theirs].concat()
}

/// The text with those lines that it lacks; `None` if it has them all.
#[must_use]
pub fn add(text: Option<&[u8]>, lines: &[String]) -> Option<Vec<u8>> {
    let (mut out, lacking) = match text {
        Some(text) => {
            (text.to_vec(), lines.iter().filter(|line| !lines_of(text).any(|own| own == line.as_bytes())).collect())
        }
        None => (format!("{HEAD}\n").into_bytes(), lines.iter().collect::<Vec<_>>()),
    };
    if lacking.is_empty() {
        return None;
    }
    let end: &[u8] = if out.windows(2).any(|two| two == b"\r\n") { b"\r\n" } else { b"\n" };
    // A last line without an end stays one, so that taking ours out gives the same bytes.
    let is_ended = out.is_empty() || out.ends_with(b"\n");
    for line in lacking {
        let (before, after) = if is_ended { (&b""[..], end) } else { (end, &b""[..]) };
        out.extend([before, line.as_bytes(), after].concat());
    }
    Some(out)
}

/// What is left without our lines; `None` if there are none. A file that was ours alone is left empty.
#[must_use]
pub fn remove(text: &[u8]) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut removed = false;
    for piece in text.split_inclusive(|byte| *byte == b'\n') {
        if !trimmed(piece).ends_with(OURS.as_bytes()) {
            out.extend(piece);
            continue;
        }
        removed = true;
        if !piece.ends_with(b"\n") {
            // It was put after a last line without an end.
            let rest = out.strip_suffix(b"\n").unwrap_or(&out);
            let rest = rest.strip_suffix(b"\r").unwrap_or(rest).len();
            out.truncate(rest);
        }
    }
    if !removed {
        return None;
    }
    if trimmed(&out) == HEAD.as_bytes() {
        out.clear();
    }
    Some(out)
}

/// Whether a text that [`remove`] left empty was a file that [`add`] made.
#[must_use]
pub fn is_ours_alone(text: &[u8]) -> bool {
    text.starts_with(HEAD.as_bytes()) && remove(text).is_some_and(|rest| rest.is_empty())
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(trimmed)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A pattern that means this name and no other: anchored, its wildcards escaped, in quotes where it must be.
fn pattern(name: &Path, ending: &str) -> String {
    let mut pattern = vec![b'/'];
    for byte in name.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => pattern.push(b'/'),
            b'*' | b'?' | b'[' | b'\\' => pattern.extend([b'\\', *byte]),
            _ => pattern.push(*byte),
        }
    }
    pattern.extend(ending.as_bytes());
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'"';
    if pattern.iter().all(is_plain) {
        return String::from_utf8_lossy(&pattern).into_owned();
    }
    let mut quoted = String::from("\"");
    for byte in pattern {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => {
                let _: std::fmt::Result = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_in_once_and_taken_out_to_the_same_bytes() {
        let lines = [line("a.json".as_ref()), line_for_all("b c.".as_ref())];
        for text in ["", "\n", "*.txt text", "*.txt text\n", "# x\r\n*.txt text\r\n", "a\r\nb", "\u{e9} text\n\n"] {
            let added = add(Some(text.as_bytes()), &lines).unwrap();
            assert_eq!(add(Some(&added), &lines), None, "{text:?}");
            assert_eq!(remove(&added).unwrap(), text.as_bytes(), "{text:?}");
            assert!(!is_ours_alone(&added));
        }
        assert_eq!(remove(b"* filter=keystencil\n"), None);
    }

    #[test]
    fn a_file_of_ours_alone_is_known_as_such() {
        let made = add(None, &[line("a.json".as_ref())]).unwrap();
        assert!(is_ours_alone(&made));
        assert_eq!(remove(&made).unwrap(), b"");
        assert!(!is_ours_alone(&[made, b"*.x text\n".to_vec()].concat()));
    }
}
