//! The one pass that decides whether a text is JSON: strict RFC 8259, or with comments and trailing commas, at any depth,
//! without recursion.
//!
//! [`super::text::Document::parse`] asks; without comments, accepted are all texts that `serde_json` reads into `RawValue`, and no others:
//! a lone surrogate escape, a number of any length or size and duplicate keys are JSON. It must never quote the
//! text in a fault, since the text may hold secrets.

use super::scan::{byte, comment_end, skip_blank, skip_plain, skip_space};
use crate::document::place::Span;

/// Where and why a text is no JSON.
pub(super) struct Fault {
    /// Byte offset of the first byte that cannot stand where it is.
    pub(super) offset: usize,
    /// What is wrong, in words of ours only.
    pub(super) what: &'static str,
}

/// The open containers, one bit each, so that 100 MB of `[` need 12 MB.
#[derive(Default)]
struct Nesting {
    full: Vec<u64>,
    last: u64,
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.full.push(self.last);
        }
        self.last = self.last << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.last >>= 1;
        if self.depth.is_multiple_of(64) {
            self.last = self.full.pop().unwrap_or(0);
        }
    }

    fn in_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.last & 1 == 1)
    }
}

/// Checks the text from `start` on and returns the span of its one value. `RELAXED`: comments may stand wherever white space
/// may, and a comma before a closing bracket.
pub(super) fn check<const RELAXED: bool>(bytes: &[u8], start: usize) -> Result<Span, Fault> {
    let start = space::<RELAXED>(bytes, start);
    let mut nesting = Nesting::default();
    let mut at = start;
    'value: loop {
        at = match byte(bytes, at) {
            b'"' => string(bytes, at)?,
            b'{' => {
                let inside = space::<RELAXED>(bytes, at + 1);
                if byte(bytes, inside) == b'}' {
                    inside + 1
                } else {
                    nesting.push(true);
                    at = key::<RELAXED>(bytes, inside, "expected a key in double quotes or `}` here")?;
                    continue 'value;
                }
            }
            b'[' => {
                let inside = space::<RELAXED>(bytes, at + 1);
                if byte(bytes, inside) == b']' {
                    inside + 1
                } else {
                    nesting.push(false);
                    at = inside;
                    continue 'value;
                }
            }
            b'-' | b'0'..=b'9' => number(bytes, at)?,
            b't' => literal(bytes, at, b"true")?,
            b'f' => literal(bytes, at, b"false")?,
            b'n' => literal(bytes, at, b"null")?,
            _ => return Err(no_value(bytes, at)),
        };
        // A value has ended at `at`; so may any number of containers.
        loop {
            let end = at;
            at = space::<RELAXED>(bytes, at);
            if RELAXED && byte(bytes, at) == b',' {
                let next = space::<RELAXED>(bytes, at + 1);
                at = if matches!(byte(bytes, next), b'}' | b']') { next } else { at };
            }
            match (nesting.in_object(), byte(bytes, at)) {
                (Some(true), b',') => {
                    at = key::<RELAXED>(
                        bytes,
                        space::<RELAXED>(bytes, at + 1),
                        "expected a key in double quotes after `,`",
                    )?;
                    continue 'value;
                }
                (Some(false), b',') => {
                    at = space::<RELAXED>(bytes, at + 1);
                    continue 'value;
                }
                (Some(true), b'}') | (Some(false), b']') => {
                    nesting.pop();
                    at += 1;
                }
                (None, _) if at == bytes.len() => return Ok(start..end),
                (None, _) => return Err(fault(bytes, at, "there is text after the end of the document")),
                (Some(true), _) => return Err(fault(bytes, at, "expected `,` or `}` here")),
                (Some(false), _) => return Err(fault(bytes, at, "expected `,` or `]` here")),
            }
        }
    }
}

/// Skips what may stand between two tokens.
#[inline]
fn space<const RELAXED: bool>(bytes: &[u8], at: usize) -> usize {
    if RELAXED { skip_space(bytes, at) } else { skip_blank(bytes, at) }
}

