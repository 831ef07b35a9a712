//! `deliver = "wrap"`: what is in a target whose servers are wrapped, and that every verb sees the plain ones.

use crate::sandbox::{BINARY, KEY, Sandbox};
use serde_json::Value;

const TEMPLATE: &str = r#"{
  "mcpServers": {
    "github": {
      "command": "npx",
      "args": ["-y", "server-github"],
      "env": { "TOKEN": "<< keyring('github') >>", "REGION": "eu" }
    },
    "bare": { "command": "server", "env": { "TOKEN": "<< keyring('github') >>" } }
  }
}
"#;

/// A home with a target of two servers, delivered as `config` says.
fn sandbox(config: &str) -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", TEMPLATE);
    deliver(&sandbox, config);
    for program in ["npx", "server"] {
        sandbox.write_program(&format!("bin/{program}"), crate::run::PROBE);
    }
    let path = crate::run::path(&sandbox);
    sandbox.with_variable("PATH", &path)
}

fn deliver(sandbox: &Sandbox, lines: &str) {
    let config = format!("[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n{lines}");
    sandbox.write(".config/keystencil/config.toml", &config);
}

fn live(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.live()).unwrap()
}

#[test]
fn a_wrapped_server_is_called_through_keystencil_and_the_file_never_holds_its_key() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    let said = sandbox.run(&["render"]);
    assert_eq!((said.code, said.err.as_str()), (0, "rendered ~/live.json: 0 slots filled, 2 wrapped\n"));
    let github = &live(&sandbox)["mcpServers"]["github"];
    assert_eq!(github["command"], BINARY);
    let call = ["run", "--for", "claude:/mcpServers/github", "--", "npx", "-y", "server-github"];
    assert_eq!(github["args"], Value::from(call.to_vec()));
    assert_eq!(github["env"]["TOKEN"], "<< keyring('github') >>");
    let bare = ["run", "--for", "claude:/mcpServers/bare", "--bare", "--", "server"];
    assert_eq!(live(&sandbox)["mcpServers"]["bare"]["args"], Value::from(bare.to_vec()));

    let before = sandbox.live();
    assert_eq!(sandbox.run(&["render"]).err, "unchanged ~/live.json: 0 slots filled, 2 wrapped\n");
    assert_eq!(
        sandbox.run(&["exec", "--", "cat", "live.json"]).out,
        before.replace(&sandbox.home().display().to_string(), "HOME")
    );
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.live(), before, "unrender leaves the wrapped form");
}

#[test]
fn the_way_of_delivery_is_changed_by_the_config_and_a_render_byte_for_byte_outside_the_servers() {
    let sandbox = sandbox("");
    sandbox.write("live.json", "{\n\t\"big\": 1e400,\r\n\t\"caf\\u00e9\": [1.0 ]\n}\n");
    sandbox.run(&["render"]);
    assert!(sandbox.live().contains("sk-canary"));
    sandbox.run(&["unrender"]);
    let plain = sandbox.live();
    for _ in 0..2 {
        deliver(&sandbox, "deliver = 'wrap'\n");
        assert_eq!(sandbox.run(&["render"]).code, 0);
        let wrapped = sandbox.live();
        assert!(wrapped.contains("\"--bare\"") && !wrapped.contains("sk-canary"));
        assert!(wrapped.starts_with("{\n\t\"big\": 1e400,\r\n\t\"caf\\u00e9\": [1.0 ]"));
        deliver(&sandbox, "deliver = 'file'\n");
        assert_eq!(sandbox.run(&["render"]).err, "rendered ~/live.json: 2 slots filled\n");
        assert!(sandbox.live().contains("sk-canary") && !sandbox.live().contains("--for"));
        assert_eq!(sandbox.run(&["unrender"]).code, 0);
        assert_eq!(sandbox.live(), plain);
    }
}

