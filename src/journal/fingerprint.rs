//! Recognises a secret without holding it: keyed BLAKE3, after a filter that costs one multiplication a byte.
//!
//! The journal keeps a [`Fingerprint`] of each inserted secret and the [`Key`] they were made with; the key is random
//! and new for every journal, so two journals can't be compared. [`Finder`] searches texts for all of them at once.
//!
//! # Limitations
//! Anyone who reads the journal can test guesses, as with any salted hash: **a short or guessable secret can be found
//! by trying**. The journal is therefore 0600, and gone when the secrets are. The filter keeps 16 bits of a keyed
//! multiplicative hash of a secret's first eight bytes.

use crate::scan::is_shown;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// Secrets with fewer characters than this are recognised only as a whole slot value in their own place.
const SHORT: usize = 8;
/// What the filter looks at: the first bytes of a secret. At least [`SHORT`] characters are at least that many bytes.
const WINDOW: usize = 8;
/// Entries of the filter: the upper 14 of a head's 16 bits, so that the table stays in the first cache.
const FILTER: usize = 1 << 14;
/// How many windows are looked at before the first question: one branch for all of them.
const BATCH: usize = 16;

/// Whether a secret is looked for outside its own place. One that is short, or a password that every manual has
/// (`postgres`, `password`), is in texts that have nothing to do with it.
///
/// ```
/// use keystencil::journal::fingerprint::is_searched_for;
/// assert!(is_searched_for("sk-live-123") && !is_searched_for("hunter2") && !is_searched_for("postgres"));
/// ```
#[must_use]
pub fn is_searched_for(secret: &str) -> bool {
    secret.chars().count() >= SHORT && !is_shown(secret)
}

/// The key of one journal's fingerprints: 32 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key([u8; 32]);

impl Key {
    /// Makes a key of 32 bytes that the caller drew at random.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The fingerprint of a text.
    ///
    /// ```
    /// use keystencil::journal::Key;
    /// let key = Key::new([7; 32]);
    /// assert!(key.print("sk-live-123").matches(&key, "sk-live-123"));
    /// assert!(!key.print("sk-live-123").matches(&key, "sk-live-124"));
    /// ```
    #[must_use]
    pub fn print(&self, text: &str) -> Fingerprint {
        Fingerprint {
            bytes: text.len(),
            head: is_searched_for(text).then(|| text.as_bytes().first_chunk().map(|w| self.head(*w))).flatten(),
            hash: Hash(*blake3::keyed_hash(&self.0, text.as_bytes()).as_bytes()),
        }
    }

    /// What distinguishes this key from others, and says nothing else about it.
    #[must_use]
    pub fn name(&self) -> String {
        blake3::hash(&self.0).to_hex().get(..16).unwrap_or_default().to_owned()
    }

    /// 32 bits of the hash of a text: enough to see that something stayed as it was, too few to test guesses with.
    #[must_use]
    pub fn brief(&self, text: &str) -> u32 {
        let [a, b, c, d, ..] = *blake3::keyed_hash(&self.0, text.as_bytes()).as_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn multiplier(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1
    }

    fn head(&self, window: [u8; WINDOW]) -> u16 {
        head(self.multiplier(), window)
    }
}

/// Multiply-shift hashing: the upper bits of a product with an odd random number are close to universal.
fn head(multiplier: u64, window: [u8; WINDOW]) -> u16 {
    let [.., low, high] = product(multiplier, window).to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn product(multiplier: u64, window: [u8; WINDOW]) -> u64 {
    u64::from_le_bytes(window).wrapping_mul(multiplier)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl TryFrom<String> for Key {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Hash::try_from(text).map(|hash| Self(hash.0))
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        hex::encode(key.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Hash([u8; 32]);

impl TryFrom<String> for Hash {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hex::encode(hash.0)
    }
}

/// What is kept of a secret: its length, 16 bits for the filter, and its keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<u16>,
    hash: Hash,
}

impl Fingerprint {
    /// Whether the text is what the fingerprint was taken of.
    #[must_use]
    pub fn matches(&self, key: &Key, text: &str) -> bool {
        self.matches_bytes(key, text.as_bytes())
    }

    /// Length of the secret in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the secret is not looked for outside its own place: too short, or in every manual.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.head.is_none()
    }

    fn matches_bytes(&self, key: &Key, bytes: &[u8]) -> bool {
        // blake3 compares in constant time; nothing here may tell by its duration how much of a guess was right.
        bytes.len() == self.bytes && blake3::Hash::from(self.hash.0) == blake3::keyed_hash(&key.0, bytes)
    }
}

/// Searches texts for many fingerprints in one pass. Short secrets are not searched for.
pub struct Finder<'j, T> {
    key: &'j Key,
    multiplier: u64,
    /// 1 where a head begins with these bits, else 0.
    filter: Box<[u8; FILTER]>,
    by_head: HashMap<u16, Vec<(&'j Fingerprint, T)>>,
}

impl<'j, T: Copy> Finder<'j, T> {
    /// Prepares the search; each fingerprint comes with what a match should be called.
    pub fn new(key: &'j Key, fingerprints: impl IntoIterator<Item = (&'j Fingerprint, T)>) -> Self {
        let mut finder =
            Self { key, multiplier: key.multiplier(), filter: Box::new([0; FILTER]), by_head: HashMap::new() };
        for (fingerprint, name) in fingerprints {
            let Some(head) = fingerprint.head else { continue };
            if let Some(entry) = finder.filter.get_mut(usize::from(head >> 2)) {
                *entry = 1;
            }
            let candidates = finder.by_head.entry(head).or_default();
            if !candidates.iter().any(|(known, _)| *known == fingerprint) {
                candidates.push((fingerprint, name));
            }
        }
        // The longest first, so that a secret that begins with another one is found whole.
        for candidates in finder.by_head.values_mut() {
            candidates.sort_by_key(|(fingerprint, _)| std::cmp::Reverse(fingerprint.bytes));
        }
        finder
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_head.is_empty()
    }

    /// Calls `found` with every occurrence: leftmost first, the longest at a place, none overlapping.
    pub fn scan(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>, T)) {
        let mut from = 0;
        while let Some((range, name)) = self.next(bytes, from) {
            from = range.end;
            found(range, name);
        }
    }

