use super::*;
use crate::document::Document;
use crate::host::servers::HostReferences;

fn machine<T>(work: impl FnOnce(&Machine<'_>) -> T) -> T {
    let found = |command: &str, _: Option<&str>| Ok(vec![PathBuf::from(format!("/bin/{command}"))]);
    let variables = [("NODE_OPTIONS".to_owned(), "secret-proxy".to_owned())];
    work(&Machine { found: &found, variables: &variables, references: HostReferences::Braced })
}

fn read(text: &str) -> Result<Option<Server>, Unfit> {
    read_of(HostReferences::Braced, text)
}

fn read_of(references: HostReferences, text: &str) -> Result<Option<Server>, Unfit> {
    let document = Document::parse(text.as_bytes()).unwrap();
    let pointer = Pointer::parse("/s/a").unwrap();
    machine(|machine| Server::read(&pointer, document.root(), &Machine { references, ..*machine }))
}

fn started(text: &str) -> Started {
    match read(text) {
        Ok(Some(Server { entry: Entry::Started(started), .. })) => started,
        other => panic!("{text}: {other:?}"),
    }
}

const KEY: &str = "<< keyring('a') >>";

#[test]
fn every_shape_in_which_hosts_write_a_server_is_read() {
    for text in [
        r#"{"command": "npx", "args": ["-y", "x"], "env": {"K": "<< keyring('a') >>", "P": 8080}}"#,
        r#"{"cmd": "npx", "args": ["-y", "x"], "envs": {"K": "<< keyring('a') >>", "P": 8080}}"#,
        r#"{"type": "local", "command": ["npx", "-y", "x"], "environment": {"K": "<< keyring('a') >>", "P": 8080}}"#,
        r#"{"command": {"path": "npx", "args": ["-y", "x"], "env": {"K": "<< keyring('a') >>", "P": 8080}}}"#,
    ] {
        let argv = ["npx", "-y", "x"].map(str::to_owned);
        let variable = |name: &str| Some(if name == "K" { KEY.to_owned() } else { "8080".to_owned() });
        let now =
            |found: &[PathBuf]| started(text).compare(&Now { argv: &argv, variable: &variable, folder: None, found });
        assert_eq!(now(&["/bin/npx".into()]), Ok(()), "{text}");
        assert!(matches!(now(&["/other/npx".into()]), Err(Differs::Moved { .. })), "{text}");
        assert!(now(&[]).is_err() && now(&["/bin/npx".into(), "/bin/node".into()]).is_err(), "{text}");
    }
}

#[test]
fn what_can_not_be_delivered_without_a_file_says_where() {
    let unfit = |text: &str| read(text).unwrap_err().to_string();
    let with = |args: &str| unfit(&format!(r#"{{"command": "c", "args": [{args}], "env": {{"K": "{KEY}"}}}}"#));
    for (args, place) in [
        (r#""--dir=${X}""#, "argument 1"),
        (r#""x", "-c", "run ${X}""#, "argument 3"),
        (r#""https://${HOST}/x""#, "argument 1"),
        (r#""${SCHEME}://h/x""#, "argument 1"),
        (r#""<< keyring('a') >> ${X}""#, "argument 1"),
        ("1", "args"),
    ] {
        assert!(with(args).contains(place), "{args}: {}", with(args));
    }
    for (text, place) in [
        (r#"{"command": "${HOME}/c", "env": {"K": "<< keyring('a') >>"}}"#, "command"),
        (r#"{"command": "c << keyring('a') >>", "env": {"K": "<< keyring('a') >>"}}"#, "command"),
        (r#"{"command": "c", "env": {"K": "<< keyring('a') >>${X}"}}"#, "K"),
        (r#"{"command": "c", "env": {"K": "<< keyring('a') >>", "NODE_OPTIONS": "{env:X}"}}"#, "NODE_OPTIONS"),
        (r#"{"url": "https://${HOST}/x", "headers": {"A": "<< keyring('a') >>"}}"#, "url"),
        (r#"{"url": "https://h/<< keyring('b') >>", "headers": {"A": "<< keyring('a') >>"}}"#, "url"),
        (r#"{"url": "https://u:p@h/x", "headers": {"A": "<< keyring('a') >>"}}"#, "URL"),
        (r#"{"url": "h/x", "headers": {"A": "<< keyring('a') >>"}}"#, "URL"),
        (r#"{"name": "x"}"#, "neither"),
    ] {
        assert!(unfit(text).contains(place), "{text}: {}", unfit(text));
    }
    assert_eq!(read(r#"{"command": "c", "env": {"K": "plain"}}"#), Ok(None));
    assert_eq!(read(r#"{"url": "https://h/x", "headers": {"A": "plain"}}"#), Ok(None));
}

#[test]
fn a_record_holds_no_text_that_may_be_a_key() {
    let text = r#"{"command": "c", "args": ["--token", "hunter2"], "cwd": "/hunter2",
        "env": {"K": "<< keyring('a') >>", "PASSWORD": "hunter2"}}"#;
    let server = read(text).unwrap().unwrap();
    let kept = serde_json::to_string(&server).unwrap();
    assert!(!kept.contains("hunter2") && !kept.contains("secret-proxy"), "{kept}");
    assert_eq!(serde_json::from_str::<Server>(&kept).unwrap(), server);
    let text = r#"{"url": "https://h/x?key=hunter2", "headers": {"A": "<< keyring('a') >>"}}"#;
    assert!(!serde_json::to_string(&read(text).unwrap()).unwrap().contains("hunter2"));
}

#[test]
fn the_hash_of_a_text_is_not_taken_for_the_text() {
    let allowed = started(r#"{"command": "c", "args": ["x"], "env": {"K": "<< keyring('a') >>"}}"#);
    let variable = |_: &str| Some(KEY.to_owned());
    let compare = |argument: &str| {
        let argv = ["c".to_owned(), argument.to_owned()];
        allowed.compare(&Now { argv: &argv, variable: &variable, folder: None, found: &["/bin/c".into()] })
    };
    assert_eq!(compare("x"), Ok(()));
    assert_eq!(compare(&allowed.args[0]), Err(Differs::Argument(1)));
}

#[test]
fn no_two_records_have_the_same_fields() {
    let one = |args: &str, env: &str| {
        let text = format!(r#"{{"command": "c", "args": [{args}], "env": {{"K": "{KEY}"{env}}}}}"#);
        let server = read(&text).unwrap().unwrap();
        server.fields().into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let all = [one("", ""), one(r#""a""#, ""), one(r#""a", "b""#, ""), one(r#""ab""#, ""), one("", r#", "a": "b""#)];
    for (index, fields) in all.iter().enumerate() {
        assert!(all.iter().skip(index + 1).all(|other| other != fields));
    }
}

#[test]
fn a_variable_without_braces_is_a_hole_for_a_host_that_fills_it() {
    let text = r#"{"command": "c", "args": ["$DATA/x", "5$"], "env": {"K": "<< keyring('a') >>"}}"#;
    let variable = |_: &str| Some(KEY.to_owned());
    let argv = ["c".to_owned(), "/srv/x".to_owned(), "5$".to_owned()];
    let now = Now { argv: &argv, variable: &variable, folder: None, found: &["/bin/c".into()] };
    let compare = |references| match read_of(references, text).unwrap().unwrap().entry {
        Entry::Started(started) => started.compare(&now),
        Entry::Reached(_) => panic!("{text}"),
    };
    assert_eq!(compare(HostReferences::Bare), Ok(()));
    assert_eq!(compare(HostReferences::Braced), Err(Differs::Argument(1)));
    let script = r#"{"command": "sh", "args": ["-c", "x $K"], "env": {"K": "<< keyring('a') >>"}}"#;
    assert!(read_of(HostReferences::Braced, script).is_ok());
    assert!(matches!(read_of(HostReferences::Bare, script), Err(Unfit::Hole { .. })));
}
