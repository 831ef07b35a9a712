//! The user's own secrets, recognised without being kept: fingerprints of every form they may be written in.
//!
//! As it is; escaped as in JSON, up to twice, with and without `\/` and `\u00e9`; URL-encoded, also as in a form or a
//! path; escaped as in HTML and XML; in hexadecimal; base64 in both alphabets at each of the three alignments, so that
//! it is found in the middle of something longer.
//!
//! # Limitations
//! **A secret of fewer than eight characters is not searched for**, nor a password that every manual has (`postgres`):
//! it would be found everywhere. Base64 with line breaks in the middle of the secret, and what is compressed or
//! encrypted, is not read.

use crate::document::string;
use crate::journal::fingerprint::{Finder, Fingerprint, Key, is_searched_for};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;
use zeroize::Zeroizing;

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What Python's `quote` leaves as it is.
const SEGMENTS: &AsciiSet = &UNRESERVED.remove(b'/');
/// What `encodeURI` leaves as it is.
const WHOLE: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

/// Fingerprints of the user's secrets. The key is drawn for one run, so they are worth nothing afterwards.
pub struct Own {
    key: Key,
    names: Vec<String>,
    prints: Vec<(Fingerprint, usize, &'static str)>,
}

impl Own {
    /// None yet; `random` is 32 bytes drawn for this run.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self { key: Key::new(random), names: Vec::new(), prints: Vec::new() }
    }

    /// Takes the fingerprints of a secret, under the name the user knows it by; says whether it is searched for.
    pub fn add(&mut self, name: &str, secret: &Secret) -> bool {
        let value = secret.expose();
        if !is_searched_for(value) {
            return false;
        }
        let number = self.names.len();
        self.names.push(name.to_owned());
        forms(value, |form, how| self.print(form, number, how));
        true
    }

    fn print(&mut self, form: &str, number: usize, how: &'static str) {
        let print = self.key.print(form);
        let own = self.prints.iter().rev().take_while(|(_, known, _)| *known == number);
        if !print.is_short() && !own.into_iter().any(|(known, ..)| *known == print) {
            self.prints.push((print, number, how));
        }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// The key, and the fingerprints of the values as they are, each with its name: for who unescapes a text itself.
    pub fn values(&self) -> (&Key, impl Iterator<Item = (&str, &Fingerprint)>) {
        let plain = self.prints.iter().filter(|(.., how)| how.is_empty());
        (&self.key, plain.filter_map(|(print, number, _)| Some((self.names.get(*number)?.as_str(), print))))
    }

    /// Prepares the search.
    #[must_use]
    pub fn finder(&self) -> OwnFinder<'_> {
        let prints = self.prints.iter().map(|(print, number, how)| (print, (*number, *how)));
        OwnFinder { own: self, finder: Finder::new(&self.key, prints) }
    }
}

/// Searches texts for the user's secrets.
pub struct OwnFinder<'o> {
    own: &'o Own,
    finder: Finder<'o, (usize, &'static str)>,
}

impl OwnFinder<'_> {
    /// Calls `found` with the place, the name and the form of every occurrence.
    pub fn scan(&self, text: &[u8], mut found: impl FnMut(Range<usize>, &str, &'static str)) {
        self.finder.scan(text, |range, (number, how)| {
            found(range, self.own.names.get(number).map_or("", String::as_str), how);
        });
    }
}

/// Calls `found` with every form that a value may be written in, the same one perhaps several times.
pub(super) fn forms(value: &str, mut found: impl FnMut(&str, &'static str)) {
    found(value, "");
    for once in json_forms(value) {
        found(&once, "JSON-escaped");
        for twice in json_forms(&once) {
            found(&twice, "JSON-escaped");
        }
    }
    for set in [COMPONENT, UNRESERVED, SEGMENTS, WHOLE, NON_ALPHANUMERIC] {
        let encoded = Zeroizing::new(utf8_percent_encode(value, set).to_string());
        found(&Zeroizing::new(encoded.replace("%20", "+")), "URL-encoded");
        found(&lower_escapes(&encoded), "URL-encoded");
        found(&encoded, "URL-encoded");
    }
    for html in html_forms(value) {
        found(&html, "escaped as in HTML");
    }
    let hex = Zeroizing::new(hex::encode(value));
    found(&hex, "in hexadecimal");
    found(&Zeroizing::new(hex.to_ascii_uppercase()), "in hexadecimal");
    for shift in 0..3 {
        for piece in base64_at(value.as_bytes(), shift) {
            found(&piece, "as base64");
        }
    }
}

/// A value as JSON writers write it, without the quotes.
fn json_forms(value: &str) -> Vec<Zeroizing<String>> {
    let token = Zeroizing::new(string::encode(value));
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    let mut ascii = Zeroizing::new(String::with_capacity(6 * inner.len()));
    for c in inner.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    vec![Zeroizing::new(inner.to_owned()), Zeroizing::new(inner.replace('/', "\\/")), ascii]
}

/// `<` → `&lt;`, with the quotes as text has them and as attributes do.
fn html_forms(value: &str) -> [Zeroizing<String>; 3] {
    let escaped = |double: &str, single: &str| {
        let mut escaped = Zeroizing::new(String::with_capacity(6 * value.len()));
        for c in value.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str(double),
                '\'' => escaped.push_str(single),
                other => escaped.push(other),
            }
        }
        escaped
    };
    [escaped("\"", "'"), escaped("&quot;", "&#x27;"), escaped("&quot;", "&#39;")]
}

