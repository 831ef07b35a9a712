//! Finds secrets in a text in every form in which a program may have printed them: as they are, JSON-escaped, broken by line
//! ends or colours, in base64, hexadecimal, URL-encoded, as HTML.
//!
//! Nothing has to be known of the secret but its fingerprint: the text is decoded, and what it decodes to is searched. What is
//! found is a piece of the text as it stands, wide enough that nothing of the secret is left beside it.
//!
//! # Limitations
//! **One encoding at a time**, under escapes of JSON or none: base64 of base64, a hex dump with offsets, a compressed or reversed
//! text are not found. Whoever wants to hide a key from this can.

use crate::document::string;
use crate::journal::Finder;
use crate::journal::escape::{Occurrence, occurrences};
use std::ops::Range;

/// Shorter runs of base64 (in bytes) hold no secret that is looked for here.
const RUN: usize = 16;
/// The longest name between `&` and `;`.
const ENTITY: usize = 10;

/// Every place in `text` at which a secret of the finder stands in some form, and is one that `accept` wants: in order, and
/// disjoint.
#[must_use]
pub fn found<T: Copy>(finder: &Finder<'_, T>, text: &[u8], accept: &dyn Fn(&str) -> bool) -> Vec<(Range<usize>, T)> {
    let mut all: Vec<(Range<usize>, T)> = Vec::new();
    if finder.is_empty() {
        return all;
    }
    let is_wanted = |found: &Occurrence<T>| {
        let written = text.get(found.range.clone()).and_then(|piece| std::str::from_utf8(piece).ok());
        written.is_some_and(|written| accept(&unescaped(written, found.depth)))
    };
    all.extend(occurrences(finder, text).into_iter().filter(is_wanted).map(|found| (found.range, found.name)));
    let plain = Layer::plain(text);
    let joined = plain.joined();
    if let Some(joined) = &joined {
        joined.search(finder, accept, &mut all);
    }
    let layer = joined.as_ref().unwrap_or(&plain);
    for decoded in [layer.percent(), layer.html()].into_iter().flatten() {
        decoded.search(finder, accept, &mut all);
    }
    layer.runs(is_base64, &mut |run| {
        (0..4).for_each(|shift| layer.base64(run.clone(), shift).search(finder, accept, &mut all));
    });
    layer.runs(|byte| byte.is_ascii_hexdigit(), &mut |run| {
        (0..2).for_each(|shift| layer.hexadecimal(run.clone(), shift).search(finder, accept, &mut all));
    });
    all.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    // Two that overlap are one place: what is left of either would be a piece of a secret.
    all.dedup_by(|later, first| {
        let is_same = later.0.start < first.0.end;
        first.0.end = if is_same { first.0.end.max(later.0.end) } else { first.0.end };
        is_same
    });
    all
}

/// A piece of a JSON string as it means, `depth` times.
fn unescaped(piece: &str, depth: usize) -> String {
    (0..depth).fold(piece.to_owned(), |piece, _| string::decode_lossy(&format!("\"{piece}\"")).into_owned())
}

/// A text made of another one, and where in that one each of its bytes begins and ends.
struct Layer {
    bytes: Vec<u8>,
    /// `None`: as it is.
    from: Option<Vec<(usize, usize)>>,
}

impl Layer {
    fn plain(text: &[u8]) -> Self {
        Self { bytes: text.to_vec(), from: None }
    }

    fn empty() -> Self {
        Self { bytes: Vec::new(), from: Some(Vec::new()) }
    }

    fn push(&mut self, byte: u8, from: Range<usize>) {
        self.bytes.push(byte);
        if let Some(all) = &mut self.from {
            all.push((from.start, from.end));
        }
    }

