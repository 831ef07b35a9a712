//! Where an expression ends: `>>` counts only outside of its strings. It knows tokens, not grammar; the engine's
//! parser judges what is between.

use std::ops::Range;

/// What a token is, as far as telling text from expressions needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Word,
    Number,
    Quoted,
    Sign(u8),
}

/// An expression or tag, from after its opening delimiter to after its closing one.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<(Token, Range<usize>)>,
    /// `-` or `+` right after the opening and before the closing delimiter.
    pub(crate) trim: (Option<char>, Option<char>),
    /// After the closing delimiter.
    pub(crate) end: usize,
}

/// Why there is no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The text or a string in it is over first.
    End,
    /// A line break comes first, and only one line was allowed.
    Line,
    /// Another `<<` comes first, so this one starts nothing.
    Open,
}

/// Lexes `text` from `start` (after the opening delimiter) to `close`.
///
/// # Errors
/// [`Stop`]; a line break is one only with `one_line`.
pub(crate) fn lex(text: &str, start: usize, close: &str, one_line: bool) -> Result<Lexed, Stop> {
    let bytes = text.as_bytes();
    let mut lexed = Lexed::default();
    let mut at = start;
    if let Some(sign @ (b'-' | b'+')) = bytes.get(at) {
        lexed.trim.0 = Some(char::from(*sign));
        at += 1;
    }
    loop {
        let (Some(rest), Some(&byte)) = (text.get(at..), bytes.get(at)) else { return Err(Stop::End) };
        if rest.starts_with(close) {
            lexed.end = at + close.len();
            return Ok(lexed);
        }
        if matches!(byte, b'-' | b'+') && rest.get(1..).is_some_and(|rest| rest.starts_with(close)) {
            lexed.trim.1 = Some(char::from(byte));
            lexed.end = at + 1 + close.len();
            return Ok(lexed);
        }
        if one_line && byte == b'\n' {
            return Err(Stop::Line);
        }
        if rest.starts_with("<<") {
            return Err(Stop::Open);
        }
        let (token, length) = match byte {
            b'"' | b'\'' => (Token::Quoted, quoted(rest, byte, one_line)?),
            b'0'..=b'9' => (Token::Number, number(rest)),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                (Token::Word, run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            byte => (Token::Sign(byte), rest.chars().next().map_or(1, char::len_utf8)),
        };
        lexed.tokens.push((token, at..at + length));
        at += length;
    }
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

/// The length of the number that `text` starts with, as the engine reads it: `2and` is two tokens, `2else` is none. An
/// attribute of one (`1.a`) counts as part of it.
fn number(text: &str) -> usize {
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    let behind = |from: usize| text.get(from..).unwrap_or_default();
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => return 2 + run(behind(2), |byte| byte.is_ascii_hexdigit() || byte == b'_'),
        [b'0', b'b' | b'B' | b'o' | b'O', ..] => return 2 + run(behind(2), is_digit),
        _ => {}
    }
    let exponent = |at: usize| match behind(at).as_bytes() {
        [b'e' | b'E', ..] => at + 1 + run(behind(at + 1), is_digit),
        _ => at,
    };
    let whole = run(text, is_digit);
    match behind(whole).as_bytes() {
        [b'.', b'e' | b'E', b'0'..=b'9' | b'+' | b'-', ..] => exponent(whole + 1),
        [b'.', first, ..] if is_name(first) => {
            whole + 1 + run(behind(whole + 1), |byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        [b'.', ..] => exponent(whole + 1 + run(behind(whole + 1), is_digit)),
        _ => exponent(whole),
    }
}

/// The length of the string literal that `text` starts with, quotes included.
fn quoted(text: &str, quote: u8, one_line: bool) -> Result<usize, Stop> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' if one_line => return Err(Stop::Line),
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(Stop::End)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_delimiter_inside_a_string_does_not_close() {
        let lexed = lex("<< keyring('a >> b') >> tail", 2, ">>", false).unwrap();
        assert_eq!(lexed.end, 23);
    }

    #[test]
    fn a_number_ends_where_it_does_for_the_engine() {
        for (text, length) in [
            ("2and", 1),
            ("0xfFg", 4),
            ("0b12_x", 5),
            ("1.5.6", 3),
            ("1e5e", 3),
            ("1.e5", 4),
            ("1.a_b|", 5),
            ("1_0.x", 5),
            ("2else", 2),
        ] {
            assert_eq!(number(text), length, "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_says_why() {
        assert_eq!(lex("<< keyring('a", 2, ">>", false).unwrap_err(), Stop::End);
        assert_eq!(lex("<< a \n >>", 2, ">>", true).unwrap_err(), Stop::Line);
        assert_eq!(lex("<< a << b >>", 2, ">>", true).unwrap_err(), Stop::Open);
        assert_eq!(lex("<< ü", 2, ">>", false).unwrap_err(), Stop::End);
    }
}
