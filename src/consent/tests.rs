use super::*;
use crate::template::parse_parts;

fn flows(document: &Document<'_>, blueprint: &Blueprint) -> Vec<Flow> {
    super::flows(document, blueprint, &|_, _| false)
}

fn flows_of(text: &str) -> Vec<Flow> {
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut slots = Vec::new();
    document.strings(|token| {
        let Some(parts) = token.node.as_str().filter(|_| !token.is_key).and_then(|text| parse_parts(&text)) else {
            return;
        };
        slots.push(Slot { pointer: token.pointer(), parts, place: crate::error::Place::default() });
    });
    flows(&document, &Blueprint { document: "{}".to_owned(), slots })
}

fn around(text: &str) -> Vec<String> {
    flows_of(text)[0].destination.around.iter().map(str::to_owned).collect()
}

fn hash(text: &str) -> String {
    flows_of(text)[0].grant().hash
}

const BASE: &str = r#"{"m": {"s": {"command": "npx", "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>"}}}}"#;

#[test]
fn a_grant_holds_while_the_server_stays_the_same() {
    for same in [
        r#"{"m": {"s": {"env": {"K": "<< keyring('a') >>"}, "args": ["-y", "good"], "command": "np\u0078"}}}"#,
        r#"{"x": 1, "m": {"s": {"command": "npx", "disabled": true, "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>"}}}}"#,
        r#"{"m": {"s": {"command": "npx", "args": ["-y", "good"], "env": {"K": "<< keyring('a') >>", "L_TOKEN": "<< keyring('b') >>"}}, "t": {"url": "https://x"}}}"#,
    ] {
        assert_eq!(hash(same), hash(BASE), "{same}");
    }
}

