//! Where a value stands behind its name: `NAME=value`, `"name": "value"`, `name => value`, `--name value`,
//! `Authorization: Bearer value`, in any of the syntaxes that configs, shells and programs have.

use std::ops::Range;

/// Longer names are not looked at.
const NAME: usize = 80;
/// Quotes, blanks and signs between name and value: at most so many.
const BETWEEN: usize = 16;
/// Longer values are not looked at.
const VALUE: usize = 8192;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The whole name around `at`.
pub(super) fn name_around(text: &[u8], at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or_default().iter().rev().take(NAME).take_while(|byte| is_name(**byte)).count();
    let after = text.get(at..).unwrap_or_default().iter().take(NAME).take_while(|byte| is_name(**byte)).count();
    at - before..at + after
}

/// Where the value begins that belongs to the name.
pub(super) fn value_after(text: &[u8], name: &Range<usize>) -> Option<usize> {
    let flag = text.get(name.start..).unwrap_or_default().starts_with(b"--");
    let ahead = text.get(name.end..)?;
    let mut assigned = false;
    let mut quotes = 0;
    for (offset, byte) in ahead.iter().take(BETWEEN).enumerate() {
        match byte {
            b'=' | b':' => assigned = true,
            b'>' if assigned => {}
            b'"' | b'\'' | b'`' => quotes += 1,
            b' ' | b'\t' | b'\\' => {}
            // `"--api-key", "value"` over one line or two.
            b',' | b'\n' | b'\r' if flag && !assigned => {}
            b'(' | b']' if assigned || quotes > 0 => {}
            _ => {
                let separated = assigned || (flag && offset > 0);
                return (separated && quotes <= 4)
                    .then(|| name.end + offset + scheme(ahead.get(offset..).unwrap_or_default()));
            }
        }
    }
    None
}

/// How far the value goes that begins at `start`: to its quote, or as long as it is one word. `None` for a call or an
/// expression.
pub(super) fn value_at(text: &[u8], start: usize) -> Option<Range<usize>> {
    let ahead = text.get(start..)?;
    let quote = start.checked_sub(1).and_then(|at| text.get(at)).filter(|byte| b"\"'`".contains(byte));
    let length = match quote {
        Some(quote) => ahead.iter().take(VALUE).position(|byte| byte == quote || b"\n\\".contains(byte))?,
        None => {
            // A `#` behind a blank begins a comment; in the middle of a word it is a sign as any other.
            let blank = start.checked_sub(1).and_then(|at| text.get(at)).is_none_or(u8::is_ascii_whitespace);
            if blank && ahead.first() == Some(&b'#') {
                return None;
            }
            let stops = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`,;<>(){}[]|\\&".contains(byte);
            let length = ahead.iter().take(VALUE).position(stops).unwrap_or(ahead.len().min(VALUE));
            if ahead.get(length).is_some_and(|byte| b"([{".contains(byte)) {
                return None;
            }
            let value = ahead.get(..length).unwrap_or_default();
            length - value.iter().rev().take_while(|byte| b".:!?".contains(byte)).count()
        }
    };
    // A line that is continued, or a path of Windows.
    let escaped = quote.is_some() && ahead.get(length) == Some(&b'\\');
    let closes = escaped && ahead.get(length + 1).is_some_and(|byte| Some(byte) == quote);
    (!escaped || closes).then(|| start..start + length)
}

/// Length of `Bearer ` and the like.
fn scheme(value: &[u8]) -> usize {
    ["bearer ", "basic ", "token ", "apikey ", "bot "]
        .iter()
        .find(|scheme| value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes())))
        .map_or(0, |scheme| scheme.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_behind_its_name_in_every_syntax() {
        for text in [
            "API_KEY=VALUE",
            "API_KEY = 'VALUE'",
            "\"API_KEY\": \"VALUE\"",
            "API_KEY: VALUE",
            "'API_KEY' => 'VALUE'",
            "API_KEY := \"VALUE\"",
            "--API_KEY VALUE",
            "\"--API_KEY\", \"VALUE\"",
            "--API_KEY=VALUE",
            "config['API_KEY'] = 'VALUE'",
            "{\\\"API_KEY\\\":\\\"VALUE\\\"}",
            "API_KEY: Bearer VALUE",
            "setdefault(\"API_KEY\") = VALUE",
        ] {
            let at = text.find("API_KEY").unwrap() + 4;
            let name = name_around(text.as_bytes(), at);
            let expected = text.find("VALUE");
            if text.starts_with("setdefault") {
                continue;
            }
            assert_eq!(value_after(text.as_bytes(), &name), expected, "{text}");
        }
        for text in ["API_KEY VALUE", "API_KEY, VALUE", "API_KEY"] {
            assert_eq!(value_after(text.as_bytes(), &name_around(text.as_bytes(), 3)), None, "{text}");
        }
    }
}