#[test]
fn a_file_that_is_rendered_now_is_wrapped_by_the_next_render_and_owes_nothing_any_more() {
    let sandbox = sandbox("");
    sandbox.run(&["render"]);
    deliver(&sandbox, "deliver = 'wrap'\n");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert!(!sandbox.live().contains("sk-canary") && sandbox.live().contains("--for"));
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert!(!sandbox.live().contains("sk-canary") && sandbox.live().contains("--for"));
}

#[test]
fn one_server_may_be_delivered_otherwise() {
    let sandbox = sandbox("deliver = 'wrap'\n[targets.claude.servers.github]\ndeliver = 'file'\n");
    assert_eq!(sandbox.run(&["render"]).err, "rendered ~/live.json: 1 slot filled, 1 wrapped\n");
    let live = live(&sandbox);
    assert_eq!(
        (&live["mcpServers"]["github"]["env"]["TOKEN"], &live["mcpServers"]["github"]["command"]),
        (&Value::from(KEY), &Value::from("npx"))
    );
    assert_eq!(live["mcpServers"]["bare"]["command"], BINARY);
    sandbox.run(&["unrender"]);
    assert!(!sandbox.live().contains("sk-canary") && sandbox.live().contains("claude:/mcpServers/bare"));
}

#[test]
fn what_cannot_be_wrapped_stays_closed_with_its_place_or_goes_into_the_file() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    let template = r#"{"env": {"OTHER": "<< keyring('github') >>"},
      "mcpServers": {"a": {"command": "${SHELL}", "env": {"TOKEN": "<< keyring('github') >>"}}}}"#;
    sandbox.write(".config/keystencil/claude.json", template);
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(!sandbox.live().contains("sk-canary"));
    for place in ["/env/OTHER is not in a server", "/mcpServers/a/command is a command that the host fills in"] {
        assert!(said.err.contains(place), "{}", said.err);
    }
    deliver(&sandbox, "deliver = 'auto'\n");
    assert_eq!(sandbox.run(&["render"]).err, "rendered ~/live.json: 2 slots filled\n");
    assert!(sandbox.live().contains("sk-canary"));
}

#[test]
fn a_server_that_is_reached_is_wrapped_only_for_a_host_that_tells_its_helper_the_address() {
    let template = r#"{"mcpServers": {"a": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer << keyring('github') >>"}}}}"#;
    let sandbox = sandbox("deliver = 'wrap'\n");
    sandbox.write(".config/keystencil/claude.json", template);
    let said = sandbox.run(&["render"]);
    assert!(said.code == 3 && said.err.contains("does not tell a helper the URL"), "{}", said.err);
    deliver(&sandbox, "profile = 'claude-code'\ndeliver = 'wrap'\n");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let helper = format!("{BINARY} headers --for claude:/mcpServers/a");
    assert_eq!(live(&sandbox)["mcpServers"]["a"]["headersHelper"], helper);
    assert_eq!(live(&sandbox)["mcpServers"]["a"]["headers"]["Authorization"], "Bearer << keyring('github') >>");
}

#[test]
fn diff_check_absorb_and_status_see_the_plain_servers() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    sandbox.run(&["render"]);
    let diff = sandbox.run(&["diff"]);
    assert_eq!((diff.code, diff.out.as_str()), (0, ""), "{}", diff.err);
    assert_eq!(sandbox.run(&["check", "live.json"]).code, 0);
    let status = sandbox.run(&["status"]);
    assert!(status.out.contains("  /mcpServers/github/env/TOKEN  by wrap\n"), "{}", status.out);
    assert!(status.out.contains("at rest") && !status.out.contains("plain text"), "{}", status.out);

    // The host lays it out anew, and somebody adds an argument and renames a server.
    let mut value = live(&sandbox);
    value["mcpServers"]["github"]["args"].as_array_mut().unwrap().push("--verbose".into());
    sandbox.write("live.json", &value.to_string());
    let diff = sandbox.run(&["diff"]);
    assert_eq!(diff.code, 1);
    assert!(diff.out.contains("--verbose") && !diff.out.contains("--for"), "{}", diff.out);
    let absorbed = sandbox.run(&["absorb", "--yes"]);
    assert_eq!(absorbed.code, 0, "{}", absorbed.err);
    let template = sandbox.read(".config/keystencil/claude.json");
    assert!(
        template.contains("--verbose") && !template.contains("--for") && template.contains("\"npx\""),
        "{template}"
    );
}

