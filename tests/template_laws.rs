//! Laws of templates and placeholders, over generated texts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use keystencil::json::{Document, string};
use keystencil::secret::{Attributes, Pinned, Provided, Query, SecretName, Wanted};
use keystencil::template::{
    Blueprint, Encoding, Part, Reference, Source, Template, TemplateError, Variables, compile, is_placeholder,
    parse_parts,
};
use proptest::prelude::*;

fn render_with(text: &str, variables: &Variables) -> Result<Blueprint, TemplateError> {
    let load = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    compile(Template { name: "t.json".as_ref(), text }, variables, &load)
}

fn render(text: &str) -> Result<Blueprint, TemplateError> {
    let providers = ["op", "pass_2"].map(str::to_owned).into();
    render_with(text, &Variables { providers, ..Variables::default() })
}

/// Texts that are likely to confuse: delimiters, quotes, escapes, private-use and invisible characters.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<<"),
        Just(">>"),
        Just("<%"),
        Just("%>"),
        Just("<#"),
        Just("#>"),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just("//"),
        Just("/*"),
        Just("*/"),
        Just("\n"),
        Just("\r\n"),
        Just("{"),
        Just("}"),
        Just(","),
        Just(":"),
        Just("keyring("),
        Just("op("),
        Just("attributes={"),
        Just("collection="),
        Just("'x'"),
        Just(")"),
        Just(" | upper"),
        Just("\u{10FF01}"),
        Just("\u{202e}"),
        Just("\u{0}"),
        Just("é"),
        Just("😀"),
        Just("\\u"),
        Just("d83d"),
        Just("a"),
        Just(" "),
        Just("~"),
        Just("-"),
        Just("[0]"),
        Just("if "),
        Just("raw"),
        Just("endraw"),
        Just("set a ="),
        Just("include 'a'"),
        Just("\"k\": "),
    ];
    prop_oneof![prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat()), any::<String>(),]
}

fn name() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| text.replace('\0', "0")).prop_filter("a name", |text| !text.is_empty())
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let attributes = prop::collection::btree_map(name(), name(), 1..4);
    prop_oneof![
        name().prop_map(|service| Wanted::Name(SecretName::new(service, "api-key").unwrap())),
        attributes.prop_map(|attributes| Wanted::Attributes(Attributes::new(attributes).unwrap())),
    ]
}

fn reference() -> impl Strategy<Value = Reference> {
    let source = prop_oneof![
        name().prop_map(|service| Source::Secret(SecretName::new(service, "api-key").unwrap().into())),
        (name(), name())
            .prop_map(|(service, account)| Source::Secret(SecretName::new(service, account).unwrap().into())),
        name().prop_map(|name| Source::Env(name.replace('=', "_"))),
        name().prop_map(|service| Source::Secret(Query::Vault(SecretName::new(service, "work").unwrap()))),
        (wanted(), prop::option::of(name()))
            .prop_map(|(wanted, collection)| Source::Secret(Query::Keyring(Pinned::new(wanted, collection).unwrap()))),
        (prop::sample::select(vec!["op", "pass_2"]), name()).prop_map(|(provider, reference)| Source::Secret(
            Query::Command(Provided::new(provider, reference).unwrap())
        )),
    ];
    let encoding = prop_oneof![Just(Encoding::B64encode), Just(Encoding::Urlencode)];
    (source, prop::collection::vec(encoding, 0..3)).prop_map(|(source, encodings)| Reference { source, encodings })
}

