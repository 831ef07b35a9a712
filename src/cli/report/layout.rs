//! Columns, counts and ages, as the user reads them.

use super::{BOLD, Text};
use jiff::Timestamp;

/// Rows under a header, in aligned columns; nothing at all without rows.
pub(in crate::cli) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Text {
    let mut text = Text::new();
    if rows.is_empty() {
        return text;
    }
    let head = header.map(ToOwned::to_owned);
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let width = |row: &[String; N]| row.get(column).map_or(0, |cell| super::clean(cell).chars().count());
            rows.iter().map(width).chain([width(&head)]).max().unwrap_or(0)
        })
        .collect();
    for (index, row) in std::iter::once(&head).chain(rows).enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = super::clean(cell);
            let width = if column + 1 == N { 0 } else { width + 2 };
            line.push_str(&format!("{cell:<width$}"));
        }
        let line = line.trim_end();
        text = if index == 0 { text.styled(BOLD, line) } else { text.plain(line) }.end();
    }
    text
}

/// Lines of 80 columns for a text that starts at column `indent`, and continues there. What is in backticks is to be
/// copied, and stays in one line with them; what is longer than a line is left whole.
pub(in crate::cli) fn wrap(text: &str, indent: usize) -> String {
    let room = 80usize.saturating_sub(indent).max(20);
    let (mut lines, mut column) = (String::new(), 0);
    for word in super::clean(text).split_whitespace().fold(Vec::new(), with_word) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > room {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(&word);
        column += length;
    }
    lines
}

/// One word more; it belongs to the last while a backtick is open.
fn with_word(mut words: Vec<String>, word: &str) -> Vec<String> {
    match words.last_mut().filter(|last| last.matches('`').count() % 2 == 1) {
        Some(open) => {
            open.push(' ');
            open.push_str(word);
        }
        None => words.push(word.to_owned()),
    }
    words
}

/// A sentence of its own: ends with a full stop.
pub(in crate::cli) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '?', '!', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// `1 slot`, `2 slots`.
pub(in crate::cli) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// How long ago something was, in its largest unit: `3 hours ago`.
pub(in crate::cli) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = usize::try_from(now.as_second() - then.as_second()).unwrap_or(0);
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    units
        .into_iter()
        .find(|(length, _)| seconds >= *length)
        .map_or_else(|| "just now".to_owned(), |(length, noun)| format!("{} ago", count(seconds / length, noun)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_broken_between_words_and_never_within_a_command() {
        let text = wrap(&format!("{} `keystencil secret set NAME`, then", "word ".repeat(12)), 10);
        assert_eq!(
            text,
            format!("{}\n{}`keystencil secret set NAME`, then", "word ".repeat(12).trim_end(), " ".repeat(10))
        );
        assert_eq!(wrap(&"x".repeat(100), 4), "x".repeat(100));
        assert_eq!(wrap("a\u{1b}b `open", 0), r"a\u{1b}b `open");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(age(at(0), at(59)), "just now");
        assert_eq!(age(at(0), at(60)), "1 minute ago");
        assert_eq!(age(at(0), at(7_300)), "2 hours ago");
        assert_eq!(age(at(0), at(86_400 * 400)), "400 days ago");
        assert_eq!(age(at(100), at(0)), "just now");
    }
}
