//! TOML behind the seam: what a file says, where it says it, and what becomes of its text when a token changes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::toml::{File, text};
use keystencil::document::{Document, EditError, Kind, Patch, Splice, Syntax, string};
use proptest::prelude::*;
use serde_json::Value;
use std::path::Path;

fn says(document: &Document<'_>) -> Value {
    serde_json::from_str(&document.root().plain()).unwrap()
}

/// The value of a file that has one.
fn alone(text: &str) -> ::toml::Value {
    let table: ::toml::Table = ::toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    table.into_iter().next().unwrap().1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_file_says_what_was_written_in_any_notation(file in File::any()) {
        let opened = Syntax::Toml.open(file.text.as_bytes());
        let opened = opened.unwrap_or_else(|error| panic!("{error} at {}:{}\n{}", error.line, error.column, file.text));
        prop_assert_eq!(says(&opened.document()), file.says, "{}", file.text);
        prop_assert_eq!(opened.document().comments().count(), comments(&file.text), "{}", file.text);
    }

    #[test]
    fn each_string_key_and_comment_stands_where_it_is_said_to(file in File::any()) {
        let opened = Syntax::Toml.open(file.text.as_bytes()).unwrap();
        let document = opened.document();
        let mut faults = Vec::new();
        document.strings(|token| {
            let said = token.node.as_str().unwrap();
            let raw = &file.text[opened.place(token.node.span()).unwrap()];
            let is_it = match (token.is_key, said.strip_prefix('\u{fdd0}')) {
                (true, _) => ::toml::from_str::<::toml::Table>(&format!("{raw} = 1")).unwrap().contains_key(&*said),
                (false, None) => alone(&format!("x = {raw}")).as_str() == Some(&said),
                (false, Some(bare)) => raw == bare,
            };
            if !is_it {
                faults.push((raw.to_owned(), said.into_owned()));
            }
        });
        prop_assert!(faults.is_empty(), "{:?}\n{}", faults, file.text);
        for span in document.comments() {
            let (here, there) = (&document.text()[span.clone()], &file.text[opened.place(span).unwrap()]);
            prop_assert_eq!(here.strip_prefix("//"), there.strip_prefix('#'));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in r#"([\[\]{}=.,"'\#\\ \nab1:é\u{feff}-]|'''|"""|\\u00e9|= |\]\n){0,40}"#) {
        if let Ok(opened) = Syntax::Toml.open(text.as_bytes()) {
            // A number that is too long is refused by the one, and a bare text to the other.
            let Ok(theirs) = ::toml::from_str::<::toml::Table>(&text) else { return Ok(()) };
            prop_assert_eq!(opened.document().root().members().count(), theirs.len());
            prop_assert_eq!(opened.splice(Vec::new()).unwrap(), text);
        }
    }

    #[test]
    fn another_string_in_its_place_changes_nothing_else_and_comes_back(file in File::any(), new in text(), pick in any::<usize>()) {
        let opened = Syntax::Toml.open(file.text.as_bytes()).unwrap();
        let document = opened.document();
        let mut strings = Vec::new();
        document.strings(|token| strings.extend((!token.is_key).then(|| (token.pointer(), token.node))));
        if strings.is_empty() {
            return Ok(());
        }
        let (pointer, node) = &strings[pick % strings.len()];
        let place = opened.place(node.span()).unwrap();
        let changed = opened.splice(vec![Splice { span: node.span(), text: string::encode(&new) }]).unwrap();
        prop_assert!(changed.starts_with(&file.text[..place.start]) && changed.ends_with(&file.text[place.end..]));
        let token = &changed[place.start..changed.len() - (file.text.len() - place.end)];
        prop_assert!(!token.contains("\\e") && !token.contains("\\x"), "TOML 1.0 has no such escapes: {}", token);
        let mut expected = file.says.clone();
        *expected.pointer_mut(pointer.as_str()).unwrap() = new.clone().into();
        let again = Syntax::Toml.open(changed.as_bytes()).unwrap();
        prop_assert_eq!(says(&again.document()), expected.clone(), "{} becomes {}", file.text, changed);

        let node = again.document().find(pointer).unwrap();
        let back = again.splice(vec![Splice { span: node.span(), text: strings[pick % strings.len()].1.raw().to_owned() }]);
        let back = back.unwrap();
        prop_assert_eq!(says(&Syntax::Toml.open(back.as_bytes()).unwrap().document()), file.says, "{}", back);
        // By a patch it is the same.
        let patch = serde_json::json!([{ "op": "test", "path": pointer, "value": file_value(&expected, pointer.as_str()) },
            { "op": "replace", "path": "/nowhere", "value": 1 }]);
        let patch: Patch = serde_json::from_value(patch).unwrap();
        let is_missing = matches!(again.apply(&patch), Err(EditError::NotFound { .. }));
        prop_assert!(is_missing);
        let patch = serde_json::json!([{ "op": "replace", "path": pointer, "value": new }]);
        let patch: Patch = serde_json::from_value(patch).unwrap();
        prop_assert_eq!(opened.apply(&patch).unwrap(), changed);
    }
}

fn file_value(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).unwrap().clone()
}

/// How many comments a file of the generator has: each of its two kinds ends in words that stand nowhere else.
fn comments(text: &str) -> usize {
    text.matches("# why \"[' = é").count() + text.matches("  # { of its own }").count()
}

#[track_caller]
fn edited(text: &str, patch: &str, becomes: &str) {
    let opened = Syntax::Toml.open(text.as_bytes()).unwrap();
    let patch: Patch = serde_json::from_str(patch).unwrap();
    assert_eq!(opened.apply(&patch).unwrap(), becomes);
}

