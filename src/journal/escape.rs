//! Finds secrets in a piece of JSON text at every depth of escaping: as written, unescaped once, twice, three times.
//!
//! Three is what it takes for a secret inside JSON in a string in JSON in a string.
//! Asked by [`crate::journal::undo()`]; must never fail on malformed escapes, since copies may be torn.

use crate::document::escape::Escape;
use crate::document::string;
use crate::journal::fingerprint::Finder;
use std::borrow::Cow;
use std::ops::Range;

/// How often a text is unescaped in search of a secret.
const DEPTH: usize = 3;

/// An occurrence: where in the text as written, how often it is escaped there, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence<T> {
    /// Byte offsets into the text as written.
    pub range: Range<usize>,
    /// 0: as it is; n: escaped n times.
    pub depth: usize,
    /// What the finder calls it.
    pub name: T,
}

/// All occurrences in `text`, in order and disjoint; one that is found at several depths counts for the least.
pub fn occurrences<T: Copy>(finder: &Finder<'_, T>, text: &[u8]) -> Vec<Occurrence<T>> {
    let mut all: Vec<Occurrence<T>> = Vec::new();
    if finder.is_empty() {
        return all;
    }
    let mut layers: Vec<Cow<'_, [u8]>> = vec![Cow::Borrowed(text)];
    for depth in 0..=DEPTH {
        let Some(layer) = layers.get(depth) else { break };
        let mut offsets = Vec::new();
        let mut names = Vec::new();
        finder.scan(layer, |range, name| {
            offsets.extend([range.start, range.end]);
            names.push(name);
        });
        if !offsets.is_empty() {
            for outer in layers.iter().take(depth).rev() {
                offsets = offsets_before(outer, &offsets);
            }
            for (pair, name) in offsets.chunks_exact(2).zip(names) {
                let [start, end] = *pair else { continue };
                if !all.iter().any(|known| known.range.start < end && start < known.range.end) {
                    all.push(Occurrence { range: start..end, depth, name });
                }
            }
        }
        if depth == DEPTH || memchr::memchr(b'\\', layer).is_none() {
            break;
        }
        let next = unescape(layer);
        layers.push(Cow::Owned(next));
    }
    all.sort_by_key(|occurrence| occurrence.range.start);
    all
}

/// Whether a secret may be in `text`, as written or escaped; a "no" is certain. One pass at memory speed where
/// nothing is escaped, so it is worth asking before a text is taken apart string by string.
///
/// Escapes are looked at line by line: a string of JSON has no line end in it that is not escaped itself, and neither
/// has an escape.
pub fn may_hold<T: Copy>(finder: &Finder<'_, T>, text: &[u8]) -> bool {
    if finder.is_empty() {
        return false;
    }
    if finder.finds(text) {
        return true;
    }
    let (mut layer, mut next) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, after) = rest.split_at(at);
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let end = at + memchr::memchr(b'\n', after).unwrap_or(after.len());
        unescape_into(rest.get(start..end).unwrap_or_default(), &mut layer);
        for depth in 1..=DEPTH {
            if finder.finds(&layer) {
                return true;
            }
            if depth == DEPTH || memchr::memchr(b'\\', &layer).is_none() {
                break;
            }
            unescape_into(&layer, &mut next);
            std::mem::swap(&mut layer, &mut next);
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    false
}

/// Escapes a text `depth` times, so that it means itself where an occurrence of that depth was.
#[must_use]
pub fn escape(text: &str, depth: usize) -> String {
    let mut text = text.to_owned();
    for _ in 0..depth {
        let quoted = string::encode(&text);
        text = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    }
    text
}

/// A piece of escaped text: a run that stands for itself, or an escape.
enum Piece<'t> {
    Plain(&'t [u8]),
    Escape { written: usize, character: char },
}

