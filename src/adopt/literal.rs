//! A JSON string as a template has it: what reads as a placeholder is a reference, and nothing else in it can be taken
//! for a delimiter of the template language. `import` and `absorb` write templates with it.

use crate::document::{Node, string};
use crate::template::{Part, parse_parts};

/// A string token of a document as a template has it.
pub(super) fn token(node: Node<'_>) -> String {
    let parts = node.as_str().and_then(|text| parse_parts(&text));
    parts.filter(|parts| holds_secret(parts)).map_or_else(|| shielded(node.raw()), |parts| of_parts(&parts))
}

/// The string token of these parts: literals shielded, references as they are.
pub(super) fn of_parts(parts: &[Part]) -> String {
    let mut token = String::from("\"");
    for part in parts {
        match part {
            Part::Literal(text) => token.push_str(&shielded(inner(&string::encode(text)))),
            Part::Secret(reference) => token.push_str(inner(&string::encode(&reference.to_string()))),
        }
    }
    token.push('"');
    token
}

pub(super) fn holds_secret(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Secret(_)))
}

/// A string token, or a piece of one, in which nothing can be taken for a delimiter: `<` is escaped before another one,
/// `%` and `#`, and at the end, where one may follow.
pub(super) fn shielded(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('<', None | Some('<' | '%' | '#')) => text.push_str("\\u003c"),
            _ => text.push(char),
        }
    }
    text
}

fn inner(token: &str) -> &str {
    token.get(1..token.len().saturating_sub(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_be_taken_for_a_delimiter() {
        for raw in ["<<", "<<<", "a<%b<#c<", "<", "\\\\<<x>>"] {
            let text = shielded(raw);
            assert!(["<<", "<%", "<#"].iter().all(|open| !text.contains(open)) && !text.ends_with('<'), "{text}");
        }
    }
}
