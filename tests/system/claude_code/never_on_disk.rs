//! Invariant 10 with the real client: servers that are wrapped get their keys, and no file holds a byte of them at any time.

use std::io::Write;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::process;
use super::support::stencil;
use super::support::terminal::Session;
use super::support::wrapped::Wrapped;
use crate::poll::{self, PATIENCE};
use crate::residue;

#[test]
fn print_mode_and_a_list_of_the_servers_deliver() {
    let wrapped = Wrapped::new();
    let watch = wrapped.watch();
    let ran = process::run(&mut stencil::client(&wrapped.home, ["-p", "hi"]), PATIENCE);
    assert!(ran.status.success() && ran.stdout.contains("Hello from the mock."), "{ran:?}");
    wrapped.assert_delivered(1);
    // What shows the servers starts them as well; a name that is taken stays with the server that has it.
    let mcp = |args: &[&str]| process::run(&mut stencil::client(&wrapped.home, [&["mcp"], args].concat()), PATIENCE);
    let list = mcp(&["list"]);
    assert_eq!(list.stdout.matches("Connected").count(), 2, "{list:?}");
    wrapped.assert_delivered(2);
    let before = wrapped.home.config()["mcpServers"].clone();
    let taken = mcp(&["add", "--scope", "user", "probe", "true"]);
    assert!(!taken.status.success(), "{taken:?}");
    assert!(mcp(&["add", "--scope", "project", "probe", "true"]).status.success());
    assert_eq!(wrapped.home.config()["mcpServers"], before);
    watch.saw_nothing();
}

/// The search would find a key that is delivered by file, in what the client and keystencil write.
#[test]
fn the_watch_sees_the_keys_of_the_same_servers_delivered_by_file() {
    let wrapped = Wrapped::new();
    let config = wrapped.home.folder().join(".config/keystencil/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"wrap\"", "\"file\"")).unwrap();
    let watch = wrapped.watch();
    let ran = stencil::succeeds(&wrapped.home, ["exec", "--", "claude", "-p", "hi"]);
    assert!(ran.stdout.contains("Hello from the mock."), "{ran:?}");
    wrapped.assert_delivered(1);
    let seen = watch.saw();
    assert!(seen.found.iter().any(|found| found.contains("/home/.claude.json:")), "{seen:?}");
}

#[test]
fn two_sessions_of_many_prompts_with_clear_reconnect_exit_and_a_kill_deliver_each_time() {
    let wrapped = Wrapped::new();
    let watch = wrapped.watch();
    let first = Session::bare(&wrapped.home);
    first.ask("hi");
    wrapped.assert_delivered(1);
    let second = Session::bare(&wrapped.home);
    second.ask("hi");
    wrapped.assert_delivered(2);
    let (client, server) = (first.client(1), wrapped.home.record(1).server());
    for (what, process) in [("client", client.open_to_all()), ("command line of the server", server.command_line())] {
        assert!(!process.is_empty() && residue::in_bytes(&process, &wrapped.home.secret).is_empty(), "the {what}");
        assert!(residue::in_bytes(&process, &wrapped.secret).is_empty(), "the {what}");
    }
    for number in 0..40 {
        first.ask(&format!("prompt {number}"));
    }
    first.enter("/clear");
    first.ask("hi again");
    first.reconnect();
    wrapped.assert_started_with_its_key(&wrapped.home.record(3));
    second.client(2).send(Signal::KILL);
    assert_eq!(second.status(), 137);
    first.ask("one more");
    first.enter("/exit");
    assert_eq!(first.status(), 0);
    wrapped.assert_connected_with_its_key(2);
    watch.saw_nothing();
}