    /// Where a range of its bytes stands in the text it was made of.
    fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let Some(from) = &self.from else { return range.clone() };
        let start = from.get(range.start).map_or(0, |(start, _)| *start);
        let end = range.end.checked_sub(1).and_then(|last| from.get(last)).map_or(start, |(_, end)| *end);
        start..end
    }

    fn search<T: Copy>(&self, finder: &Finder<'_, T>, accept: &dyn Fn(&str) -> bool, all: &mut Vec<(Range<usize>, T)>) {
        finder.scan(&self.bytes, |range, name| {
            let secret = self.bytes.get(range.clone()).and_then(|piece| std::str::from_utf8(piece).ok());
            if secret.is_some_and(accept) {
                all.push((self.origin(&range), name));
            }
        });
    }

    /// Without line ends, NUL bytes and the sequences by which terminals are told colours; `None` if it has none.
    fn joined(&self) -> Option<Self> {
        let is_break = |byte: u8| matches!(byte, b'\n' | b'\r' | 0 | 0x1b);
        if !self.bytes.iter().any(|byte| is_break(*byte)) {
            return None;
        }
        let mut joined = Self::empty();
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            match rest {
                [0x1b, b'[', sequence @ ..] => {
                    at += 2 + sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(0, |end| end + 1);
                }
                _ if is_break(*byte) => at += 1,
                _ => {
                    joined.push(*byte, at..at + 1);
                    at += 1;
                }
            }
        }
        Some(joined)
    }

    /// `%41` → `A`; `None` if there is nothing of it.
    fn percent(&self) -> Option<Self> {
        memchr::memchr(b'%', &self.bytes)?;
        self.replaced(|rest| match rest {
            [b'%', high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 3)),
            _ => None,
        })
    }

    /// `&lt;`, `&#60;`, `&#x3c;` → `<`; `None` if there is nothing of it.
    fn html(&self) -> Option<Self> {
        memchr::memchr(b'&', &self.bytes)?;
        self.replaced(|rest| {
            let end = rest.iter().take(ENTITY).position(|byte| *byte == b';')?;
            let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
            let byte = match (rest.first()?, name) {
                (b'&', "lt") => b'<',
                (b'&', "gt") => b'>',
                (b'&', "amp") => b'&',
                (b'&', "quot") => b'"',
                (b'&', "apos") => b'\'',
                (b'&', number) => {
                    let number = number.strip_prefix('#')?;
                    let hex = number.strip_prefix(['x', 'X']);
                    hex.map_or_else(|| number.parse().ok(), |hex| u8::from_str_radix(hex, 16).ok())?
                }
                _ => return None,
            };
            Some((byte, end + 1))
        })
    }

    /// With what `decode` makes of the bytes that follow, and of how many, in their place.
    fn replaced(&self, decode: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Option<Self> {
        let mut replaced = Self::empty();
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let (decoded, length) = self.bytes.get(at..).and_then(&decode).unwrap_or((*byte, 1));
            replaced.push(decoded, self.origin(&(at..at + length)));
            at += length;
        }
        Some(replaced)
    }

    /// Calls `each` with every longest run of such bytes that may hold a secret.
    fn runs(&self, is_of: fn(u8) -> bool, each: &mut impl FnMut(Range<usize>)) {
        let mut at = 0;
        while at < self.bytes.len() {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let length = rest.iter().position(|byte| !is_of(*byte)).unwrap_or(rest.len());
            if length > RUN {
                each(at..at + length);
            }
            at += length.max(1);
        }
    }

    fn base64(&self, run: Range<usize>, shift: usize) -> Self {
        let mut decoded = Self::empty();
        let start = run.start + shift;
        let letters: Vec<u32> = self.bytes.get(start..run.end).unwrap_or_default().iter().map(sextet).collect();
        for (number, group) in letters.chunks(4).enumerate() {
            let bits = group.iter().fold(0, |bits, letter| bits << 6 | letter) << (6 * (4 - group.len()));
            let [_, bytes @ ..] = bits.to_be_bytes();
            let at = start + 4 * number;
            // Each byte is in two letters.
            for (index, byte) in bytes.into_iter().enumerate().take((group.len() * 6) / 8) {
                let first = at + index;
                decoded.push(byte, self.origin(&(first..first + 2)));
            }
        }
        decoded
    }

    fn hexadecimal(&self, run: Range<usize>, shift: usize) -> Self {
        let mut decoded = Self::empty();
        let start = run.start + shift;
        for (number, pair) in self.bytes.get(start..run.end).unwrap_or_default().chunks_exact(2).enumerate() {
            let [high, low] = *pair else { continue };
            let byte = digit(high).unwrap_or_default() << 4 | digit(low).unwrap_or_default();
            let at = start + 2 * number;
            decoded.push(byte, self.origin(&(at..at + 2)));
        }
        decoded
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What a letter of base64 stands for, in the usual alphabet or in that of URLs.
fn sextet(letter: &u8) -> u32 {
    u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Key;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    fn closed(secret: &str, text: &str) -> (String, usize) {
        let key = Key::new([9; 32]);
        let print = key.print(secret);
        let found = found(&Finder::new(&key, [(&print, ())]), text.as_bytes(), &|_| true);
        let mut out = text.to_owned();
        for (range, ()) in found.iter().rev() {
            out.replace_range(range.clone(), "#");
        }
        (out, found.len())
    }

    #[test]
    fn what_stands_beside_a_secret_stays_and_nothing_of_it_does() {
        let secret = "q7Zk2Xv9Lw3/Rt8\"Yb5Nc1"; // keystencil: allow
        let json = serde_json::to_string(secret).unwrap();
        let json = json.trim_matches('"');
        let whole = format!("before {secret} and {json}, {}", hex::encode(secret));
        assert_eq!(closed(secret, &whole), ("before # and #, #".to_owned(), 3));
        assert_eq!(closed(secret, "q7Zk2Xv9Lw3/Rt8\"Yb5\nNc1"), ("#".to_owned(), 1));
        assert_eq!(closed(secret, "\u{1b}[31mq7Zk2Xv9\u{1b}[0mLw3/Rt8\"Yb5Nc1"), ("\u{1b}[31m#".to_owned(), 1));
        assert_eq!(closed(secret, "nothing").1, 0);
    }

    proptest! {
        #[test]
        fn no_form_of_a_secret_is_left_wherever_it_stands(
            secret in "[ -~]{16,40}",
            before in "[ -~\\n]{0,20}",
            after in "[ -~\\n]{0,20}",
            width in 5usize..80,
            form in 0usize..9,
        ) {
            prop_assume!(crate::journal::fingerprint::is_searched_for(&secret));
            let whole = format!("{before}{secret}{after}");
            let fold = |text: &str| {
                text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n")
            };
            let url = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let text = match form {
                0 => whole,
                1 => serde_json::to_string(&whole).unwrap(),
                2 => serde_json::to_string(&serde_json::to_string(&whole).unwrap()).unwrap(),
                3 => fold(&STANDARD.encode(&whole)),
                4 => URL_SAFE_NO_PAD.encode(&whole),
                5 => format!("{before}{}", hex::encode_upper(&whole)),
                6 => url(&whole),
                7 => secret.bytes().map(|byte| format!("&#{byte};")).collect(),
                _ => fold(&secret),
            };
            let (out, found) = closed(&secret, &text);
            prop_assert!(found >= 1, "{text:?}");
            prop_assert_eq!(closed(&secret, &out).1, 0);
        }

        #[test]
        fn no_text_is_too_odd_to_be_searched(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let key = Key::new([9; 32]);
            let print = key.print("q7Zk2Xv9Lw3Rt8Yb5Nc1");
            let finder = Finder::new(&key, [(&print, ())]);
            prop_assert!(found(&finder, &text, &|_| true).is_empty());
        }
    }
}
