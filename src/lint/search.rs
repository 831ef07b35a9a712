//! Looks through one file, piece by piece: keys, the user's own secrets, what journals know.
//!
//! A piece overlaps the one before it, so that nothing is cut; what begins in the overlap is reported once. Lines are
//! counted only when something was found.

use super::allow::is_allowed;
use super::baseline::Baseline;
use super::decode::Encoding;
use super::finding::{Finding, Kind};
use super::own::{Own, OwnFinder};
use super::stray;
use crate::journal::Journal;
use crate::journal::escape::occurrences;
use crate::journal::fingerprint::Finder;
use crate::scan::{self, Suspicion};
use memchr::{memchr_iter, memrchr};
use std::ops::Range;
use std::path::Path;

/// How much of a piece is looked at again with the next one: no key is longer.
const OVERLAP: usize = 64 << 10;
/// How much before that is there for names and comments in front of a value.
const CONTEXT: usize = 8 << 10;
/// More findings in one file add nothing, and a key file of a million lines must not fill the memory.
const MOST: usize = 10_000;

/// What is known besides the formats: shared by all files of a run.
pub struct Known<'k> {
    own: OwnFinder<'k>,
    journals: Vec<Finder<'k, &'k str>>,
    baseline: &'k Baseline,
}

impl<'k> Known<'k> {
    /// The user's own secrets, what is rendered now, and what was looked at before.
    #[must_use]
    pub fn new(own: OwnFinder<'k>, journals: &'k [Journal], baseline: &'k Baseline) -> Self {
        let finder = |journal: &'k Journal| {
            Finder::new(&journal.key, journal.secrets().map(|(placeholder, print)| (print, placeholder)))
        };
        Self { own, journals: journals.iter().map(finder).collect(), baseline }
    }

    pub(super) fn baseline(&self) -> &Baseline {
        self.baseline
    }
}

/// The scan of one file.
pub struct Scan<'k> {
    known: &'k Known<'k>,
    file: &'k Path,
    /// As the baseline names it.
    name: &'k Path,
    encoding: Option<Encoding>,
    /// What was left of the last piece.
    kept: Vec<u8>,
    /// How much of `kept` was reported on already.
    reported: usize,
    /// Line and column of the first byte of `kept`, from 0.
    position: (usize, usize),
    /// Findings so far.
    pub findings: Vec<Finding>,
    /// Whether it is a template, by its name and by a reference in it.
    pub is_template: bool,
}

impl<'k> Scan<'k> {
    /// Begins with a file; `name` is what a baseline calls it.
    #[must_use]
    pub fn new(known: &'k Known<'k>, file: &'k Path, name: &'k Path) -> Self {
        Self {
            known,
            file,
            name,
            encoding: None,
            kept: Vec::new(),
            reported: 0,
            position: (0, 0),
            findings: Vec::new(),
            is_template: false,
        }
    }

    /// Looks through the next piece. An even number of bytes, but for the last.
    pub fn piece(&mut self, piece: &[u8], is_last: bool) {
        let encoding = *self.encoding.get_or_insert_with(|| Encoding::of(piece));
        let decoded = encoding.decode(piece);
        let piece = decoded.as_deref().unwrap_or(piece);
        if self.kept.is_empty() && is_last {
            self.text(piece, piece.len(), encoding);
            return;
        }
        let mut text = std::mem::take(&mut self.kept);
        text.extend_from_slice(piece);
        let until = if is_last { text.len() } else { text.len().saturating_sub(OVERLAP) };
        self.text(&text, until, encoding);
        let cut = until.saturating_sub(CONTEXT).min(text.len());
        let gone = text.get(..cut).unwrap_or_default();
        self.position = position(gone, self.position);
        self.reported = until - cut;
        self.kept = text.split_off(cut);
    }

    /// Reports what begins between what was reported and `until`.
    fn text(&mut self, text: &[u8], until: usize, encoding: Encoding) {
        if !self.is_template && encoding != Encoding::Binary && stray::can_be_template(self.file) {
            self.is_template = stray::has_reference(text);
        }
        let mut all = places(text, self.known, encoding);
        all.retain(|(range, _)| {
            (self.reported..until).contains(&range.start) || (range.start >= until && until == text.len())
        });
        let mut last = (0, self.position);
        for (range, kind) in &all {
            if self.findings.len() >= MOST || is_allowed(text, range, kind.rule()) {
                continue;
            }
            let value = text.get(range.clone()).unwrap_or_default();
            let print = kind.may_be_known().then(|| self.known.baseline.print(kind.rule(), self.name, value));
            last = (range.start, position(text.get(last.0..range.start).unwrap_or_default(), last.1));
            let (line, column) = last.1;
            let shown = kind.redacted(value);
            let (line, column) = (line + 1, column + 1);
            self.findings.push(Finding { file: self.file.to_owned(), line, column, kind: kind.clone(), shown, print });
        }
    }
}

