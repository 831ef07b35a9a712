//! What `run --for` is given that nobody means: each is refused in one line, and no message has a byte of a secret.

use crate::run::{ARGV, PROBE, SERVER, allowed, assert_refused, said, server, with_path};
use crate::sandbox::{BINARY, Sandbox};

#[test]
fn a_reference_in_the_arguments_that_can_not_be_read_is_another_argument() {
    let template = SERVER.replace("\"two words\"", "\"--key=<< keyring('github') >>\"");
    let sandbox = allowed(&template.replace("\"TOKEN\": \"<< keyring('github') >>\", ", ""));
    let run = |argument: &str| said(&sandbox, &mut server(&sandbox, &["probe", "-y", "/home/me/data", argument]));
    assert_eq!(run("--key=<< keyring('github') >>").code, 0);
    for broken in [
        "--key=<< keyring('github' >>",
        "--key=<< keyring(github) >>",
        "--key=<< keyring('github') ",
        "--key=<< keyring('other') >>",
        "--key=<<keyring('github')>>",
        "--key=<< keyring('github') >><< keyring('other') >>",
    ] {
        assert_refused(&run(broken), 125, "argument 3 is not the one that was allowed");
    }
}

/// A server whose program calls `run --for` for itself again, in the same process or in one below.
fn that_starts_itself(how: &str) -> Sandbox {
    let sandbox = Sandbox::with_key();
    let call = format!("{how} {BINARY} run --for claude:/mcpServers/github -- probe");
    let script = format!("#!/bin/sh\necho >> \"$HOME/starts\"\nTOKEN=\"<< keyring('github') >>\" {call}\n");
    sandbox.write_program("bin/probe", &script);
    let template = SERVER.replace(r#""args": ["-y", "${FOLDER}/data", "two words"],"#, "");
    sandbox.write(".config/keystencil/claude.json", &template);
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=1"])).code, 0);
    sandbox
}

#[test]
fn a_server_that_starts_itself_ends() {
    for how in ["exec", "", "env"] {
        let sandbox = that_starts_itself(how);
        let said = said(&sandbox, &mut server(&sandbox, &["probe"]));
        assert_refused(&said, 125, "8 servers have started each other");
        assert_eq!(sandbox.read("starts").lines().count(), 8, "{how}");
    }
}

#[test]
fn the_variable_that_counts_them_refuses_and_lets_nothing_through() {
    let sandbox = allowed(SERVER);
    let run = |depth: &str| said(&sandbox, server(&sandbox, &ARGV).env("KEYSTENCIL_NESTING", depth));
    for (depth, next) in [("", "1"), ("nonsense", "1"), ("-3", "1"), ("0", "1"), ("2", "3")] {
        let said = run(depth);
        assert!(said.code == 0 && said.out.contains(&format!("KEYSTENCIL_NESTING={next}\n")), "{depth}: {said:?}");
        assert_eq!(said.out.matches("KEYSTENCIL_NESTING").count(), 1, "{said:?}");
    }
    assert_refused(&run("8"), 125, "8 servers");
    assert_refused(&run("18446744073709551615"), 125, "8 servers");
    let mut other = server(&sandbox, &["probe", "-y", "/home/me/data", "other words"]);
    assert_refused(&said(&sandbox, other.env("KEYSTENCIL_NESTING", "1")), 125, "argument 3");
}

#[test]
fn a_template_with_a_wrapped_server_is_an_error_with_its_place() {
    let sandbox = Sandbox::with_key();
    sandbox.write_program("bin/probe", PROBE);
    for (text, place) in [
        (
            r#"{"mcpServers": {"a": {"command": "x"},
  "github": {"command": "/usr/bin/keystencil", "args": ["run", "--for", "claude:/mcpServers/github", "--", "npx"],
    "env": {"TOKEN": "<< keyring('github') >>"}}}}"#,
            "claude.json:3:",
        ),
        (r#"{"mcp": {"b": {"command": ["keystencil", "run", "--for", "claude:/mcp/b", "--", "npx"]}}}"#, "claude.json"),
        (
            r#"{"mcpServers": {"github": {"url": "https://h/", "headers": {"A": "<< keyring('github') >>"},
  "headersHelper": "keystencil headers --for claude:/mcpServers/github"}}}"#,
            "claude.json:1:",
        ),
    ] {
        sandbox.write(".config/keystencil/claude.json", text);
        for arguments in [&["render"][..], &["allow"], &["diff"], &["exec", "--", "true"]] {
            let said = said(&sandbox, &mut with_path(&sandbox, arguments));
            assert!([2, 125].contains(&said.code), "{arguments:?} {said:?}");
            assert!(said.err.contains("in its wrapped form") && said.err.contains(place), "{arguments:?} {said:?}");
            assert!(said.err.contains("deliver = \"wrap\"") && !sandbox.path("live.json").exists(), "{said:?}");
        }
    }
}

#[test]
fn folders_that_are_other_than_at_the_yes_are_said() {
    let sandbox = allowed(SERVER);
    let empty = Sandbox::empty();
    let run = |name: &str| said(&sandbox, server(&sandbox, &ARGV).env(name, empty.home()));
    assert_refused(&run("XDG_STATE_HOME"), 125, "nobody allowed");
    assert_refused(&run("XDG_CONFIG_HOME"), 125, "no target");
    assert_refused(&run("XDG_DATA_HOME"), 125, "`github`");
    assert_refused(&run("HOME"), 125, "no target");
    // Everything of ours is where it was, and the program would find another home.
    let mut command = server(&sandbox, &ARGV);
    for (name, at) in
        [("XDG_STATE_HOME", ".local/state"), ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")]
    {
        command.env(name, sandbox.path(at));
    }
    sandbox.write(
        ".config/keystencil/config.toml",
        &format!("[targets.claude]\ntemplate = 'claude.json'\npath = '{}'\n", sandbox.path("live.json").display()),
    );
    assert_refused(&said(&sandbox, command.env("HOME", empty.home())), 125, "`HOME` names a different folder");
}
