//! One fixture a behaviour: `template/cases/NAME.json` and what becomes of it, in `snapshots/template/NAME.snap`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use keystencil::document::Document;
use keystencil::error::Explain;
use keystencil::template::{Blueprint, Template, TemplateError, Variables, compile};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn variables() -> Variables {
    let vars = serde_json::json!({ "port": 8080, "tls": true, "list": ["a", 1.5, null], "os": "overridden" });
    Variables {
        os: "linux".into(),
        arch: "x86_64".into(),
        hostname: "host\"quoted\"".into(),
        user: "ada".into(),
        home: r"C:\Users\ada".into(),
        vars: vars.as_object().unwrap().clone().into_iter().collect(),
        providers: ["op".to_owned()].into(),
    }
}

fn render(text: &str) -> Result<Blueprint, TemplateError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/template/include");
    let load = |name: &str| std::fs::read_to_string(folder.join(name));
    compile(Template { name: "dotfiles/t.json".as_ref(), text }, &variables(), &load)
}

/// The document, then a line for each slot; or the error in its three lines.
fn report(outcome: &Result<Blueprint, TemplateError>) -> String {
    let mut report = String::new();
    match outcome {
        Ok(blueprint) => {
            writeln!(report, "{}", blueprint.document).unwrap();
            for slot in &blueprint.slots {
                writeln!(report, "{} at {}: {:?}", slot.pointer, slot.place, slot.parts).unwrap();
            }
        }
        Err(error) => {
            writeln!(report, "error: {error}").unwrap();
            writeln!(report, "  at {}", error.place().unwrap()).unwrap();
            writeln!(report, "hint: {}", error.hint().unwrap()).unwrap();
        }
    }
    report
}

/// Name and text of every case.
fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/template/cases");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
    };
    let mut cases: Vec<_> = paths.map(read).collect();
    cases.sort();
    cases
}

#[test]
fn each_template_becomes_what_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/template");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in cases() {
            let outcome = render(&text);
            assert_eq!(outcome.is_err(), name.starts_with("error_"), "{name}");
            insta::assert_snapshot!(name, report(&outcome));
        }
    });
}

#[test]
fn a_blueprint_compiled_again_is_the_same_blueprint() {
    for (name, text) in cases() {
        let Ok(blueprint) = render(&text) else { continue };
        Document::parse(blueprint.document.as_bytes()).unwrap();
        // A printed `<<` stays as it is in the document, where nothing prints it any more.
        if ["printed_delimiters", "raw_text"].contains(&name.as_str()) {
            continue;
        }
        let again = render(&blueprint.document).unwrap();
        assert_eq!(again.document, blueprint.document, "{name}");
        let slots = |blueprint: &Blueprint| {
            blueprint.slots.iter().map(|slot| (slot.pointer.clone(), slot.parts.clone())).collect::<Vec<_>>()
        };
        assert_eq!(slots(&again), slots(&blueprint), "{name}");
    }
}

#[test]
fn distinct_references_come_in_the_order_of_the_document() {
    let blueprint = render(r#"{"a": "<< keyring('x') >><< keyring('y') >>", "b": << keyring('x') >>}"#).unwrap();
    let references: Vec<String> = blueprint.references().into_iter().map(ToString::to_string).collect();
    assert_eq!(references, ["<< keyring('x') >>", "<< keyring('y') >>"]);
}