    /// Whether there is an occurrence.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.next(bytes, 0).is_some()
    }

    /// The first occurrence that starts at `from` or later.
    fn next(&self, bytes: &[u8], mut from: usize) -> Option<(Range<usize>, T)> {
        if self.is_empty() {
            return None;
        }
        loop {
            let start = self.candidate(bytes, from)?;
            if let Some(found) = self.begins(bytes, start) {
                return Some(found);
            }
            from = start + 1;
        }
    }

    /// The first place at `from` or later that the filter lets pass.
    fn candidate(&self, bytes: &[u8], mut from: usize) -> Option<usize> {
        while let Some(batch) = bytes.get(from..)?.first_chunk::<{ BATCH + WINDOW - 1 }>() {
            if batch.windows(WINDOW).fold(0, |hits, window| hits | self.filtered(window)) != 0 {
                break;
            }
            from += BATCH;
        }
        // What is left, or what begins with the batch that has it.
        bytes.get(from..)?.windows(WINDOW).position(|window| self.filtered(window) != 0).map(|at| from + at)
    }

    /// What the filter says of a window: asked for every byte, so it must stay a few instructions.
    #[inline]
    fn filtered(&self, window: &[u8]) -> u8 {
        let Some(window) = window.first_chunk() else { return 0 };
        let entry = product(self.multiplier, *window) >> (64 - FILTER.ilog2());
        self.filter.get(usize::try_from(entry).unwrap_or_default()).copied().unwrap_or_default()
    }

    /// The longest secret that begins at `start`.
    fn begins(&self, bytes: &[u8], start: usize) -> Option<(Range<usize>, T)> {
        let head = head(self.multiplier, *bytes.get(start..)?.first_chunk()?);
        let (fingerprint, name) = self.by_head.get(&head)?.iter().find(|(fingerprint, _)| {
            bytes
                .get(start..start.saturating_add(fingerprint.bytes))
                .is_some_and(|piece| fingerprint.matches_bytes(self.key, piece))
        })?;
        Some((start..start + fingerprint.bytes, *name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_two_secrets_that_begin_alike_is_found() {
        let key = Key::new([3; 32]);
        let (short, long) = (key.print("abcdefgh"), key.print("abcdefgh-and-more"));
        let finder = Finder::new(&key, [(&short, 1), (&long, 2)]);
        let mut seen = Vec::new();
        finder.scan(b"x abcdefgh-and-more abcdefgh-and abcdefg", |range, name| seen.push((range, name)));
        assert_eq!(seen, [(2..19, 2), (20..28, 1)]);
    }

    #[test]
    fn a_short_secret_is_never_searched_for() {
        let key = Key::new([3; 32]);
        let print = key.print("1234");
        assert!(print.is_short());
        assert!(Finder::new(&key, [(&print, ())]).is_empty());
    }

    #[test]
    fn eight_characters_count_and_not_eight_bytes() {
        assert!(Key::new([1; 32]).print("éééé").is_short());
        assert!(!Key::new([1; 32]).print("éééééééé").is_short());
    }

    #[test]
    fn a_key_and_a_fingerprint_survive_their_serialisation() {
        let key = Key::new([0xab; 32]);
        let print = key.print("sk-live-12345678");
        let text = serde_json::to_string(&(key, &print)).unwrap();
        let (key2, print2): (Key, Fingerprint) = serde_json::from_str(&text).unwrap();
        assert!((key2, print2) == (key, print));
    }
}
