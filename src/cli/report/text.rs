//! Text that is safe on a terminal: the control characters in its pieces are escaped, the colours are ours.

use anstyle::Style;
use std::fmt::{self, Display, Write as _};

/// What a report prints.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Text(String);

impl Text {
    pub(in crate::cli) fn new() -> Self {
        Self::default()
    }

    /// Text that holds escape sequences of our own making already.
    pub(in crate::cli) fn trusted(text: String) -> Self {
        Self(text)
    }

    /// A piece within one line; a line break in it is escaped, so that no name can forge a line.
    pub(in crate::cli) fn plain(mut self, piece: impl Display) -> Self {
        self.0.push_str(&clean(&piece.to_string()));
        self
    }

    /// A piece within one line, in a style.
    pub(in crate::cli) fn styled(mut self, style: Style, piece: impl Display) -> Self {
        let piece = clean(&piece.to_string());
        let _: fmt::Result = write!(self.0, "{style}{piece}{style:#}");
        self
    }

    /// Several lines.
    pub(in crate::cli) fn block(mut self, lines: &str) -> Self {
        for line in lines.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            self.0.push_str(&clean(line.strip_suffix('\r').unwrap_or(line)));
            self.0.push_str(end);
        }
        self
    }

    /// Ends the line, unless it just began.
    pub(in crate::cli) fn end(mut self) -> Self {
        if !self.0.is_empty() && !self.0.ends_with('\n') {
            self.0.push('\n');
        }
        self
    }

    /// Adds another text.
    pub(in crate::cli) fn text(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    pub(in crate::cli) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A unified difference, in colours.
impl Text {
    pub(in crate::cli) fn difference(mut self, unified: &str) -> Self {
        for line in unified.lines() {
            let style = match line.chars().next() {
                _ if line.starts_with("--- ") || line.starts_with("+++ ") => super::BOLD,
                Some('+') => super::GOOD,
                Some('-') => super::BAD,
                Some('@') => super::MARK,
                _ => Style::new(),
            };
            self = self.styled(style, line.strip_suffix('\r').unwrap_or(line)).end();
        }
        self
    }
}

/// A piece of a line with its control characters, and those that turn the direction of text, escaped. Tabs stay.
pub(in crate::cli) fn clean(piece: &str) -> String {
    let mut clean = String::with_capacity(piece.len());
    clean_into(&mut clean, piece, "\t");
    clean
}

/// The same into a buffer of the caller's, which it may wipe; `harmless` characters stay.
pub(in crate::cli) fn clean_into(clean: &mut String, piece: &str, harmless: &str) {
    for character in piece.chars() {
        if is_hostile(character) && !harmless.contains(character) {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
}

/// JSON text with the same characters as JSON escapes. They stand in strings only, line breaks aside.
pub(in crate::cli) fn json(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_hostile(character) {
            let _: fmt::Result = write!(clean, "\\u{:04x}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean
}

fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_write_escape_sequences_nor_forge_a_line() {
        let text = Text::new().plain("a\u{1b}[31m\nerror: forged\u{9b}0m\u{202e}").as_str().to_owned();
        assert_eq!(text, r"a\u{1b}[31m\nerror: forged\u{9b}0m\u{202e}");
    }

    #[test]
    fn json_stays_json_when_cleaned() {
        let value = serde_json::json!({"a": "\u{9b}31m\u{202e}\u{7f}\n"});
        let text = json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
