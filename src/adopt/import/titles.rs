//! What says something about a value besides its own name: a list or an object that is called `apiKeys`, the `name`
//! beside a `value`, the `kty` beside the `d` of a JSON Web Key.
//!
//! Asked by [`super::place`] for a string whose own name says nothing. Reads the document once, before the walk.

use super::recognise::{is_secret_name, looks_made_up};
use crate::document::{Document, Pointer, StringToken};
use std::collections::HashMap;

/// What a member is called that names the value beside it, and what that value is called.
const NAMES: [&str; 4] = ["name", "key", "header", "variable"];
const VALUE: &str = "value";
/// What makes an object a key of RFC 7517, and its secret members.
const TYPE: &str = "kty";
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

/// The objects of a document that say what they contain.
#[derive(Debug, Default)]
pub(super) struct Titles {
    named: HashMap<Pointer, String>,
    keys: HashMap<Pointer, String>,
}

impl Titles {
    /// Reads them.
    pub(super) fn of(document: &Document<'_>) -> Self {
        let mut titles = Self::default();
        document.strings(|token| {
            let Some(key) = token.key().map(|key| key.trim_matches('"')) else { return };
            let name = |token: &StringToken<'_, '_>| token.node.as_str().map(std::borrow::Cow::into_owned);
            if NAMES.iter().any(|known| key.eq_ignore_ascii_case(known)) {
                let Some(name) = name(token).filter(|name| is_secret_name(name)) else { return };
                titles.named.extend(token.pointer().parent().map(|object| (object, name)));
            } else if key == TYPE {
                titles.keys.extend(token.pointer().parent().zip(name(token)));
            }
        });
        titles
    }

    /// Whether a string has to be asked for, however short it is.
    pub(super) fn may_tell(&self, token: &StringToken<'_, '_>) -> bool {
        let is_value = || token.key().is_some_and(|key| key.trim_matches('"').eq_ignore_ascii_case(VALUE));
        token.above().is_some_and(|above| is_holder(above.trim_matches('"'))) || (!self.named.is_empty() && is_value())
    }

    /// What says something about the value at a place, which is an item or a member.
    pub(super) fn label(&self, pointer: &Pointer, is_item: bool, text: &str) -> Option<String> {
        let (own, object) = (pointer.last()?, pointer.parent()?);
        let above = object.last().unwrap_or_default();
        if is_item {
            // A list of names (`secrets: ["API_KEY"]`) names keys, and contains none.
            let is_told = is_secret_name(&above) || is_holder(&above);
            return (is_told && !is_name(text)).then(|| one_of(&above).to_owned());
        }
        if own.eq_ignore_ascii_case(VALUE) && self.named.contains_key(&object) {
            return self.named.get(&object).cloned();
        }
        if SECRET_MEMBERS.contains(&&*own) && self.keys.contains_key(&object) {
            return Some("private key".to_owned());
        }
        (is_holder(&above) && !is_name(text) && looks_made_up(text)).then(|| format!("{own} {}", one_of(&above)))
    }
}

/// Whether what is called so holds several secrets: `apiKeys`, `tokens`.
fn is_holder(name: &str) -> bool {
    let name = name.trim_end_matches(']');
    one_of(name).len() < name.len() && is_secret_name(one_of(name)) && !is_secret_name(name)
}

/// `apiKey` of `apiKeys`.
fn one_of(name: &str) -> &str {
    name.strip_suffix(['s', 'S']).filter(|one| is_secret_name(one)).unwrap_or(name)
}

/// Whether a text is the name of something.
fn is_name(text: &str) -> bool {
    is_secret_name(text) || text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let document = Document::parse(text.as_bytes()).unwrap();
        let titles = Titles::of(&document);
        let mut labels = Vec::new();
        document.strings(|token| {
            let Some(value) = token.node.as_str().filter(|_| !token.is_key) else { return };
            labels.extend(titles.label(&token.pointer(), token.key().is_none(), &value));
        });
        labels
    }

    #[test]
    fn a_value_is_told_of_by_what_stands_around_it() {
        for (text, label) in [
            (r#"{"apiKeys": ["hunter2"]}"#, "apiKey"),
            (r#"{"token": ["hunter2"]}"#, "token"),
            (r#"{"SECRETS": {"main": "hunter2horse9"}}"#, "main SECRET"), // keystencil: allow
            (r#"{"value": "hunter2", "name": "API_KEY"}"#, "API_KEY"),
            (r#"{"Name": "db-password", "Value": "hunter2"}"#, "db-password"),
            (r#"{"d": "AAA", "kty": "OKP", "x": "BBB"}"#, "private key"),
        ] {
            assert_eq!(labels(text), [label], "{text}");
        }
    }

    #[test]
    fn lists_of_names_and_values_of_other_names_are_told_of_by_nothing() {
        for text in [
            r#"{"secrets": ["API_KEY", "DB_URL"]}"#,
            r#"{"MAX_TOKENS": ["12"], "publicKeys": ["x"]}"#,
            r#"{"name": "Accept", "value": "text/plain"}"#,
            r#"{"secrets": {"source": "vault", "enabled": "true"}}"#,
            r#"{"d": "M0 0L1 1", "x": "1"}"#,
            r#"{"credentials": {"type": "service_account"}}"#,
        ] {
            assert!(labels(text).is_empty(), "{text}");
        }
    }
}
