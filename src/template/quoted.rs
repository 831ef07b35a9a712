//! JSON strings seen from inside, before the text is JSON: where one ends, and what its escapes stand for.

use crate::document::escape::Escape;

/// How far the end of an expression in a JSON string is looked for.
pub(crate) const MAX_IN_STRING: usize = 4 << 10;

/// Where the bytes of a lexed text are in the file.
pub(crate) enum Offsets {
    /// The text is the file.
    Same,
    /// One entry for each byte and one for the end.
    Each(Vec<usize>),
}

impl Offsets {
    /// The offset in the file.
    pub(crate) fn original(&self, offset: usize) -> usize {
        match self {
            Self::Same => offset,
            Self::Each(offsets) => offsets.get(offset).or(offsets.last()).copied().unwrap_or_default(),
        }
    }
}

/// The last boundary of characters up to an offset.
pub(crate) fn boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The offset of the quote or line break that ends the JSON string `text` is the rest of, if it is near.
pub(crate) fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let near = boundary(text, MAX_IN_STRING);
    for (at, byte) in text.bytes().enumerate().take(near) {
        match byte {
            b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    near
}

/// Whether a JSON string is open after `text`, if one was (or not) before it.
pub(crate) fn ends_in_string(text: &str, mut in_string: bool) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            b'\n' => in_string = false,
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    in_string
}

/// Undoes JSON escapes, as far as they are sound; `from` is where `text` starts in the file.
pub(crate) fn unescape(text: &str, from: usize) -> (String, Offsets) {
    let mut plain = String::with_capacity(text.len());
    let mut offsets = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let escape = Escape::at(text.as_bytes().get(at..).unwrap_or_default());
        let escape = escape.and_then(|escape| Some((escape.character()?, escape.length)));
        let (char, length) = escape.unwrap_or((first, first.len_utf8()));
        plain.push(char);
        offsets.resize(plain.len(), from + at);
        at += length;
    }
    offsets.push(from + text.len());
    (plain, Offsets::Each(offsets))
}
