//! Stepping over JSON text byte by byte, eight at a time where that pays.
//!
//! It owns the questions "where does this token end" and "where does the next one start", for [`super::check`]
//! on unknown text and for everything else on text that was checked. It must never allocate or recurse: depth
//! is a counter here, so hostile nesting costs nothing.

use std::borrow::Cow;
use std::ops::Range;

/// Repeats a byte over a word.
const fn splat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// High bits set at (at least the first of) the zero bytes of a word.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(splat(0x01)) & !word & splat(0x80)
}

/// The byte at an offset; NUL, which no JSON text holds outside of faults, past the end.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Eight bytes as a word whose lowest byte comes first; `None` near the end.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The first offset from `at` on that is neither white space nor, in text that was checked as JSON with comments, a comment.
#[inline]
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at = skip_blank(bytes, at);
        match comment_end(bytes, at) {
            Some(end) => at = end,
            None => return at,
        }
    }
}

/// The end of the comment that starts at `at`, if one does that is closed: a line's without its line end.
#[inline]
pub(super) fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    if byte(bytes, at) != b'/' {
        return None;
    }
    let inside = bytes.get(at + 2..).unwrap_or_default();
    match byte(bytes, at + 1) {
        b'/' => Some(memchr::memchr2(b'\n', b'\r', inside).map_or(bytes.len(), |length| at + 2 + length)),
        b'*' => memchr::memmem::find(inside, b"*/").map(|length| at + 2 + length + 2),
        _ => None,
    }
}

/// The first offset from `at` on that is no white space.
#[inline]
pub(super) fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match byte(bytes, at) {
            b' ' | b'\n' | b'\t' | b'\r' => at += 1,
            _ => return at,
        }
        // Indentation comes in long runs of spaces.
        while word(bytes, at) == Some(splat(b' ')) {
            at += 8;
        }
    }
}

/// The first offset from `at` on that holds `"`, `\` or a control character; the end if there is none.
#[inline]
pub(super) fn skip_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let control = word.wrapping_sub(splat(0x20)) & !word & splat(0x80);
        let hit = zero_bytes(word ^ splat(b'"')) | zero_bytes(word ^ splat(b'\\')) | control;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// The end of the checked string token that starts at `at`, its closing quote included.
#[inline]
pub(super) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = skip_plain(bytes, at);
        match byte(bytes, at) {
            b'\\' => at += 2,
            _ => return (at + 1).min(bytes.len()),
        }
    }
}

/// The first offset from `at` on that holds a quote, a bracket or a comment, in checked text outside of strings.
#[inline]
fn skip_flat(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        // `[ ] { }` are the only bytes outside of strings that become 0x7f when 0x26 is set.
        let bracket = zero_bytes((word | splat(0x26)) ^ splat(0x7f));
        let hit = bracket | zero_bytes(word ^ splat(b'"')) | zero_bytes(word ^ splat(b'/'));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'[' | b']' | b'{' | b'}' | b'/')) {
        at += 1;
    }
    at
}

/// The end of the checked number, `true`, `false` or `null` that starts at `at`.
#[inline]
fn scalar_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| byte > b' ' && !matches!(byte, b',' | b']' | b'}' | b'/')) {
        at += 1;
    }
    at
}

/// The end of the rest of a checked container, its own bracket included, from a place directly inside it.
#[inline]
pub(super) fn rest_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 1usize;
    loop {
        at = skip_flat(bytes, at);
        match byte(bytes, at) {
            b'"' => at = string_end(bytes, at),
            b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b'/' => at = comment_end(bytes, at).unwrap_or(at + 1),
            0 => return bytes.len(),
            _ => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
        }
    }
}

/// The end of the checked value that starts at `at`.
#[inline]
pub(super) fn value_end(bytes: &[u8], at: usize) -> usize {
    match byte(bytes, at) {
        b'"' => string_end(bytes, at),
        b'[' | b'{' => rest_end(bytes, at + 1),
        _ => scalar_end(bytes, at),
    }
}

/// Of a checked member whose key ends at `key_end`: where its value starts.
#[inline]
pub(super) fn member_value(bytes: &[u8], key_end: usize) -> usize {
    skip_space(bytes, skip_space(bytes, key_end) + 1)
}

/// The next element's start after the value that ends at `end`; `None` if the container closes there.
#[inline]
pub(super) fn next_element(bytes: &[u8], end: usize) -> Option<usize> {
    let at = skip_space(bytes, end);
    if byte(bytes, at) != b',' {
        return None;
    }
    // Only where comments are allowed is a comma in front of a closing bracket.
    Some(skip_space(bytes, at + 1)).filter(|&next| !matches!(byte(bytes, next), b']' | b'}'))
}

/// The closing bracket of the checked container whose last element ends at `end`.
#[inline]
pub(super) fn closing(bytes: &[u8], end: usize) -> usize {
    let at = skip_space(bytes, end);
    if byte(bytes, at) == b',' { skip_space(bytes, at + 1) } else { at }
}

/// The first element's start of the checked container that opens at `open`; `None` if it is empty.
#[inline]
pub(super) fn first_element(bytes: &[u8], open: usize) -> Option<usize> {
    let at = skip_space(bytes, open + 1);
    (!matches!(byte(bytes, at), b']' | b'}' | 0)).then_some(at)
}

/// A checked value without its comments and trailing commas.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    // Up to where the text was copied.
    let (mut done, mut at) = (0, 0);
    while at < bytes.len() {
        let gone = match byte(bytes, at) {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b',' if matches!(byte(bytes, skip_space(bytes, at + 1)), b']' | b'}') => at + 1,
            _ => comment_end(bytes, at).unwrap_or(at),
        };
        if gone > at {
            out.push_str(text.get(done..at).unwrap_or_default());
            (done, at) = (gone, gone);
        } else {
            at += 1;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where a comma stands in a gap between two tokens, outside of its comments.
pub(super) fn comma(gap: &str) -> Option<usize> {
    let at = skip_space(gap.as_bytes(), 0);
    (byte(gap.as_bytes(), at) == b',').then_some(at)
}

/// The comments of a checked text.
pub(super) fn comments(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + use<'_> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at = skip_flat(bytes, at);
            match byte(bytes, at) {
                b'"' => at = string_end(bytes, at),
                _ if at >= bytes.len() => return None,
                _ => match comment_end(bytes, at) {
                    Some(end) => return Some(std::mem::replace(&mut at, end)..end),
                    None => at += 1,
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_own_quote_at_every_alignment() {
        for pad in 0..20 {
            for inner in ["", "a", r"\\", r#"\""#, r"\u0022", "日本語", r#"\\\""#, "x y z { } [ ]"] {
                let text = format!("{}\"{}{inner}\" , 1", " ".repeat(pad), "é".repeat(pad));
                let end = string_end(text.as_bytes(), pad);
                assert!(text[..end].ends_with('"') && text[end..] == *" , 1", "{text}");
            }
        }
    }

    #[test]
    fn a_value_ends_where_its_brackets_balance() {
        for value in [r#"[]"#, r#"{"a":["]",{"}":"\"]"}]}"#, "12e+4", "true", "[[[[1],2],3],[]]", r#"[ "]" ]"#] {
            for tail in ["", " ", ",", "]", "}", "\n", ",[[[{{{\"longer than one word\""] {
                let text = format!("{value}{tail}");
                assert_eq!(&text[..value_end(text.as_bytes(), 0)], value, "{text}");
            }
        }
    }
}
