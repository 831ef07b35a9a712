//! Documents, templates, secrets and drifts for the invariants.

use super::engine;
use crate::comments::commented;
use keystencil::document::Syntax;
use keystencil::host::servers::HostReferences;
use keystencil::plan::wrap::{Deliver, Deliveries, Wrapper, Wrapping};
use keystencil::plan::{Applied, RenderPlan};
use keystencil::template::Blueprint;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// The syntaxes whose files are edited in any way, each of which the invariants are asked of. TOML's have tests of their own
/// (`tests/pure/toml_files.rs`) for what can be done with them.
const SYNTAXES: [Syntax; 2] = [Syntax::Json, Syntax::JsonWithComments];

/// A target, a template for it, the secrets `s0`, `s1`, … the template refers to, and how they are delivered.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    #[allow(dead_code)] // shown with a case that fails
    syntax: Syntax,
    pub(crate) target: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) deliver: Deliver,
    template: Piece,
}

/// A template as a tree.
#[derive(Debug, Clone)]
enum Piece {
    Slot { before: String, secrets: Vec<usize>, after: String, notation: u8 },
    Scalar(Value),
    Array(Vec<Piece>),
    Object(Vec<(String, Piece)>),
}

const KEYS: [&str; 8] = ["a", "b", "env", "KEY", "x/y", "m~n", "é", "sp ace"];

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(KEYS.as_slice()).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec!["1.0", "1e3", "1e400", "-0", "1234567890123456789012345678901234567890"])
            .prop_map(|number| serde_json::from_str(number).unwrap()),
        prop_oneof!["[a-z ]{0,6}", Just("é\"\\/\n\u{1}😀".to_owned())].prop_map(Value::from),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    vec((key(), value), 0..6).prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_-]{8,40}",
        r#"[a-c"\\/\né😀<> ]{8,16}"#,
        Just("{\"type\": \"service_account\"}\n".to_owned())
    ]
}

fn slot() -> impl Strategy<Value = Piece> {
    ("(|Bearer |x\"y )", vec(0..3usize, 1..3), "(|/tail|é)", 0..4u8)
        .prop_map(|(before, secrets, after, notation)| Piece::Slot { before, secrets, after, notation })
}

fn piece() -> impl Strategy<Value = Piece> {
    let leaf = prop_oneof![2 => slot(), 1 => scalar().prop_map(Piece::Scalar)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Piece::Array),
            3 => members(inner).prop_map(Piece::Object),
        ]
    })
}

fn members(inner: impl Strategy<Value = Piece>) -> impl Strategy<Value = Vec<(String, Piece)>> {
    vec((key(), inner), 0..4).prop_map(|mut members| {
        // A template must not name a member twice.
        let mut seen = std::collections::HashSet::new();
        members.retain(|(key, _)| seen.insert(key.clone()));
        members
    })
}

/// A server: most can be wrapped, some have a reference where none can be delivered.
fn server() -> impl Strategy<Value = Piece> {
    let text = |text: &str| Piece::Scalar(Value::from(text));
    let command = prop_oneof![6 => Just(text("npx")), 1 => slot()];
    let arguments = prop::option::of(vec(prop_oneof![2 => slot(), 3 => Just(text("-y"))], 0..3).prop_map(Piece::Array));
    let started = (command, arguments, values()).prop_map(|(command, arguments, env)| {
        let mut members = vec![("command".to_owned(), command), ("env".to_owned(), env)];
        members.extend(arguments.map(|arguments| ("args".to_owned(), arguments)));
        Piece::Object(members)
    });
    let reached = values().prop_map(move |headers| {
        Piece::Object(vec![("url".to_owned(), text("https://example.com/mcp")), ("headers".to_owned(), headers)])
    });
    prop_oneof![3 => started, 1 => reached]
}

/// Variables or headers.
fn values() -> impl Strategy<Value = Piece> {
    members(prop_oneof![3 => slot(), 1 => Just(Piece::Scalar(Value::from("plain")))]).prop_map(Piece::Object)
}

