//! What may be shown of a program's standard error: a few lines, without control characters and without anything that
//! is a secret, holds one, or looks like one.

use crate::scan::keylike::{holds_known_beginning, looks_like_key};
use crate::secret::Secret;
use zeroize::Zeroizing;

/// Bytes of standard error that are read at all.
pub(super) const READ: usize = 16 << 10;
/// Lines and characters that are shown.
const LINES: usize = 4;
const CHARS: usize = 300;
/// A value shorter than this could be any word.
const SHORT: usize = 4;
/// A run of this many letters and digits may be a key, whatever is next to it.
const RUN: usize = 16;

const HIDDEN: &str = "[hidden]";

/// The text as it can be in a message. `printed` is what the program had printed on standard output.
pub(super) fn shown(stderr: &[u8], printed: &[u8], known: &[&Secret]) -> String {
    // Wiped, because it may hold a secret until that is hidden.
    let mut text = Zeroizing::new(String::from_utf8_lossy(stderr).into_owned());
    let printed = Zeroizing::new(String::from_utf8_lossy(printed).into_owned());
    let values = known.iter().map(|secret| secret.expose()).chain([printed.as_str()]);
    // A value may be there line by line; the longest first, so that no part of one is left over.
    let mut pieces: Vec<&str> = values.flat_map(|value| value.lines().chain([value])).map(str::trim).collect();
    pieces.retain(|piece| piece.len() >= SHORT);
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    for piece in pieces {
        text = Zeroizing::new(text.replace(piece, HIDDEN));
    }
    let lines = text.lines().map(plain).filter(|line| !line.is_empty()).map(|line| masked(&line));
    let mut shown = lines.take(LINES).collect::<Vec<_>>().join(" / ");
    if let Some((end, _)) = shown.char_indices().nth(CHARS) {
        shown.truncate(end);
        shown.push('\u{2026}');
    }
    shown
}

/// A line without escape sequences and without what doesn't show.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // A control sequence ends with its first letter (ECMA-48, 5.4).
            while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {}
        } else if char == '\t' {
            plain.push(' ');
        } else if !char.is_control() && !is_invisible(char) {
            plain.push(char);
        }
    }
    plain.trim().to_owned()
}

fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(char, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// A line with what looks like a key hidden, or hidden itself if no word of it does but the whole.
fn masked(line: &str) -> String {
    let mask = |word: &str| if looks_like_key(word) { HIDDEN.to_owned() } else { without_runs(word) };
    let line = line.split(' ').map(mask).collect::<Vec<_>>().join(" ");
    if looks_like_key(&line) { HIDDEN.to_owned() } else { line }
}

/// A word with every run in it hidden that may be a key. A path with a digit goes too: of another program's message too
/// little may be shown, and never too much.
fn without_runs(word: &str) -> String {
    let is_inside = |char: char| char.is_ascii_alphanumeric() || "_-./+=".contains(char);
    let mut shown = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(char) = rest.chars().next() {
        let (run, after) = rest.split_at(rest.find(|char| !is_inside(char)).unwrap_or(rest.len()));
        if run.is_empty() {
            shown.push(char);
            rest = rest.get(char.len_utf8()..).unwrap_or_default();
        } else {
            shown.push_str(if may_be_key(run) { HIDDEN } else { run });
            rest = after;
        }
    }
    shown
}

fn may_be_key(run: &str) -> bool {
    let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
    let is_mixed = has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit);
    run.len() >= RUN && (is_mixed || holds_known_beginning(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_in_the_middle_of_a_word_too() {
        assert_eq!(shown(b"no SECRETleak_sk-abcdefghijklmnopqrstuvwx!", b"", &[]), "no [hidden]!");
        assert_eq!(shown(b"got `q7Zk2Xv9/Lw3R+8Yb=`: no", b"", &[]), "got `[hidden]`: no");
        assert_eq!(shown(b"configuration-of-this-program missing", b"", &[]), "configuration-of-this-program missing");
    }

    #[test]
    fn a_value_is_hidden_wherever_it_stands_and_so_is_what_looks_like_one() {
        let secret = Secret::new("hunter2 and\nmore".to_owned());
        let text = "no `hunter2 and`\nmore said ghp_abcdefghijklmnop0123456789\n";
        assert_eq!(shown(text.as_bytes(), b"", &[&secret]), "no `[hidden]` / [hidden] said [hidden]");
        assert_eq!(shown(b"Authorization: Bearer abcdefghijkl", b"", &[]), "[hidden]");
        assert_eq!(shown(b"half of it: corr", b"correct", &[]), "half of it: corr");
        assert_eq!(shown(b"all of it: correct", b"correct\n", &[]), "all of it: [hidden]");
    }

    #[test]
    fn nothing_of_it_moves_the_cursor_and_it_is_short() {
        assert_eq!(shown(b"\x1b[31mError\x1b[0m\x07: \tno\r\n\n\nentry\xff", b"", &[]), "Error:  no / entry\u{fffd}");
        assert_eq!(shown("\u{202e}a\u{200b}".as_bytes(), b"", &[]), "a");
        assert_eq!(shown("e ".repeat(1000).as_bytes(), b"", &[]).chars().count(), CHARS + 1);
        assert_eq!(shown(b"1\n2\n3\n4\n5\n6", b"", &[]), "1 / 2 / 3 / 4");
    }
}
