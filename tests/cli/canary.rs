//! No byte of a key in anything that is said or left, whatever command is run (invariant 6).

use crate::sandbox::{KEY, Said, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Every form in which the key may be somewhere.
fn forms() -> Vec<Vec<u8>> {
    let json = serde_json::to_string(KEY).unwrap();
    let json = json.trim_matches('"').to_owned();
    let url: String = KEY
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let mut forms = vec![KEY.to_owned(), json.clone(), json.replace('\\', "\\\\").replace('"', "\\\""), url];
    for lead in 0..3 {
        // Base64 of the key after 0, 1 and 2 other bytes, without the characters that depend on its neighbours.
        let text = STANDARD.encode([&b"xx"[..lead], KEY.as_bytes()].concat());
        let clean = text.trim_end_matches('=');
        let start = [0, 2, 3][lead];
        forms.push(clean[start..clean.len() - 1].to_owned());
    }
    // The middle of it alone: what a careless cut of the ends would leave.
    forms.push(KEY[3..KEY.len() - 3].to_owned());
    forms.into_iter().map(String::into_bytes).collect()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        assert!(memchr::memmem::find(bytes, &form).is_none(), "{what} holds {}", String::from_utf8_lossy(&form));
    }
}

fn check(sandbox: &Sandbox, what: &str, said: &Said, may_hold: &[&str]) {
    assert_clean(what, said.whole().as_bytes());
    for (path, content) in sandbox.files() {
        assert_clean(what, path.to_string_lossy().as_bytes());
        if !may_hold.iter().any(|name| path.ends_with(name)) {
            assert_clean(&format!("{}, after {what}", path.display()), &content);
        }
    }
}

#[test]
fn no_command_says_or_leaves_a_key_even_with_a_log() {
    for log in ["", "debug"] {
        says_and_leaves_no_key(&Sandbox::with_key().with_variable("KEYSTENCIL_LOG", log));
    }
}

fn says_and_leaves_no_key(sandbox: &Sandbox) {
    sandbox.write(
        ".config/keystencil/claude.json",
        r#"{"mcpServers": {"github": {"env": {"TOKEN": "<< keyring('github') >>", "B": "<< keyring('github') | b64encode >>"},
            "url": "https://x.example/?k=<< keyring('github') | urlencode >>&x"}}}"#,
    );
    let at_rest: &[&[&str]] = &[
        &["-v", "diff"],
        &["diff", "--json"],
        &["diff", "--patch"],
        &["-v", "status"],
        &["status", "--json"],
        &["secret", "list"],
        &["secret", "list", "--json"],
        &["-v", "recover"],
        &["-v", "render", "--dry-run"],
        &["-v", "render", "--on-conflict", "fail", "--owner", "4194305"],
        &["-v", "exec", "--", "true"],
        &["-v", "exec", "--", "no-such-program"],
        &["-v", "unrender"],
        &["-v", "unrender", "--all"],
    ];
    let rendered: &[&[&str]] = &[
        &["-v", "diff"],
        &["diff", "--json"],
        &["-v", "diff", "--rendered"],
        &["diff", "--rendered", "--stat"],
        &["diff", "--rendered", "--json"],
        &["diff", "--rendered", "--patch"],
        &["-v", "status"],
        &["status", "--json"],
        &["-v", "recover"],
        &["-v", "render"],
        &["render", "--json"],
        &["-v", "exec", "--", "true"],
        &["render", "--on-conflict", "fail", "nonsense"],
    ];
    for arguments in at_rest {
        check(sandbox, &arguments.join(" "), &sandbox.run(arguments), &[]);
    }
    check(sandbox, "render", &sandbox.run(&["-v", "render"]), &["live.json"]);
    assert!(sandbox.live().contains("sk-canary"));
    for arguments in rendered {
        check(sandbox, &arguments.join(" "), &sandbox.run(arguments), &["live.json"]);
    }
    // The user breaks the file while it is rendered.
    let whole = sandbox.live();
    sandbox.write("live.json", whole.trim_end().trim_end_matches('}'));
    for arguments in rendered {
        check(sandbox, &arguments.join(" "), &sandbox.run(arguments), &["live.json"]);
    }
    sandbox.write("live.json", &whole);
    check(sandbox, "unrender", &sandbox.run(&["-v", "unrender"]), &[]);
}

#[test]
fn a_key_that_can_not_be_stored_is_not_left_anywhere() {
    let sandbox = Sandbox::with_key();
    let set = |what: &str, arguments: &[&str]| {
        let said = sandbox.run_with_input(arguments, KEY);
        assert_eq!(said.code, 2, "{said:?}");
        check(&sandbox, what, &said, &[]);
    };
    set("a name that is none", &["-v", "secret", "set", ""]);
    set("no keyring", &["-v", "--store", "native", "secret", "set", "other"]);
    sandbox.write(".config/keystencil/identity.txt", "nonsense");
    set("a broken identity", &["-v", "secret", "set", "other"]);
    std::fs::remove_file(sandbox.path(".config/keystencil/identity.txt")).unwrap();
    set("no identity", &["-v", "secret", "set", "other"]);
}

#[test]
fn a_key_that_stands_where_a_reference_should_is_not_shown_by_any_complaint() {
    let sandbox = Sandbox::with_key();
    let key = serde_json::to_string(KEY).unwrap();
    sandbox.write("live.json", &format!("{{\"mcpServers\": {{\"github\": {{\"env\": {{\"TOKEN\": {key}}}}}}}}}"));
    for arguments in [&["diff"][..], &["diff", "--json"], &["render", "--dry-run"], &["status"]] {
        check(&sandbox, &arguments.join(" "), &sandbox.run(arguments), &["live.json"]);
    }
    // It is the secret itself, so it is residue, and a render and unrender leave the placeholder.
    check(&sandbox, "render", &sandbox.run(&["render"]), &["live.json"]);
    check(&sandbox, "unrender", &sandbox.run(&["unrender"]), &[]);
}