/// Walks escaped text piece by piece.
fn walk<'t>(text: &'t [u8], mut visit: impl FnMut(Piece<'t>)) {
    let mut rest = text;
    loop {
        let run = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        let (literal, tail) = rest.split_at(run);
        visit(Piece::Plain(literal));
        if tail.is_empty() {
            return;
        }
        let escape = Escape::at(tail);
        let taken = match escape.and_then(|escape| Some((escape.length, escape.character()?))) {
            Some((written, character)) => {
                visit(Piece::Escape { written, character });
                written
            }
            None => {
                visit(Piece::Plain(tail.get(..1).unwrap_or_default()));
                1
            }
        };
        rest = tail.get(taken..).unwrap_or_default();
    }
}

/// Unescapes what is well-formed and leaves the rest (a lone surrogate, a torn escape) as written.
#[must_use]
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    unescape_into(text, &mut out);
    out
}

/// The same into a buffer that is used again and again.
fn unescape_into(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    walk(text, |piece| match piece {
        Piece::Plain(run) => out.extend_from_slice(run),
        Piece::Escape { character, .. } => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    });
}

/// Where the bytes at `offsets` (sorted) of the unescaped text are in `text`. Walked a second time, and only when
/// something was found, because a map of every byte would cost several times the text.
fn offsets_before(text: &[u8], offsets: &[usize]) -> Vec<usize> {
    let mut found = Vec::with_capacity(offsets.len());
    let mut wanted = offsets.iter().copied().peekable();
    let (mut at, mut out_at) = (0, 0);
    // At the end of a piece every pending offset before it is known; one inside a character maps to its start.
    walk(text, |piece| {
        let (written, decoded, exact) = match piece {
            Piece::Plain(run) => (run.len(), run.len(), true),
            Piece::Escape { written, character } => (written, character.len_utf8(), false),
        };
        while let Some(offset) = wanted.next_if(|offset| *offset < out_at + decoded) {
            found.push(if exact { at + (offset - out_at) } else { at });
        }
        at += written;
        out_at += decoded;
    });
    found.extend(wanted.map(|_| text.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fingerprint::Key;

    fn find(secret: &str, text: &str) -> Vec<(Range<usize>, usize)> {
        let key = Key::new([9; 32]);
        let print = key.print(secret);
        let finder = Finder::new(&key, [(&print, ())]);
        occurrences(&finder, text.as_bytes()).into_iter().map(|found| (found.range, found.depth)).collect()
    }

    fn suspects(secret: &str, text: &str) -> bool {
        let key = Key::new([9; 32]);
        let print = key.print(secret);
        may_hold(&Finder::new(&key, [(&print, ())]), text.as_bytes())
    }

    #[test]
    fn a_secret_behind_lines_with_and_without_escapes_is_suspected() {
        let text = "{\n  \"a\": \"x\\ny\",\n  \"b\": 1,\n  \"c\": \"abc\\/defgh\"\n}";
        assert!(suspects("abc/defgh", text) && !suspects("abc/defghi", text));
    }

    #[test]
    fn a_secret_is_found_as_written_and_escaped_once_twice_and_three_times() {
        let secret = "p\"a\\ss\nwörd";
        for depth in 0..=3 {
            let text = format!("x {} y", escape(secret, depth));
            let inner = 2..text.len() - 2;
            assert_eq!(find(secret, &text), [(inner, depth)], "{text}");
            assert!(suspects(secret, &text) && !suspects("something else", &text), "{text}");
        }
    }

    #[test]
    fn any_notation_of_a_character_is_seen_through() {
        assert_eq!(find("abc/defgh", r"\u0061bc\/defgh!"), [(0..15, 1)]);
        assert!(suspects("abc/defgh", r"\u0061bc\/defgh!"));
        assert_eq!(find("key-😀-long", r"key-\ud83d\ude00-long"), [(0..21, 1)]);
    }

    #[test]
    fn torn_and_lone_escapes_are_left_alone() {
        for text in ["\\", "\\u12", "\\ud800 abcdefgh", "\\u+123", "\\x"] {
            assert_eq!(unescape(text.as_bytes()), text.as_bytes());
        }
        assert_eq!(find("abcdefgh", "\\ud800 abcdefgh\\"), [(7..15, 0)]);
    }
}
