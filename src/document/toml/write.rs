//! Tokens of a reading as TOML: a string in the quotes of the one it replaces, if these can hold it, else in `"…"`.

use super::BARE;
use crate::document::json::{node::Kind, text::Document};
use toml::de::{DeTable, DeValue};
use toml_writer::{TomlKeyBuilder, TomlStringBuilder, TomlWrite as _};

/// A scalar, given as JSON, in the place of `old`; `None` if TOML has none like it.
pub(in crate::document) fn value(old: &str, json: &str) -> Option<String> {
    let document = Document::parse(json.as_bytes()).ok()?;
    match document.root().kind() {
        Kind::String => {
            let text = document.root().as_str()?;
            match text.strip_prefix(BARE) {
                Some(bare) => is_bare(bare).then(|| bare.to_owned()),
                None => quoted(old, &text),
            }
        }
        // The same digits, if they are a number there as well, and not too long for one.
        Kind::Number => is_bare(json).then(|| json.to_owned()),
        Kind::Bool => Some(json.to_owned()),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

fn quoted(old: &str, text: &str) -> Option<String> {
    let string = TomlStringBuilder::new(text);
    let like = if old.starts_with("\"\"\"") {
        Some(string.as_ml_basic())
    } else if old.starts_with("'''") {
        string.as_ml_literal()
    } else if old.starts_with('\'') {
        string.as_literal()
    } else {
        None
    };
    let mut out = String::with_capacity(text.len() + 6);
    out.value(like.unwrap_or_else(|| string.as_basic())).ok()?;
    Some(out)
}

/// A key, given as a JSON string, in the place of `old`.
pub(in crate::document) fn key(old: &str, json: &str) -> Option<String> {
    let document = Document::parse(json.as_bytes()).ok()?;
    let text = document.root().as_str()?;
    let key = TomlKeyBuilder::new(&text);
    let like = match old.chars().next()? {
        '"' => None,
        '\'' => key.as_literal(),
        _ => key.as_unquoted(),
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.key(like.unwrap_or_else(|| key.as_basic())).ok()?;
    Some(out)
}

/// A comment, given as JSON's.
pub(in crate::document) fn comment(json: &str) -> Option<String> {
    let words = json.strip_prefix("//")?;
    let is_line = !words.chars().any(|char| char.is_control() && char != '\t');
    is_line.then(|| format!("#{words}"))
}

/// Whether a text is a number or a date of TOML, as it stands.
fn is_bare(text: &str) -> bool {
    let line = format!("x={text}");
    let Ok(table) = DeTable::parse(&line) else { return false };
    let mut values = table.get_ref().values();
    let is_scalar = values.next().is_some_and(|value| match value.get_ref() {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).is_ok(),
        DeValue::Float(_) | DeValue::Datetime(_) => value.span() == (2..line.len()),
        _ => false,
    });
    is_scalar && values.next().is_none() && !text.contains(['\n', '\r', '#'])
}
