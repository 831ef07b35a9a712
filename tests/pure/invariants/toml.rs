//! The invariants for slots that stand in TOML: filled and closed through the same plan and the same undo.
//!
//! Merging a template into TOML is not among it: a patch of TOML replaces scalars only.

use super::engine::{blueprint, journal, parse, plan};
use crate::toml::File;
use keystencil::document::{Document, Opened, Pointer, Splice, Syntax, string};
use keystencil::journal::{Journal, undo};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

fn open(text: &str) -> Opened<'_> {
    Syntax::Toml.open(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn says(text: &str) -> Value {
    parse(open(text).document().text())
}

fn undone(text: &str, journal: &Journal) -> String {
    let file = open(text);
    file.splice(undo(&file.document(), journal).splices).unwrap()
}

/// As another program writes it: no comment, its own order, its own quotes.
fn rewritten(text: &str) -> String {
    ::toml::to_string_pretty(&::toml::from_str::<::toml::Table>(text).unwrap()).unwrap()
}

/// Strings that no array is around, which would be the template's as a whole.
fn strings(document: &Document<'_>) -> Vec<(Pointer, keystencil::document::Span)> {
    let mut all = Vec::new();
    document.strings(|token| {
        let is_bare = token.node.as_str().is_none_or(|text| text.starts_with('\u{fdd0}'));
        let pointer = token.pointer();
        let is_in_array = std::iter::successors(pointer.parent(), Pointer::parent)
            .any(|above| document.find(&above).is_some_and(|node| node.kind() == keystencil::document::Kind::Array));
        if !token.is_key && !is_bare && !is_in_array {
            all.push((pointer, token.node.span()));
        }
    });
    all
}

/// A template with these slots.
fn template(slots: &[(Pointer, String)]) -> String {
    let mut root = Map::new();
    for (pointer, placeholder) in slots {
        let names: Vec<_> = pointer.tokens().collect();
        let (last, above) = names.split_last().unwrap();
        let mut here = &mut root;
        for name in above {
            let below = here.entry(name.as_ref()).or_insert_with(|| Value::Object(Map::new()));
            here = below.as_object_mut().unwrap();
        }
        here.insert(last.to_string(), Value::from(placeholder.as_str()));
    }
    Value::Object(root).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn slots_in_toml_are_filled_and_closed_again_whatever_another_program_makes_of_the_file(
        file in File::any(),
        secrets in vec(r#"[a-zA-Z0-9_-]{8,40}|[a-c"'\\/\né😀<> ]{8,16}"#, 3),
        picks in vec((any::<usize>(), 0..3usize, "(|Bearer )"), 1..4),
    ) {
        let secrets: Vec<String> = secrets.iter().enumerate().map(|(i, secret)| format!("{i}#{secret}#{i}")).collect();
        let opened = open(&file.text);
        let all = strings(&opened.document());
        if all.is_empty() {
            return Ok(());
        }
        let mut slots = Vec::new();
        let mut splices: Vec<Splice> = Vec::new();
        for (pick, secret, before) in picks {
            let (pointer, span) = all[pick % all.len()].clone();
            if !splices.iter().any(|splice| splice.span == span) {
                let placeholder = format!("{before}<< keyring('s{secret}') >>");
                splices.push(Splice { span, text: string::encode(&placeholder) });
                slots.push((pointer, placeholder));
            }
        }
        let resting = opened.splice(splices).unwrap();
        let blueprint = blueprint(&template(&slots));
        let opened = open(&resting);
        let plan = plan(opened.document().text(), &blueprint, &secrets, None);
        prop_assert_eq!(&plan.placeholder_form, opened.document().text());
        prop_assert_eq!(plan.filling.slots.len(), slots.len());

        let live = opened.splice(plan.filling.splices.clone()).unwrap();
        prop_assert_eq!(says(&live), parse(&plan.rendered));
        let back = undone(&live, &journal(&plan));
        let place = |pointer: &Pointer| opened.place(opened.document().find(pointer).unwrap().span()).unwrap();
        if slots.iter().any(|(pointer, _)| resting[place(pointer)].starts_with('\'')) {
            // A secret that `'…'` can't hold is put in `"…"`, and so is what comes after it.
            prop_assert_eq!(says(&back), says(&resting));
        } else {
            prop_assert_eq!(&back, &resting);
        }
        let (live, resting) = (rewritten(&live), rewritten(&resting));
        let elsewhere = undone(&live, &journal(&plan));
        prop_assert_eq!(says(&elsewhere), says(&resting));
        for text in [back, elsewhere] {
            open(&text).document().strings(|token| {
                let text = token.node.as_str().unwrap();
                assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{text:?}");
            });
        }
    }
}

#[test]
fn a_secret_in_a_comment_or_a_key_of_toml_is_taken_out_as_well() {
    let resting = "# the token\n[env]\nKEY = \"<< keyring('s0') >>\" # see above\n";
    let opened = open(resting);
    let secret = "sk \"quoted\" 0123456789".to_owned();
    let plan =
        plan(opened.document().text(), &blueprint(r#"{"env": {"KEY": "<< keyring('s0') >>"}}"#), &[secret], None);
    let live = opened.splice(plan.filling.splices.clone()).unwrap();
    assert_eq!(live, resting.replace("<< keyring('s0') >>", r#"sk \"quoted\" 0123456789"#));
    let moved = format!("{live}\"sk \\\"quoted\\\" 0123456789\" = 1 # sk \"quoted\" 0123456789\n");
    let expected = format!("{resting}\"<< keyring('s0') >>\" = 1 # << keyring('s0') >>\n");
    assert_eq!(undone(&moved, &journal(&plan)), expected);
}