#[test]
fn another_secret_place_command_argument_or_variable_is_another_flow() {
    for other in [
        BASE.replace("'a'", "'b'"),
        BASE.replace("'a'", "'a', 'work'"),
        BASE.replace("<< keyring", "x<< keyring"),
        BASE.replace(r#""K""#, r#""L""#),
        BASE.replace(r#""s""#, r#""t""#),
        BASE.replace("npx", "npx2"),
        BASE.replace("good", "evil"),
        BASE.replace(r#""env": {"#, r#""env": {"NODE_OPTIONS": "--require=/tmp/evil.js", "#),
        BASE.replace(r#""env": {"#, r#""cwd": "/tmp", "env": {"#),
    ] {
        assert_ne!(hash(&other), hash(BASE), "{other}");
    }
}

#[test]
fn what_diverts_a_value_is_shown_and_a_literal_key_is_not() {
    let more = concat!(r#""env": {"NODE_OPTIONS": "-r x", "OWN": "ghp"#, r#"_0123456789abcdefABCDEF0123456789abcd", "#);
    let text = BASE.replace(r#""env": {"#, more);
    assert_eq!(around(&text), ["env NODE_OPTIONS=-r x", "env OWN=[redacted]"]);
}

#[test]
fn a_key_in_an_address_is_shown_with_it_and_bound_to_it() {
    let text = r#"{"s": {"url": "https://good/?key=<< keyring('a') >>"}}"#;
    assert_eq!(flows_of(text)[0].destination.to_string(), "https://good/?key=<< keyring('a') >>");
    assert_ne!(hash(text), hash(&text.replace("good", "evil")));
}

#[test]
fn another_slot_in_the_address_counts_and_one_beside_does_not() {
    let text = r#"{"s": {"url": "https://good/", "headers": {"A": "<< keyring('a') >>"}}}"#;
    assert_ne!(hash(text), hash(&text.replace("good/", "good/<< env('HOST') >>")));
    let more = text.replace(r#"{"A""#, r#"{"B": "<< keyring('b') >>", "A""#);
    assert_eq!(flows_of(&more)[1].grant().hash, hash(text));
}

#[test]
fn without_a_server_what_stands_beside_decides() {
    let text = r#"{"env": {"K": "<< keyring('a') >>", "BASE_URL": "https://good"}, "theme": "dark"}"#;
    assert_eq!(flows_of(text)[0].destination.to_string(), "the file itself");
    assert_ne!(hash(text), hash(&text.replace("good", "evil")));
    assert_eq!(hash(text), hash(&text.replace("dark", "light")));
}

#[test]
fn a_place_where_the_users_literal_stays_is_no_flow() {
    let document = Document::parse(br#"{"k": "mine"}"#).unwrap();
    let parts = parse_parts("<< keyring('a') >>").unwrap();
    let slot = Slot { pointer: Pointer::parse("/k").unwrap(), parts, place: crate::error::Place::default() };
    assert!(flows(&document, &Blueprint { document: "{}".to_owned(), slots: vec![slot] }).is_empty());
}

/// What is granted for the first slot may be granted for the first one of each of these no more.
fn assert_is_new(base: &str, others: &[&str]) {
    for other in others {
        assert_ne!(hash(other), hash(base), "{other}");
    }
}

#[test]
fn a_member_that_looks_like_an_address_beside_a_slot_does_not_hide_the_server() {
    let text = BASE.replace(r#""env": {"#, r#""env": {"url": "https://good", "#);
    assert_eq!(flows_of(&text)[0].destination.to_string(), "npx -y good");
    assert_eq!(around(&text), ["env url=https://good"]);
    assert_is_new(&text, &[&text.replace("npx", "evil")]);
}

#[test]
fn the_shapes_of_other_hosts_are_servers_too() {
    for (base, shown) in [
        (r#"{"mcp": {"s": {"command": ["npx", "good"], "environment": {"K": "<< keyring('a') >>"}}}}"#, "npx good"),
        (
            r#"{"context_servers": {"s": {"command": {"path": "npx", "args": ["good"], "env": {"K": "<< keyring('a') >>"}}}}}"#,
            "npx good",
        ),
        (r#"{"s": {"transport": {"url": "https://good"}, "headers": {"K": "<< keyring('a') >>"}}}"#, "https://good"),
        (r#"{"mcpServers": {"s": {"Command": "good", "env": {"K": "<< keyring('a') >>"}}}}"#, "good"),
        (
            r#"{"mcpServers": {"s": {"command": "npx", "args": "-y good", "env": {"K": "<< keyring('a') >>"}}}}"#,
            "npx -y good",
        ),
        (r#"{"mcp": {"servers": {"s": {"type": "http", "url": "good", "env": {"K": "<< keyring('a') >>"}}}}}"#, "good"),
        (
            r#"{"projects": {"/p": {"mcpServers": {"s": {"command": "good", "env": {"K": "<< keyring('a') >>"}}}}}}"#,
            "good",
        ),
        (
            r#"{"provider": {"openai": {"baseURL": "good", "options": {"auth": {"K": "<< keyring('a') >>"}}}}}"#,
            "the file itself",
        ),
    ] {
        let flow = &flows_of(base)[0];
        assert_eq!(flow.destination.to_string(), shown, "{base}");
        assert_is_new(base, &[&base.replace("good", "evil")]);
    }
}

#[test]
fn a_closed_slot_with_text_of_its_own_can_not_divert_the_others() {
    for more in [
        r#""NODE_OPTIONS": "--require=/tmp/evil.js << keyring('b') >>", "#,
        r#""LD_PRELOAD": "<< keyring('b:/tmp/evil.so:') >>", "#,
        r#""API_KEY": "x << keyring('b') >>", "#,
    ] {
        let other = BASE.replace(r#""env": {"#, &format!("\"env\": {{{more}"));
        let flows = flows_of(&other);
        assert_ne!(flows.last().unwrap().grant().hash, hash(BASE), "{other}");
    }
    let text = r#"{"s": {"url": "https://good/", "headers": {"A": "<< keyring('a') >>"}}}"#;
    let helper = text.replace(r#""url""#, r#""headersHelper": "sh -c evil << keyring('b') >>", "url""#);
    assert_ne!(flows_of(&helper)[1].grant().hash, hash(text));
}

#[test]
fn what_the_whole_document_sets_for_each_server_counts() {
    let slot = r#""s": {"url": "https://x", "headers": {"A": "<< keyring('a') >>"}}"#;
    let base = format!("{{{slot}}}");
    for more in [r#""env": {"NODE_OPTIONS": "-r x"}"#, r#""http.proxy": "http://evil""#] {
        let other = format!("{{{slot}, {more}}}");
        assert_is_new(&base, &[&other]);
        assert_eq!(around(&other).len(), 1, "{other}");
    }
    assert_eq!(hash(&format!("{{{slot}, \"numStartups\": 7, \"t\": {{\"url\": \"y\"}}}}")), hash(&base));
}

#[test]
fn a_key_beside_the_address_of_its_service_at_the_top_is_bound_to_it() {
    let base = r#"{"apiKey": "<< keyring('a') >>", "baseURL": "https://good", "theme": "dark"}"#;
    assert_is_new(base, &[&base.replace("good", "evil")]);
    assert_eq!(around(base), ["baseURL https://good"]);
    assert_eq!(hash(&base.replace("dark", "light")), hash(base));
}

#[test]
fn everything_that_counts_is_shown_wherever_it_stands() {
    let text = r#"{"mcpServers": {"s": {"type": "http", "command": "npx", "args": ["-c", "a b"], "url": "https://evil",
        "deep": {"er": ["x", {"y": 1}]}, "env": {"K": "<< keyring('a') >>"}}}}"#;
    let destination = &flows_of(text)[0].destination;
    assert_eq!(destination.to_string(), "npx -c \"a b\" and to https://evil");
    assert_eq!(around(text), ["type http", "deep er 0=x", "deep er 1 y=1"]);
}

#[test]
fn a_text_of_the_templates_is_shown_even_if_it_looks_like_a_key() {
    let url = ["https://evil.example/?x=ghp", "_0123456789abcdefABCDEF0123456789abcd"].concat();
    let text = format!(r#"{{"s": {{"url": "{url}", "headers": {{"A": "<< keyring('a') >>"}}}}}}"#);
    let slot = Slot {
        pointer: Pointer::parse("/s/headers/A").unwrap(),
        parts: parse_parts("<< keyring('a') >>").unwrap(),
        place: crate::error::Place::default(),
    };
    let document = Document::parse(text.as_bytes()).unwrap();
    let of = |template: &str| flows(&document, &Blueprint { document: template.to_owned(), slots: vec![slot.clone()] });
    assert_eq!(of(&text)[0].destination.to_string(), url);
    assert_eq!(of("{}")[0].destination.to_string(), "[redacted]");
}

/// How many bytes of a file with this many servers are looked at, and how many lines are kept for showing.
fn work(container: &str, servers: usize, name: &str) -> usize {
    let members: Vec<String> = (0..servers)
        .map(|number| {
            let server = r#"{"command": "npx", "args": ["x"], "env": {"KEY": "<< keyring('a') >>"}}"#;
            format!("\"{name}-{number:05}\": {server}")
        })
        .collect();
    let text = format!("{{\"env\": {{\"A\": \"b\"}}, \"{container}\": {{{}}}}}", members.join(", "));
    let document = Document::parse(text.as_bytes()).unwrap();
    let parts = parse_parts("<< keyring('a') >>").unwrap();
    let pointer = |number: usize| Pointer::root().child(container).child(&format!("{name}-{number:05}"));
    let slots: Vec<Slot> = (0..servers)
        .map(|number| Slot {
            pointer: pointer(number).child("env").child("KEY"),
            parts: parts.clone(),
            place: crate::error::Place::default(),
        })
        .collect();
    let blueprint = Blueprint { document: "{}".to_owned(), slots };
    let standing: Vec<&Slot> = blueprint.slots.iter().collect();
    let mut around = cover::Surroundings::of(&document, &standing, &blueprint, &|_, _| false, true);
    for slot in &blueprint.slots {
        drop(around.of_slot(&slot.pointer));
    }
    around.hashed
}

#[test]
fn the_work_grows_as_the_number_of_servers_does_whatever_they_are_called() {
    for (container, name) in
        [("mcpServers", "server"), ("mcpServers", "proxy"), ("tools", "server"), ("tools", "proxy")]
    {
        let (one, hundred, thousand) =
            (work(container, 1, name), work(container, 100, name), work(container, 1_000, name));
        assert!(hundred <= 100 * (one + 200), "{container} {name}: {one} {hundred}");
        assert!(thousand <= 10 * hundred + one, "{container} {name}: {hundred} {thousand}");
    }
    assert_eq!(work("mcpServers", 1_000, "server-"), work("mcpServers", 1_000, "nobody-"));
}

#[test]
fn the_order_of_what_stands_around_a_server_does_not_count() {
    let slot = r#""s": {"url": "https://x", "headers": {"A": "<< keyring('a') >>"}}"#;
    let (a, b) = (r#""a.proxy": "http://a""#, r#""z.proxy": "http://z""#);
    let one = format!("{{{a}, {slot}, {b}}}");
    assert_eq!(hash(&one), hash(&format!("{{{b}, {a}, {slot}}}")));
    assert_is_new(&one, &[&format!("{{{a}, {slot}}}"), &format!("{{{slot}, {b}}}"), &one.replace("//a", "//b")]);
}
