//! `absorb`, killed at each call and refused each: a template is the old one or the new one, and has no secret in it.

use crate::scratch::{GITHUB, Home, OPENAI, said};
use crate::trace::{inject, kill_at, points};
use std::fs;
use std::path::PathBuf;

const TEMPLATE: &str = r#"{
  // The servers of this machine.
  "mcpServers": {
    "search": { "command": "search", "env": { "KEY": "<< keyring('openai') >>" } }, // the first
    "hub": <% include "hub.json" %>
  },
  "theme": "dark",
}
"#;
const INCLUDED: &str = "{\n  // included\n  \"type\": \"http\",\n  \"headers\": { \"Authorization\": \"Bearer << keyring('github') >>\" }\n}\n";

/// The template, and the file that it includes.
fn templates(home: &Home) -> [PathBuf; 2] {
    [home.template(), home.path("dotfiles/hub.json")]
}

fn texts(home: &Home) -> [String; 2] {
    templates(home).map(|path| fs::read_to_string(path).unwrap())
}

/// A rendered target in which the host moved a secret, added a server and changed a setting of either file.
fn prepared() -> Home {
    let mut home = Home::new();
    for (path, text) in templates(&home).iter().zip([TEMPLATE, INCLUDED]) {
        fs::write(path, text).unwrap();
    }
    home.succeeds(&["render"]);
    let text = String::from_utf8(home.text()).unwrap().replace("\\ud800", "@lone@");
    let mut live: serde_json::Value = serde_json::from_str(&text).unwrap();
    live["theme"] = "light".into();
    live["mcpServers"]["hub"]["type"] = "sse".into();
    live["mcpServers"]["added"] = serde_json::json!({ "env": { "A": OPENAI, "B": format!("token {GITHUB}") } });
    let text = serde_json::to_string_pretty(&live).unwrap().replace("@lone@", "\\ud800");
    fs::write(home.target(), text).unwrap();
    home.keep();
    home
}

#[test]
fn an_absorb_killed_or_refused_at_any_call_leaves_each_template_old_or_new_and_can_be_run_again() {
    let home = prepared();
    let (old, live) = (texts(&home), home.text());
    let args = ["absorb", "--yes"];
    let points = points(&home, &args, false);
    let new = texts(&home);
    assert!(old[0] != new[0] && old[1] != new[1] && new[0].contains("added"), "{new:?}");
    assert_eq!(new.concat().matches("<< keyring").count(), 4, "{new:?}");
    let (mut killed, mut refused) = (0, 0);
    for (turn, point) in points.iter().enumerate() {
        home.restore();
        let (output, was_killed) = kill_at(&home, &args, point);
        killed += usize::from(was_killed);
        check(&home, &format!("killed at {point:?}: {}", said(&output)), [&old, &new], &live);
        // Without room for a thread nothing is compiled, and a hunk is left to the user.
        let Some(error) = point.error(turn).filter(|error| *error != "EAGAIN") else { continue };
        home.restore();
        let output = inject(&home, &args, point, &format!("error={error}"), "");
        refused += usize::from(!output.status.success());
        let (when, code) = (format!("{error} at {point:?}: {}", said(&output)), output.status.code());
        assert!(code.is_some_and(|code| [0, 2, 3].contains(&code)), "{when}");
        if code == Some(2) {
            assert!(when.contains("error: ") && texts(&home) == old, "an error that changed something: {when}");
        }
        check(&home, &when, [&old, &new], &live);
    }
    println!("absorb: killed {killed} times, refused {refused} times, at {} calls", points.len());
    assert!(killed * 10 >= points.len() * 8 && refused > 0, "only {killed} of {} runs were killed", points.len());
}

fn check(home: &Home, when: &str, [old, new]: [&[String; 2]; 2], live: &[u8]) {
    for (number, text) in texts(home).iter().enumerate() {
        assert!([&old[number], &new[number]].contains(&text), "neither old nor new: {text}\n{when}");
    }
    // The target is only read, and stays rendered; so it is the one place that may hold a secret.
    assert!(home.text() == live, "{when}");
    home.succeeds(&["unrender"]);
    home.assert_no_secret(when);
    let again = home.run(&["absorb", "--yes"]);
    assert!(again.status.success(), "again: {}\n{when}", said(&again));
    assert!(texts(home) == *new, "again it is another template: {:?}\n{when}", texts(home));
    home.until_quiet();
    home.assert_nothing_owed(when);
}
