//! Templates are untrusted: whatever is in one, `compile` ends, soon, with a blueprint or an error.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use keystencil::template::{Blueprint, Template, TemplateError, Variables, compile};

fn render(text: &str) -> Result<Blueprint, TemplateError> {
    let load = |name: &str| match name {
        "self" => Ok(text.to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    compile(Template { name: "t.json".as_ref(), text }, &Variables::default(), &load)
}

fn fails_soon(text: &str) -> String {
    let error = render(text).unwrap_err().to_string();
    assert!(error.len() < 300, "{error}");
    error
}

#[test]
fn a_loop_without_end_in_sight_is_cut_off() {
    let nested = "<% for i in range(100000) %>".repeat(8) + "x" + &"<% endfor %>".repeat(8);
    assert_eq!(fails_soon(&nested), "the template takes too many steps");
    assert_eq!(fails_soon("<< range(10**9) >>"), "range has too many elements");
    assert!(fails_soon("<% macro m() %><< m() >><% endmacro %><< m() >>").contains("steps"));
}

#[test]
fn a_small_template_can_not_make_a_huge_text() {
    fails_soon("<% set a = 'x' * 1000 %><% for i in range(40) %><% set a = a ~ a %><< a >><% endfor %>");
    fails_soon("<< 'x' * 1000000000 >>");
    fails_soon(
        "<% set ns = namespace(a='x') %><% for i in range(60) %><% set ns.a = ns.a ~ ns.a %><% endfor %><< ns.a >>",
    );
    fails_soon(
        "<% set ns = namespace(a=[1]) %><% for i in range(60) %><% set ns.a = [ns.a, ns.a] %><% endfor %><< ns.a >>",
    );
    fails_soon(
        "<% set ns = namespace(a=[1]) %><% for i in range(60) %><% set ns.a = [ns.a, ns.a] %><% endfor %><< ns.a == 1 >>",
    );
    fails_soon("<% set ns = namespace() %><% set ns.a = ns %><< ns.a >><< ns == ns >>");
    fails_soon("<% for i in range(1000) %><% for j in range(1000) %><< '0123456789' * 1000 >><% endfor %><% endfor %>");
}

#[test]
fn deep_and_long_expressions_end_in_an_error_not_in_the_stack() {
    for text in [
        format!("<< {}1{} >>", "(".repeat(5000), ")".repeat(5000)),
        format!("<< {}1{} >>", "(".repeat(1900), ")".repeat(1900)),
        format!("<< {}1{} >>", "[".repeat(140), "]".repeat(140)),
        format!("<< {}1 >>", "-".repeat(3900)),
        format!("<< {}1 >>", "not ".repeat(3900)),
        format!("<< a{} >>", ".a".repeat(1900)),
        format!("<< a{} >>", "|upper".repeat(1900)),
        format!("<< a{} >>", "[0]".repeat(1300)),
        format!("<< 1{} >>", " ** 1".repeat(1900)),
        format!("<< 1{} >>", " if 1 else 1".repeat(900)),
        format!("{}{}", "<% if true %>".repeat(5000), "<% endif %>".repeat(5000)),
        format!("<% if true %>{}<% endif %>", "<% elif true %>".repeat(100_000)),
        "<% set a %>".repeat(10_000),
    ] {
        fails_soon(&text);
    }
    let chain = format!("{{\"a\": \"<< 'x'{} >>\"}}", " ~ 'x'".repeat(1900));
    assert!(render(&chain).is_ok());
    let branches = format!("{{<% if false %>{}<% endif %>}}", "<% elif false %>1".repeat(900));
    assert!(render(&branches).is_ok());
}

#[test]
fn many_opening_delimiters_in_a_string_cost_no_square() {
    for piece in ["<<", "<<'", "<<\\\"", "<<keyring(", "<< 'a", "<%", "<#", "\\u003c<<"] {
        let text = format!("{{\"a\": \"{}\"}}", piece.repeat((512 << 10) / piece.len()));
        let _ = render(&text);
    }
}

#[test]
fn more_than_256_levels_are_an_error_with_line_and_column() {
    use keystencil::error::Explain;
    let nested = |depth: usize| format!("{{\"a\":\n{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(render(&nested(255)).is_ok());
    let error = render(&nested(256)).unwrap_err();
    assert_eq!(error.to_string(), "the JSON has more than 256 levels");
    assert_eq!(error.place().unwrap().to_string(), "t.json:2:256");
}

#[test]
fn an_include_of_itself_is_a_cycle_with_its_name() {
    assert_eq!(fails_soon("{<% include 'self' %>}"), "include cycle: self → self");
}
