//! Splices: texts put in place of spans, everything else left as it is.

use crate::document::Span;
use std::fmt;

/// The replacement of a span by a text, of which `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Splice {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// Replaces spans, which must be in bounds and must not overlap; any order. Splices at the same place keep theirs.
///
/// A span that breaks these rules, or that cuts a character, is left out.
///
/// ```
/// use keystencil::document::{edit::splice, Splice};
/// let splices = vec![Splice { span: 4..5, text: "c".into() }, Splice { span: 1..1, text: "b".into() }];
/// assert_eq!(splice("a12345", splices), "ab123c5");
/// ```
#[must_use]
#[allow(clippy::needless_pass_by_value)] // the splices are used up
pub fn splice(text: &str, splices: Vec<Splice>) -> String {
    splice_borrowed(text, splices.iter().map(|splice| (splice.span.clone(), splice.text.as_str())).collect())
}

/// The same for a text that need not be UTF-8: a torn copy, which is kept as it is but for the spans.
///
/// ```
/// use keystencil::document::{edit::splice_bytes, Splice};
/// assert_eq!(splice_bytes(b"a\xff1", &[Splice { span: 2..3, text: "b".into() }]), b"a\xffb");
/// ```
#[must_use]
pub fn splice_bytes(text: &[u8], splices: &[Splice]) -> Vec<u8> {
    let mut splices: Vec<&Splice> = splices.iter().collect();
    splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
    let come: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = Vec::with_capacity(text.len() + come);
    let mut at = 0;
    for splice in splices {
        if splice.span.start >= at && text.get(splice.span.clone()).is_some() {
            out.extend_from_slice(text.get(at..splice.span.start).unwrap_or_default());
            out.extend_from_slice(splice.text.as_bytes());
            at = splice.span.end;
        }
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// The same for texts that someone else owns; it makes no copy but the one in the result.
pub(in crate::document) fn splice_borrowed(text: &str, mut splices: Vec<(Span, &str)>) -> String {
    splices.sort_by_key(|(span, _)| (span.start, span.end));
    let mut at = 0;
    splices.retain(|(span, _)| {
        let fits = span.start >= at && text.get(span.clone()).is_some();
        at = if fits { span.end } else { at };
        fits
    });
    let gone: usize = splices.iter().map(|(span, _)| span.len()).sum();
    let come: usize = splices.iter().map(|(_, new)| new.len()).sum();
    let mut out = String::with_capacity(text.len() - gone + come);
    let mut at = 0;
    for (span, new) in splices {
        out.push_str(text.get(at..span.start).unwrap_or(""));
        out.push_str(new);
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

impl fmt::Debug for Splice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format_args!("[{} bytes]", self.text.len());
        f.debug_struct("Splice").field("span", &self.span).field("text", &text).finish()
    }
}
