//! Closes keys in what a tool put out, before a model and a transcript see it.
//!
//! Only what can't be taken for anything else ([`is_certain`]) is closed, in values and not in names, so that an output keeps its
//! shape. What stands there afterwards is no reference: nothing fills it if the output is written to a file.

use super::Journal;
use super::delivery::{DeliveryNote, LEAST, is_certain};
use super::encodings::found;
use super::fingerprint::{Finder, Fingerprint, Key};
use crate::document::{Document, Span, Splice, edit, string};

/// Fingerprints that were made with one key, each with the placeholder of its secret.
#[derive(Debug, Clone)]
pub struct Known {
    key: Key,
    prints: Vec<(String, Fingerprint)>,
}

impl From<&Journal> for Known {
    fn from(journal: &Journal) -> Self {
        Self::new(journal.key, journal.secrets())
    }
}

impl From<&DeliveryNote> for Known {
    fn from(note: &DeliveryNote) -> Self {
        Self::new(note.key, note.prints())
    }
}

impl Known {
    fn new<'a>(key: Key, prints: impl Iterator<Item = (&'a str, &'a Fingerprint)>) -> Self {
        let long = prints.filter(|(_, print)| print.bytes() >= LEAST);
        Self { key, prints: long.map(|(placeholder, print)| (placeholder.to_owned(), print.clone())).collect() }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }
}

