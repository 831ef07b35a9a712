//! Where a value is after its name: `NAME=value`, `"name": "value"`, `name => value`, `--name value`,
//! `Authorization: Bearer value`, in any of the syntaxes that configs, shells and programs have.

use super::names::is_secret_name;
use std::ops::Range;

/// Longer names are not looked at.
const NAME: usize = 160;
/// Quotes, blanks and signs between name and value: at most this many.
const BETWEEN: usize = 16;
/// Longer values are not looked at.
const VALUE: usize = 8192;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The names of a text, as far as they are asked for. One has several telling parts, and is looked for once.
#[derive(Default)]
pub(super) struct Names {
    /// The last one, or the part of a run of letters that is too long to be one.
    last: Range<usize>,
    is_name: bool,
    is_secret: Option<bool>,
}

impl Names {
    /// Goes to the whole name around `at`; whether that is another one than the last.
    pub(super) fn go_to(&mut self, text: &[u8], at: usize) -> bool {
        if self.last.contains(&at) {
            return false;
        }
        let ahead = text.get(at..).unwrap_or_default();
        let before =
            text.get(..at).unwrap_or_default().iter().rev().take(NAME).take_while(|byte| is_name(**byte)).count();
        let after = ahead.iter().take(NAME).take_while(|byte| is_name(**byte)).count();
        *self = Self { last: at - before..at + after, is_name: before + after < NAME, is_secret: None };
        true
    }

    /// The name.
    pub(super) fn name(&self) -> Option<Range<usize>> {
        self.is_name.then(|| self.last.clone())
    }

    /// Whether it is that of a secret.
    pub(super) fn is_secret(&mut self, text: &[u8]) -> bool {
        let said = self.name().and_then(|name| std::str::from_utf8(text.get(name)?).ok());
        *self.is_secret.get_or_insert_with(|| said.is_some_and(is_secret_name))
    }
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

/// Where values end. Values that are in one another (`a_key=b_key=…`) end at the same place, which is looked for once,
/// so that a text of nothing else takes no longer than any other.
#[derive(Default)]
pub(super) struct Ends {
    quote: Option<u8>,
    /// What has been searched, and holds no end but at its own.
    searched: Range<usize>,
    /// Whether there is an end at the end of `searched`.
    is_found: bool,
    /// Where the punctuation before that end begins.
    trimmed: usize,
}

impl Ends {
    /// How far the value goes that begins at `start`: to its quote, or as long as it is one word. `None` for a call or
    /// an expression.
    pub(super) fn value_at(&mut self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
        let quote = before.filter(|byte| b"\"'`".contains(byte));
        // A `#` after a blank begins a comment; in the middle of a word it is a sign as any other.
        let is_blank = before.is_none_or(|byte| byte.is_ascii_whitespace());
        if quote.is_none() && is_blank && text.get(start) == Some(&b'#') {
            return None;
        }
        self.search(text, start, quote);
        let end = self.searched.end;
        let Some(quote) = quote else {
            let is_call = self.is_found && text.get(end).is_some_and(|byte| b"([{".contains(byte));
            return (!is_call).then(|| start..self.trimmed.max(start));
        };
        // A line that is continued, or a path of Windows.
        let closes = text.get(end) != Some(&b'\\') || text.get(end + 1) == Some(&quote);
        (self.is_found && closes).then_some(start..end)
    }

    /// Searches on to the end of the value, for as far as a value may go.
    fn search(&mut self, text: &[u8], start: usize, quote: Option<u8>) {
        let is_known = self.quote == quote && (self.searched.start..=self.searched.end).contains(&start);
        if !is_known {
            *self = Self { quote, searched: start..start, is_found: false, trimmed: start };
        }
        let most = text.len().min(start.saturating_add(VALUE));
        if self.is_found || self.searched.end >= most {
            return;
        }
        let ends = |byte: &u8| match quote {
            Some(quote) => *byte == quote || b"\n\\".contains(byte),
            None => !byte.is_ascii_graphic() || b"\"'`,;<>(){}[]|\\&".contains(byte),
        };
        let ahead = text.get(self.searched.end..most).unwrap_or_default();
        let found = ahead.iter().position(ends);
        let ahead = ahead.get(..found.unwrap_or(ahead.len())).unwrap_or_default();
        let last = ahead.iter().rposition(|byte| !b".:!?".contains(byte));
        self.trimmed = last.map_or(self.trimmed, |last| self.searched.end + last + 1);
        self.searched.end += ahead.len();
        self.is_found = found.is_some();
    }
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

    fn name_around(text: &str, at: usize) -> Range<usize> {
        let mut names = Names::default();
        assert!(names.go_to(text.as_bytes(), at));
        names.name().unwrap()
    }

    proptest::proptest! {
        #[test]
        fn a_value_ends_where_it_does_whatever_was_searched_before(text in "[a=:\"' .!(#&\\\\\n]{0,60}", order in 0..3_usize) {
            let mut ends = Ends::default();
            let starts = (0..=text.len()).filter(|start| start % (order + 1) == 0);
            for start in starts {
                let alone = Ends::default().value_at(text.as_bytes(), start);
                proptest::prop_assert_eq!(ends.value_at(text.as_bytes(), start), alone, "{} of {:?}", start, text);
            }
        }
    }

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
            let name = name_around(text, at);
            let expected = text.find("VALUE");
            if text.starts_with("setdefault") {
                continue;
            }
            assert_eq!(value_after(text.as_bytes(), &name), expected, "{text}");
        }
        for text in ["API_KEY VALUE", "API_KEY, VALUE", "API_KEY"] {
            assert_eq!(value_after(text.as_bytes(), &name_around(text, 3)), None, "{text}");
        }
    }
}
