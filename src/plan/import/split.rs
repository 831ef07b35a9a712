//! Which part of a string is secret: all of it, what follows `Bearer`, a password in a URL, the value after `NAME=`.
//!
//! The parts are disjoint and in order. A part is stored decoded where the reference can encode it back to the same bytes
//! (`urlencode`, `b64encode`), else as it is written.

use super::place::{Kind, Place};
use super::{Recognised, recognise, uri};
use crate::json::{Document, string};
use crate::secret::Secret;
use crate::template::{Encoding, is_placeholder};
use base64::Engine as _;
use std::borrow::Cow;
use std::ops::Range;

/// JSON in a string in a string in a string is nobody's config.
const MAX_NESTING: usize = 2;

/// A secret part of a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Byte offsets in the decoded string.
    pub(super) range: Range<usize>,
    /// What is to be stored.
    pub(super) value: Secret,
    /// What the reference does to it again.
    pub(super) encodings: Vec<Encoding>,
    pub(super) recognised: Recognised,
    /// The provider, where the format tells.
    pub(super) provider: Option<String>,
    /// What the part is called, where the string itself says: `NAME=`, `?key=`, `password`.
    pub(super) label: Option<String>,
}

/// What a string holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) parts: Vec<Part>,
    /// A key is mentioned in a text that is no setting.
    pub(super) mentions: bool,
}

/// Looks for the secret parts of a string.
pub(super) fn split(text: &str, place: &Place) -> Split {
    let mut parts = Vec::new();
    look(text, 0, place.kind, &place.label, 0, &mut parts);
    if parts.is_empty() {
        let known = recognise::known(text, "");
        // A key in a longer text is a setting only where settings are.
        let is_setting = place.kind != Kind::Other || place.server.is_some();
        let is_whole = known.first().is_some_and(|first| first.range.len() == text.trim().len());
        if is_setting || is_whole {
            parts.extend(known.into_iter().map(|known| of_format(text, 0, known, None)));
        } else {
            return Split { parts, mentions: !known.is_empty() };
        }
    }
    parts.sort_by_key(|part| part.range.start);
    let mut end = 0;
    parts.retain(|part| {
        let is_free = part.range.start >= end && !part.range.is_empty();
        end = if is_free { part.range.end } else { end };
        is_free
    });
    Split { parts, mentions: false }
}

/// Looks at a string, or at the part of one that starts at `base`.
fn look(text: &str, base: usize, kind: Kind, label: &str, nesting: usize, parts: &mut Vec<Part>) {
    if text.is_empty() || is_placeholder(text) || recognise::is_reference(text) {
        return;
    }
    if kind == Kind::Argument && (text.starts_with('-') || !is_telling(label)) {
        // `--env=NAME=value`.
        let carries = |name: &str| ["env", "e", "header", "H", "build-arg"].contains(&name);
        if let Some((_, value)) = assignment(text).filter(|(name, _)| text.starts_with('-') && carries(name)) {
            return look(value, base + text.len() - value.len(), kind, "", nesting, parts);
        }
        if let Some((name, value)) = assignment(text) {
            return look(value, base + text.len() - value.len(), Kind::Env, name, nesting, parts);
        }
        if let Some((name, value)) = header(text) {
            return look(value, base + text.len() - value.len(), Kind::Header, name, nesting, parts);
        }
    }
    if let Some(inner) = nested(text).filter(|_| nesting < MAX_NESTING) {
        return inside(base, &inner, nesting, parts);
    }
    if let Some((encodings, value, start)) = scheme(text, kind, label) {
        let is_basic = encodings == [Encoding::B64encode];
        let label = if is_basic { "basic".to_owned() } else { label.to_owned() };
        let known = recognise::known(&value, &label);
        let whole = known.into_iter().find(|known| known.range.len() * 4 >= value.len() * 3);
        parts.push(Part {
            range: base + start..base + text.len(),
            encodings,
            recognised: whole
                .as_ref()
                .map_or(Recognised::Name(label.clone()), |known| Recognised::Format(known.name.clone())),
            provider: whole.map(|known| known.provider),
            label: Some(label),
            value: Secret::new(value),
        });
        return;
    }
    let found = uri::secrets(text);
    if !found.is_empty() {
        parts.extend(found.into_iter().map(|found| of_uri(text, base, &found)));
        return;
    }
    let known = recognise::known(text, label);
    let whole = known.iter().position(|known| known.range.len() * 4 >= text.len() * 3);
    let named = is_telling(label) && recognise::is_value(text, label, kind == Kind::Other);
    let random =
        matches!(kind, Kind::Env | Kind::Header) && recognise::is_random(text) && !recognise::is_public_name(label);
    match (known, whole) {
        // All of it belongs to the key, a checksum or a prefix that the format does not know of included.
        (known, Some(at)) if named || known.len() == 1 => {
            let Some(known) = known.into_iter().nth(at) else { return };
            let range = if named { 0..text.len() } else { known.range.clone() };
            parts.push(of_format(text, base, recognise::Known { range, ..known }, Some(label)));
        }
        (known, _) if !known.is_empty() && (kind != Kind::Other) => {
            parts.extend(known.into_iter().map(|known| of_format(text, base, known, Some(label))));
        }
        (_, None) if named || random => parts.push(Part {
            range: base..base + text.len(),
            value: Secret::new(text.to_owned()),
            encodings: Vec::new(),
            recognised: if named { Recognised::Name(label.to_owned()) } else { Recognised::Random },
            provider: None,
            label: Some(label.to_owned()),
        }),
        _ => {}
    }
}

