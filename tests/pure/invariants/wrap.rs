//! Wrapping servers and reading them back: the inverse, over servers of every shape in every layout, and one file per
//! shape that shows what is in it.

use super::engine::{blueprint, journal, plan, plan_delivered, undone};
use keystencil::consent::record::{Machine, Server as Record};
use keystencil::document::{Document, Pointer, edit::splice};
use keystencil::host::servers::HostReferences;
use keystencil::host::servers::find::Server;
use keystencil::plan::wrap::{Deliver, Deliveries, Unwrappable, Wrapper, Wrapping, unwrap, wrap, wrapped};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use std::path::Path;

const WRAPPER: Wrapper<'static> = Wrapper {
    program: "/usr/bin/keystencil",
    target: "claude",
    helper: Some("headersHelper"),
    references: HostReferences::Braced,
};

/// What is between two tokens.
fn gap() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "", " ", " ", "\n    ", "\r\n\t", "\n", " /* why */ ", " // why: \"[,\n  ", "   "])
        .prop_map(str::to_owned)
}

fn token() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#""-y""#,
        r#""@scope/server""#,
        r#""""#,
        r#""--""#,
        r#""run""#,
        r#""--for""#,
        r#""--bare""#,
        r#""claude:/mcpServers/a""#,
        r#""C:\\Program Files\\nodejs\\npx.cmd""#,
        r#""caf\u00e9 \ud83d\ude00 \/""#,
        r#""a \" , ] // \\""#,
        r#""<< keyring('k') >>""#,
        r#""--token=<< keyring('k') >>""#,
        r#""${FOLDER}""#,
    ])
    .prop_map(str::to_owned)
}

fn command() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#""npx""#,
        r#""\u006epx""#,
        r#""C:\\Program Files\\nodejs\\npx.cmd""#,
        r#""/opt/my tools/\"x\"""#,
        r#""run""#,
    ])
    .prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![r#""a""#, r#""my server""#, r#""it's a~b/c""#, r#""\u00e9:/x""#, r#""0""#])
        .prop_map(str::to_owned)
}

/// The pieces of one document, put together with gaps that are used up in turn.
#[derive(Debug, Clone)]
struct Layout {
    gaps: Vec<String>,
    commas: bool,
    rotate: usize,
}

struct Writer<'l> {
    layout: &'l Layout,
    at: usize,
    text: String,
}

impl Writer<'_> {
    fn gap(&mut self) {
        self.text.push_str(&self.layout.gaps[self.at % self.layout.gaps.len()]);
        self.at += 1;
    }

    fn many(&mut self, brackets: (char, char), parts: &[Vec<String>]) -> String {
        // Written apart, so that containers nest.
        let before = std::mem::take(&mut self.text);
        self.text.push(brackets.0);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.gap();
                self.text.push(',');
            }
            self.gap();
            for (index, piece) in part.iter().enumerate() {
                if index > 0 {
                    self.gap();
                    self.text.push(':');
                    self.gap();
                }
                self.text.push_str(piece);
            }
        }
        self.gap();
        if self.layout.commas && !parts.is_empty() {
            self.text.push(',');
            self.gap();
        }
        self.text.push(brackets.1);
        std::mem::replace(&mut self.text, before)
    }

    fn object(&mut self, members: &[(&str, String)]) -> String {
        let mut members: Vec<_> =
            members.iter().map(|(key, value)| vec![format!("\"{key}\""), value.clone()]).collect();
        let by = self.layout.rotate % members.len().max(1);
        members.rotate_left(by);
        self.many(('{', '}'), &members)
    }

    fn list(&mut self, items: &[String]) -> String {
        self.many(('[', ']'), &items.iter().map(|item| vec![item.clone()]).collect::<Vec<_>>())
    }
}

#[derive(Debug, Clone)]
struct Case {
    text: String,
    server: Pointer,
    slots: Vec<Pointer>,
}

const SECRET: &str = r#""<< keyring('k') >>""#;

