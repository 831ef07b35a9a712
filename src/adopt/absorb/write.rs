//! JSON values as a template has them, laid out.

use crate::adopt::literal::{holds_secret, shielded, token};
use crate::document::{Document, Kind, Node, Splice, edit, string};
use crate::template::parse_parts;

/// How values are laid out that go over several lines; `None`: all in one line.
pub(super) struct Layout<'a> {
    pub(super) newline: &'a str,
    /// One step of indentation.
    pub(super) unit: &'a str,
    /// The indentation of the line that the value starts in.
    pub(super) indent: String,
    pub(super) lines: bool,
}

/// A value as the text of a template.
pub(super) fn value(node: Node<'_>, layout: &Layout<'_>) -> String {
    let mut text = String::new();
    put(&mut text, node, layout, &layout.indent);
    text
}

// As deep as the value, which was parsed; a template's depth is bounded, so what is too deep ends as its error.
fn put(text: &mut String, node: Node<'_>, layout: &Layout<'_>, indent: &str) {
    let deeper = format!("{indent}{}", layout.unit);
    let parts: Vec<(Option<Node<'_>>, Node<'_>)> = match node.kind() {
        Kind::Object => node.members().map(|member| (Some(member.key), member.value)).collect(),
        Kind::Array => node.items().map(|item| (None, item)).collect(),
        Kind::String => return text.push_str(&token(node)),
        _ => return text.push_str(node.raw()),
    };
    let (open, close) = if node.kind() == Kind::Object { ('{', '}') } else { ('[', ']') };
    let pad = if node.kind() == Kind::Object { " " } else { "" };
    let is_empty = parts.is_empty();
    text.push(open);
    for (index, (key, value)) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        if layout.lines {
            text.push_str(layout.newline);
            text.push_str(&deeper);
        } else {
            text.push_str(if index > 0 { " " } else { pad });
        }
        if let Some(key) = key {
            text.push_str(&shielded(key.raw()));
            text.push_str(": ");
        }
        put(text, value, layout, &deeper);
    }
    if layout.lines && !is_empty {
        text.push_str(layout.newline);
        text.push_str(indent);
    } else if !is_empty {
        text.push_str(pad);
    }
    text.push(close);
}

/// The same value with each placeholder written as the template's outcome has it.
pub(super) fn canonical(raw: &str) -> String {
    let Ok(document) = Document::parse(raw.as_bytes()) else { return raw.to_owned() };
    let mut splices = Vec::new();
    document.strings(|token| {
        if token.is_key || !token.node.raw().contains("<<") {
            return;
        }
        let parts = token.node.as_str().and_then(|text| parse_parts(&text)).filter(|parts| holds_secret(parts));
        if let Some(parts) = parts {
            let text: String = parts.iter().map(ToString::to_string).collect();
            splices.push(Splice { span: token.node.span(), text: string::encode(&text) });
        }
    });
    edit::splice(document.text(), splices)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_becomes_a_reference_and_its_surroundings_stay_text() {
        let document = Document::parse(br#"["Bearer <<keyring(\"a\")>> <% if", 1.0]"#).unwrap();
        let layout = Layout { newline: "\n", unit: "  ", indent: String::new(), lines: false };
        assert_eq!(value(document.root(), &layout), r#"["Bearer << keyring('a') >> \u003c% if", 1.0]"#);
        assert_eq!(canonical(r#"["<<keyring(\"a\")>>"]"#), r#"["<< keyring('a') >>"]"#);
    }
}
