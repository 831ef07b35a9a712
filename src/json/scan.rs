//! Stepping over JSON text byte by byte, eight at a time where that pays.
//!
//! It owns the questions "where does this token end" and "where does the next one start", for [`super::check`]
//! on unknown text and for everything else on text that was checked. It must never allocate or recurse: depth
//! is a counter here, so hostile nesting costs nothing.

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

/// The first offset from `at` on that is no white space.
#[inline]
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
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

/// The first offset from `at` on that holds a quote or a bracket, in checked text outside of strings.
#[inline]
fn skip_flat(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        // `[ ] { }` are the only bytes outside of strings that become 0x7f when 0x26 is set.
        let bracket = zero_bytes((word | splat(0x26)) ^ splat(0x7f));
        let hit = bracket | zero_bytes(word ^ splat(b'"'));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'[' | b']' | b'{' | b'}')) {
        at += 1;
    }
    at
}

/// The end of the checked number, `true`, `false` or `null` that starts at `at`.
#[inline]
fn scalar_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| byte > b' ' && !matches!(byte, b',' | b']' | b'}')) {
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
    (byte(bytes, at) == b',').then(|| skip_space(bytes, at + 1))
}

/// The first element's start of the checked container that opens at `open`; `None` if it is empty.
#[inline]
pub(super) fn first_element(bytes: &[u8], open: usize) -> Option<usize> {
    let at = skip_space(bytes, open + 1);
    (!matches!(byte(bytes, at), b']' | b'}' | 0)).then_some(at)
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