fn same(a: &Blueprint, b: &Blueprint) {
    assert_eq!(a.document, b.document);
    let slots = |blueprint: &Blueprint| {
        blueprint.slots.iter().map(|slot| (slot.pointer.clone(), slot.parts.clone())).collect::<Vec<_>>()
    };
    assert_eq!(slots(a), slots(b));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_placeholder_reads_back_as_the_same_reference(reference in reference()) {
        let text = reference.to_string();
        prop_assert_eq!(Reference::parse(&text), Some(reference.clone()));
        prop_assert!(is_placeholder(&text));
        prop_assert_eq!(parse_parts(&format!("a {text}b")), Some(vec![
            Part::Literal("a ".into()), Part::Secret(reference.clone()), Part::Literal("b".into()),
        ]));
        prop_assert_eq!(serde_json::from_str::<Reference>(&serde_json::to_string(&reference).unwrap()).unwrap(), reference);
    }

    #[test]
    fn a_placeholder_compiles_to_its_reference_bare_and_in_a_string(reference in reference()) {
        let token = string::encode(&reference.to_string());
        for text in [format!("{{\"a\": {reference}}}"), format!("{{\"a\": {token}}}")] {
            let blueprint = render(&text).unwrap();
            prop_assert_eq!(&blueprint.slots[0].parts, &vec![Part::Secret(reference.clone())]);
            same(&blueprint, &render(&blueprint.document).unwrap());
        }
    }

    #[test]
    fn any_text_compiles_or_is_an_error(text in hostile()) {
        for text in [text.clone(), format!("{{\"a\": \"{text}\"}}"), format!("{{\"a\": << {text} >>}}"), format!("{{<% {text} %>}}")] {
            match render(&text) {
                Ok(blueprint) => {
                    Document::parse(blueprint.document.as_bytes()).unwrap();
                    for slot in &blueprint.slots {
                        prop_assert_eq!(parse_parts(&slot.placeholder()), Some(slot.parts.clone()));
                    }
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_variable_in_a_string_is_its_text_whatever_it_holds(value in any::<String>(), before in "[ -!#-;=?-\\[\\]-~]{0,5}") {
        let variables = Variables { home: value.clone(), ..Variables::default() };
        let text = format!("{{\"a\": \"{before}<< home >>\", \"b\": << home | tojson >>, \"c\": \"<< home ~ keyring('x') >>\"}}");
        match render_with(&text, &variables) {
            Ok(blueprint) => {
                let document = Document::parse(blueprint.document.as_bytes()).unwrap();
                let members: Vec<_> = document.root().members().map(|member| member.value.as_str().unwrap().into_owned()).collect();
                prop_assert_eq!(&members[0], &format!("{before}{value}"));
                prop_assert_eq!(&members[1], &value);
                prop_assert_eq!(&members[2], &format!("{value}<< keyring('x') >>"));
            }
            Err(error) => prop_assert!(matches!(error, TemplateError::Reserved { .. } | TemplateError::LooksLikeReference { .. }), "{error}"),
        }
    }

    #[test]
    fn a_document_without_delimiters_is_only_laid_out_anew(value in json()) {
        let text = serde_json::to_string(&value).unwrap();
        let blueprint = render(&format!("{{\"a\": {text} /* << x */,}} // <% x")).unwrap();
        let expected = serde_json::to_string_pretty(&serde_json::json!({ "a": value })).unwrap();
        prop_assert_eq!(&blueprint.document, &expected);
        same(&blueprint, &render(&blueprint.document).unwrap());
    }

    #[test]
    fn checks_change_no_result(expression in expression()) {
        let mut engine = minijinja::Environment::new();
        engine.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        let plain = engine.compile_expression(&expression).and_then(|compiled| compiled.eval(()));
        let ours = render(&format!("{{\"a\": << ({expression}) | tojson >>}}"));
        match plain {
            // Undefined can be a result there; here it is an error.
            Ok(value) if value.is_undefined() => prop_assert!(ours.is_err()),
            Ok(value) => {
                let value = serde_json::to_value(&value).unwrap();
                // `~` writes lists and constants as Python does there and as JSON does here.
                if ["True", "False", "None", "["].iter().any(|word| value.to_string().contains(word)) && expression.contains('~') {
                    return Ok(());
                }
                let ours = match ours {
                    Ok(ours) => ours,
                    // Stricter: nothing undefined is passed on.
                    Err(TemplateError::Unknown { .. } | TemplateError::Unprintable { .. }) => return Ok(()),
                    Err(error) => panic!("{expression}: {error}"),
                };
                let ours: serde_json::Value = serde_json::from_str(&ours.document).unwrap();
                prop_assert_eq!(&ours["a"], &value, "{}", expression);
            }
            Err(_) => prop_assert!(ours.is_err(), "{}", expression),
        }
    }

    #[test]
    fn reading_any_text_for_placeholders_finds_what_it_writes(text in hostile(), reference in reference()) {
        let _ = is_placeholder(&text);
        if let Some(parts) = parse_parts(&format!("{text}{reference}")) {
            prop_assert_eq!(parse_parts(&parts.iter().map(ToString::to_string).collect::<String>()), Some(parts));
        }
    }
}

/// Expressions of the template language, with and without parentheses.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["0", "1", "2", "7", "'a'", "'bc'", "true", "false", "[1, 2]", "{'a': 1}"]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 24, 3, |inner| {
        let operators = vec!["+", "-", "*", "//", "%", "**", "==", "!=", "<", ">=", "and", "or", "in", "not in"];
        let binary = (inner.clone(), prop::sample::select(operators), inner.clone(), any::<bool>());
        prop_oneof![
            4 => binary.prop_map(|(left, operator, right, grouped)| {
                if grouped { format!("({left} {operator} {right})") } else { format!("{left} {operator} {right}") }
            }),
            1 => prop::collection::vec(prop::sample::select(vec!["'a'", "1", "'b'"]), 1..4).prop_map(|it| it.join(" ~ ")),
            1 => inner.clone().prop_map(|it| format!("not {it}")),
            1 => inner.clone().prop_map(|it| format!("-{it}")),
            1 => inner.clone().prop_map(|it| format!("({it})|length")),
            1 => inner.clone().prop_map(|it| format!("({it})[0]")),
            1 => inner.clone().prop_map(|it| format!("({it})[:1]")),
            1 => inner.clone().prop_map(|it| format!("{it} is mapping")),
            1 => inner.clone().prop_map(|it| format!("({it}).a")),
            1 => inner.clone().prop_map(|it| format!("[{it}, 1]")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
        ]
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = any::<String>().prop_map(|text| text.replace(['<', '\u{10FF01}'], "-"));
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