impl Case {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        Self::written_in(&SYNTAXES)
    }

    /// The same for targets in these syntaxes alone.
    pub(crate) fn written_in(syntaxes: &'static [Syntax]) -> impl Strategy<Value = Self> {
        let deliver = prop::sample::select(vec![Deliver::File, Deliver::Wrap, Deliver::Auto]);
        let servers = prop::option::of(members(server()));
        let written = (prop::sample::select(syntaxes), 0..6u8, vec(0..6u8, 1..20));
        (document(), written, any::<bool>(), vec(secret(), 3), members(piece()), servers, deliver).prop_map(
            |(document, (syntax, style, comments), bom, secrets, mut template, servers, deliver)| {
                let plain = layout(&document, style);
                let text = match syntax {
                    Syntax::JsonWithComments => commented(&plain, &comments),
                    _ => plain,
                };
                assert!(syntax.open(text.as_bytes()).is_ok());
                // Told apart from the first bytes on, so that no secret is a part of another one's surroundings.
                let secrets = secrets.iter().enumerate().map(|(i, secret)| format!("{i}#{secret}#{i}")).collect();
                template.extend(servers.map(|servers| ("mcpServers".to_owned(), Piece::Object(servers))));
                Self {
                    syntax,
                    target: if bom { format!("\u{feff}{text}") } else { text },
                    secrets,
                    deliver,
                    template: Piece::Object(template),
                }
            },
        )
    }

    /// A render of this case's secrets, in its way of delivery.
    pub(crate) fn plan(&self, target: &str, blueprint: &Blueprint, earlier: Option<&Applied>) -> RenderPlan {
        let deliveries = Deliveries { all: self.deliver, ..Deliveries::default() };
        let wrapper = Wrapper {
            program: "/usr/bin/keystencil",
            target: "claude",
            helper: Some("headersHelper"),
            references: HostReferences::Braced,
        };
        let wrapping = Wrapping { wrapper, deliveries: &deliveries };
        engine::plan_delivered(target, blueprint, &self.secrets, earlier, Some(wrapping))
    }

    pub(crate) fn template(&self) -> String {
        let mut text = "// a comment\n".to_owned();
        self.template.write(&mut text);
        text
    }
}

impl Piece {
    fn write(&self, out: &mut String) {
        match self {
            Self::Scalar(value) => out.push_str(&value.to_string()),
            Self::Slot { before, secrets, after, notation } => {
                let bare = before.is_empty() && after.is_empty() && secrets.len() == 1;
                let references: String = secrets.iter().map(|index| reference(*index, *notation)).collect();
                if bare && *notation == 3 {
                    return out.push_str(&format!("<< keyring('s{}') >>", secrets[0]));
                }
                let quote = |text: &str| {
                    let quoted = Value::from(text).to_string();
                    quoted[1..quoted.len() - 1].to_owned()
                };
                out.push_str(&format!("\"{}{references}{}\"", quote(before), quote(after)));
            }
            Self::Array(items) => {
                out.push_str("[ ");
                items.iter().for_each(|item| {
                    item.write(out);
                    out.push_str(", ");
                });
                out.push(']');
            }
            Self::Object(members) => {
                out.push_str("{\n");
                members.iter().for_each(|(key, value)| {
                    out.push_str(&format!("  {}: ", Value::from(key.as_str())));
                    value.write(out);
                    out.push_str(", // why\n");
                });
                out.push('}');
            }
        }
    }
}

fn reference(index: usize, notation: u8) -> String {
    match notation {
        0 => format!("<< keyring(\"s{index}\") >>"),
        1 => format!("<< keyring(\\\"s{index}\\\") >>"),
        _ => format!("<< keyring('s{index}') >>"),
    }
}

/// The same value in one of several layouts.
fn layout(value: &Value, style: u8) -> String {
    let pretty = |indent: &[u8]| {
        let mut out = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
        serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut out, formatter)).unwrap();
        String::from_utf8(out).unwrap()
    };
    match style {
        0 => value.to_string(),
        1 => pretty(b"  "),
        2 => pretty(b"\t") + "\n",
        3 => pretty(b"    ").replace('\n', "\r\n") + "\r\n",
        4 => pretty(b" ").replace('é', "\\u00e9"),
        _ => format!(" {}\n\n", value.to_string().replace("\":", "\" :\n")),
    }
}

/// Something a host application does to the whole document.
#[derive(Debug, Clone)]
pub(crate) enum Drift {
    SortKeys,
    ReverseKeys,
    Wrap(String),
    ShiftArrays,
    CopyMember(usize, String),
    RenameMember(usize, String),
    RemoveMember(usize),
    EmbedStrings(usize),
    StringifyMember(usize),
    AddMember(String),
}

