//! TOML files, and what they say, for the tests of TOML: every way to write a table, an array, a key and a string.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

/// A value of TOML.
#[derive(Debug, Clone)]
pub(crate) enum Toml {
    String(String),
    /// A number, as it is written and as JSON has it.
    Number(&'static str, &'static str),
    Bool(bool),
    /// What JSON has no word for, as it is written.
    Bare(&'static str),
    Array(Vec<Toml>),
    Table(Vec<(String, Toml)>),
}

/// A file, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) text: String,
    pub(crate) says: Value,
}

const NUMBERS: [(&str, &str); 12] = [
    ("0", "0"),
    ("-17", "-17"),
    ("+5", "5"),
    ("1_000", "1000"),
    ("0xdead_BEEF", "3735928559"),
    ("0o17", "15"),
    ("0b101", "5"),
    ("1.0", "1.0"),
    ("+6.5e+10", "6.5e+10"),
    ("9_2.5", "92.5"),
    ("1e06", "1e06"),
    ("9223372036854775807", "9223372036854775807"),
];

const BARE: [&str; 6] =
    ["1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5-07:00", "1979-05-27", "07:32:00", "inf", "-nan"];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["a", "b", "env", "KEY", "mcp_servers", "x-y", "1"]).prop_map(str::to_owned),
        prop::sample::select(vec!["x/y", "m~n", "é", "sp ace", "", "it's", "q\"q", "a.b", "#"]).prop_map(str::to_owned),
    ]
}

/// Texts that some notation of a string can't hold.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 _.:/-]{0,12}",
        "[ab'\"\\\\\n\t#é😀\u{7f}\u{1}]{0,10}",
        prop::sample::select(vec!["'''", "\"\"\"", "\r\n", "\r", "ends with \\", "'", "\n first", "\u{feff}", "# no"])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Toml> {
    let leaf = prop_oneof![
        4 => text().prop_map(Toml::String),
        1 => prop::sample::select(NUMBERS.as_slice()).prop_map(|(written, json)| Toml::Number(written, json)),
        1 => any::<bool>().prop_map(Toml::Bool),
        1 => prop::sample::select(BARE.as_slice()).prop_map(Toml::Bare),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Toml::Array),
            1 => vec(table(inner.clone()), 1..3).prop_map(Toml::Array),
            3 => table(inner),
        ]
    })
}

fn table(inner: impl Strategy<Value = Toml>) -> impl Strategy<Value = Toml> {
    vec((key(), inner), 0..4).prop_map(|members| {
        let mut known = std::collections::HashSet::new();
        Toml::Table(members.into_iter().filter(|(key, _)| known.insert(key.clone())).collect())
    })
}

impl File {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        (table(value()), vec(any::<u8>(), 8..40), 0..8u8).prop_map(|(root, choices, file)| {
            let Toml::Table(members) = &root else { unreachable!() };
            let newline = if file & 1 == 0 { "\n" } else { "\r\n" };
            let mut writer = Writer { out: String::new(), newline, choices, next: 0 };
            if file & 2 != 0 {
                writer.out.push('\u{feff}');
            }
            writer.section(&[], members);
            if file & 4 != 0 {
                writer.out.truncate(writer.out.trim_end_matches(['\n', '\r']).len());
            }
            Self { text: writer.out, says: root.says() }
        })
    }
}

impl Toml {
    fn says(&self) -> Value {
        match self {
            Self::String(text) => Value::from(text.as_str()),
            Self::Number(_, json) => Value::Number(json.parse::<Number>().unwrap()),
            Self::Bool(is_so) => Value::from(*is_so),
            Self::Bare(written) => Value::from(format!("\u{fdd0}{written}")),
            Self::Array(items) => items.iter().map(Self::says).collect(),
            Self::Table(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), value.says())).collect::<Map<_, _>>())
            }
        }
    }
}

/// Writes a file in ways that are chosen one by one.
struct Writer {
    out: String,
    newline: &'static str,
    choices: Vec<u8>,
    next: usize,
}

impl Writer {
    fn choose(&mut self, ways: u8) -> u8 {
        self.next += 1;
        self.choices[self.next % self.choices.len()] % ways
    }