/// The value at `span` of a document with every known key in it closed; `None` if there is none. `name` makes of a
/// placeholder what a person calls the secret.
///
/// ```
/// use keystencil::document::Document;
/// use keystencil::journal::{DeliveredSecret, DeliveryNote, Key, Lease, outputs};
/// # use jiff::Timestamp;
/// # let since = Timestamp::UNIX_EPOCH;
/// # let process = Lease { pid: None, started: 0, boot: String::new(), session: None, program: None, since };
/// let key = Key::new([7; 32]);
/// let mut note = DeliveryNote::new("/h/.claude.json".into(), process, since, key);
/// note.secrets.push(DeliveredSecret::new(&key, "github".to_owned(), ["q7Zk2Xv9Lw3Rt8Yb5Nc1"]));
/// let document = Document::parse(br#"{"stdout": "it is q7Zk2Xv9Lw3Rt8Yb5Nc1\n", "code": 0}"#)?;
/// let closed = outputs::close(&document, document.root().span(), &[(&note).into()], &str::to_owned);
/// assert_eq!(closed.as_deref(), Some(r#"{"stdout": "it is [keystencil: github removed]\n", "code": 0}"#));
/// # Ok::<(), keystencil::document::SyntaxError>(())
/// ```
#[must_use]
pub fn close(document: &Document<'_>, span: Span, known: &[Known], name: &dyn Fn(&str) -> String) -> Option<String> {
    let searched: Vec<(Finder<'_, usize>, &Known)> = known
        .iter()
        .map(|known| {
            (Finder::new(&known.key, known.prints.iter().enumerate().map(|(at, (_, print))| (print, at))), known)
        })
        .filter(|(finder, _)| !finder.is_empty())
        .collect();
    let mut splices = Vec::new();
    document.strings(|token| {
        let own = token.node.span();
        if token.is_key || own.start < span.start || own.end > span.end || own.len() < LEAST {
            return;
        }
        let before = string::decode_lossy(token.node.raw());
        let mut after = None;
        for (finder, known) in &searched {
            let text = after.as_deref().unwrap_or(before.as_ref());
            let places = found(finder, text.as_bytes(), &is_certain);
            if places.is_empty() {
                continue;
            }
            let splices = places.into_iter().map(|(range, at)| {
                let placeholder = known.prints.get(at).map_or("", |(placeholder, _)| placeholder.as_str());
                Splice { span: whole(text, range), text: format!("[keystencil: {} removed]", name(placeholder)) }
            });
            let closed = edit::splice(text, splices.collect());
            after = Some(closed);
        }
        if let Some(after) = after {
            splices.push(Splice { span: own.start - span.start..own.end - span.start, text: string::encode(&after) });
        }
    });
    let value = document.text().get(span)?;
    (!splices.is_empty()).then(|| edit::splice(value, splices))
}

/// A range without half a character at its ends.
fn whole(text: &str, range: Span) -> Span {
    let start = (0..=range.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = (range.end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Lease;
    use crate::journal::delivery::DeliveredSecret;
    use jiff::Timestamp;
    use proptest::prelude::*;

    const FIRST: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";
    const SECOND: &str = "Hb4Tq8/Zn2Wc6+Jx9LmPd5";

    fn known() -> Vec<Known> {
        let since = Timestamp::UNIX_EPOCH;
        let lease = Lease { pid: None, started: 0, boot: String::new(), session: None, program: None, since };
        [(FIRST, "first", 1), (SECOND, "second", 2)]
            .into_iter()
            .map(|(value, name, seed)| {
                let key = Key::new([seed; 32]);
                let mut note = DeliveryNote::new("/x".into(), lease.clone(), since, key);
                note.secrets.push(DeliveredSecret::new(&key, name.to_owned(), [value]));
                Known::from(&note)
            })
            .collect()
    }

    fn closed(text: &str) -> Option<String> {
        let document = Document::parse(text.as_bytes()).unwrap();
        let root = document.root();
        let node = root.get("tool_response").unwrap_or(root);
        close(&document, node.span(), &known(), &str::to_owned)
    }

    #[test]
    fn values_are_closed_wherever_they_stand_and_names_numbers_and_the_rest_stay() {
        let text =
            format!(r#"{{"tool_input":"{FIRST}","tool_response":{{"{FIRST}":[1.0,"a {FIRST}",{{"b":"\ud800"}}]}}}}"#);
        let expected = format!(r#"{{"{FIRST}":[1.0,"a [keystencil: first removed]",{{"b":"\ud800"}}]}}"#);
        assert_eq!(closed(&text).unwrap(), expected);
        assert_eq!(closed(r#"{"tool_response":"nothing here, and nothing there"}"#), None);
    }

    #[test]
    fn two_keys_in_one_string_are_both_closed_and_half_a_character_beside_them_harms_nothing() {
        let text = serde_json::to_string(&format!("é{FIRST}é{SECOND}é{}é", hex::encode(FIRST))).unwrap();
        let expected =
            "\"é[keystencil: first removed]é[keystencil: second removed]é[keystencil: first removed]é\"".to_owned();
        assert_eq!(closed(&text), Some(expected));
    }

    #[test]
    fn a_text_that_is_no_key_is_not_closed_though_a_journal_has_its_fingerprint() {
        let key = Key::new([7; 32]);
        let words = "correct horse battery staple";
        let known = Known::new(key, [("words", &key.print(words))].into_iter());
        let text = serde_json::to_string(words).unwrap();
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(close(&document, document.root().span(), &[known], &str::to_owned), None);
    }

    #[test]
    fn a_deep_output_is_closed_as_a_flat_one_is() {
        let (open, shut) = ("[".repeat(100_000), "]".repeat(100_000));
        let after = closed(&format!("{open}\"{FIRST}\"{shut}")).unwrap();
        assert_eq!(after, format!("{open}\"[keystencil: first removed]\"{shut}"));
    }

    /// A value with keys in some of its strings.
    fn value() -> impl Strategy<Value = serde_json::Value> {
        let text = prop_oneof![
            "[ -~é\\n]{0,30}".prop_map(|text| text),
            ("[ -~]{0,9}", "[ -~é]{0,9}").prop_map(|(a, b)| format!("{a}{FIRST}{b}")),
            ("[ -~]{0,9}", "[ -~]{0,9}")
                .prop_map(|(a, b)| serde_json::to_string(&format!("{a}{SECOND}{b}")).unwrap().replace("/", "\\/")),
        ];
        let leaf =
            prop_oneof![text.prop_map(Into::into), any::<i32>().prop_map(Into::into), Just(serde_json::Value::Null)];
        leaf.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map("[a-z]{0,6}", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The same with every string empty.
    fn shape(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::String(_) => "".into(),
            serde_json::Value::Array(items) => items.iter().map(shape).collect::<Vec<_>>().into(),
            serde_json::Value::Object(members) => {
                serde_json::Value::Object(members.iter().map(|(name, value)| (name.clone(), shape(value))).collect())
            }
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn no_key_is_left_the_shape_stays_and_what_holds_none_is_passed_on(value in value()) {
            let text = serde_json::to_string(&value).unwrap();
            let holds = text.contains(FIRST) || text.contains("Wc6+Jx9LmPd5");
            match closed(&text) {
                None => prop_assert!(!holds),
                Some(after) => {
                    prop_assert!(holds);
                    prop_assert!(!after.contains(FIRST) && !after.contains("Jx9LmPd5"), "{}", after);
                    let after: serde_json::Value = serde_json::from_str(&after).unwrap();
                    prop_assert_eq!(shape(&after), shape(&value));
                }
            }
        }
    }
}
