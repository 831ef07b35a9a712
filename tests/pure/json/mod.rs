//! Documents, styles and patches for the invariants of the JSON layer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use keystencil::document::{Kind, Node, Operation, Patch, Pointer, string};
use proptest::prelude::*;
use serde_json::Value;

/// A document without its layout: keys decoded, scalars as written.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    Raw(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A uniform style.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    /// `None`: all on one line.
    pub(crate) indent: Option<&'static str>,
    pub(crate) newline: &'static str,
    pub(crate) colon: &'static str,
    pub(crate) comma: &'static str,
    pub(crate) bom: bool,
    pub(crate) last_newline: bool,
    pub(crate) escape: bool,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            indent: Some("  "),
            newline: "\n",
            colon: ": ",
            comma: "",
            bom: false,
            last_newline: true,
            escape: false,
        }
    }
}

impl Format {
    /// Writes a document; strings with needless escapes if the style has them.
    pub(crate) fn write(&self, json: &Json) -> String {
        self.whole(json, self.escape)
    }

    /// Writes a document whose strings (keys too) are raw tokens already.
    pub(crate) fn write_as_is(&self, json: &Json) -> String {
        self.whole(json, false)
    }

    fn whole(&self, json: &Json, escape: bool) -> String {
        let mut out = String::from(if self.bom { "\u{feff}" } else { "" });
        self.value(json, 0, escape, &mut out);
        out.push_str(if self.last_newline { self.newline } else { "" });
        out
    }

    fn line(&self, level: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push_str(self.newline);
            out.push_str(&indent.repeat(level));
        }
    }

    fn value(&self, json: &Json, level: usize, escape: bool, out: &mut String) {
        let (open, close, length) = match json {
            Json::Raw(raw) => return out.push_str(&if escape { escaped(raw) } else { raw.clone() }),
            Json::Array(items) => ('[', ']', items.len()),
            Json::Object(members) => ('{', '}', members.len()),
        };
        out.push(open);
        for at in 0..length {
            if at > 0 {
                out.push(',');
                out.push_str(self.comma);
            }
            self.line(level + 1, out);
            match json {
                Json::Array(items) => self.value(&items[at], level + 1, escape, out),
                Json::Object(members) => {
                    let key = &members[at].0;
                    let token = if key.starts_with('"') && key.len() > 1 { key.clone() } else { string::encode(key) };
                    out.push_str(&if escape { escaped(&token) } else { token });
                    out.push_str(self.colon);
                    self.value(&members[at].1, level + 1, escape, out);
                }
                Json::Raw(_) => {}
            }
        }
        if length > 0 {
            self.line(level, out);
        }
        out.push(close);
    }
}

/// The same token with every letter of a string escaped.
fn escaped(raw: &str) -> String {
    if !raw.starts_with('"') {
        return raw.to_owned();
    }
    let text = string::decode(raw).unwrap();
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}

/// The model of a node, with all tokens raw.
pub(crate) fn read(node: &Node<'_>) -> Json {
    match node.kind() {
        Kind::Object => {
            Json::Object(node.members().map(|member| (member.key.raw().to_owned(), read(&member.value))).collect())
        }
        Kind::Array => Json::Array(node.items().map(|item| read(&item)).collect()),
        _ => Json::Raw(node.raw().to_owned()),
    }
}

fn arbitrary_scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["null", "true", "false", "0", "-1", "12", "1.5", "1e400"]).prop_map(str::to_owned),
        Just("1234567890123456789012345678901234567890".to_owned()),
        prop::sample::select(vec!["", "x", "é", "😀", "a\"b", "c\\d", "line\nbreak", "[1,\r{", "\u{1}/", "sk-live"])
            .prop_map(string::encode),
    ]
}

fn arbitrary_key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "", "a/b", "m~n", "é", "0", "1", "-", "~1", "\\", "k\t"])
        .prop_map(str::to_owned)
}

/// A document without duplicate keys.
pub(crate) fn arbitrary_json() -> impl Strategy<Value = Json> {
    arbitrary_scalar().prop_map(Json::Raw).prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::vec((arbitrary_key(), inner), 0..5).prop_map(|members| {
                let mut unique: Vec<(String, Json)> = Vec::new();
                for (key, value) in members {
                    if unique.iter().all(|(other, _)| *other != key) {
                        unique.push((key, value));
                    }
                }
                Json::Object(unique)
            }),
        ]
    })
}

