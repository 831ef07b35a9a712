//! String tokens: decoding with lone surrogates allowed, encoding as `JSON.stringify` does.
//!
//! JSON text may hold half of a surrogate pair (`"\ud800"`), which no Rust string can. Such a token is kept as it
//! stands everywhere; only who wants its text is told that there is none. Comparisons go over code units, in the
//! form of WTF-8 bytes. Nothing here may panic on a token that was not checked.

use super::escape::Escape;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Encodes a string as `JSON.stringify` does, quotes included: only `"`, `\` and control characters are escaped.
///
/// ```
/// use keystencil::document::string::encode;
/// assert_eq!(encode("a\"b\\c\n\u{1}é/\u{2028}"), "\"a\\\"b\\\\c\\n\\u0001é/\u{2028}\"");
/// ```
#[must_use]
pub fn encode(text: &str) -> String {
    let mut token = String::with_capacity(text.len() + 2);
    token.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, special) = rest.split_at(at);
        token.push_str(plain);
        let mut chars = special.chars();
        match chars.next().unwrap_or_default() {
            '"' => token.push_str("\\\""),
            '\\' => token.push_str("\\\\"),
            '\u{8}' => token.push_str("\\b"),
            '\t' => token.push_str("\\t"),
            '\n' => token.push_str("\\n"),
            '\u{c}' => token.push_str("\\f"),
            '\r' => token.push_str("\\r"),
            // Writing to a string cannot fail.
            control => drop(write!(token, "\\u{:04x}", u32::from(control))),
        }
        rest = chars.as_str();
    }
    token.push_str(rest);
    token.push('"');
    token
}

/// Decodes a checked string token (quotes included); `None` if it holds a lone surrogate.
///
/// ```
/// use keystencil::document::string::decode;
/// assert_eq!(decode(r#""\u00e9\ud83d\ude00\/""#).as_deref(), Some("é😀/"));
/// assert_eq!(decode(r#""\ud83d""#), None);
/// ```
#[must_use]
pub fn decode(token: &str) -> Option<Cow<'_, str>> {
    match wtf8(token) {
        Cow::Borrowed(_) => Some(Cow::Borrowed(inner(token))),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// Decodes a checked string token; a lone surrogate becomes U+FFFD, as in `String::from_utf16_lossy`.
///
/// ```
/// use keystencil::document::string::decode_lossy;
/// assert_eq!(decode_lossy(r#""a\ud83d""#), "a\u{fffd}");
/// ```
#[must_use]
pub fn decode_lossy(token: &str) -> Cow<'_, str> {
    decode(token).unwrap_or_else(|| {
        let mut text = String::with_capacity(token.len());
        units(inner(token), |unit| text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)));
        Cow::Owned(text)
    })
}

/// Whether a checked string token says `text`, without decoding when it holds no escape.
pub(super) fn says(token: &str, text: &str) -> bool {
    let inner = inner(token);
    inner == text
        || (inner.len() > text.len()
            && memchr::memchr(b'\\', inner.as_bytes()).is_some()
            && *wtf8(token) == *text.as_bytes())
}

/// The text between the quotes.
pub(super) fn inner(token: &str) -> &str {
    token.get(1..token.len().saturating_sub(1)).unwrap_or("")
}

/// The code units of a checked token as WTF-8: UTF-8 in which a lone surrogate takes three bytes. Equal strings,
/// and only they, give equal bytes.
pub(super) fn wtf8(token: &str) -> Cow<'_, [u8]> {
    let inner = inner(token);
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner.as_bytes());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    units(inner, |unit| match char::from_u32(unit) {
        Some(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => bytes.extend([0xe0 | unit >> 12, 0x80 | unit >> 6 & 0x3f, 0x80 | unit & 0x3f].map(|byte| byte as u8)),
    });
    Cow::Owned(bytes)
}

/// Calls `take` with every code point of an escaped text, lone surrogates included.
fn units(inner: &str, mut take: impl FnMut(u32)) {
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escaped) = rest.split_at(at);
        plain.chars().for_each(|char| take(u32::from(char)));
        // In a checked token no backslash stands for itself.
        let Escape { length, code } = Escape::at(escaped.as_bytes()).unwrap_or(Escape { length: 1, code: '\\'.into() });
        take(code);
        rest = escaped.get(length..).unwrap_or_default();
    }
    rest.chars().for_each(|char| take(u32::from(char)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_as_json_stringify_does() {
        let all: String = (0u8..0x80).map(char::from).collect();
        assert_eq!(encode(&all), serde_json::to_string(&all).unwrap());
        assert_eq!(encode("\u{8}\u{c}\u{1f}\u{7f}"), "\"\\b\\f\\u001f\u{7f}\"");
    }

    #[test]
    fn halves_of_a_pair_are_joined_only_when_they_belong_together() {
        assert_eq!(decode(r#""\ud83d\ude00""#).as_deref(), Some("😀"));
        for lone in [r#""\ud83d""#, r#""\ude00\ud83d""#, r#""\ud83dx\ude00""#, r#""\ud83d\ud83d""#, r#""\ud83d\n""#] {
            assert_eq!(decode(lone), None, "{lone}");
        }
        assert_eq!(decode_lossy(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
        assert!(wtf8(r#""\ud83d""#) != wtf8(r#""\ud83e""#));
    }

    #[test]
    fn tokens_that_were_never_checked_do_not_panic() {
        for token in ["", "\"", "\"\\", "\"\\u12\"", "\"\\ué12\"", "\"\\ud800\\u\"", "\"\\\"", "é"] {
            let _ = (decode(token), decode_lossy(token), wtf8(token));
        }
    }
}