#[test]
fn a_wrapped_server_keeps_the_layout_of_its_host() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    sandbox.run(&["render"]);
    let again = serde_json::to_string_pretty(&live(&sandbox)).unwrap();
    sandbox.write("live.json", &again);
    assert_eq!(sandbox.run(&["render"]).err, "unchanged ~/live.json: 0 slots filled, 2 wrapped\n");
    assert_eq!(sandbox.live(), again);
}

#[test]
fn a_plain_server_and_one_whose_program_is_gone_are_told_of_and_mended_by_a_render() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    sandbox.run(&["render"]);
    let wrapped = sandbox.live();
    sandbox.write("live.json", &wrapped.replace(BINARY, "/gone/keystencil"));
    let status = sandbox.run(&["status"]);
    assert!(status.out.contains("not wrapped: /gone/keystencil is gone"), "{}", status.out);
    let doctor = sandbox.run(&["doctor"]).out;
    let doctor = doctor.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(doctor.contains("is wrapped by /gone/keystencil, which is gone"), "{doctor}");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.live(), wrapped);

    sandbox.write("live.json", &wrapped.replace("claude:/mcpServers/github", "claude:/mcpServers/old"));
    assert!(sandbox.run(&["status"]).out.contains("/mcpServers/github/env/TOKEN  not wrapped: `keystencil render`"));
    sandbox.run(&["render"]);
    assert_eq!(sandbox.live(), wrapped);
}

#[test]
fn a_wrapped_server_that_no_template_knows_stays_as_it_is() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    let other = r#"{"mcpServers": {"mine": {"command": "/x/keystencil", "args": ["run", "--for", "other:/mcpServers/mine", "--", "npx"], "env": {"K": "<< keyring('k') >>"}}}}"#;
    sandbox.write("live.json", other);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert!(sandbox.live().contains(
        r#""mine": {"command": "/x/keystencil", "args": ["run", "--for", "other:/mcpServers/mine", "--", "npx"]"#
    ));
    assert!(sandbox.live().contains("claude:/mcpServers/github"));
}

#[test]
fn a_locked_or_empty_store_does_not_hinder_a_render_that_fills_nothing() {
    let sandbox = sandbox("deliver = 'wrap'\n");
    sandbox.run(&["render"]);
    sandbox.run(&["secret", "rm", "github"]);
    assert_eq!(sandbox.run(&["render"]).err, "unchanged ~/live.json: 0 slots filled, 2 wrapped\n");
}