/// Whether a name says that its value is secret.
fn is_telling(label: &str) -> bool {
    !label.is_empty() && recognise::is_secret_name(label)
}

fn of_format(text: &str, base: usize, known: recognise::Known, label: Option<&str>) -> Part {
    Part {
        value: Secret::new(text.get(known.range.clone()).unwrap_or_default().to_owned()),
        range: base + known.range.start..base + known.range.end,
        encodings: Vec::new(),
        recognised: Recognised::Format(known.name),
        provider: Some(known.provider),
        label: label.map(ToOwned::to_owned),
    }
}

fn of_uri(text: &str, base: usize, found: &uri::Found) -> Part {
    let written = text.get(found.range.clone()).unwrap_or_default();
    let known = recognise::known(written, found.label.as_deref().unwrap_or_default())
        .into_iter()
        .find(|known| known.range.len() * 4 >= written.len() * 3);
    // Encoded back to the same bytes, or else kept as it is written.
    let plain = percent_encoding::percent_decode_str(written).decode_utf8().ok();
    let plain = plain.filter(|plain| found.is_encoded && Encoding::Urlencode.apply(plain) == written);
    let recognised = match (&known, &found.label) {
        (Some(known), _) => Recognised::Format(known.name.clone()),
        (None, Some(label)) => Recognised::Name(label.clone()),
        (None, None) => Recognised::Password,
    };
    Part {
        range: base + found.range.start..base + found.range.end,
        encodings: if plain.is_some() { vec![Encoding::Urlencode] } else { Vec::new() },
        value: Secret::new(plain.map_or_else(|| written.to_owned(), Cow::into_owned)),
        recognised,
        provider: known.map(|known| known.provider),
        label: Some(found.label.clone().unwrap_or_else(|| "password".to_owned())),
    }
}

/// `NAME=value`, `--option=value`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let bare = name.trim_start_matches('-');
    let is_name = bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    is_name.then_some((bare, value))
}

/// `Name: value`, as `--header` takes it.
fn header(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    (is_name && !value.starts_with("//")).then(|| (name, value.trim_start()))
}

/// `Bearer x`, `Basic x`, `token x`: what is to be stored, and where it starts.
fn scheme(text: &str, kind: Kind, label: &str) -> Option<(Vec<Encoding>, String, usize)> {
    let (scheme, value) = text.split_once(' ')?;
    let value = value.trim_start();
    let start = text.len() - value.len();
    if value.is_empty() || value.contains(char::is_whitespace) || recognise::is_reference(value) {
        return None;
    }
    let is_header = kind == Kind::Header || is_telling(label);
    match scheme.to_ascii_lowercase().trim_end_matches(':') {
        "basic" if is_header || value.len() >= 8 => {
            let engine = base64::engine::general_purpose::STANDARD;
            let plain = engine.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let is_pair = |plain: &String| {
                plain.contains(':') && !plain.contains(char::is_control) && engine.encode(plain) == value
            };
            Some(match plain.filter(is_pair) {
                Some(plain) => (vec![Encoding::B64encode], plain, start),
                None => (Vec::new(), value.to_owned(), start),
            })
        }
        "bearer" if is_header || value.len() >= 12 => Some((Vec::new(), value.to_owned(), start)),
        "token" | "apikey" | "api-key" | "key" | "bot" | "apitoken" if is_header => {
            Some((Vec::new(), value.to_owned(), start))
        }
        _ => None,
    }
}

/// JSON as a string: `{"Authorization": "Bearer …"}` in one variable.
fn nested(text: &str) -> Option<Document<'_>> {
    let is_one = text.trim_start().starts_with(['{', '[']) && text.trim_end().ends_with(['}', ']']);
    is_one.then(|| Document::parse(text.as_bytes()).ok()).flatten()
}

/// Looks at the strings of JSON in a string. Only those without escapes: a secret is written there as it is stored.
fn inside(base: usize, inner: &Document<'_>, nesting: usize, parts: &mut Vec<Part>) {
    inner.strings(|token| {
        let raw = token.node.raw();
        let Some(value) = token
            .node
            .as_str()
            .filter(|value| !token.is_key && string::encode(value) == raw && value.len() + 2 == raw.len())
        else {
            return;
        };
        let at = token.node.span().start + 1;
        let label = token.key().map(string::decode_lossy).unwrap_or_default();
        let mut found = Vec::new();
        look(&value, base + at, Kind::Env, &label, nesting + 1, &mut found);
        // What would be escaped there can't be put in as it is.
        let is_plain = |part: &Part| {
            let value = part.value.expose();
            !part.encodings.is_empty() || string::encode(value).len() == value.len() + 2
        };
        parts.extend(found.into_iter().filter(is_plain));
    });
}