/// `%2F` → `%2f`.
fn lower_escapes(encoded: &str) -> Zeroizing<String> {
    let mut lower = Zeroizing::new(String::with_capacity(encoded.len()));
    let mut digits = 0;
    for c in encoded.chars() {
        lower.push(if digits > 0 { c.to_ascii_lowercase() } else { c });
        digits = if c == '%' { 2 } else { digits.max(1) - 1 };
    }
    lower
}

/// What of the base64 of something longer depends on the value alone, if it begins `shift` bytes after a multiple of
/// three: in the usual alphabet and in that of URLs.
fn base64_at(value: &[u8], shift: usize) -> [Zeroizing<String>; 2] {
    let mut padded = Zeroizing::new(Vec::with_capacity(value.len() + shift));
    padded.resize(shift, 0);
    padded.extend_from_slice(value);
    let whole = padded.len() * 8 / 6;
    let encoded = Zeroizing::new(STANDARD.encode(&*padded));
    // The first characters hold bits of what comes before, the last may hold bits of what follows.
    let piece = encoded.get((shift * 8).div_ceil(6)..whole).unwrap_or_default();
    [Zeroizing::new(piece.to_owned()), Zeroizing::new(piece.replace('+', "-").replace('/', "_"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const VALUE: &str = "s3cr/t \"quo+ed\" é?&>xyz~ÿ";

    fn finds(text: &str) -> Vec<(String, &'static str)> {
        let mut own = Own::new([7; 32]);
        assert!(own.add("mine", &Secret::new(VALUE.to_owned())));
        let mut found = Vec::new();
        own.finder().scan(text.as_bytes(), |_, name, how| found.push((name.to_owned(), how)));
        found
    }

    #[test]
    fn every_form_is_found_in_the_middle_of_other_text() {
        let json = serde_json::to_string(VALUE).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        let mut texts = vec![
            VALUE.to_owned(),
            json.clone(),
            twice,
            json.replace('/', "\\/"),
            json.replace('é', "\\u00e9").replace('ÿ', "\\u00ff"),
            utf8_percent_encode(VALUE, NON_ALPHANUMERIC).to_string().replace("%7E", "~"),
            utf8_percent_encode(VALUE, COMPONENT).to_string(),
            utf8_percent_encode(VALUE, UNRESERVED).to_string().replace("%20", "+"),
            utf8_percent_encode(VALUE, UNRESERVED).to_string().to_ascii_lowercase(),
            utf8_percent_encode(VALUE, SEGMENTS).to_string(),
            utf8_percent_encode(VALUE, WHOLE).to_string(),
            VALUE.replace('&', "&amp;").replace('>', "&gt;"),
            VALUE.replace('&', "&amp;").replace('>', "&gt;").replace('"', "&quot;"),
            hex::encode(VALUE),
            hex::encode_upper(VALUE),
        ];
        for prefix in ["", "u", "us", "user:", "Bearer "] {
            for suffix in ["", "x", "xy", "xyz"] {
                let text = format!("{prefix}{VALUE}{suffix}");
                texts.push(STANDARD.encode(&text));
                texts.push(URL_SAFE_NO_PAD.encode(&text));
            }
        }
        for text in texts {
            let found = finds(&format!("before {text} after"));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
        }
    }

    #[test]
    fn short_secrets_are_not_searched_for() {
        assert!(!Own::new([7; 32]).add("pin", &Secret::new("1234567".to_owned())));
    }
}
