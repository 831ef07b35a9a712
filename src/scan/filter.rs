//! Finds in one pass where a rule could apply: three bytes of a literal of each, looked up in a table that fits into
//! the first cache.
//!
//! Letter case is ignored here and asked for where the candidate is verified, since names come in any case.

use super::shape::Piece;
use super::shape::Shape;

/// Entries of the table: 14 bits of a multiplicative hash.
const BITS: u32 = 14;
/// How many windows are looked at before the first question: one branch for all of them.
const BATCH: usize = 16;
/// How much the length of what precedes a literal may vary for it to be looked for.
const SLACK: usize = 4;

/// What a candidate is a candidate of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    /// The three bytes, folded.
    gram: u32,
    /// Index of the rule, or of whatever the caller numbers.
    pub(super) rule: usize,
    /// How far before the three bytes a match begins: the least and the most.
    pub(super) before: (usize, usize),
}

pub(super) struct Filter {
    table: Box<[u8; 1 << BITS]>,
    /// Sorted by their three bytes.
    anchors: Vec<Anchor>,
}

fn fold(window: &[u8]) -> u32 {
    window.iter().take(3).fold(0, |gram, byte| gram << 8 | u32::from(byte | 0x20))
}

#[inline]
fn slot(gram: u32) -> usize {
    usize::try_from(gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)).unwrap_or_default()
}

impl Filter {
    pub(super) fn new(mut anchors: Vec<Anchor>) -> Self {
        let mut table = Box::new([0; 1 << BITS]);
        for anchor in &anchors {
            if let Some(entry) = table.get_mut(slot(anchor.gram)) {
                *entry = 1;
            }
        }
        anchors.sort_by_key(|anchor| anchor.gram);
        Self { table, anchors }
    }

    #[inline]
    fn passes(&self, window: &[u8]) -> u8 {
        self.table.get(slot(fold(window))).copied().unwrap_or_default()
    }

    /// Calls `found` with each place where the three bytes of an anchor are.
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(usize, Anchor)) {
        let mut from = 0;
        while let Some(batch) = text.get(from..).and_then(<[u8]>::first_chunk::<{ BATCH + 2 }>) {
            if batch.windows(3).fold(0, |hits, window| hits | self.passes(window)) != 0 {
                self.each(text, from, from + BATCH, &mut found);
            }
            from += BATCH;
        }
        self.each(text, from, text.len(), &mut found);
    }

    fn each(&self, text: &[u8], from: usize, to: usize, found: &mut impl FnMut(usize, Anchor)) {
        for at in from..to {
            let Some(window) = text.get(at..at + 3).filter(|window| self.passes(window) != 0) else { continue };
            let gram = fold(window);
            let first = self.anchors.partition_point(|anchor| anchor.gram < gram);
            self.anchors.iter().skip(first).take_while(|anchor| anchor.gram == gram).for_each(|a| found(at, *a));
        }
    }
}

/// The anchors of a pattern: of its surest literals that lie at a known distance from the beginning.
pub(super) fn of_shape(rule: usize, shape: &Shape) -> Vec<Anchor> {
    let (mut min, mut max) = (0, 0);
    let mut best: Option<(u32, Vec<Anchor>)> = None;
    for piece in &shape.pieces {
        if max - min > SLACK {
            break;
        }
        if let Piece::Text(texts) = piece
            && texts.iter().all(|text| text.len() >= 3)
        {
            let grams: Vec<(u32, Anchor)> = texts.iter().filter_map(|text| of_text(rule, text, (min, max))).collect();
            let worst = grams.iter().map(|(cost, _)| *cost).max().unwrap_or(u32::MAX);
            if best.as_ref().is_none_or(|(cost, _)| worst < *cost) {
                best = Some((worst, grams.into_iter().map(|(_, anchor)| anchor).collect()));
            }
        }
        let (least, most) = piece.length();
        (min, max) = (min + least, max + most);
    }
    best.map(|(_, anchors)| anchors).unwrap_or_default()
}

/// The anchor of a word, at its rarest three bytes.
pub(super) fn of_text(rule: usize, text: &[u8], (min, max): (usize, usize)) -> Option<(u32, Anchor)> {
    text.windows(3)
        .enumerate()
        .map(|(at, window)| {
            (
                window.iter().map(|byte| cost(*byte)).sum(),
                Anchor { gram: fold(window), rule, before: (min + at, max + at) },
            )
        })
        .min_by_key(|(cost, _)| *cost)
}

/// How common a byte is in configs and source: letters in English order, digits and signs between.
fn cost(byte: u8) -> u32 {
    let byte = byte | 0x20;
    match b"qxzjk_vwybgfpumcdhlrnisoate".iter().position(|known| *known == byte) {
        Some(at) => u32::try_from(at).unwrap_or(0) * 2,
        None if byte.is_ascii_digit() => 8,
        None if byte == b'-' || byte == b'.' => 16,
        None => 12,
    }
}
