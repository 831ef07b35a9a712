//! Which part of a string is secret: all of it, what follows `Bearer`, a password in a URL, the value after `NAME=`.
//!
//! The parts are disjoint and in order. A part is stored decoded where the reference can encode it back to the same
//! bytes (`urlencode`, `b64encode`), else as it is written.

use super::place::{Kind, Place};
use super::{Recognised, list, recognise, uri};
use crate::document::{Document, string};
use crate::secret::Secret;
use crate::template::{Encoding, is_placeholder};
use base64::Engine as _;
use std::borrow::Cow;
use std::ops::Range;

/// No config has JSON in a string in a string in a string.
const MAX_NESTING: usize = 2;
/// What private keys are called, which are blocks of lines.
const BLOCK: &str = "private-key";
/// Nor is a setting in a setting in a setting.
const MAX_DEPTH: usize = 6;

/// Shorter arguments under no telling name are not keys.
const ARGUMENT: usize = 24;

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
    /// A key is mentioned in a text that is not a setting.
    pub(super) mentions: bool,
}

/// Looks for the secret parts of a string.
pub(super) fn split(text: &str, place: &Place) -> Split {
    let mut parts = Vec::new();
    look(text, 0, place.kind, &place.label, 0, &mut parts);
    // A key in a longer text is a setting only where settings are.
    let is_setting = place.is_setting();
    if parts.is_empty() {
        let known = recognise::known(text, "");
        let is_whole = known.first().is_some_and(|first| first.range.len() == text.trim().len());
        if !(is_setting || is_whole) {
            return Split { parts, mentions: !known.is_empty() };
        }
        formats(text, 0, known, None, &mut parts);
    } else {
        // A block has lines that look like settings, and may be longer than what was seen of it.
        let blocks = recognise::known(text, "").into_iter().filter(|known| known.provider == BLOCK);
        parts.extend(blocks.map(|known| of_format(text, 0, known, Some(&place.label))));
    }
    let mut parts = united(text, parts);
    let literals = |parts: &[Part]| {
        let starts = std::iter::once(0).chain(parts.iter().map(|part| part.range.end));
        let ends = parts.iter().map(|part| part.range.start).chain([text.len()]);
        starts.zip(ends).any(|(start, end)| recognise::hides_key(text.get(start..end).unwrap_or_default()))
    };
    if is_setting && !is_placeholder(text) && literals(&parts) {
        parts = vec![whole(text, 0, &place.label)];
    }
    Split { parts, mentions: false }
}

/// The parts in order. Those that overlap are one, as it is written: so no end of any is left.
fn united(text: &str, mut parts: Vec<Part>) -> Vec<Part> {
    parts.retain(|part| !part.range.is_empty());
    parts.sort_by_key(|part| (part.range.start, std::cmp::Reverse(part.range.end)));
    let mut united: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match united.last_mut().filter(|last| part.range.start < last.range.end) {
            None => united.push(part),
            Some(last) if part.range.end <= last.range.end => {}
            Some(last) => {
                last.range.end = part.range.end;
                last.value = Secret::new(text.get(last.range.clone()).unwrap_or_default().to_owned());
                last.encodings = Vec::new();
            }
        }
    }
    united
}

/// A string that is secret as a whole.
pub(super) fn whole(text: &str, base: usize, label: &str) -> Part {
    let known = recognise::known(text, label).into_iter().max_by_key(|known| known.range.len());
    let known = known.filter(|known| known.range.len() * 4 >= text.len() * 3);
    let recognised = match &known {
        Some(known) => Recognised::Format(known.name.clone()),
        None if is_telling(label) => Recognised::Name(label.to_owned()),
        None => Recognised::Random,
    };
    Part {
        range: base..base + text.len(),
        value: Secret::new(text.to_owned()),
        encodings: Vec::new(),
        recognised,
        provider: known.map(|known| known.provider),
        label: Some(label.to_owned()),
    }
}

