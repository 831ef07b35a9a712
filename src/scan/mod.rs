//! Recognises keys without any store: known formats, random values, telling names.
//!
//! One source of truth for everybody who asks what a key looks like: `check`, `import`, `diff` (what to hide) and
//! `purge` (where to revoke). Pure and fast: one pass looks for three bytes of each rule's literals, and only there a
//! rule is tried. Nothing here knows whose key it is or whether it is still valid.

mod anchors;
pub mod keylike;

mod block;
mod checksum;
mod filter;
mod formats;
pub mod names;
mod place;
mod published;
mod random;
mod rule;
mod shape;
mod suspects;

pub use random::{is_placeholder, is_random, is_shown};
pub use rule::{Check, Rule};
pub use suspects::{Suspect, Suspicion, suspects};

use filter::{Anchor, Filter};
use shape::Shape;
use std::ops::Range;
use std::sync::LazyLock;

/// How much before a match decides whether it may begin there.
const ESCAPE: usize = 3;
/// A name that says the provider is worth this many literal bytes.
const NAMED: usize = 8;

/// A key of a known format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Where the key is, in bytes: the key alone, without quotes or name; of a block of lines all of them.
    pub range: Range<usize>,
    /// Whether it is a block whose last line is missing.
    pub is_cut: bool,
    /// What it is.
    pub rule: &'static Rule,
}

struct Compiled {
    rules: Vec<Rule>,
    shapes: Vec<Shape>,
    /// Where a format may be.
    filter: Filter,
    /// The same, and where a name or a URL may tell of a secret.
    all: Filter,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let rules: Vec<Rule> = formats::TABLES.iter().flat_map(|table| table.iter().copied()).collect();
    let shapes: Vec<Shape> = rules.iter().map(|rule| Shape::new(rule.pattern)).collect();
    let mut anchors = Vec::with_capacity(2 * rules.len());
    for (number, (rule, shape)) in rules.iter().zip(&shapes).enumerate() {
        if rule.near.is_empty() {
            anchors.extend(filter::of_shape(number, shape));
        }
        let words = rule.near.iter().filter_map(|word| filter::of_text(number, word.as_bytes(), (0, 0)));
        anchors.extend(words.map(|(_, anchor)| anchor));
    }
    let places = anchors::anchors();
    let all = Filter::new(anchors.iter().copied().chain(places).collect());
    Compiled { rules, shapes, filter: Filter::new(anchors), all }
});

/// All known formats.
#[must_use]
pub fn rules() -> &'static [Rule] {
    &COMPILED.rules
}

/// The format of this identifier.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().iter().find(|rule| rule.id == id)
}

/// Where a secret of this name is revoked, if it bears a provider's: `openai`, `github`.
#[must_use]
pub fn revoke_url(name: &str) -> Option<&'static str> {
    rules().iter().find(|rule| rule.name.eq_ignore_ascii_case(name)).map(|rule| rule.revoke_url)
}

/// All keys of known formats in a text, in order, none overlapping. Placeholders (`sk-xxxx…`), and tokens whose
/// checksum is wrong, are none.
///
/// ```
/// use keystencil::scan;
/// let key = ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat();
/// let text = format!("GROQ_API_KEY={key}");
/// let hits = scan::find(text.as_bytes());
/// assert_eq!((hits[0].range.clone(), hits[0].rule.id), (13..text.len(), "groq-api-key"));
/// ```
#[must_use]
pub fn find(text: &[u8]) -> Vec<Hit> {
    let mut formats = Formats::default();
    COMPILED.filter.scan(text, |at, anchor| formats.look(text, at, anchor));
    formats.hits()
}

/// Collects keys of known formats, and at the end drops those that are in a surer one.
#[derive(Default)]
struct Formats {
    /// Range, how sure, number of the rule, whether it is cut off.
    found: Vec<(Range<usize>, usize, usize, bool)>,
    names: place::Names,
}

impl Formats {
    fn look(&mut self, text: &[u8], at: usize, anchor: Anchor) {
        let known: &'static Compiled = &COMPILED;
        let (Some(rule), Some(shape)) = (known.rules.get(anchor.rule), known.shapes.get(anchor.rule)) else { return };
        let range = match rule.near {
            [] => standing(text, at, anchor, shape),
            _ => self.named(text, at, rule, shape),
        };
        let Some(mut range) = range else { return };
        let mut is_cut = false;
        if block::is_block(rule.check) {
            let Some(end) = text.get(range.end..).and_then(|after| block::end(rule.check, after)) else { return };
            (range.end, is_cut) = (range.end + end.length, end.is_cut);
        }
        let certain = shape.literal() + if rule.near.is_empty() { 0 } else { NAMED };
        let entry = (range, certain, anchor.rule, is_cut);
        if !self.found.iter().rev().take(8).any(|other| *other == entry) && is_real(text, &entry.0, rule, shape) {
            self.found.push(entry);
        }
    }

