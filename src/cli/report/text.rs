//! Text that is safe on a terminal: the control characters in its pieces are escaped, the colours are ours.

use anstream::adapter::strip_str;
use anstyle::Style;
use std::borrow::Cow;
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

    /// As it is printed: no line is a command to a CI runner that reads the output along.
    pub(in crate::cli) fn printed(&self) -> Cow<'_, str> {
        let text = no_inline_commands(&self.0, "\\u{23}");
        if !text.contains("::") {
            return text;
        }
        let lines = text.split_inclusive('\n').map(|line| {
            let is_command = strip_str(line).to_string().trim_start().starts_with("::");
            if is_command { Cow::Owned(line.replacen("::", "\\u{3a}:", 1)) } else { Cow::Borrowed(line) }
        });
        Cow::Owned(lines.collect())
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

/// `##[add-mask]`, `##vso[…]`, `##teamcity[…]` count wherever they stand in a line; the second `#` is written as `sign`.
fn no_inline_commands<'t>(text: &'t str, sign: &str) -> Cow<'t, str> {
    let is_command = |after: &str| after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[');
    let (mut safe, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('#') {
        safe.push_str(before);
        safe.push_str(if safe.ends_with('#') && is_command(after) { sign } else { "#" });
        rest = after;
    }
    if safe.is_empty() {
        return Cow::Borrowed(text);
    }
    safe.push_str(rest);
    Cow::Owned(safe)
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

/// JSON text with the same characters as JSON escapes. They are in strings only, white space between tokens aside.
pub(in crate::cli) fn json(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\r' | '\t') {
            clean.push(' ');
        } else if character != '\n' && is_hostile(character) {
            for half in character.encode_utf16(&mut [0; 2]) {
                let _: fmt::Result = write!(clean, "\\u{half:04x}");
            }
        } else {
            clean.push(character);
        }
    }
    no_inline_commands(&clean, "\\u0023").into_owned()
}

pub(in crate::cli) fn is_hostile(character: char) -> bool {
    character.is_control() || (character.is_whitespace() && character != ' ') || is_invisible(character)
}

/// Characters that take no room, turn the direction, or look like a space: two names that differ look the same with
/// them.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_no_room_or_looks_like_a_space_is_escaped() {
        let text = Text::new().plain("a\u{200b}b\u{61c}c\u{a0}d\u{e0041}e f").as_str().to_owned();
        assert_eq!(text, r"a\u{200b}b\u{61c}c\u{a0}d\u{e0041}e f");
        let value = serde_json::json!("\u{e0041}\u{200b}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&value.to_string())).unwrap(), value);
    }

    #[test]
    fn a_name_can_neither_write_escape_sequences_nor_forge_a_line() {
        let text = Text::new().plain("a\u{1b}[31m\nerror: forged\u{9b}0m\u{202e}").as_str().to_owned();
        assert_eq!(text, r"a\u{1b}[31m\nerror: forged\u{9b}0m\u{202e}");
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_runner() {
        let printed = |text: Text| text.printed().into_owned();
        assert_eq!(printed(Text::new().plain("::add-mask::x").end().plain("a::b")), "\\u{3a}:add-mask::x\na::b");
        assert_eq!(printed(Text::new().plain(" \u{1b}::x")), " \\u{1b}::x");
        let styled = Text::new().styled(super::super::BOLD, "  ::stop-commands::x").end();
        assert!(!strip_str(&printed(styled)).to_string().trim_start().starts_with("::"));
        assert_eq!(
            printed(Text::new().plain("at ##[add-mask]x ##vso[y] ##teamcity[z ## [a] ###")),
            r"at #\u{23}[add-mask]x #\u{23}vso[y] #\u{23}teamcity[z ## [a] ###"
        );
        assert_eq!(printed(Text::new().plain("###[x]")), r"##\u{23}[x]");
        let value = serde_json::json!({ "a": "##[add-mask]x" });
        let text = json(&value.to_string());
        assert!(!text.contains("##[") && serde_json::from_str::<serde_json::Value>(&text).unwrap() == value);
    }

    #[test]
    fn json_stays_json_when_cleaned() {
        let value = serde_json::json!({"a": "\u{9b}31m\u{202e}\u{7f}\n"});
        let text = json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        assert_eq!(json("[\t1,\r\n\"\\r\"]"), "[ 1, \n\"\\r\"]");
    }
}