#[test]
fn a_background_session_gets_its_keys() {
    let wrapped = Wrapped::new();
    let watch = wrapped.watch();
    let ran = process::run(&mut stencil::client(&wrapped.home, ["--bg", "hi"]), PATIENCE);
    assert!(ran.status.success() && ran.stdout.contains("backgrounded"), "{ran:?}");
    wrapped.assert_delivered(1);
    assert!(poll::comes_true(PATIENCE, || wrapped.home.api.asked() > 0), "the session never asked the API");
    let ran = process::run(&mut stencil::client(&wrapped.home, ["daemon", "stop", "--any"]), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    wrapped.home.assert_no_process_left_within(PATIENCE);
    watch.saw_nothing();
}

/// As an editor's extension does it: no terminal, no shell, no launcher, the conversation over two pipes.
#[test]
fn a_client_that_an_editor_starts_gets_its_keys() {
    let wrapped = Wrapped::new();
    let watch = wrapped.watch();
    let args = ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"];
    let mut command = stencil::client(&wrapped.home, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let prompt = json!({ "type": "user", "message": { "role": "user", "content": "hi" } });
    writeln!(child.stdin.as_ref().unwrap(), "{prompt}").unwrap();
    wrapped.assert_delivered(1);
    drop(child.stdin.take());
    let ended = poll::within(PATIENCE, || child.try_wait().unwrap());
    process::end(&mut child);
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    watch.saw_nothing();
}

/// What a stranger's project can say: the helper as it was allowed, for an address of its own.
#[test]
fn a_project_that_names_the_allowed_helper_for_another_address_gets_no_header() {
    let wrapped = Wrapped::new();
    let home = &wrapped.home;
    let helper = home.config()["mcpServers"]["remote"]["headersHelper"].clone();
    assert!(helper.as_str().unwrap().contains("headers --for"), "{helper}");
    let stolen = wrapped.url().replace("/mcp", "/stolen");
    let server = json!({ "type": "http", "url": stolen, "headersHelper": helper });
    home.write(&home.project().join(".mcp.json"), &json!({ "mcpServers": { "remote2": server } }));
    home.edit(|config| {
        config["projects"][home.project().to_str().unwrap()]["enabledMcpjsonServers"] = json!(["remote2"]);
    });
    let watch = wrapped.watch();
    let ran = process::run(&mut stencil::client(home, ["-p", "hi"]), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    wrapped.assert_delivered(1);
    let asked = || wrapped.requests().into_iter().filter(|request| request.path == "/stolen").collect::<Vec<_>>();
    assert!(
        poll::comes_true(PATIENCE, || !asked().is_empty()),
        "the client never went there: {:?}",
        wrapped.requests()
    );
    assert!(asked().iter().all(|request| request.authorization.is_none()), "{:?}", asked());
    watch.saw_nothing();
}

/// What other hosts hand on to the servers that they start: neither a bus nor a folder of the session.
#[test]
fn a_server_gets_its_keys_in_the_environment_of_each_host() {
    let wrapped = Wrapped::new();
    let home = &wrapped.home;
    let live = home.config();
    let probe = &live["mcpServers"]["probe"];
    let values = [("LOGNAME", "me"), ("USER", "me"), ("SHELL", "/bin/sh"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")];
    let own: Vec<(&str, String)> =
        home.env().into_iter().chain(values.map(|(name, value)| (name, value.to_owned()))).collect();
    let sdk = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];
    let codex = [sdk.as_slice(), &["LANG", "LC_ALL", "TMPDIR", "TZ"]].concat();
    let watch = wrapped.watch();
    for (number, names) in [sdk.as_slice(), &codex].into_iter().enumerate() {
        let strict = |program: &Value| {
            let mut command = Command::new(program.as_str().unwrap());
            command.env_clear().envs(own.iter().filter(|(name, _)| names.contains(name)).cloned());
            command.current_dir("/").stdin(Stdio::null());
            command
        };
        let mut server = strict(&probe["command"]);
        server.args(probe["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
        server.envs(probe["env"].as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap())));
        let ran = process::run(&mut server, PATIENCE);
        assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
        wrapped.assert_started_with_its_key(&home.record(number + 1));

        let helper = live["mcpServers"]["remote"]["headersHelper"].as_str().unwrap();
        let mut shell = strict(&"/bin/sh".into());
        shell.args(["-c", helper]).env("CLAUDE_CODE_MCP_SERVER_URL", wrapped.url());
        let ran = process::run(&mut shell, PATIENCE);
        let headers: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(headers, json!({ "Authorization": format!("Bearer {}", wrapped.secret) }));
    }
    watch.saw_nothing();
}

/// Longer than any window, timeout or age of a backup that the client has. Too long for each change: run by hand.
#[test]
#[ignore = "takes twenty minutes"]
fn a_session_of_twenty_minutes_keeps_its_servers_and_no_file_holds_a_key() {
    let wrapped = Wrapped::new();
    let watch = wrapped.watch();
    let session = Session::bare(&wrapped.home);
    for minute in 1..=20 {
        std::thread::sleep(std::time::Duration::from_secs(60));
        session.ask(&format!("minute {minute}"));
        eprintln!("minute {minute}: {} requests", wrapped.requests().len());
        if minute == 10 {
            session.enter("/clear");
        }
    }
    session.reconnect();
    wrapped.assert_started_with_its_key(&wrapped.home.record(1));
    wrapped.assert_started_with_its_key(&wrapped.home.record(2));
    wrapped.assert_connected_with_its_key(1);
    session.enter("/exit");
    assert_eq!(session.status(), 0);
    let seen = watch.saw();
    eprintln!("{} reads, missed {:?}", seen.reads, seen.missed);
    assert!(seen.found.is_empty(), "{:?}", seen.found);
}