/// A fault, or the better one if the text simply ends there or a comment starts there.
fn fault(bytes: &[u8], offset: usize, what: &'static str) -> Fault {
    let what = match bytes.get(offset) {
        None => "the text ends too early",
        Some(b'/') if comment_end(bytes, offset).is_some() => "a comment is not JSON",
        Some(b'/') if bytes.get(offset + 1) == Some(&b'*') => "a comment is not closed",
        Some(_) => what,
    };
    Fault { offset, what }
}

fn no_value(bytes: &[u8], at: usize) -> Fault {
    let what = match byte(bytes, at) {
        b']' | b'}' => "expected a value here, not a closing bracket (is there one comma too many?)",
        b'\'' => "strings must be in double quotes",
        _ => "expected a value here",
    };
    fault(bytes, at, what)
}

/// A key, the colon and the space after it; returns where the value starts.
#[inline]
fn key<const RELAXED: bool>(bytes: &[u8], at: usize, expected: &'static str) -> Result<usize, Fault> {
    if byte(bytes, at) != b'"' {
        let comma = byte(bytes, at) == b'}';
        return Err(fault(bytes, at, if comma { "there is a comma before the closing bracket" } else { expected }));
    }
    let at = space::<RELAXED>(bytes, string(bytes, at)?);
    if byte(bytes, at) != b':' {
        return Err(fault(bytes, at, "expected `:` after a key"));
    }
    Ok(space::<RELAXED>(bytes, at + 1))
}

#[inline]
fn string(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    let mut at = at + 1;
    loop {
        at = skip_plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at + 1)?,
            Some(_) => return Err(Fault { offset: at, what: "a control character in a string must be escaped" }),
            None => return Err(Fault { offset: at, what: "the text ends inside a string" }),
        }
    }
}

fn escape(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let digits = bytes.get(at + 1..).unwrap_or_default();
            match digits.iter().take(4).position(|byte| !byte.is_ascii_hexdigit()) {
                None if digits.len() >= 4 => Ok(at + 5),
                None => Err(Fault { offset: bytes.len(), what: "the text ends inside a string" }),
                Some(bad) => Err(Fault { offset: at + 1 + bad, what: "`\\u` takes four hexadecimal digits" }),
            }
        }
        Some(_) => Err(Fault { offset: at, what: "this character cannot follow `\\` in a string" }),
        None => Err(Fault { offset: at, what: "the text ends inside a string" }),
    }
}

fn digits(bytes: &[u8], mut at: usize) -> usize {
    while byte(bytes, at).is_ascii_digit() {
        at += 1;
    }
    at
}

#[inline]
fn number(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    let digit = "expected a digit in this number";
    let at = if byte(bytes, at) == b'-' { at + 1 } else { at };
    let mut end = digits(bytes, at);
    if end == at {
        return Err(fault(bytes, at, digit));
    }
    if byte(bytes, at) == b'0' && end > at + 1 {
        return Err(Fault { offset: at + 1, what: "a number can't start with `0` and more digits" });
    }
    if byte(bytes, end) == b'.' {
        let fraction = end + 1;
        end = digits(bytes, fraction);
        if end == fraction {
            return Err(fault(bytes, end, digit));
        }
    }
    if matches!(byte(bytes, end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
        let exponent = end + 1 + sign;
        end = digits(bytes, exponent);
        if end == exponent {
            return Err(fault(bytes, end, digit));
        }
    }
    Ok(end)
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    let found = bytes.get(at..).unwrap_or_default();
    match found.iter().zip(word).position(|(found, wanted)| found != wanted) {
        None if found.len() >= word.len() => Ok(at + word.len()),
        None => Err(fault(bytes, bytes.len(), "")),
        Some(_) => Err(Fault { offset: at, what: "expected a value here (strings must be in double quotes)" }),
    }
}