#[test]
fn a_string_keeps_its_quotes_where_they_can_hold_the_new_one() {
    let replace = |value: &str| format!(r#"[{{"op":"replace","path":"/k","value":{}}}]"#, string::encode(value));
    for (old, new, becomes) in [
        ("'old'", r"C:\new", r"'C:\new'"),
        ("'old'", "it's", "\"it's\""),
        ("\"old\"", r"C:\new", r#""C:\\new""#),
        ("'''\nold'''", "it's\nnew", "'''\nit's\nnew'''"),
        ("'''old'''", "it's '''new'''", "\"it's '''new'''\""),
        ("\"\"\"\nold\"\"\"", "two\nlines", "\"\"\"\ntwo\nlines\"\"\""),
    ] {
        edited(&format!("k = {old} # why\n"), &replace(new), &format!("k = {becomes} # why\n"));
    }
}

#[test]
fn numbers_and_dates_are_replaced_as_they_are_written_and_what_toml_lacks_is_refused() {
    edited("k = 1", r#"[{"op":"replace","path":"/k","value":2.50}]"#, "k = 2.50");
    edited("k = 'x'", r#"[{"op":"replace","path":"/k","value":true}]"#, "k = true");
    edited("k = 1979-05-27", r#"[{"op":"replace","path":"/k","value":"\ufdd01980-01-01"}]"#, "k = 1980-01-01");
    let text = "k = 'x'\n[t]\na = 1\n[t.b]\n[[l]]\n";
    let opened = Syntax::Toml.open(text.as_bytes()).unwrap();
    for refused in [
        r#"{"op":"replace","path":"/k","value":null}"#,
        r#"{"op":"replace","path":"/k","value":99999999999999999999}"#,
        r#"{"op":"replace","path":"/k","value":"\ud800"}"#,
        r#"{"op":"replace","path":"/t","value":1}"#,
        r#"{"op":"replace","path":"/k","value":{"a": 1}}"#,
        r#"{"op":"remove","path":"/k"}"#,
    ] {
        let patch: Patch = serde_json::from_str(&format!("[{refused}]")).unwrap();
        let error = opened.apply(&patch).unwrap_err();
        assert_eq!(error, EditError::Unwritable { syntax: Syntax::Toml }, "{refused}");
        assert_eq!(error.to_string(), "the change cannot be written in TOML");
    }
}

#[test]
fn a_key_that_stands_in_several_headers_is_not_renamed_in_one_of_them() {
    let renamed = |text: &str| {
        let opened = Syntax::Toml.open(text.as_bytes()).unwrap();
        let document = opened.document();
        let key = document.root().members().next().unwrap().key;
        opened.splice(vec![Splice { span: key.span(), text: "\"new name\"".into() }])
    };
    assert_eq!(renamed("k = 1 # k\n").unwrap(), "\"new name\" = 1 # k\n");
    assert_eq!(renamed("[k]\nx = 1\n").unwrap(), "[\"new name\"]\nx = 1\n");
    assert!(renamed("[k.a]\n[other]\n[k.b]\n").is_err());
}

#[test]
fn tables_that_stand_in_pieces_say_one_thing_and_have_no_one_place() {
    let text = "[a]\nx = 1\n[b]\n[a.c]\ny = { z = [ 1, 2 ] }\n[[l]]\n[[l]]\n";
    let opened = Document::open(Path::new("config.toml"), text.as_bytes()).unwrap();
    let document = opened.document();
    let expected = serde_json::json!({ "a": { "x": 1, "c": { "y": { "z": [1, 2] } } }, "b": {}, "l": [{}, {}] });
    assert_eq!(says(&document), expected);
    let place = |pointer: &str| {
        let node = document.find(&keystencil::document::Pointer::parse(pointer).unwrap()).unwrap();
        opened.place(node.span()).map(|span| &text[span])
    };
    assert_eq!((place("/a"), place("/a/c"), place("/l"), place("/l/0")), (None, None, None, None));
    assert_eq!((place("/a/c/y"), place("/a/c/y/z")), (Some("{ z = [ 1, 2 ] }"), Some("[ 1, 2 ]")));
    assert_eq!((place("/a/x"), document.root().kind()), (Some("1"), Kind::Object));
}

#[test]
fn what_is_nested_deeply_is_refused_and_ends_nothing() {
    for levels in [50, 500, 5_000, 200_000] {
        let open = |text: String| Syntax::Toml.open(text.as_bytes()).is_ok();
        let (before, after) = ("[".repeat(levels), "]".repeat(levels));
        let nested = [
            open(format!("a = {before}{after}")),
            open(format!("a = {}", "{a=".repeat(levels))),
            open(format!("{}a = 1", "a.".repeat(levels))),
            open(format!("[{}a]", "a.".repeat(levels))),
            open(before),
        ];
        assert!(levels < 100 || nested.iter().all(|is_read| !is_read), "{levels}: {nested:?}");
    }
}

#[test]
fn a_fault_has_its_place_and_quotes_nothing() {
    for (text, line, column) in [
        ("a = 1\nb = sk-live\n", 2, 5),
        ("a = 1\na = 2\n", 2, 1),
        ("a = 'sk-live\n", 1, 13),
        ("[a\n", 1, 3),
        ("é = 1", 1, 1),
        ("x = 1\n\ty = \"\u{fdd0}\"", 2, 7),
    ] {
        let error = Syntax::Toml.open(text.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        assert!(error.to_string().starts_with("not TOML: ") && !error.to_string().contains("sk-"), "{error}");
    }
    assert!(Syntax::Toml.open(b"a = \"\xff\"").is_err());
}
