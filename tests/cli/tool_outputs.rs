//! `hook post-tool-use`: keys in what a tool put out are closed, and everything else is passed on.

use crate::deliveries::{allowed, headers, random, start};
use crate::run::{said, with_path};
use crate::sandbox::{Running, Said, Sandbox};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const GONE: &str = "[keystencil: github removed]";

/// What the hook answers to such an input.
fn answered(sandbox: &Sandbox, input: &str) -> Said {
    let mut command = sandbox.strict_command(&["hook", "post-tool-use"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let said = sandbox.said(&child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said
}

fn input(response: &Value) -> String {
    json!({
        "session_id": "s", "hook_event_name": "PostToolUse", "tool_name": "Bash",
        "tool_input": { "command": "env" }, "tool_response": response
    })
    .to_string()
}

/// The output of a tool as the client gets it afterwards; `None` if nothing was said.
fn after(sandbox: &Sandbox, response: &Value) -> Option<Value> {
    let said = answered(sandbox, &input(response));
    if said.out.is_empty() {
        return None;
    }
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["hookSpecificOutput"]["hookEventName"], "PostToolUse");
    Some(answer["hookSpecificOutput"]["updatedToolOutput"].clone())
}

#[test]
fn a_key_that_a_running_server_has_is_closed_in_every_string_until_the_server_ends() {
    let sandbox = allowed();
    let running = start(&sandbox);
    let key = random();
    let encoded = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let response = |token: &str, json: &str, basic: &str, wrapped: &str| {
        json!({
            "stdout": format!("TOKEN={token}\nREGION=eu\n"), "stderr": "", "interrupted": false, "exit": 0, "size": 1.5,
            "content": [{ "type": "text", "text": json }, { "text": basic }, { "text": wrapped }], "none": null
        })
    };
    let text = json!({ "env": { "TOKEN": key } }).to_string();
    let gone = json!({ "env": { "TOKEN": GONE } }).to_string();
    let basic = encoded(&format!("user:{key}"));
    let hex = hex::encode(&key);
    let closed = after(&sandbox, &response(&key, &text, &basic, &format!("{}\n{}", &hex[..20], &hex[20..]))).unwrap();
    let shown = closed["content"][1]["text"].as_str().unwrap();
    assert!(shown.contains(GONE) && shown.len() < 50, "{shown}");
    assert_eq!(closed, response(GONE, &gone, shown, GONE));
    // The value as its reference encodes it is known as well.
    assert_eq!(after(&sandbox, &json!(encoded(&key))), Some(json!(GONE)));
    assert_eq!(after(&sandbox, &json!({ "stdout": "nothing" })), None);
    drop(running);
    assert_eq!(after(&sandbox, &json!({ "stdout": key })), None);
}

#[test]
fn a_key_in_a_rendered_file_is_closed_and_one_that_may_be_any_word_is_not() {
    let sandbox = Sandbox::with_target();
    sandbox.write(
        ".config/keystencil/claude.json",
        r#"{"mcpServers": {"a": {"command": "x", "env": {"A": "<< keyring('github') >>", "B": "<< keyring('words') >>"}}}}"#,
    );
    sandbox.store("github", &random());
    sandbox.store("words", "correct horse battery staple");
    assert_eq!(after(&sandbox, &json!(random())), None);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let live = sandbox.live();
    assert!(live.contains(&random()) && live.contains("battery staple"), "{live}");
    let closed = after(&sandbox, &json!({ "file": { "content": live } })).unwrap();
    assert_eq!(closed["file"]["content"], live.replace(&random(), GONE));
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(after(&sandbox, &json!(random())), None);
}

#[test]
fn what_headers_printed_is_closed_while_the_program_that_asked_runs() {
    let sandbox = allowed();
    assert_eq!(said(&sandbox, &mut headers(&sandbox)).code, 0);
    assert_eq!(after(&sandbox, &json!([format!("Bearer {}", random())])), Some(json!([format!("Bearer {GONE}")])));
}

#[test]
fn whatever_is_wrong_the_output_is_passed_on() {
    let sandbox = allowed();
    let running = start(&sandbox);
    let key = random();
    let whole = input(&json!(key));
    for text in [
        "",
        "null",
        "[]",
        "{\"hook_event_name\":",
        &whole[..whole.len() - 1],
        &whole.replace("PostToolUse", "PreToolUse"),
        &whole.replace("tool_response", "tool_result"),
        &whole.replace("\"hook_event_name\":\"PostToolUse\",", ""),
        &format!("{whole}]").replacen('{', "[", 1),
    ] {
        assert_eq!(answered(&sandbox, text).out, "", "{text}");
    }
    // Neither a journal nor a note that can't be read keeps the others from being known.
    let state = sandbox.path(".local/state/keystencil");
    for (name, text) in [("x.journal.json", "{"), ("y.owed.json", "[{}]"), ("deliveries/1-z.json", "\0")] {
        fs::write(state.join(name), text).unwrap();
    }
    assert_eq!(after(&sandbox, &json!(key)), Some(json!(GONE)));
    let (open, shut) = ("[".repeat(50_000), "]".repeat(50_000));
    let deep = whole.replace(&format!("\"{key}\""), &format!("{open}\"{key}\"{shut}"));
    assert!(answered(&sandbox, &deep).out.contains(&format!("{open}\"{GONE}\"{shut}")));
    drop(running);
}

#[test]
fn a_large_output_is_closed_and_one_without_keys_is_read_to_its_end() {
    let sandbox = allowed();
    let large = "lines of a log, and a little more of it \u{e9}\n".repeat(25_000);
    assert_eq!(after(&sandbox, &json!(large)), None);
    let running = start(&sandbox);
    assert_eq!(after(&sandbox, &json!(large)), None);
    let closed = after(&sandbox, &json!(format!("{large}{}\n{large}", random()))).unwrap();
    assert!(closed.as_str() == Some(format!("{large}{GONE}\n{large}").as_str()));
    drop(running);
}

#[test]
fn an_input_that_is_never_closed_is_answered_as_soon_as_its_value_is_there() {
    let sandbox = allowed();
    let running = start(&sandbox);
    let mut command = with_path(&sandbox, &["hook", "post-tool-use"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut open = child.stdin.take().unwrap();
    writeln!(open, " {}", input(&json!(random()))).unwrap();
    let child = RefCell::new(Running(child));
    sandbox.wait_until(|| child.borrow_mut().0.try_wait().unwrap().is_some());
    let mut out = String::new();
    std::io::Read::read_to_string(child.borrow_mut().0.stdout.as_mut().unwrap(), &mut out).unwrap();
    assert!(out.contains(GONE), "{out}");
    drop((open, running));
}
