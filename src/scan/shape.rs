//! A rule's pattern, compiled: literals and runs of a character class, matched with a bounded backtracking.
//!
//! Only what the tables need: `[a-z_-]{3,5}`, `(this|that)`, `\.` and plain text. Neighbouring literals, groups and
//! single small classes are multiplied out, so that every pattern has literals the filter can look for.

/// At most this many literals come of multiplying out; Discord's first three characters are 120.
const EXPANDED: usize = 128;
/// A class of this many characters, once, is multiplied out.
const SMALL: u32 = 16;

/// ASCII characters as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u128);

impl Class {
    const ALNUM: Self =
        Self((((1_u128 << 26) - 1) << b'a') | (((1_u128 << 26) - 1) << b'A') | (((1_u128 << 10) - 1) << b'0'));

    pub(super) fn has(self, byte: u8) -> bool {
        byte < 128 && self.0 >> byte & 1 == 1
    }

    fn bytes(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |byte| self.has(*byte))
    }
}

#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// One of these, the longest first.
    Text(Vec<Vec<u8>>),
    Run {
        class: Class,
        min: usize,
        max: usize,
    },
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) pieces: Vec<Piece>,
    /// What may not follow: the match would be part of something longer.
    tail: Class,
}

impl Shape {
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut parser = Parser { rest: pattern.as_bytes() };
        while let Some(piece) = parser.piece() {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(texts)), Piece::Text(next)) if texts.len() * next.len() <= EXPANDED => {
                    *texts = texts.iter().flat_map(|a| next.iter().map(move |b| [&**a, &**b].concat())).collect();
                }
                (_, piece) => pieces.push(piece),
            }
        }
        for piece in &mut pieces {
            if let Piece::Text(texts) = piece {
                texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
            }
        }
        let tail = match pieces.last() {
            Some(Piece::Run { class, .. }) => Class(class.0 | Class::ALNUM.0),
            _ => Class(0),
        };
        Self { pieces, tail }
    }

    /// How many bytes of it are literal: the more, the surer.
    pub(super) fn literal(&self) -> usize {
        self.pieces.iter().map(|piece| if let Piece::Text(texts) = piece { shortest(texts) } else { 0 }).sum()
    }

    /// Whether a match may not begin after this byte.
    pub(super) fn continues(&self, before: u8) -> bool {
        before == b'_' || Class::ALNUM.has(before) || (before == b'-' && self.tail.has(b'-'))
    }

    /// Where a match that begins at `start` ends.
    pub(super) fn end(&self, text: &[u8], start: usize) -> Option<usize> {
        self.rest(&self.pieces, text, start)
    }

    fn rest(&self, pieces: &[Piece], text: &[u8], at: usize) -> Option<usize> {
        let Some((piece, rest)) = pieces.split_first() else {
            return (!text.get(at).is_some_and(|next| self.tail.has(*next))).then_some(at);
        };
        let ahead = text.get(at..)?;
        match piece {
            Piece::Text(texts) => {
                texts.iter().filter(|t| ahead.starts_with(t)).find_map(|t| self.rest(rest, text, at + t.len()))
            }
            Piece::Run { class, min, max } => {
                let most = ahead.iter().take(*max).take_while(|byte| class.has(**byte)).count();
                if rest.is_empty() {
                    return (most >= *min).then(|| self.rest(rest, text, at + most)).flatten();
                }
                (*min..=most).rev().find_map(|n| self.rest(rest, text, at + n))
            }
        }
    }
}

fn shortest(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or(0)
}

impl Piece {
    /// Shortest and longest match.
    pub(super) fn length(&self) -> (usize, usize) {
        match self {
            Self::Text(texts) => (shortest(texts), texts.iter().map(Vec::len).max().unwrap_or(0)),
            Self::Run { min, max, .. } => (*min, *max),
        }
    }
}

struct Parser<'p> {
    rest: &'p [u8],
}

impl Parser<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn escaped(&mut self, byte: u8) -> u8 {
        if byte == b'\\' { self.byte().unwrap_or(b'\\') } else { byte }
    }

    fn piece(&mut self) -> Option<Piece> {
        let class = match self.byte()? {
            b'(' => return Some(Piece::Text(self.group())),
            b'[' => self.class(),
            byte => Class(1 << (self.escaped(byte) & 127)),
        };
        let (min, max) = self.count();
        Some(if (min, max) == (1, 1) && class.0.count_ones() <= SMALL {
            Piece::Text(class.bytes().map(|byte| vec![byte]).collect())
        } else {
            Piece::Run { class, min, max }
        })
    }

    fn group(&mut self) -> Vec<Vec<u8>> {
        let mut texts = vec![Vec::new()];
        while let Some(byte) = self.byte() {
            match byte {
                b')' => break,
                b'|' => texts.push(Vec::new()),
                byte => {
                    let byte = self.escaped(byte);
                    if let Some(text) = texts.last_mut() {
                        text.push(byte);
                    }
                }
            }
        }
        texts
    }

    fn class(&mut self) -> Class {
        let mut class = 0;
        let mut from = None;
        while let Some(byte) = self.byte() {
            match (byte, from, self.rest.first()) {
                (b']', ..) => break,
                (b'-', Some(first), Some(last)) if *last != b']' => {
                    (first..=*last).for_each(|byte: u8| class |= 1 << (byte & 127));
                    self.byte();
                    from = None;
                }
                _ => {
                    let byte = self.escaped(byte);
                    class |= 1 << (byte & 127);
                    from = Some(byte);
                }
            }
        }
        Class(class)
    }

    /// `{3}`, `{3,5}` or nothing, which is once.
    fn count(&mut self) -> (usize, usize) {
        if self.rest.first() != Some(&b'{') {
            return (1, 1);
        }
        self.byte();
        let mut counts = [0, 0];
        let mut given = 0;
        while let Some(byte) = self.byte() {
            match byte {
                b'}' => break,
                b',' => given = 1,
                digit => {
                    if let Some(count) = counts.get_mut(given) {
                        *count = *count * 10 + usize::from(digit.wrapping_sub(b'0'));
                    }
                }
            }
        }
        let [min, max] = counts;
        (min, if given == 0 { min } else { max })
    }
}