    fn line_end(&mut self) {
        if self.choose(3) == 0 {
            self.out.push_str(" # why \"[' = é");
        }
        self.out.push_str(self.newline);
        match self.choose(6) {
            0 => self.out.push_str(self.newline),
            1 => self.out.push_str(&format!("  # {{ of its own }}{}", self.newline)),
            _ => {}
        }
    }

    /// The members of the table at `path`, whose header was written.
    fn section(&mut self, path: &[String], members: &[(String, Toml)]) {
        let mut below = Vec::new();
        for (key, value) in members {
            let is_table = matches!(value, Toml::Table(_));
            let is_tables = matches!(value, Toml::Array(items) if !items.is_empty() && items.iter().all(|item| matches!(item, Toml::Table(_))));
            match self.choose(4) {
                0 | 1 if is_table || is_tables => below.push((key, value)),
                2 if is_table => {
                    let key = self.key(key);
                    self.dotted(&key, value);
                }
                _ => {
                    let key = self.key(key);
                    self.pair(&key, value);
                }
            }
        }
        for (key, value) in below {
            let path: Vec<String> = path.iter().chain([key]).cloned().collect();
            match value {
                Toml::Table(members) => {
                    self.header(&path, 1);
                    self.section(&path, members);
                }
                Toml::Array(items) => items.iter().for_each(|item| {
                    self.header(&path, 2);
                    if let Toml::Table(members) = item {
                        self.section(&path, members);
                    }
                }),
                _ => unreachable!(),
            }
        }
    }

    fn header(&mut self, path: &[String], brackets: usize) {
        let keys: Vec<String> = path.iter().map(|key| self.key(key)).collect();
        self.out.push_str(&format!("{}{}{}", "[".repeat(brackets), keys.join(" . "), "]".repeat(brackets)));
        self.line_end();
    }

    fn pair(&mut self, key: &str, value: &Toml) {
        self.out.push_str(&format!("{key} = "));
        self.value(value);
        self.line_end();
    }

    /// A table as one line for each of its members.
    fn dotted(&mut self, before: &str, value: &Toml) {
        match value {
            Toml::Table(members) if !members.is_empty() => members.iter().for_each(|(key, value)| {
                let key = format!("{before}.{}", self.key(key));
                self.dotted(&key, value);
            }),
            value => self.pair(before, value),
        }
    }

    fn key(&mut self, key: &str) -> String {
        let is_plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        match self.choose(3) {
            0 if !key.contains('\'') => format!("'{key}'"),
            1 if is_plain => key.to_owned(),
            _ => basic(key),
        }
    }

    fn value(&mut self, value: &Toml) {
        match value {
            Toml::String(text) => {
                let text = self.string(text);
                self.out.push_str(&text);
            }
            Toml::Number(written, _) | Toml::Bare(written) => self.out.push_str(written),
            Toml::Bool(is_so) => self.out.push_str(&is_so.to_string()),
            Toml::Array(items) => {
                let lines = self.choose(2) == 0;
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if lines {
                        self.line_end();
                    }
                    self.value(item);
                    if lines || index + 1 < items.len() {
                        self.out.push_str(", ");
                    }
                }
                self.out.push(']');
            }
            Toml::Table(members) => {
                self.out.push_str("{ ");
                for (index, (key, value)) in members.iter().enumerate() {
                    let key = self.key(key);
                    self.out.push_str(&format!("{}{key} = ", if index > 0 { ", " } else { "" }));
                    self.value(value);
                }
                self.out.push_str(" }");
            }
        }
    }

    fn string(&mut self, text: &str) -> String {
        let is_raw = !text.chars().any(|char| char.is_control() && !"\t\n".contains(char));
        match self.choose(4) {
            0 if is_raw && !text.contains(['\'', '\n']) => format!("'{text}'"),
            1 if is_raw && !text.contains("''") && !text.ends_with('\'') => format!("'''\n{text}'''"),
            2 => {
                let inner = |char: char| match char {
                    '\n' => "\n".to_owned(),
                    char => basic(&char.to_string()).strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned(),
                };
                format!("\"\"\"\n{}\"\"\"", text.chars().map(inner).collect::<String>())
            }
            _ => basic(text),
        }
    }
}

/// JSON's escapes are TOML's as well.
fn basic(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f")
}