/// A document with one server: `shape` of them, with these arguments.
fn document(shape: u8, layout: &Layout, name: &str, command: &str, arguments: Option<&[String]>) -> Case {
    let mut writer = Writer { layout, at: 0, text: String::new() };
    let own = keystencil::document::string::decode(name).unwrap().into_owned();
    let env = writer.object(&[("TOKEN", SECRET.to_owned()), ("REGION", r#""e\u0075""#.to_owned())]);
    let list = arguments.map(|items| writer.list(items));
    let mut started = vec![("command", command.to_owned()), ("env", env.clone()), ("timeout", "1.0".to_owned())];
    started.extend(list.clone().map(|list| ("args", list)));
    let (container, server, base) = match shape {
        0 => ("mcpServers", writer.object(&started), ""),
        1 => {
            let all: Vec<String> =
                std::iter::once(command.to_owned()).chain(arguments.unwrap_or_default().iter().cloned()).collect();
            let list = writer.list(&all);
            let members = [("type", r#""local""#.to_owned()), ("command", list), ("environment", env)];
            ("mcp", writer.object(&members), "")
        }
        2 => {
            let mut inner = vec![("path", command.to_owned()), ("env", env)];
            inner.extend(list.map(|list| ("args", list)));
            let inner = writer.object(&inner);
            ("context_servers", writer.object(&[("source", r#""custom""#.to_owned()), ("command", inner)]), "/command")
        }
        3 => {
            let inner = writer.object(&started);
            ("mcpServers", writer.object(&[("transport", inner), ("disabled", "false".to_owned())]), "/transport")
        }
        4 => {
            started.insert(0, ("name", name.to_owned()));
            ("mcpServers", writer.object(&started), "")
        }
        _ => {
            let headers = writer.object(&[("Authorization", r#""Bearer << keyring('k') >>""#.to_owned())]);
            let members = [
                ("type", r#""http""#.to_owned()),
                ("url", r#""https://example.com/mcp""#.to_owned()),
                ("headers", headers),
            ];
            ("mcpServers", writer.object(&members), "")
        }
    };
    let all = match shape {
        4 => writer.list(&[server]),
        _ => writer.many(('{', '}'), &[vec![name.to_owned(), server]]),
    };
    writer.gap();
    let root = writer
        .many(('{', '}'), &[vec![format!("\"{container}\""), all], vec!["\"other\"".to_owned(), "[]".to_owned()]]);
    writer.text.push_str(&root);
    writer.gap();
    let token = if shape == 4 { "0" } else { &own };
    let server = Pointer::root().child(container).child(token);
    let below = |path: &str| Pointer::parse(&format!("{server}{path}")).unwrap();
    let mut slots = match shape {
        1 => vec![below("/environment/TOKEN")],
        5 => vec![below("/headers/Authorization")],
        _ => vec![below(&format!("{base}/env/TOKEN"))],
    };
    for (index, item) in arguments.unwrap_or_default().iter().enumerate().filter(|_| shape != 5) {
        if item.contains("keyring(") {
            slots.push(match shape {
                1 => below(&format!("/command/{}", index + 1)),
                _ => below(&format!("{base}/args/{index}")),
            });
        }
    }
    Case { text: writer.text, server, slots }
}

fn case() -> impl Strategy<Value = Case> {
    let layout = (vec(gap(), 1..30), any::<bool>(), 0..4usize).prop_map(|(gaps, commas, rotate)| Layout {
        gaps,
        commas,
        rotate,
    });
    (0..6u8, layout, name(), command(), prop::option::of(vec(token(), 0..4))).prop_map(
        |(shape, layout, name, command, arguments)| document(shape, &layout, &name, &command, arguments.as_deref()),
    )
}

fn parse(text: &str) -> Document<'_> {
    Document::parse_relaxed(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

fn value(text: &str) -> Value {
    serde_json::from_str(&parse(text).root().plain()).unwrap()
}

fn wrap_all(case: &Case) -> Result<String, Unwrappable> {
    let splices = wrap(&parse(&case.text), &case.server, &case.slots, &WRAPPER)?;
    Ok(splice(&case.text, splices))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_wrapped_server_is_unwrapped_to_the_same_bytes(case in case()) {
        let text = wrap_all(&case).unwrap_or_else(|error| panic!("{error}\n{}", case.text));
        prop_assert_ne!(&text, &case.text);
        prop_assert_eq!(wrapped(&parse(&text)).len(), 1, "{}", text);
        prop_assert_eq!(&*unwrap(&parse(&text)), &case.text);
    }

    #[test]
    fn a_wrapped_server_that_its_host_has_laid_out_anew_means_the_plain_one(case in case(), pretty in any::<bool>()) {
        let text = wrap_all(&case).unwrap();
        let again = value(&text);
        let again = if pretty { serde_json::to_string_pretty(&again).unwrap() } else { again.to_string() };
        let plain = unwrap(&parse(&again)).into_owned();
        prop_assert_eq!(value(&plain), value(&case.text), "{}", again);
    }

    #[test]
    fn a_wrapped_server_that_somebody_has_edited_and_renamed_is_read_back_as_edited(case in case(), add in any::<bool>()) {
        let mut live = value(&wrap_all(&case).unwrap());
        let mut expected = value(&case.text);
        for value in [&mut live, &mut expected] {
            let server = value.pointer_mut(case.server.as_str()).unwrap();
            server["note"] = Value::from("mine");
            for list in ["/args", "/command", "/command/args", "/transport/args"] {
                if let Some(Value::Array(items)) = server.pointer_mut(list).filter(|_| add) {
                    items.push(Value::from("--verbose"));
                }
            }
            if let Some(Value::Object(container)) = value.pointer_mut(case.server.parent().unwrap().as_str()) {
                let name = case.server.last().unwrap().into_owned();
                let server = container.remove(&name).unwrap();
                container.insert("renamed".to_owned(), server);
            }
        }
        let text = live.to_string();
        let plain = value(&unwrap(&parse(&text)));
        // An argument that came into a list which was not there makes the list.
        let bare = add && text.contains("--bare\",\"--\"");
        if bare {
            prop_assert!(plain.to_string().contains("\"--verbose\""));
        } else {
            prop_assert_eq!(plain, expected);
        }
    }

    #[test]
    fn invariant_10_a_render_that_wraps_fills_nothing_and_the_way_of_delivery_changes_byte_for_byte(case in case()) {
        let secrets = ["sk-0123456789abcdef".to_owned()];
        let blueprint = blueprint(&case.text.replace("keyring('k')", "keyring('s0')"));
        let text = case.text.replace("keyring('k')", "keyring('s0')");
        let deliveries = Deliveries { all: Deliver::Wrap, ..Deliveries::default() };
        let wrapping = Some(Wrapping { wrapper: WRAPPER, deliveries: &deliveries });
        let wrap = |text: &str| plan_delivered(text, &blueprint, &secrets, None, wrapping);
        let first = wrap(&text);
        prop_assert!(!first.rendered.contains(&secrets[0]) && first.filling.slots.is_empty());
        prop_assert_eq!(&first.rendered, &first.resting);
        prop_assert_eq!(first.delivered.wrapped.len(), case.slots.len());
        prop_assert_eq!(&first.placeholder_form, &text);
        let again = wrap(&first.rendered);
        prop_assert_eq!(&again.rendered, &first.rendered);
        prop_assert!(again.patch.0.is_empty() && again.delivered.unwrapped.is_empty());

        let file = plan(&first.rendered, &blueprint, &secrets, None);
        prop_assert_eq!(file.filling.slots.len(), case.slots.len());
        prop_assert_eq!(undone(&file.rendered, &journal(&file)), &*text);
        // From the rendered form to the wrapped one, without a way through the placeholder form.
        let owed = journal(&file);
        let wrapped = wrap(&undone(&file.rendered, &owed));
        prop_assert_eq!(&wrapped.rendered, &first.rendered);
    }

    #[test]
    fn what_was_never_wrapped_stays_as_it_is(case in case()) {
        prop_assert!(wrapped(&parse(&case.text)).is_empty());
        prop_assert_eq!(&*unwrap(&parse(&case.text)), &case.text);
    }

    #[test]
    fn a_comment_that_somebody_put_into_a_call_stays_when_the_call_goes(case in case(), line in any::<bool>()) {
        let text = wrap_all(&case).unwrap();
        let comment = if line { "// mine\n" } else { "/* mine */" };
        let text = text.replacen("\"--for\"", &format!("{comment}\"--for\""), 1);
        let plain = unwrap(&parse(&text)).into_owned();
        prop_assert_eq!(plain.matches("mine").count(), text.matches("mine").count(), "{}", text);
        prop_assert_eq!(value(&plain), value(&case.text), "{}", text);
    }
}

/// The files of one shape: `NAME.json` and `NAME.wrapped.json`.
#[track_caller]
fn golden(name: &str, slots: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/invariants/wrapped");
    let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}{end}"))).unwrap_or_default();
    let (plain, expected) = (read(".json"), read(".wrapped.json"));
    let document = parse(&plain);
    let mut splices = Vec::new();
    for slot in slots.iter().map(|slot| Pointer::parse(slot).unwrap()) {
        let server = Server::around(&slot).unwrap();
        splices.extend(wrap(&document, &server, &[slot], &WRAPPER).unwrap());
    }
    let text = splice(&plain, splices);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(folder.join(format!("{name}.wrapped.json")), &text).unwrap();
    } else {
        assert_eq!(text, expected, "{name}");
    }
    assert_eq!(unwrap(&parse(&text)), plain, "{name}");
}

#[test]
fn each_shape_is_wrapped_as_its_file_shows() {
    golden(
        "claude-code",
        &[
            "/mcpServers/github/env/GITHUB_TOKEN",
            "/mcpServers/bare/env/KEY",
            "/mcpServers/empty/env/KEY",
            "/mcpServers/sentry/headers/Authorization",
            "/projects/~1home~1u~1work/mcpServers/db/args/1",
        ],
    );
    golden("opencode", &["/mcp/github/environment/TOKEN"]);
    golden("zed", &["/context_servers/old/command/env/KEY", "/context_servers/new/env/KEY"]);
    golden("cline", &["/mcpServers/a/transport/env/KEY"]);
    golden("list", &["/mcpServers/0/env/KEY"]);
    golden("vscode", &["/servers/a/env/KEY"]);
    golden("windows", &["/mcpServers/a/env/KEY"]);
    golden("goose", &["/extensions/a/envs/KEY"]);
}

/// Why the one server of a text can't be wrapped.
#[track_caller]
fn refused(text: &str, slot: &str, helper: Option<&str>) -> String {
    let slot = Pointer::parse(slot).unwrap();
    let server = Server::around(&slot).unwrap();
    wrap(&parse(text), &server, &[slot], &Wrapper { helper, ..WRAPPER }).unwrap_err().to_string()
}

#[test]
fn what_could_not_be_read_back_or_compared_is_refused_with_its_place() {
    let server = |members: &str| format!(r#"{{"mcpServers": {{"a": {{{members}}}}}}}"#);
    let env = r#""env": {"K": "<< keyring('k') >>"}"#;
    let headers = r#""headers": {"A": "<< keyring('k') >>"}"#;
    let (in_env, in_headers) = ("/mcpServers/a/env/K", "/mcpServers/a/headers/A");
    for (members, expected) in [
        (r#""args": []"#, "/mcpServers/a has neither a command nor a URL"),
        (r#""command": "x", "url": "https://h""#, "/mcpServers/a/url has both a command and a URL"),
        (r#""command": "x", "args": null"#, "/mcpServers/a/args is not a list of strings"),
        (r#""command": "x", "args": ["a", 1]"#, "/mcpServers/a/args is not a list of strings"),
        (r#""command": "x", "args": "a b""#, "/mcpServers/a/args is not a list of strings"),
        (r#""command": "x", "command": "y""#, "/mcpServers/a/command repeats a setting that is next to it"),
        (
            r#""command": "x", "args": [], "arguments": []"#,
            "/mcpServers/a/arguments repeats a setting that is next to it",
        ),
        (r#""Command": "x""#, "/mcpServers/a/Command has a spelling that no known host uses"),
        (r#""command": ["x"]"#, "/mcpServers/a/command is in a form that no known host uses"),
        (r#""command": 1"#, "/mcpServers/a/command is in a form that no known host uses"),
        (
            r#""command": "/usr/bin/keystencil", "args": ["run", "--", "x"]"#,
            "/mcpServers/a/command is keystencil itself",
        ),
        (r#""command": "${NPX}""#, "/mcpServers/a/command is a command that the host fills in"),
        (r#""command": "sh", "args": ["-c", "${X}"]"#, "/mcpServers/a/args/1 is a script that the host fills in"),
        (r#""command": "x", "args": ["--a=${X}"]"#, "/mcpServers/a/args/0 is an option that the host fills in"),
        (
            r#""command": "x", "args": ["https://${H}/"]"#,
            "/mcpServers/a/args/0 is an address whose server the host fills in",
        ),
        (
            r#""command": "x", "args": ["${A} << keyring('b') >>"]"#,
            "/mcpServers/a/args/0 has a reference of the host beside one of keystencil",
        ),
        (r#""command": "\ud800""#, "/mcpServers/a/command would not be read back as it is"),
    ] {
        assert_eq!(refused(&server(&format!("{members}, {env}")), in_env, None), expected);
    }
    let command = r#""command": "x""#;
    let text = server(&format!(r#"{command}, "env": {{"K": "{{env:P}}<< keyring('k') >>"}}"#));
    assert_eq!(
        refused(&text, in_env, None),
        "/mcpServers/a/env/K has a reference of the host beside one of keystencil"
    );
    let text = server(&format!(r#"{command}, "cwd": "<< keyring('k') >>""#));
    assert_eq!(
        refused(&text, "/mcpServers/a/cwd", None),
        "/mcpServers/a/cwd is neither an argument, a variable nor a header"
    );
    let text = server(r#""command": "<< keyring('k') >>""#);
    assert_eq!(
        refused(&text, "/mcpServers/a/command", None),
        "/mcpServers/a/command is neither an argument, a variable nor a header"
    );
    let helper = Some("headersHelper");
    let url = r#""url": "https://h/mcp""#;
    assert_eq!(
        refused(&server(&format!("{url}, {headers}")), in_headers, None),
        "/mcpServers/a/headers/A goes to a server whose host does not tell a helper the URL"
    );
    assert_eq!(
        refused(&server(&format!(r#"{url}, {headers}, "headersHelper": "mine""#)), in_headers, helper),
        "/mcpServers/a/headersHelper is a helper that the server already has"
    );
    assert_eq!(
        refused(&server(r#""url": "https://h/?key=<< keyring('k') >>""#), "/mcpServers/a/url", helper),
        "/mcpServers/a/url is neither an argument, a variable nor a header"
    );
    assert_eq!(
        refused(&server(&format!(r#""url": "https://${{H}}/", {headers}"#)), in_headers, helper),
        "/mcpServers/a/url is an address whose server the host fills in"
    );
    let text = r#"{"mcp_servers": [{"command": "x", "env": {"K": "<< keyring('k') >>"}}]}"#;
    assert_eq!(refused(text, "/mcp_servers/0/env/K", None), "/mcp_servers is a list, which no known host uses there");
}

/// What hosts fill in decides the same for the file and for the record: a server that is wrapped and has no record
/// would never start.
#[test]
fn a_server_that_is_wrapped_can_be_recorded_and_one_that_can_not_is_not_wrapped() {
    let started = |args: &str, env: &str| {
        format!(r#""command": "x", "args": [{args}], "env": {{"K": "<< keyring('k') >>"{env}}}"#)
    };
    let reached = |url: &str| format!(r#""url": "{url}", "headers": {{"K": "<< keyring('k') >>"}}"#);
    let mut all = vec![
        (r#""command": "${X}", "env": {"K": "<< keyring('k') >>"}"#.to_owned(), false),
        (
            r#""command": "docker", "args": ["run", "-e", "A=${A}"], "env": {"K": "<< keyring('k') >>"}"#.to_owned(),
            true,
        ),
    ];
    for (args, env, fits) in [
        (r#""${DATA}", "a-{env:X}""#, "", true),
        (r#""https://h/${X}""#, "", true),
        (r#""https://${X}/""#, "", false),
        (r#""-c", "${X}""#, "", false),
        (r#""--print", "${X}""#, "", false),
        (r#""--a=${X}""#, "", false),
        ("", r#", "REGION": "${input:region}""#, true),
        ("", r#", "BASE_URL": "${URL}""#, false),
        ("", r#", "NODE_OPTIONS": "${OPTIONS}""#, false),
        ("", r#", "A": "${X}<< keyring('k') >>""#, false),
        (r#""a ${X:-${Y}} b""#, "", true),
        (r#""sh", "-c", "run $KEY""#, "", true),
    ] {
        all.push((started(args, env), fits));
    }
    for (url, fits) in [("https://h/${TENANT}/mcp", true), ("https://${H}/mcp", false), ("${URL}", false)] {
        all.push((reached(url), fits));
    }
    let found = |_: &str, _: Option<&str>| Ok(vec!["/bin/x".into()]);
    let machine = Machine { found: &found, variables: &[], references: HostReferences::Braced };
    for (members, fits) in all {
        let text = format!(r#"{{"mcpServers": {{"a": {{{members}}}}}}}"#);
        let (document, server) = (parse(&text), Pointer::parse("/mcpServers/a").unwrap());
        let part = if members.contains("headers") { "headers" } else { "env" };
        let wrapped = wrap(&document, &server, &[server.child(part).child("K")], &WRAPPER);
        let recorded = Record::read(&server, document.find(&server).unwrap(), &machine);
        assert_eq!((wrapped.is_ok(), recorded.is_ok()), (fits, fits), "{members}: {wrapped:?} {recorded:?}");
    }
}

#[test]
fn a_variable_without_braces_is_one_of_the_host_where_the_table_says_so() {
    for (file, expected) in [
        ("/home/u/.gemini/settings.json", HostReferences::Bare),
        ("/p/.qwen/settings.json", HostReferences::Bare),
        ("/home/u/.claude.json", HostReferences::Braced),
        ("settings.json", HostReferences::Braced),
    ] {
        assert_eq!(HostReferences::of(Path::new(file)), expected, "{file}");
    }
    let text =
        r#"{"mcpServers": {"a": {"command": "sh", "args": ["-c", "x $Y"], "env": {"K": "<< keyring('k') >>"}}}}"#;
    let slot = [Pointer::parse("/mcpServers/a/env/K").unwrap()];
    let server = Server::around(&slot[0]).unwrap();
    let wrapped = |references| wrap(&parse(text), &server, &slot, &Wrapper { references, ..WRAPPER });
    assert!(wrapped(HostReferences::Braced).is_ok());
    assert_eq!(
        wrapped(HostReferences::Bare).unwrap_err().to_string(),
        "/mcpServers/a/args/1 is a script that the host fills in"
    );
}

#[test]
fn a_program_or_a_target_of_another_name_could_not_be_read_back() {
    let text = r#"{"mcpServers": {"a": {"command": "x", "env": {"K": "<< keyring('k') >>"}}}}"#;
    let slot = [Pointer::parse("/mcpServers/a/env/K").unwrap()];
    let server = Server::around(&slot[0]).unwrap();
    let error = |wrapper| wrap(&parse(text), &server, &slot, &wrapper).unwrap_err().to_string();
    assert_eq!(
        error(Wrapper { program: "/opt/ks", ..WRAPPER }),
        "`/opt/ks` is not named keystencil, so a server wrapped by it could not be read back"
    );
    assert_eq!(error(Wrapper { target: "a:/b", ..WRAPPER }), "a target named `a:/b` can't be written before a pointer");
}
