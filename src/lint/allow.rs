//! `keystencil: allow` in a comment: the user has looked at it.
//!
//! In the line itself, or alone in the comment above; with names of rules after it only for these. Any comment style:
//! what surrounds the words is not asked for in the line itself.

use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

const WORDS: &[u8] = b"keystencil: allow";
/// How far from a finding its line is looked at: minified files have lines of 50 MB.
const REACH: usize = 4096;

/// Whether a comment allows what the rule found at `range`.
///
/// ```
/// use keystencil::lint::allow::is_allowed;
/// let text = b"# keystencil: allow\nKEY=abc\nKEY=def # keystencil: allow jwt\n";
/// assert!(is_allowed(text, &(24..27), "random-value"));
/// assert!(!is_allowed(text, &(32..35), "random-value") && is_allowed(text, &(32..35), "jwt"));
/// ```
#[must_use]
pub fn is_allowed(text: &[u8], range: &Range<usize>, rule: &str) -> bool {
    let line = line_at(text, range);
    let own = text.get(line.clone()).unwrap_or_default();
    if says(own, rule) {
        return true;
    }
    let Some(end) = line.start.checked_sub(1).filter(|at| text.get(*at) == Some(&b'\n')) else { return false };
    let above = text.get(line_at(text, &(end..end))).unwrap_or_default();
    is_comment(above) && says(above, rule)
}

fn line_at(text: &[u8], range: &Range<usize>) -> Range<usize> {
    let low = range.start.saturating_sub(REACH);
    let high = range.end.saturating_add(REACH).min(text.len());
    let before = text.get(low..range.start).unwrap_or_default();
    let start = memrchr(b'\n', before).map_or(low, |at| low + at + 1);
    let end = memchr(b'\n', text.get(range.end..high).unwrap_or_default()).map_or(high, |at| range.end + at);
    start..end
}

fn says(line: &[u8], rule: &str) -> bool {
    let Some(at) = memmem::find(line, WORDS) else { return false };
    let rest = String::from_utf8_lossy(line.get(at + WORDS.len()..).unwrap_or_default());
    if rest.starts_with(|c: char| c.is_alphanumeric()) {
        return false;
    }
    let is_rule = |word: &&str| {
        word.contains('-')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && word.starts_with(|c: char| c.is_ascii_lowercase())
            || *word == "jwt"
    };
    let mut rules = rest.split([' ', ',', '\t']).filter(|word| !word.is_empty()).take_while(is_rule).peekable();
    rules.peek().is_none() || rules.any(|named| named == rule)
}

/// Whether a line has nothing but a comment.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    ["#", "//", "/*", "*", "<!--", "--", ";", "%", "\"", "'", "{/*", "{#", "<#", "rem ", "REM ", "::", "!", "(*"]
        .iter()
        .any(|mark| line.starts_with(mark.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    fn allowed(text: &str) -> bool {
        let at = text.find("VALUE").unwrap();
        is_allowed(text.as_bytes(), &(at..at + 5), "random-value")
    }

    #[test]
    fn any_comment_style_allows_in_the_line_or_above_it() {
        for text in [
            "K=VALUE # keystencil: allow",
            "K = \"VALUE\"; // keystencil: allow",
            "<a k=\"VALUE\"/> <!-- keystencil: allow -->",
            "k: VALUE -- keystencil: allow",
            "/* keystencil: allow */ VALUE",
            "# keystencil: allow\nVALUE",
            "  // keystencil: allow\n  VALUE",
            "<!-- keystencil: allow -->\nVALUE",
            "\"_comment\": \"keystencil: allow\",\n\"k\": \"VALUE\"",
            "K=VALUE # keystencil: allow random-value",
            "K=VALUE # keystencil: allow jwt, random-value",
            "; keystencil: allow\r\nVALUE",
            "K=VALUE # keystencil: allow: it is public",
        ] {
            assert!(allowed(text), "{text}");
        }
    }

    #[test]
    fn another_line_and_another_rule_do_not() {
        for text in [
            "# keystencil: allow\n\nVALUE",
            "X=1 # keystencil: allow\nVALUE",
            "VALUE\n# keystencil: allow",
            "K=VALUE # keystencil: allow jwt",
            "K=VALUE # keystencil: allowed",
            "K=VALUE # allow",
        ] {
            assert!(!allowed(text), "{text}");
        }
    }
}
