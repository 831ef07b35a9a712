//! What the JSON layer does with texts nobody would write: it keeps them, or refuses them with line and column.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use keystencil::document::{Document, EditError, Kind, Operation, Patch, Pointer, edit::apply};
use keystencil::error::Explain;
use proptest::prelude::*;
use serde::de::IgnoredAny;

fn accepts(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic_and_a_fault_has_its_place(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = Document::parse(&bytes) {
            prop_assert!(error.offset <= bytes.len() && error.line >= 1 && error.column >= 1);
        }
    }

    #[test]
    fn any_two_numbers_are_compared_without_panic(a in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,25})?") {
        let document = Document::parse(a.as_bytes()).unwrap();
        let other = format!(" {a} ");
        prop_assert!(document.root().same_value(&Document::parse(other.as_bytes()).unwrap().root()));
        prop_assert!(!document.root().same_value(&Document::parse(b"null").unwrap().root()));
    }
}

#[test]
fn texts_at_the_edge_of_the_grammar_are_accepted_as_serde_json_does() {
    let good = [
        "0",
        "-0",
        "1e400",
        "1E+2",
        "-1.5e-3",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\\/\"",
        "[]",
        "{}",
        " [ ] ",
        "\"\u{7f}\"",
        "{\"a\":1,\"a\":2}",
        "1234567890123456789012345678901234567890",
        "\r\n\tnull\r",
        "[[[[]]],{}]",
        "\"\u{2028}\"",
    ];
    let bad = [
        "",
        " ",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "--1",
        "0x1",
        "NaN",
        "nul",
        "nulll",
        "truefalse",
        "'a'",
        "\"",
        "\"\\",
        "\"\\u",
        "\"\\u12",
        "\"\\u12g4\"",
        "\"\\x\"",
        "\"\n\"",
        "\"\u{0}\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:2}",
        "[}",
        "{]",
        "1 2",
        "[]]",
        "/*x*/1",
        "[1]//x",
        "\u{b}1",
        "\u{a0}1",
        "1\u{0}",
        "\u{0}",
        "\u{feff}\u{feff}1",
    ];
    for text in good {
        assert!(Document::parse(text.as_bytes()).is_ok() && accepts(text), "{text:?}");
    }
    for text in bad {
        assert!(Document::parse(text.as_bytes()).is_err() && !accepts(text), "{text:?}");
    }
}

#[test]
fn a_fault_is_told_with_its_place_and_without_the_text() {
    for (text, line, column, what) in [
        (&b"{\n\t\"k\": sk-live\n}"[..], 2, 7, "expected a value here"),
        (b"{\r\n \"a\": 1,\r\n}", 3, 1, "there is a comma before the closing bracket"),
        (b"[\r 1,\r]", 3, 1, "expected a value here, not a closing bracket (is there one comma too many?)"),
        (b"\xef\xbb\xbf\"\xc3\xa9\xc3\xa9\" x", 1, 6, "there is text after the end of the document"),
        (b"[\"ab", 1, 5, "the text ends inside a string"),
        (b"{\"a\": 1", 1, 8, "the text ends too early"),
        (b"[1, // one\n2]", 1, 5, "a comment is not JSON"),
        (b"[\n\"a\xff\"]", 2, 3, "a byte that is not UTF-8"),
        (b"[\n\"a\xe2\x82", 2, 3, "a byte that is not UTF-8"),
        (b"{'a': 1, \"b\": \"\xff\"}", 1, 2, "expected a key in double quotes or `}` here"),
    ] {
        let error = Document::parse(text).unwrap_err();
        assert_eq!((error.line, error.column, error.what), (line, column, what), "{}", String::from_utf8_lossy(text));
        assert_eq!(error.place().unwrap().position, Some((line, column)));
        assert!(!format!("{error} {error:?}").contains("sk-live"));
    }
}

#[test]
fn a_hundred_thousand_levels_are_read_found_walked_compared_and_edited() {
    const LEVELS: usize = 100_000;
    let arrays = format!("{}\"x\"{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let objects = format!("{}\"x\"{}", "{\"a\": ".repeat(LEVELS), "}".repeat(LEVELS));
    for (text, token) in [(&arrays, "/0"), (&objects, "/a")] {
        let document = Document::parse(text.as_bytes()).unwrap();
        let deep = pointer(&token.repeat(LEVELS));
        assert_eq!(document.find(&deep).unwrap().raw(), "\"x\"");
        document.strings(|string| {
            if !string.is_key {
                assert_eq!(string.pointer(), deep);
            }
        });
        let other = text.replace("\"x\"", "\"\\u0078\" ");
        let other = Document::parse(other.as_bytes()).unwrap();
        assert!(document.root().same_value(&other.root()));
        let changed = text.replace('x', "y");
        assert!(!document.root().same_value(&Document::parse(changed.as_bytes()).unwrap().root()));
        let replace = Operation::Replace { path: deep.clone(), value: "\"y\"".into() };
        assert_eq!(apply(text, &Patch(vec![replace])).unwrap(), changed);
        let add = Operation::Add { path: pointer(&token.repeat(50_000)).child("-"), value: "1".into() };
        assert!(Document::parse(apply(text, &Patch(vec![add])).unwrap().as_bytes()).is_ok());
        let level = if token == "/a" { "{\"a\": }" } else { "[]" };
        let copy = Operation::Copy { from: pointer(token), path: Pointer::root() };
        assert_eq!(apply(text, &Patch(vec![copy])).unwrap().len(), text.len() - level.len());
    }
    let unclosed = "[{\"a\":".repeat(LEVELS);
    assert_eq!(Document::parse(unclosed.as_bytes()).unwrap_err().offset, unclosed.len());
    let crossed = format!("{}1{}", "[".repeat(LEVELS), "}".repeat(LEVELS));
    assert_eq!(Document::parse(crossed.as_bytes()).unwrap_err().column, LEVELS + 2);
}

