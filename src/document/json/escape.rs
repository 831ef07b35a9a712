//! What a JSON escape stands for. Whoever reads one asks here: strings of a checked text, a torn copy that is searched for
//! secrets, and a template, whose strings are read before it is JSON.

/// An escape as it is written, or a pair of them that stands for one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escape {
    /// How many bytes it takes.
    pub length: usize,
    /// The code point it stands for; half of a surrogate pair if the other half does not follow.
    pub code: u32,
}

impl Escape {
    /// The escape at the start of a text; `None` if none is there, or one that is torn or unknown.
    ///
    /// ```
    /// use keystencil::document::escape::Escape;
    /// assert_eq!(Escape::at(br"\u00e9 and so on"), Some(Escape { length: 6, code: 0xe9 }));
    /// assert_eq!(Escape::at(br"\ud83d\ude00").and_then(Escape::character), Some('😀'));
    /// assert_eq!(Escape::at(br"\ud83d"), Some(Escape { length: 6, code: 0xd83d }));
    /// assert_eq!(Escape::at(br"\u12"), None);
    /// ```
    #[must_use]
    #[inline]
    pub fn at(text: &[u8]) -> Option<Self> {
        match text {
            [b'\\', b'u', rest @ ..] => {
                let code = unit(rest)?;
                Some(match low_half(code, rest) {
                    Some(low) => Self { length: 12, code: 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) },
                    None => Self { length: 6, code },
                })
            }
            [b'\\', letter, ..] => {
                let code = match letter {
                    b'"' | b'\\' | b'/' => *letter,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return None,
                };
                Some(Self { length: 2, code: code.into() })
            }
            _ => None,
        }
    }

    /// The character it stands for; `None` if it is half of a pair.
    #[must_use]
    #[inline]
    pub fn character(self) -> Option<char> {
        char::from_u32(self.code)
    }
}

/// The unit of UTF-16 that four hexadecimal digits say.
fn unit(digits: &[u8]) -> Option<u32> {
    digits.first_chunk::<4>()?.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// The second half of a pair, if the first one is `high` and it follows behind that one's digits.
fn low_half(high: u32, digits: &[u8]) -> Option<u32> {
    match digits.get(4..) {
        Some([b'\\', b'u', low @ ..]) if (0xd800..0xdc00).contains(&high) => {
            unit(low).filter(|low| (0xdc00..0xe000).contains(low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_point_is_read_from_its_escapes_and_from_nothing_else() {
        for code in 0..=0xffff {
            let text = format!("\\u{code:04x}");
            assert_eq!(Escape::at(text.as_bytes()), Some(Escape { length: 6, code }));
            assert_eq!(Escape::at(text.to_uppercase().replace('U', "u").as_bytes()), Escape::at(text.as_bytes()));
        }
        for char in ['\u{10000}', '😀', '\u{10ffff}'] {
            let text: String = char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            assert_eq!(Escape::at(text.as_bytes()), Some(Escape { length: 12, code: char.into() }));
        }
        for letter in 0..=u8::MAX {
            let says = serde_json::from_slice::<String>(&[b'"', b'\\', letter, b'"']).ok();
            let escape = Escape::at(&[b'\\', letter]).and_then(Escape::character).map(String::from);
            assert_eq!(escape, says);
        }
    }

    #[test]
    fn a_half_without_its_other_half_stands_alone() {
        for text in [r"\ud83d", r"\ud83dx", r"\ud83d\n", r"\ud83d\u", r"\ud83d\u00e9", r"\ud83d\ud83d", r"\ude00\ud83d"]
        {
            let escape = Escape::at(text.as_bytes()).unwrap();
            assert_eq!((escape.length, escape.character()), (6, None), "{text}");
        }
    }

    #[test]
    fn what_is_torn_or_unknown_is_no_escape() {
        for text in ["", "\\", "n", "\\u", "\\u12", "\\u+123", "\\u12g4", "\\ué1", "\\x", "\\é", "\\'", "\\\n"] {
            assert_eq!(Escape::at(text.as_bytes()), None, "{text}");
        }
    }
}
