//! Placeholders: how a reference is written where its secret is not. What is written here reads back as the same
//! reference, by [`Reference::parse`] and by the template engine alike.

use super::blueprint::{Encoding, Part, Reference, Slot, Source};
use super::reserved::is_provider_name;
use crate::secret::{DEFAULT_ACCOUNT, Query, Wanted};
use base64::Engine as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

impl Encoding {
    /// What the filter makes of a text.
    ///
    /// ```
    /// use keystencil::template::Encoding;
    /// assert_eq!(Encoding::B64encode.apply("user:pass"), "dXNlcjpwYXNz");
    /// assert_eq!(Encoding::Urlencode.apply("a b/c~"), "a%20b%2Fc~");
    /// ```
    #[must_use]
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::B64encode => base64::engine::general_purpose::STANDARD.encode(text),
            Self::Urlencode => percent_encoding::utf8_percent_encode(text, &RESERVED).to_string(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::B64encode => "b64encode",
            Self::Urlencode => "urlencode",
        }
    }
}

/// All but the unreserved characters of RFC 3986.
const RESERVED: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<< ")?;
        match &self.source {
            Source::Secret(query) => write_query(f, query)?,
            Source::Env(name) => write!(f, "env({})", Quoted(name))?,
        }
        for encoding in &self.encodings {
            write!(f, " | {}", encoding.name())?;
        }
        f.write_str(" >>")
    }
}

/// A call as short as it can be: a pin that follows from another one is left out.
fn write_query(f: &mut fmt::Formatter<'_>, query: &Query) -> fmt::Result {
    let (pin, named) = match query {
        Query::Command(provided) => {
            return write!(f, "{}({})", provided.provider(), Quoted(provided.reference()));
        }
        Query::Name(name) => (None, Some(name)),
        Query::Vault(name) => (Some(("store", "vault")), Some(name)),
        Query::Keyring(pinned) => {
            let pin = pinned.collection().map(|collection| ("collection", collection));
            match pinned.wanted() {
                Wanted::Name(name) => (pin.or(Some(("store", "native"))), Some(name)),
                Wanted::Attributes(attributes) => {
                    f.write_str("keyring(attributes={")?;
                    for (index, (key, value)) in attributes.iter().enumerate() {
                        write!(f, "{}{}: {}", if index == 0 { "" } else { ", " }, Quoted(key), Quoted(value))?;
                    }
                    f.write_str("}")?;
                    (pin, None)
                }
            }
        }
    };
    if let Some(name) = named {
        write!(f, "keyring({}", Quoted(name.service()))?;
        if name.account() != DEFAULT_ACCOUNT {
            write!(f, ", {}", Quoted(name.account()))?;
        }
    }
    if let Some((key, value)) = pin {
        write!(f, ", {key}={}", Quoted(value))?;
    }
    f.write_str(")")
}

/// A string literal in single quotes. `<` and `>` are escaped too, so that no name can look like a delimiter, and so
/// is what doesn't show or changes the direction of writing.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for char in self.0.chars() {
            match char {
                '\'' | '\\' => write!(f, "\\{char}")?,
                '<' | '>' => write!(f, "\\u{:04x}", u32::from(char))?,
                char if char.is_control() || is_invisible(char) => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
                char => write!(f, "{char}")?,
            }
        }
        f.write_str("'")
    }
}

fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(char, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

impl Reference {
    /// Reads one placeholder: the whole text, nothing around it.
    ///
    /// ```
    /// use keystencil::template::Reference;
    /// let reference = Reference::parse(r#"<<keyring("github", account="work")|b64encode>>"#).ok_or("no placeholder")?;
    /// assert_eq!(reference.to_string(), "<< keyring('github', 'work') | b64encode >>");
    /// let reference = Reference::parse("<< keyring('x', store='native', collection=\"login\") >>").ok_or("none")?;
    /// assert_eq!(reference.to_string(), "<< keyring('x', collection='login') >>");
    /// assert_eq!(Reference::parse("Bearer << keyring('github') >>"), None);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn parse(placeholder: &str) -> Option<Self> {
        match Self::parse_prefix(placeholder)? {
            (reference, "") => Some(reference),
            _ => None,
        }
    }

    /// Reads the placeholder that a text starts with; the rest of the text comes too.
    fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (call, text) = super::call::read(text.strip_prefix("<<")?)?;
        let (encodings, text) = encodings(text)?;
        if !matches!(call.function, "keyring" | "env") && !is_provider_name(call.function) {
            return None;
        }
        Some((Self { source: call.arguments.source(call.function).ok()?, encodings }, text))
    }
}

/// `| b64encode | urlencode >>`
fn encodings(mut text: &str) -> Option<(Vec<Encoding>, &str)> {
    let mut encodings = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix(">>") {
            return Some((encodings, rest));
        }
        let rest = text.strip_prefix('|')?.trim_start();
        let encoding = [Encoding::B64encode, Encoding::Urlencode].into_iter().find(|it| rest.starts_with(it.name()))?;
        encodings.push(encoding);
        text = rest.get(encoding.name().len()..)?;
    }
}

/// A text that is not a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a placeholder such as `<< keyring('github') >>`")]
pub struct NoPlaceholder;

impl FromStr for Reference {
    type Err = NoPlaceholder;
    fn from_str(text: &str) -> Result<Self, NoPlaceholder> {
        Self::parse(text).ok_or(NoPlaceholder)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Slot {
    /// The string that is in a target at rest: literals and placeholders, joined.
    #[must_use]
    pub fn placeholder(&self) -> String {
        self.parts.iter().map(ToString::to_string).collect()
    }

    /// The references of the slot, in order; one may come twice.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Secret(reference) => reference.fmt(f),
        }
    }
}

/// Splits a text at its placeholders; `None` if it holds none.
///
/// ```
/// use keystencil::template::{Part, parse_parts};
/// let parts = parse_parts("Bearer << keyring('github') >>").unwrap_or_default();
/// assert!(matches!(&parts[..], [Part::Literal(text), Part::Secret(_)] if text == "Bearer "));
/// assert_eq!(parse_parts("cat <<EOF"), None);
/// ```
#[must_use]
pub fn parse_parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("<<")).map(|found| at + found) {
        match Reference::parse_prefix(text.get(found..).unwrap_or_default()) {
            Some((reference, rest)) => {
                parts.extend(
                    text.get(literal..found).filter(|text| !text.is_empty()).map(|text| Part::Literal(text.to_owned())),
                );
                parts.push(Part::Secret(reference));
                at = text.len() - rest.len();
                literal = at;
            }
            None => at = found + 1,
        }
    }
    if parts.is_empty() {
        return None;
    }
    parts.extend(text.get(literal..).filter(|text| !text.is_empty()).map(|text| Part::Literal(text.to_owned())));
    Some(parts)
}

/// Whether a text holds at least one well-formed placeholder, wholly or among other text.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("<<")) {
        at += found;
        if Reference::parse_prefix(text.get(at..).unwrap_or_default()).is_some() {
            return true;
        }
        at += 1;
    }
    false
}