#[test]
fn a_large_text_of_nothing_but_brackets_is_refused_or_kept() {
    let half = 10 << 20;
    let text = format!("{}{}", "[".repeat(half), "]".repeat(half));
    assert!(Document::parse(text.as_bytes()).is_ok());
    assert_eq!(Document::parse(&text.as_bytes()[..half]).unwrap_err().offset, half);
}

#[test]
fn a_large_document_is_edited_at_both_ends() {
    let rows: Vec<String> =
        (0..200_000).map(|row| format!("    {{ \"id\": {row}, \"text\": \"some [text] here\" }}")).collect();
    let text = format!("{{\n  \"rows\": [\n{}\n  ],\n  \"last\": 1.0\n}}\n", rows.join(",\n"));
    assert!(text.len() > 8 << 20);
    let patch: Patch = serde_json::from_str(
        r#"[{"op":"replace","path":"/rows/0/id","value":-1},
            {"op":"remove","path":"/rows/199999"},
            {"op":"add","path":"/rows/-","value":{"id":7,"text":""}},
            {"op":"add","path":"/new","value":[]}]"#,
    )
    .unwrap();
    let edited = apply(&text, &patch).unwrap();
    assert!(edited.starts_with("{\n  \"rows\": [\n    { \"id\": -1, \"text\""));
    assert!(edited.ends_with("    { \"id\": 7, \"text\": \"\" }\n  ],\n  \"last\": 1.0,\n  \"new\": []\n}\n"));
}

#[test]
fn of_duplicate_keys_the_last_is_found_replaced_and_tested_and_all_are_removed() {
    let text = r#"{ "a": {"x": 1, "y": 2}, "b": 0, "a": {"x": 3, "\u0078": 4} }"#;
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(document.find(&pointer("/a/x")).unwrap().raw(), "4");
    assert!(document.find(&pointer("/a/y")).is_none());
    assert_eq!(document.root().get("a").unwrap().get("x").unwrap().raw(), "4");
    let run = |patch: &str| apply(text, &serde_json::from_str(patch).unwrap());
    assert_eq!(run(r#"[{"op":"replace","path":"/a/x","value":5}]"#).unwrap(), text.replace('4', "5"));
    assert_eq!(run(r#"[{"op":"add","path":"/a/x","value":5}]"#).unwrap(), text.replace('4', "5"));
    assert_eq!(run(r#"[{"op":"remove","path":"/a"}]"#).unwrap(), r#"{ "b": 0 }"#);
    let removed = run(r#"[{"op":"remove","path":"/a/x"}]"#).unwrap();
    assert_eq!(removed, r#"{ "a": {"x": 1, "y": 2}, "b": 0, "a": {} }"#);
    assert!(run(r#"[{"op":"test","path":"/a","value":{"x":4.0}}]"#).is_ok());
}

#[test]
fn strange_tokens_are_kept_and_the_text_around_them_edited() {
    let text = "\u{feff}{\r\n\t\"n\" : 1234567890123456789012345678901234567890,\r\n\t\"big\" : 1e400,\r\n\t\"lone\" : \"\\ud800\",\r\n\t\"\\ud800\" : \"\\u00e9\"\r\n}";
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(document.root().kind(), Kind::Object);
    assert_eq!(document.find(&pointer("/lone")).unwrap().as_str(), None);
    document.strings(|token| drop(token.pointer()));
    let patch = r#"[{"op":"add","path":"/z","value":{"l":"\udfff","n":1.0}},{"op":"remove","path":"/big"},
                    {"op":"copy","from":"/z","path":"/y"},{"op":"test","path":"/lone","value":"\uD800"}]"#;
    let edited = apply(text, &serde_json::from_str(patch).unwrap()).unwrap();
    let new = "{\r\n\t\t\"l\" : \"\\udfff\",\r\n\t\t\"n\" : 1.0\r\n\t}";
    let expected = text
        .replace("\t\"big\" : 1e400,\r\n", "")
        .replace("\r\n}", &format!(",\r\n\t\"z\" : {new},\r\n\t\"y\" : {new}\r\n}}"));
    assert_eq!(edited, expected);
    let wrong = r#"[{"op":"test","path":"/lone","value":"\ud801"}]"#;
    assert!(matches!(apply(text, &serde_json::from_str(wrong).unwrap()), Err(EditError::TestFailed { .. })));
}

#[test]
fn thousands_of_additions_to_one_document_are_done_in_one_go() {
    let members: Vec<String> = (0..2000).map(|member| format!("  \"member {member}\": \"{member:016}\"")).collect();
    let text = format!("{{\n{}\n}}\n", members.join(",\n"));
    let add = |member: usize| Operation::Add { path: pointer(&format!("/new {member}")), value: format!("{member}") };
    let edited = apply(&text, &Patch((0..1000).map(add).collect())).unwrap();
    assert!(edited.ends_with("  \"new 998\": 998,\n  \"new 999\": 999\n}\n"));
}

#[test]
fn the_value_of_an_operation_is_in_no_debug_output_and_no_error() {
    let replace = Operation::Replace { path: pointer("/none"), value: "\"sk-live\"".into() };
    let bad = Operation::Add { path: pointer("/a"), value: "sk-live".into() };
    for operation in [replace, bad] {
        let error = apply("{}", &Patch(vec![operation.clone()])).unwrap_err();
        let said = format!("{operation:?} {error} {error:?} {:?} {:?}", error.hint(), error.place());
        assert!(!said.contains("live"), "{said}");
    }
}