    /// A match of a rule that wants a name: the name around the word has to be a secret's.
    fn named(&mut self, text: &[u8], at: usize, rule: &Rule, shape: &Shape) -> Option<Range<usize>> {
        self.names.go_to(text, at);
        let name = self.names.name()?;
        if !self.names.is_secret(text) {
            return None;
        }
        let said = text.get(name.clone())?;
        let start = place::value_after(text, &name)?;
        let end = shape.end(text, start)?;
        rule.near.iter().any(|word| has_word(said, word.as_bytes())).then_some(start..end)
    }

    fn hits(mut self) -> Vec<Hit> {
        self.found.sort_by_key(|(range, certain, rule, _)| (range.start, std::cmp::Reverse(*certain), *rule));
        let mut hits: Vec<Hit> = Vec::with_capacity(self.found.len());
        for (range, _, rule, is_cut) in self.found {
            let apart = hits.last().is_none_or(|last| last.range.end <= range.start);
            if let Some(rule) = COMPILED.rules.get(rule).filter(|_| apart) {
                hits.push(Hit { range, rule, is_cut });
            }
        }
        hits
    }
}

/// A match of a rule that has a literal: it begins as far before the anchor as the pattern says.
fn standing(text: &[u8], at: usize, anchor: Anchor, shape: &Shape) -> Option<Range<usize>> {
    let (min, max) = anchor.before;
    (min..=max).rev().filter_map(|before| at.checked_sub(before)).find_map(|start| {
        let end = begins(text, start, shape).then(|| shape.end(text, start)).flatten()?;
        Some(start..end)
    })
}

/// Whether the word is in the name, at the beginning of one of its parts.
fn has_word(name: &[u8], word: &[u8]) -> bool {
    name.windows(word.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| name.get(at)).copied().unwrap_or(b'_');
        let same_case = window.first().is_some_and(|first| {
            before.is_ascii_lowercase() && first.is_ascii_lowercase()
                || before.is_ascii_uppercase() && first.is_ascii_uppercase()
        });
        !same_case && window.eq_ignore_ascii_case(word)
    })
}

/// Whether a key may begin here: not in the middle of a word, but after `\n`, `\t` and `%3D`. What begins with a sign
/// is in no word.
fn begins(text: &[u8], start: usize, shape: &Shape) -> bool {
    if text.get(start).is_some_and(u8::is_ascii_punctuation) {
        return true;
    }
    let before = text.get(start.saturating_sub(ESCAPE)..start).unwrap_or_default();
    match before {
        [] => true,
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., last] => !shape.continues(*last),
    }
}

fn is_real(text: &[u8], range: &Range<usize>, rule: &Rule, shape: &Shape) -> bool {
    if block::is_block(rule.check) {
        return true;
    }
    let matched = text.get(range.clone()).unwrap_or_default();
    let plain = String::from_utf8_lossy(matched);
    let random = plain.get(shape.literal().min(plain.len())..).unwrap_or_default();
    let fixed = shape.literal() == matched.len();
    (fixed
        || !(says_placeholder(&plain) || published::is_published(&plain) || random::is_monotonous(random.as_bytes())))
        && checksum::holds(rule.check, matched)
}

/// What documentation has in place of a key. Fewer words than for a value of unknown form: chance writes short ones.
fn says_placeholder(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    [
        "xxxxxx",
        "example",
        "placeholder",
        "changeme",
        "redacted",
        "your_",
        "your-",
        "yourapi",
        "......",
        "0123456789",
        "1234567890",
        "abcdefghijkl",
    ]
    .iter()
    .any(|part| lower.contains(part))
}

/// Whether a word begins as the keys of a known provider do: for hiding, where one too many does no harm.
#[must_use]
pub fn has_known_beginning(word: &str) -> bool {
    COMPILED.rules.iter().zip(&COMPILED.shapes).filter(|(rule, _)| rule.near.is_empty()).any(|(_, shape)| {
        matches!(shape.pieces.first(), Some(shape::Piece::Text(texts)) if texts.iter().any(|text| text.len() >= 3 && word.as_bytes().starts_with(text)))
    })
}

/// The beginning of a key that all keys of its format have, and that anybody may see.
#[must_use]
pub fn public_beginning<'k>(rule: &Rule, key: &'k [u8]) -> &'k str {
    let first = Shape::new(rule.pattern).pieces.into_iter().next();
    let Some(shape::Piece::Text(texts)) = first else { return "" };
    let known = texts.iter().find(|text| key.starts_with(text)).map_or(0, Vec::len);
    key.get(..known).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