/// Looks at a string, or at the part of one that starts at `base`. What is found may overlap.
fn look(text: &str, base: usize, kind: Kind, label: &str, depth: usize, parts: &mut Vec<Part>) {
    if text.is_empty() || is_placeholder(text) || depth > MAX_DEPTH {
        return;
    }
    let mut below = |value: &str, kind: Kind, label: &str| {
        look(value, base + text.len() - value.len(), kind, label, depth + 1, parts);
    };
    if kind == Kind::Argument && (text.starts_with('-') || !is_telling(label)) {
        // `--env=NAME=value`.
        let carries = |name: &str| ["env", "e", "header", "H", "build-arg"].contains(&name);
        if let Some((_, value)) = assignment(text).filter(|(name, _)| text.starts_with('-') && carries(name)) {
            return below(value, kind, "");
        }
        if let Some((name, value)) = assignment(text) {
            return below(value, Kind::Env, name);
        }
        if let Some((name, value)) = header(text).filter(|_| uri::secrets(text).is_empty()) {
            return below(value, Kind::Header, name);
        }
    }
    if let Some((encodings, value, start)) = scheme(text, kind, label) {
        let is_basic = encodings == [Encoding::B64encode];
        let label = if is_basic { "basic".to_owned() } else { label.to_owned() };
        let part = whole(&value, 0, &label);
        let recognised = match part.recognised {
            Recognised::Random => Recognised::Name(label),
            other => other,
        };
        parts.push(Part { range: base + start..base + text.len(), encodings, recognised, ..part });
        return;
    }
    let is_reference = recognise::is_reference(text);
    let is_named = is_telling(label) || (kind == Kind::Header && label.eq_ignore_ascii_case("cookie"));
    let is_named = is_named && !is_reference && recognise::is_value(text, label, kind == Kind::Other);
    // A value under a telling name is secret as a whole, whatever else can be seen in it.
    if is_named && !is_made_of_settings(label) {
        let mut part = whole(text, base, label);
        part.recognised = match part.recognised {
            Recognised::Random => Recognised::Name(label.to_owned()),
            other => other,
        };
        parts.push(part);
        return;
    }
    let before = parts.len();
    if let Some(inner) = nested(text).filter(|_| depth < MAX_NESTING) {
        inside(text, base, &inner, label, depth, parts);
        return;
    }
    parts.extend(uri::secrets(text).into_iter().map(|found| of_uri(text, base, &found)));
    let settings = list::settings(text);
    for setting in &settings {
        of_setting(text, base, kind, setting, depth, parts);
    }
    let neighbours = parts.get(before..).unwrap_or_default().to_vec();
    for setting in settings.iter().filter(|_| !neighbours.is_empty()) {
        parts.extend(beside(text, base, setting, &neighbours));
    }
    let known = recognise::known(text, label);
    let is_whole = known.len() == 1 && known.iter().all(|known| known.range.len() * 4 >= text.len() * 3);
    if !known.is_empty() && (kind != Kind::Other || is_whole) {
        // What is beside a key in one word belongs to it: `AKIA…:secret`.
        match parts.len() == before {
            true => formats(text, base, known, Some(label), parts),
            false => parts.extend(known.into_iter().map(|known| of_format(text, base, known, Some(label)))),
        }
    }
    // An argument may be a digest or a commit, which no key has the form of.
    let may_be_random = match kind {
        Kind::Env | Kind::Header => true,
        Kind::Argument => {
            text.len() >= ARGUMENT && recognise::is_word(text) && !text.bytes().all(|b| b.is_ascii_hexdigit())
        }
        Kind::Other => false,
    };
    let is_random = may_be_random && !is_reference && recognise::is_random(text) && !recognise::is_public_name(label);
    if parts.len() == before && (is_named || is_random) {
        let recognised = if is_named { Recognised::Name(label.to_owned()) } else { Recognised::Random };
        parts.push(Part { recognised, ..whole(text, base, label) });
    }
}