/// Everything in a text that must not be committed, in order: what is certain, and guesses that do not overlap with it.
pub(super) fn places(text: &[u8], known: &Known<'_>, encoding: Encoding) -> Vec<(Range<usize>, Kind)> {
    let mut sure: Vec<(Range<usize>, Kind)> = Vec::new();
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    known.own.scan(text, |range, name, form| found.push((range, Kind::Own { name: name.to_owned(), form })));
    for journal in &known.journals {
        let held = occurrences(journal, text);
        found.extend(held.into_iter().map(|one| (one.range, Kind::Rendered(one.name.to_owned()))));
    }
    // The first of a place: the user's own before what a journal knows.
    found.sort_by_key(|(range, kind)| (range.start, matches!(kind, Kind::Rendered(_))));
    for one in found {
        if sure.last().is_none_or(|(last, _)| last.end <= one.0.start) {
            sure.push(one);
        }
    }
    let guessed: Vec<(Range<usize>, Kind)> = match encoding {
        Encoding::Binary => {
            let hits = scan::find(text).into_iter().filter(|hit| hit.rule.near.is_empty());
            hits.map(|hit| (hit.range, Kind::Format(hit.rule))).collect()
        }
        _ => scan::suspects(text).into_iter().map(|suspect| (suspect.range, kind(suspect.why))).collect(),
    };
    let is_apart = |range: &Range<usize>| {
        let next = sure.partition_point(|(other, _)| other.end <= range.start);
        sure.get(next).is_none_or(|(other, _)| range.end <= other.start)
    };
    let mut all: Vec<(Range<usize>, Kind)> = guessed.into_iter().filter(|(range, _)| is_apart(range)).collect();
    all.append(&mut sure);
    all.sort_by_key(|(range, _)| range.start);
    all
}

/// What `check` would report in a text, in order: keys, random values under telling names, and the
/// values of `own` in any form. What a comment allows is left out. Used before a file is written.
#[must_use]
pub fn finds(text: &str, own: &Own) -> Vec<(Range<usize>, Kind)> {
    let baseline = Baseline::default();
    let all = places(text.as_bytes(), &Known::new(own.finder(), &[], &baseline), Encoding::Bytes);
    all.into_iter().filter(|(range, kind)| !is_allowed(text.as_bytes(), range, kind.rule())).collect()
}

fn kind(why: Suspicion) -> Kind {
    match why {
        Suspicion::Format(rule) => Kind::Format(rule),
        Suspicion::Value => Kind::Random,
        Suspicion::UrlPassword => Kind::UrlPassword,
    }
}

/// The position after a text that began at `from`.
fn position(text: &[u8], from: (usize, usize)) -> (usize, usize) {
    let lines = memchr_iter(b'\n', text).count();
    match memrchr(b'\n', text) {
        None => (from.0, from.1 + characters(text)),
        Some(at) => (from.0 + lines, characters(text.get(at + 1..).unwrap_or_default())),
    }
}

/// Characters, counted by the bytes that begin one.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::own::Own;
    use crate::secret::Secret;

    fn scan(own: &Own, pieces: &[&[u8]]) -> Vec<(usize, usize, &'static str)> {
        let baseline = Baseline::default();
        let known = Known::new(own.finder(), &[], &baseline);
        let mut scan = Scan::new(&known, Path::new("f"), Path::new("f"));
        for (at, piece) in pieces.iter().enumerate() {
            scan.piece(piece, at + 1 == pieces.len());
        }
        scan.findings.iter().map(|finding| (finding.line, finding.column, finding.kind.rule())).collect()
    }

    fn key() -> String {
        ["gs", "k_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat()
    }

    #[test]
    fn a_finding_has_its_line_and_column_in_characters() {
        let text = format!("first\né {}\n", key());
        assert_eq!(scan(&Own::new([1; 32]), &[text.as_bytes()]), [(2, 3, "groq-api-key")]);
    }

    #[test]
    fn a_key_on_the_edge_of_two_pieces_is_found_once_and_in_its_place() {
        let mut own = Own::new([1; 32]);
        own.add("mine", &Secret::new("an-own-secret-of-mine".to_owned()));
        let text = format!("{}\n{} an-own-secret-of-mine\n{}", "x\n".repeat(90_000), key(), "y\n".repeat(90_000));
        let whole = scan(&own, &[text.as_bytes()]);
        assert_eq!(whole, [(90_002, 1, "groq-api-key"), (90_002, 58, "own-secret")]);
        for cut in (179_950..180_100).step_by(6) {
            let (a, b) = text.as_bytes().split_at(cut);
            assert_eq!(scan(&own, &[a, b]), whole, "cut at {cut}");
            let (c, d) = b.split_at(70_000);
            assert_eq!(scan(&own, &[a, c, d]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn utf_16_is_read_as_text_and_binary_data_for_certain_formats_only() {
        let text = format!("\u{feff}a\n{}\nAPI_KEY=q7Zk2Xv9Lw3Rt8Yb5Nc1", key()); // keystencil: allow
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let own = Own::new([1; 32]);
        let without_mark = [little[2..].to_vec(), big[2..].to_vec()];
        for bytes in [little, big].into_iter().chain(without_mark) {
            assert_eq!(scan(&own, &[&bytes]), [(2, 1, "groq-api-key"), (3, 9, "random-value")]);
        }
        let binary = [b"\0\xff", text.as_bytes(), b"\0"].concat();
        assert_eq!(scan(&own, &[&binary]).iter().map(|one| one.2).collect::<Vec<_>>(), ["groq-api-key"]);
    }
}