#[test]
fn an_import_may_wrap_the_servers_at_once_and_sees_plain_ones_afterwards() {
    let sandbox = Sandbox::empty();
    let (first, second) = ("tok-0q8w7e6r5t4y3u2i1o9p", "tok-1q8w7e6r5t4y3u2i1o9q"); // keystencil: allow
    let plain = r#"{"mcpServers": {"a": {"command": "npx", "args": ["x"], "env": {"API_TOKEN": "KEY"}}}}"#;
    sandbox.write(".claude.json", &plain.replace("KEY", first));
    let said = sandbox.run(&["import", ".claude.json", "--yes", "--deliver", "wrap"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(sandbox.read(".config/keystencil/config.toml").contains("deliver = \"wrap\"\n"));
    let live = sandbox.read(".claude.json");
    assert!(live.contains(r#""args": ["run", "--for", "claude:/mcpServers/a", "--", "npx", "x"]"#), "{live}");
    assert!(!live.contains(first));
    let template = sandbox.read(".config/keystencil/claude.json");
    assert!(template.contains("\"npx\"") && !template.contains("--for"), "{template}");

    // Another key in the same file: the plan shows the plain servers.
    sandbox.write(".claude.json", &live.replace("\"x\"]", &format!("\"x\", \"--token={second}\"]")));
    let shown = sandbox.run(&["import", ".claude.json", "--dry-run", "--json", "--template", "other.json"]);
    assert!(shown.out.contains("/mcpServers/a/args/1"), "{}{}", shown.out, shown.err);
}

/// Starts a server of the live file as its host does, and says what it was given.
fn started(sandbox: &Sandbox, server: &str) -> String {
    let live = live(sandbox);
    let server = live.pointer(server).unwrap();
    let object = server.get("transport").unwrap_or(server);
    let object = if object["command"].is_object() { &object["command"] } else { object };
    let program = ["path", "cmd", "command"].into_iter().find_map(|name| object.get(name)).unwrap();
    let words: Vec<&str> = match program {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one
            .as_str()
            .into_iter()
            .chain(object["args"].as_array().into_iter().flatten().filter_map(Value::as_str))
            .collect(),
    };
    let env = ["env", "environment", "envs"].into_iter().find_map(|name| object.get(name)).unwrap();
    assert_eq!(words[0], BINARY);
    let mut command = sandbox.strict_command(&words[1..]);
    command.env("PATH", crate::run::path(sandbox));
    command.envs(env.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap())));
    let said = sandbox.said(&command.output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{words:?} {said:?}");
    said.out
}

#[test]
fn what_stands_in_the_file_starts_the_server_with_its_key_in_every_shape() {
    let env = r#"{"TOKEN": "<< keyring('github') >>", "REGION": "eu"}"#;
    for (container, server, words) in [
        ("mcpServers", format!(r#"{{"command": "probe", "args": ["x"], "env": {env}}}"#), 2),
        ("mcpServers", format!(r#"{{"command": "probe", "args": [], "env": {env}}}"#), 1),
        ("mcpServers", format!(r#"{{"command": "probe", "env": {env}}}"#), 1),
        ("mcp", format!(r#"{{"command": ["probe", "x"], "environment": {env}}}"#), 2),
        ("context_servers", format!(r#"{{"command": {{"path": "probe", "args": ["x"], "env": {env}}}}}"#), 2),
        ("mcpServers", format!(r#"{{"transport": {{"command": "probe", "args": ["x"], "env": {env}}}}}"#), 2),
        ("mcpServers", format!(r#"{{"transport": {{"command": "probe", "env": {env}}}}}"#), 1),
        ("extensions", format!(r#"{{"cmd": "probe", "args": ["x"], "envs": {env}}}"#), 2),
        ("mcpServers", format!(r#"[{{"name": "a", "command": "probe", "args": ["x"], "env": {env}}}]"#), 2),
        ("mcpServers", format!(r#"[{{"name": "a", "transport": {{"command": "probe", "env": {env}}}}}]"#), 1),
    ] {
        let sandbox = sandbox("deliver = 'wrap'\n");
        let (servers, pointer) = match server.starts_with('[') {
            true => (server.clone(), "0"),
            false => (format!(r#"{{"a": {server}}}"#), "a"),
        };
        sandbox.write(".config/keystencil/claude.json", &format!(r#"{{"{container}": {servers}}}"#));
        sandbox.write_program("bin/probe", crate::run::PROBE);
        // A list is merged whole, so what it starts is a thing of its own.
        let things = if pointer == "0" { "--allow-new=2" } else { "--allow-new=1" };
        let allowed = sandbox.said(&crate::run::with_path(&sandbox, &["allow", things]).output().unwrap());
        assert_eq!(allowed.code, 0, "{server} {allowed:?}");
        let rendered = sandbox.said(&crate::run::with_path(&sandbox, &["render"]).output().unwrap());
        assert_eq!(rendered.err, "rendered ~/live.json: 0 slots filled, 1 wrapped\n", "{server}");
        let out = started(&sandbox, &format!("/{container}/{pointer}"));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..words], ["HOME/bin/probe", "x"][..words], "{server}");
        assert!(lines.contains(&format!("TOKEN={KEY}").as_str()) && lines.contains(&"REGION=eu"), "{out}");
    }
}
