//! Text out of bytes: UTF-16, with a byte order mark or without one, becomes UTF-8, everything else stays as it is.

/// How the bytes of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Text in ASCII or in what contains it: bytes as they are.
    Bytes,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// No text. Only what can't be there by chance is looked for.
    Binary,
}

/// How far a file is looked at to tell text from binary data; git looks as far.
const LOOK: usize = 8000;
/// Fewer letters than this do not make bytes UTF-16.
const SHORTEST_UTF_16: usize = 8;

impl Encoding {
    /// Told from the beginning of a file.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0xFF, 0xFE, ..] => Self::Utf16Le,
            [0xFE, 0xFF, ..] => Self::Utf16Be,
            head if head.iter().take(LOOK).any(|byte| *byte == 0) => Self::without_mark(head),
            _ => Self::Bytes,
        }
    }

    /// UTF-16 whose letters are nearly all ASCII: every second byte is a NUL, and no other.
    fn without_mark(head: &[u8]) -> Self {
        let pairs = head.get(..head.len().min(LOOK)).unwrap_or_default().chunks_exact(2);
        let (mut all, mut low, mut high) = (0_usize, 0_usize, 0_usize);
        for pair in pairs {
            all += 1;
            low += usize::from(matches!(pair, [1..=255, 0]));
            high += usize::from(matches!(pair, [0, 1..=255]));
        }
        match (all >= SHORTEST_UTF_16, 10 * low >= 9 * all, 10 * high >= 9 * all) {
            (true, true, _) => Self::Utf16Le,
            (true, _, true) => Self::Utf16Be,
            _ => Self::Binary,
        }
    }

    /// The bytes to look through. A pair that the end of `bytes` cuts is lost, so give it an even number.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Bytes | Self::Binary => return None,
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let units = bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|pair| unit(*pair)));
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Some(text.into_bytes())
    }
}
