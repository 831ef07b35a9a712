//! From byte offsets to the lines and columns a person counts.

use std::ops::Range;

/// A range of byte offsets into the text given to [`Document::parse`](super::Document::parse), BOM included in the count.
pub type Span = Range<usize>;

/// Line and column of a byte offset, both from 1. `\n`, `\r\n` and a lone `\r` end a line; the column counts
/// characters, a BOM not among them. Bytes before the offset must be UTF-8.
pub(super) fn position(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let before = before.strip_prefix("\u{feff}".as_bytes()).unwrap_or(before);
    let mut line = 1;
    let mut start = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', before) {
        // The `\r` of `\r\n` leaves the counting to its `\n`, even if the offset lies between the two.
        let pair = before.get(at) == Some(&b'\r')
            && match before.get(at + 1) {
                Some(next) => *next == b'\n',
                None => bytes.get(offset) == Some(&b'\n'),
            };
        if !pair {
            line += 1;
            start = at + 1;
        }
    }
    let column = before.iter().skip(start).filter(|&&byte| byte & 0xc0 != 0x80).count();
    (line, column + 1)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = "a\nb\r\nc\rd\r\n\r\n".as_bytes();
        let seen: Vec<_> = (0..=text.len()).map(|offset| position(text, offset)).collect();
        let lines: Vec<_> = seen.iter().map(|place| place.0).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6]);
        assert_eq!(seen[4], (2, 3));
        assert_eq!(seen[12], (6, 1));
    }

    #[test]
    fn columns_count_characters_and_no_bom() {
        let text = "\u{feff}日本é1";
        assert_eq!(position(text.as_bytes(), text.len() - 1), (1, 4));
        assert_eq!(position(text.as_bytes(), 3), (1, 1));
        assert_eq!(position(text.as_bytes(), 0), (1, 1));
        assert_eq!(position(b"x", 99), (1, 2));
    }
}