impl Drift {
    pub(crate) fn some() -> impl Strategy<Value = Vec<Self>> {
        let one = prop_oneof![
            Just(Self::SortKeys),
            Just(Self::ReverseKeys),
            key().prop_map(Self::Wrap),
            Just(Self::ShiftArrays),
            (any::<usize>(), key()).prop_map(|(index, key)| Self::CopyMember(index, key)),
            (any::<usize>(), key()).prop_map(|(index, key)| Self::RenameMember(index, key)),
            any::<usize>().prop_map(Self::RemoveMember),
            any::<usize>().prop_map(Self::EmbedStrings),
            any::<usize>().prop_map(Self::StringifyMember),
            key().prop_map(Self::AddMember),
        ];
        vec(one, 0..4).prop_map(|mut drifts| {
            // Twice into a string is as deep as a secret is looked for.
            let mut depth = 0;
            drifts.retain(|drift| {
                !matches!(drift, Self::StringifyMember(_)) || {
                    depth += 1;
                    depth <= 2
                }
            });
            drifts
        })
    }

    /// Applies it; must treat every string alike, since the invariants apply it to both forms.
    pub(crate) fn apply(&self, value: &mut Value) {
        let Value::Object(members) = value else { return };
        let pick =
            |members: &Map<String, Value>, index: usize| members.keys().nth(index % members.len().max(1)).cloned();
        match self {
            Self::SortKeys => members.sort_keys(),
            Self::ReverseKeys => *members = std::mem::take(members).into_iter().rev().collect(),
            Self::Wrap(key) => *value = Value::Object([(key.clone(), value.take())].into_iter().collect()),
            Self::ShiftArrays => shift(value),
            Self::CopyMember(index, to) => {
                if let Some(from) = pick(members, *index) {
                    let copy = members[&from].clone();
                    members.insert(to.clone(), copy);
                }
            }
            Self::RenameMember(index, to) => {
                if let Some(moved) = pick(members, *index).and_then(|from| members.shift_remove(&from)) {
                    members.insert(to.clone(), moved);
                }
            }
            Self::RemoveMember(index) => {
                pick(members, *index).and_then(|key| members.shift_remove(&key));
            }
            Self::EmbedStrings(index) => {
                if let Some(key) = pick(members, *index) {
                    embed(&mut members[&key]);
                }
            }
            Self::StringifyMember(index) => {
                if let Some(key) = pick(members, *index) {
                    members[&key] = Value::from(members[&key].to_string());
                }
            }
            Self::AddMember(key) => {
                members.entry(key.clone()).or_insert_with(|| Value::from("new"));
            }
        }
    }
}

fn shift(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(shift);
            items.insert(0, Value::from("--first"));
        }
        Value::Object(members) => members.values_mut().for_each(shift),
        _ => {}
    }
}

fn embed(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("in front {text} behind"),
        Value::Array(items) => items.iter_mut().for_each(embed),
        Value::Object(members) => members.values_mut().for_each(embed),
        _ => {}
    }
}

/// Whether everything in `before` that `wanted` does not name is in `after`, in the same order and with nothing else.
pub(crate) fn kept(before: &Value, after: &Value, wanted: &Value) -> bool {
    match (before, after, wanted) {
        (Value::Object(before), Value::Object(after), Value::Object(wanted)) => {
            let untouched = |from: &Map<String, Value>| -> Vec<String> {
                from.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect()
            };
            untouched(before) == untouched(after)
                && before.iter().all(|(key, value)| match wanted.get(key) {
                    Some(wanted) => after.get(key).is_none_or(|after| kept(value, after, wanted)),
                    None => after.get(key) == Some(value),
                })
        }
        _ => true,
    }
}

/// Everything that one of two documents names.
pub(crate) fn union(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut all = one.clone();
            for (key, value) in other {
                let merged = one.get(key).map_or(value.clone(), |first| union(first, value));
                all.insert(key.clone(), merged);
            }
            Value::Object(all)
        }
        // One of them named the whole value.
        (Value::Object(_), _) => other.clone(),
        _ => one.clone(),
    }
}