/// The keys of known formats in a text; all of it, if something beside them is as secret as they are.
fn formats(text: &str, base: usize, known: Vec<recognise::Known>, label: Option<&str>, parts: &mut Vec<Part>) {
    let starts = std::iter::once(0).chain(known.iter().map(|known| known.range.end));
    let ends = known.iter().map(|known| known.range.start).chain([text.len()]);
    let rest: Vec<&str> = starts.zip(ends).filter_map(|(start, end)| text.get(start..end)).collect();
    let is_word = !text.trim().contains(char::is_whitespace);
    let is_sign = |char: char| !char.is_alphanumeric();
    let has_random = |rest: &&str| {
        rest.split(|char: char| !(char.is_ascii_alphanumeric() || "+/=_-".contains(char))).any(recognise::is_random)
    };
    let has_partner = known.len() < text.len() && is_word && rest.iter().any(|rest| !rest.chars().all(is_sign));
    if !known.is_empty() && (has_partner || rest.iter().any(has_random)) {
        parts.push(whole(text, base, label.unwrap_or_default()));
    } else {
        parts.extend(known.into_iter().map(|known| of_format(text, base, known, label)));
    }
}

/// One setting of several in a string.
fn of_setting(text: &str, base: usize, kind: Kind, setting: &list::Setting<'_>, depth: usize, parts: &mut Vec<Part>) {
    let Some(value) = text.get(setting.value.clone()) else { return };
    let start = base + setting.value.start;
    let folded: String = setting.name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let is_password = ["password", "pwd"].contains(&folded.as_str());
    let is_certain = is_password
        || ["accountkey", "sharedaccesskey", "accesskey", "secret", "token", "apikey"].contains(&folded.as_str());
    if is_certain && !value.is_empty() && !recognise::is_reference(value) && !is_placeholder(value) {
        let label = if is_password { "password" } else { setting.name };
        return parts.push(whole(value, start, label));
    }
    let kind = match kind {
        Kind::Other => Kind::Other,
        _ if setting.is_header => Kind::Header,
        _ => Kind::Env,
    };
    look(value, start, kind, setting.name, depth + 1, parts);
}

/// Beside a secret of a list whatever is random is one too: of a cookie jar no name says what it is.
fn beside(text: &str, base: usize, setting: &list::Setting<'_>, neighbours: &[Part]) -> Option<Part> {
    let value = text.get(setting.value.clone())?;
    let range = base + setting.value.start..base + setting.value.end;
    let is_clear = !neighbours.iter().any(|part| part.range.start < range.end && range.start < part.range.end);
    let is_random = recognise::is_random(value) && !recognise::is_public_name(setting.name);
    let is_named = is_telling(setting.name) && recognise::is_value(value, setting.name, false);
    let is_secret = is_clear && (is_random || is_named) && !recognise::is_reference(value) && !is_placeholder(value);
    is_secret.then(|| whole(value, range.start, setting.name))
}

/// Whether a telling name has several settings as its value more often than one secret.
fn is_made_of_settings(label: &str) -> bool {
    label.to_ascii_lowercase().ends_with("dsn")
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
    let is_one = text.trim_start().starts_with(['{', '[', '"']) && text.trim_end().ends_with(['}', ']', '"']);
    is_one.then(|| Document::parse(text.as_bytes()).ok()).flatten()
}

/// Looks at the strings of JSON in a string. A secret that is escaped there can't be put in as it is stored, and a name
/// can't be a reference: then all of the text is secret.
fn inside(text: &str, base: usize, inner: &Document<'_>, label: &str, depth: usize, parts: &mut Vec<Part>) {
    let (mut found, mut is_whole) = (Vec::new(), false);
    inner.strings(|token| {
        let Some(value) = token.node.as_str() else { return };
        if token.is_key {
            is_whole |= !recognise::known(&value, "").is_empty();
            return;
        }
        let name = token.key().map_or(Cow::Borrowed(label), string::decode_lossy);
        let mut here = Vec::new();
        look(&value, base + token.node.span().start + 1, Kind::Env, &name, depth + 1, &mut here);
        let is_written_plainly =
            value.len() + 2 == token.node.raw().len() && string::encode(&value) == token.node.raw();
        let is_plain = |part: &Part| {
            let value = part.value.expose();
            !part.encodings.is_empty() || string::encode(value).len() == value.len() + 2
        };
        is_whole |= here.iter().any(|part| !(is_written_plainly && is_plain(part)));
        found.append(&mut here);
    });
    match is_whole {
        true => parts.push(whole(text, base, label)),
        false => parts.append(&mut found),
    }
}
