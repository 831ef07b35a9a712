//! Invariants of templates and placeholders, over generated texts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use keystencil::document::{Document, string};
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

    /// What a template makes of a reference is what it makes of any text: so nothing it decides depends on a secret.
    #[test]
    fn what_is_made_of_a_reference_would_be_made_of_any_value(expression in over_references()) {
        let prelude = "<% macro wrap(a) %>[<< a >>]<% endmacro %><% macro three() %>abc<% endmacro %>\
                       <% set list = [secret, 'abc'] %><% set map = {'a': secret, 'abc': 1} %><% set joined = 'a' ~ secret ~ 'c' %>\
                       <% set block %>a<< secret >><% endset %>";
        // Each part on its own: one that looks at the reference must not hide what the others do.
        let parts = [
            format!("{{\"in\": \"<< {expression} >>\"}}"),
            format!("{{\"out\": << [{expression}] >>}}"),
            format!("{{\"if\": \"<% if {expression} %>yes<% else %>no<% endif %>\"}}"),
            format!("{{<% for item in {expression} %>\"<< loop.index >>\": \"<< item >>\",<% endfor %>}}"),
        ];
        for part in parts {
            let template = |secret: &str| format!("<% set secret = {secret} %>{prelude}{part}");
            let Ok(blueprint) = render(&template("keyring('x')")) else { continue };
            for value in ["", "a", "abc", "aabc", "1", &"z".repeat(60)] {
                let fill = |document: String, reference: &Reference| {
                    let value = reference.encodings.iter().fold(value.to_owned(), |value, encoding| encoding.apply(&value));
                    document.replace(&reference.to_string(), &value)
                };
                let filled = blueprint.references().into_iter().fold(blueprint.document.clone(), fill);
                let plain = render(&template(&format!("'{value}'"))).map(|plain| plain.document);
                prop_assert_eq!(plain.ok(), Some(filled), "{} with {:?}", part, value);
            }
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

/// Expressions over a reference, and over what lists, maps, macros, blocks and `~` make of one.
fn over_references() -> impl Strategy<Value = String> {
    let plain =
        vec!["'a'", "'abc'", "1", "0", "true", "none", "[]", "os", "three()", "[1, 'abc']", "{'a': 'abc'}", "'aabc'"];
    let secret =
        vec!["secret", "list", "map", "joined", "block", "wrap(secret)", "list[0]", "map.a", "[list]", "(secret, 1)"];
    let leaf = prop_oneof![
        1 => prop::sample::select(plain.clone()).prop_map(str::to_owned),
        2 => prop::sample::select(secret.clone()).prop_map(str::to_owned),
    ];
    let uses = "({}|default('z')) {'abc':1}[{}]|default('z') {{}:1,'abc':2}|length [{},'abc']|unique|list|length 'abc'|replace({},'z') \
                (1,if,{},else,2) (1,if,{}~'',else,2) range({})|length 'b'~{} {}~'b' {}|length ({}~'')|length ({}~'')[1:] [{}]+['b'] {}in['abc','1'] 'abc'in{}";
    let uses = uses
        .split(' ')
        .map(|one| one.replace(",if,", " if ").replace(",else,", " else ").replace("in", " in "))
        .collect::<Vec<_>>();
    let operators = "+ - * / // % ** ~ == != < <= > >= in and or";
    let operators = operators.split(' ').chain(["not in"]).collect::<Vec<_>>();
    let filters = "items list first last reverse length count batch(2) slice(2) chain([1]) zip([1]) default('a') lower upper title \
                   capitalize replace('a','b') dictsort trim join(',') split('a') lines round int float attr('a') min max sort \
                   string bool sum indent(1) select reject selectattr('a') map('upper') map('length') groupby('a') unique \
                   format(1) tojson b64encode urlencode safe";
    let filters = filters.split_whitespace().collect::<Vec<_>>();
    let tests = "mapping sequence iterable none string safe boolean odd number integer float lower upper true false defined undefined \
                 sameas('abc') eq('abc') ne('abc') lt('b') gt('b') in(['abc']) in('aabc') startingwith('a') endingwith('c') divisibleby(2)";
    let tests = tests.split_whitespace().collect::<Vec<_>>();
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let binary = (inner.clone(), prop::sample::select(operators.clone()), inner.clone());
        let (plain, secret) = (prop::sample::select(plain.clone()), secret.clone());
        let pair = (prop::sample::select(secret.clone()), prop::sample::select(operators.clone()), plain);
        prop_oneof![
            4 => binary.prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            3 => pair.clone().prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            3 => pair.prop_map(|(left, operator, right)| format!("{right} {operator} {left}")),
            3 => (prop::sample::select(uses.clone()), prop::sample::select(secret.clone()))
                .prop_map(|(used, secret)| used.replace("{}", secret)),
            1 => inner.clone().prop_map(|it| format!("({it})")),
            1 => inner.clone().prop_map(|it| format!("not {it}")),
            3 => (inner.clone(), prop::sample::select(filters.clone())).prop_map(|(it, filter)| format!("({it})|{filter}")),
            2 => (inner.clone(), prop::sample::select(tests.clone())).prop_map(|(it, test)| format!("({it}) is {test}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(it, other)| format!("({it}) is eq({other})")),
            1 => (inner.clone(), prop::sample::select(vec!["[0]", "[1:]", "[:2]", "[::-1]", ".a", "['abc']", "[secret]", ".items()"]))
                .prop_map(|(it, lookup)| format!("({it}){lookup}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(it, other)| format!("{{{it}: {other}}}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(it, other)| format!("[{it}, {other}]")),
            1 => inner.clone().prop_map(|it| format!("wrap({it})")),
            1 => inner.clone().prop_map(|it| format!("range({it})")),
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