pub(crate) fn arbitrary_format() -> impl Strategy<Value = Format> {
    let indent = prop::sample::select(vec![None, None, Some("  "), Some("    "), Some("\t"), Some("")]);
    (
        indent,
        prop::sample::select(vec!["\n", "\r\n"]),
        prop::sample::select(vec![(":", ""), (": ", " "), (" : ", " ")]),
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(indent, newline, (colon, comma), (bom, last_newline, escape))| Format {
            indent,
            newline,
            colon,
            comma: if indent.is_some() { "" } else { comma },
            bom,
            last_newline,
            escape,
        })
}

/// One operation before it is known to which places of a document it can point.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    kind: u8,
    path: prop::sample::Index,
    from: prop::sample::Index,
    below: Option<String>,
    value: Json,
    keep_failing: bool,
}

pub(crate) fn arbitrary_patch() -> impl Strategy<Value = Vec<Step>> {
    let token = prop_oneof![
        3 => Just("-".to_owned()),
        1 => prop::sample::select(vec!["01", "99999999999999999999", "+1", "7"]).prop_map(str::to_owned),
        6 => arbitrary_key(),
    ];
    let step = (
        0..6u8,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop::option::of(token),
        arbitrary_json(),
        prop::bool::weighted(0.03),
    );
    let step = step.prop_map(|(kind, path, from, below, value, keep_failing)| Step {
        kind,
        path,
        from,
        below,
        value,
        keep_failing,
    });
    prop::collection::vec(step, 1..12)
}

/// All pointers of a document, in its order.
pub(crate) fn pointers(value: &Value) -> Vec<Pointer> {
    let mut all = vec![Pointer::root()];
    let mut work = vec![(Pointer::root(), value)];
    let mut ordered = Vec::new();
    while let Some((pointer, value)) = work.pop() {
        ordered.push(pointer.clone());
        match value {
            Value::Object(members) => {
                work.extend(members.iter().rev().map(|(key, value)| (pointer.child(key), value)));
            }
            Value::Array(items) => {
                work.extend(items.iter().enumerate().rev().map(|(at, value)| (pointer.index(at), value)));
            }
            _ => {}
        }
    }
    all.splice(.., ordered);
    all
}

/// What `json_patch` makes of a value. Its `patch` panics when it cannot undo a failed patch that has moved something;
/// callers have a copy anyway.
pub(crate) fn oracle(value: &mut Value, patch: &Patch) -> Result<(), json_patch::PatchError> {
    json_patch::patch_unsafe(value, &json_patch::Patch::try_from(patch).unwrap())
}

/// Makes operations of steps, keeping only few of those that fail, so that long patches succeed.
pub(crate) fn resolve(document: &Value, steps: &[Step]) -> Patch {
    let mut now = document.clone();
    let mut patch = Patch::default();
    for step in steps {
        let places = pointers(&now);
        let pick = |index: &prop::sample::Index| places[index.index(places.len())].clone();
        let path = match &step.below {
            Some(token) => pick(&step.path).child(token),
            None => pick(&step.path),
        };
        let value = Format { indent: None, comma: " ", ..Format::default() }.write(&step.value).trim_end().to_owned();
        let from = pick(&step.from);
        let operation = match step.kind {
            0 => Operation::Add { path, value },
            1 => Operation::Remove { path },
            2 => Operation::Replace { path, value },
            3 => Operation::Move { from, path },
            4 => Operation::Copy { from, path },
            _ => {
                let there = now.pointer(path.as_str()).map(ToString::to_string);
                Operation::Test { path, value: there.filter(|_| !step.keep_failing).unwrap_or(value) }
            }
        };
        let mut next = now.clone();
        let works = oracle(&mut next, &Patch(vec![operation.clone()])).is_ok();
        // Copies may double the document; a bound keeps the cases small.
        if (works && pointers(&next).len() < 200) || (!works && step.keep_failing) {
            patch.0.push(operation);
            now = next;
        }
    }
    patch
}

/// Whether a line is empty or ends in white space.
pub(crate) fn blank_line(text: &str) -> bool {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let inner = &lines[..lines.len() - 1];
    inner.iter().any(|line| line.is_empty() || line.ends_with([' ', '\t']))
}
