//! `import` takes the whole secret, or says that it did not: private keys, several secrets in one string, and what
//! `check` finds afterwards.

use crate::planted::planted;
use crate::sandbox::{Said, Sandbox};

const TEMPLATE: &str = ".config/keystencil/claude.json";
/// So many generated configs are imported by the program itself; the pure layer does thousands.
const CASES: u64 = 16;

/// Base64 that is not a key's.
fn lines(seed: &str) -> Vec<String> {
    let hash = |number: u32| blake3::hash(format!("{seed} {number}").as_bytes()).to_hex().to_string();
    (0..4).map(|number| format!("{}aZ9", &hash(number)[..61])).collect()
}

fn block(kind: &str, newline: &str, seed: &str) -> String {
    let (first, last) = (format!("-----{} {kind}-----", "BEGIN"), format!("-----{} {kind}-----", "END"));
    [vec![first], lines(seed), vec![last, String::new()]].concat().join(newline)
}

fn env(members: &[(&str, &str)]) -> String {
    let members: serde_json::Map<_, _> =
        members.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    serde_json::json!({ "mcpServers": { "a": { "command": "x", "env": members } } }).to_string()
}

#[track_caller]
fn imported(config: &str) -> (Sandbox, Said) {
    let sandbox = Sandbox::empty();
    sandbox.write(".claude.json", config);
    let said = sandbox.run(&["import", ".claude.json", "--yes"]);
    (sandbox, said)
}

/// Imports; nothing of the secrets is left, `check` finds nothing, and the file comes back.
#[track_caller]
fn gone(config: &str, secrets: &[String]) -> Sandbox {
    let (sandbox, said) = imported(config);
    assert_eq!(said.code, 0, "{}", said.whole());
    for secret in secrets {
        let left = [sandbox.read(".claude.json"), sandbox.read(TEMPLATE), said.whole()];
        assert!(left.iter().all(|text| !text.contains(secret.as_str())), "{secret} is left in {left:?}");
    }
    let check = sandbox.run(&["check", ".claude.json", TEMPLATE]);
    assert_eq!(check.code, 0, "{}", check.whole());
    assert_eq!(sandbox.run(&["-q", "exec", "--", "cat", ".claude.json"]).out, config);
    sandbox
}

#[test]
fn a_private_key_of_any_kind_is_taken_to_its_last_line_and_two_are_two_secrets() {
    for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        for newline in ["\n", "\r\n", "\\n", " "] {
            let (one, two) = (block(kind, newline, "one"), block(kind, newline, "two"));
            let secrets = [lines("one"), lines("two")].concat();
            let sandbox = gone(&env(&[("GITHUB_APP_PRIVATE_KEY", &one), ("STUFF", &two)]), &secrets);
            let listed: serde_json::Value =
                serde_json::from_str(&sandbox.run(&["secret", "list", "--json"]).out).unwrap();
            assert_eq!(listed.as_array().map_or(0, Vec::len), 2, "{kind}: {listed}");
        }
    }
}

#[test]
fn a_service_account_in_a_string_and_two_keys_in_one_are_taken_whole() {
    let key = block("PRIVATE KEY", "\n", "one");
    let account = serde_json::json!({ "type": "service_account", "private_key": key }).to_string();
    gone(&env(&[("GOOGLE_CREDENTIALS", &account)]), &lines("one"));
    gone(&env(&[("STUFF", &account)]), &lines("one"));
    let two = key + &block("EC PRIVATE KEY", "\n", "two");
    gone(&env(&[("STUFF", &two)]), &[lines("one"), lines("two")].concat());
}

#[test]
fn each_of_several_secrets_in_one_string_is_taken() {
    let [a, b] = ["pw1one", "pw2two"].map(ToOwned::to_owned);
    let long = format!("{}Xy", &lines("long")[0][..38]);
    for text in [
        format!("postgres://u:{a}@h/d,postgres://v:{b}@h/e"),
        format!("amqp://u:{a}@h1,v:{b}@h2/x"),
        format!("X-Api-Key: {a}\nX-Token: {b}"),
        format!("api-key={a},x-token={b}"),
        format!("SharedAccessKeyName=R;SharedAccessKey={a};Password={b}"),
        format!("jdbc:sqlserver://h:1433;user=sa;password={a};token={b}"),
        serde_json::json!({ "password": a, "x": serde_json::json!({ "token": b }).to_string() }).to_string(),
        format!("{}:{long}", ["AKIA", "Q3EGR6LDN7SZYB2T"].concat()),
    ] {
        gone(&env(&[("STUFF", &text)]), &[a.clone(), b.clone(), long.clone()]);
    }
}

#[test]
fn the_keys_of_an_env_file_are_taken_whole_and_neither_block_nor_comment_shows_them() {
    let (one, two) = (block("PRIVATE KEY", "\n", "one"), block("PRIVATE KEY", "\\n", "two"));
    let sandbox = Sandbox::empty();
    sandbox.write(".env", &format!("A=1\nSTUFF=\"{one}\"\nB_KEY=\"{two}\"\n"));
    let said = sandbox.run(&["import", ".env", "--yes", "--comment-out"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    for secret in [lines("one"), lines("two")].concat() {
        assert!(!said.whole().contains(&secret) && !sandbox.read(".env").contains(&secret), "{secret}");
    }
}

#[test]
fn a_key_in_another_form_in_a_comment_of_an_env_file_is_told_with_its_line() {
    let key = &lines("one")[0];
    let sandbox = Sandbox::empty();
    sandbox.write(".env", &format!("A=1\n# {}\nA_TOKEN={key}\n", hex::encode(key)));
    let said = sandbox.run(&["import", ".env", "--yes", "--comment-out"]);
    assert!(said.code == 3 && said.err.contains(".env:2:1"), "{}", said.whole());
}

#[test]
fn a_template_that_would_hold_a_key_is_not_written_and_nothing_is_changed() {
    let name = ["sk_", "live_", &lines("one")[0][..24]].concat();
    let config = env(&[("A_TOKEN", &lines("two")[0])]).replace("\"a\"", &format!("\"{name}\""));
    let (sandbox, said) = imported(&config);
    assert!(said.code == 2 && said.err.contains("claude.json:4"), "{}", said.whole());
    assert_eq!(sandbox.read(".claude.json"), config);
    assert!(!sandbox.path(TEMPLATE).exists() && sandbox.run(&["secret", "list", "--json"]).out.trim() == "[]");
}

#[test]
fn a_key_that_stays_in_the_file_is_told_with_its_place() {
    let (key, other) = (&lines("one")[0], &lines("two")[0]);
    let config = format!(
        "{{\"mcpServers\":{{\"a\":{{\"env\":{{\"A_TOKEN\":\"{key}\"}}}}}},\"h\":[\"{}\",\"my api_key: {other}\"]}}",
        hex::encode(key)
    );
    let (sandbox, said) = imported(&config);
    assert!(said.code == 3 && said.err.contains("slot /h/0") && said.err.contains("slot /h/1"), "{}", said.whole());
    assert!(!sandbox.read(TEMPLATE).contains(other));
}

#[test]
fn a_stored_key_of_the_config_is_a_key_in_another_file_too() {
    let key = "plain words of mine";
    let (sandbox, said) = imported(&env(&[("A_PASSWORD", key)]));
    assert_eq!(said.code, 0, "{}", said.whole());
    sandbox.write(
        "mcp.json",
        &format!("{{\"servers\":{{\"b\":{{\"args\":[\"{key}\"],\"x\":\"{}\"}}}}}}", hex::encode(key)),
    );
    let said = sandbox.run(&["import", "mcp.json", "--yes"]);
    let left = sandbox.read("mcp.json") + &sandbox.read(".config/keystencil/mcp.json");
    assert!(said.code == 0 && !left.contains(key) && !left.contains(&hex::encode(key)), "{}\n{left}", said.whole());
}

#[test]
fn a_password_that_every_manual_has_is_taken_from_its_place_alone() {
    let config = r#"{"mcpServers":{"pg":{"args":["@mcp/server-postgres","postgres://postgres:postgres@localhost/db"]},"o":{"args":["postgres-x"]}}}"#; // keystencil: allow
    let sandbox = gone(config, &[]);
    let live = sandbox.read(".claude.json");
    assert!(
        live.contains("@mcp/server-postgres") && live.contains("postgres-x") && live.contains("postgres:<<"),
        "{live}"
    );
}

#[test]
fn check_finds_nothing_in_what_the_program_leaves_after_an_import_that_ends_with_0() {
    let mut clean = 0;
    for number in 0..CASES {
        let config = planted(number);
        let (sandbox, said) = imported(&config.text);
        match said.code {
            0 => {
                let check = sandbox.run(&["check", ".claude.json", TEMPLATE]);
                assert_eq!(check.code, 0, "config {number}: {}\n{}", check.whole(), config.text);
                clean += 1;
            }
            3 => assert!(said.err.contains("warning: "), "config {number}: {}", said.whole()),
            _ => {
                assert_eq!(sandbox.read(".claude.json"), config.text, "config {number}: {}", said.whole());
                assert!(!sandbox.path(TEMPLATE).exists(), "config {number}");
            }
        }
    }
    assert!(clean > 0);
}

/// A value that looks drawn at random.
fn drawn(seed: &str) -> String {
    format!("{}aZ9", &blake3::hash(seed.as_bytes()).to_hex()[..27])
}

#[test]
fn lists_pairs_and_web_keys_are_told_of_by_what_stands_around_them() {
    let [a, b] = ["one", "two"].map(drawn);
    for members in [
        serde_json::json!({ "apiKeys": [a, b] }),
        serde_json::json!({ "secrets": { "main": a, "other": b } }),
        serde_json::json!({ "env": [{ "name": "API_KEY", "value": a }, { "value": b, "name": "DB_PASSWORD" }] }),
        serde_json::json!({ "env": [format!("API_KEY={a}"), format!("DB_PASSWORD={b}")] }),
        serde_json::json!({ "jwk": { "d": a, "kty": "RSA", "n": "AQAB", "p": b } }),
        serde_json::json!({ "args": [a, "--cred", b] }),
        serde_json::json!({ "args": [format!("root:{a}@tcp(db:3306)/shop"), format!("me:{b}@db.host:5432/x")] }),
        serde_json::json!({ "config": format!("[x]\nkey = 1\napi_key = \"{a}\"\npassword = '{b}'\n") }),
    ] {
        let mut server = serde_json::json!({ "command": "x" });
        server.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        gone(&serde_json::json!({ "mcpServers": { "a": server } }).to_string(), &[a.clone(), b.clone()]);
    }
}

#[test]
fn a_key_with_half_of_a_character_is_told_of_and_stays() {
    let config = format!(r#"{{"mcpServers":{{"a":{{"env":{{"API_KEY":"{}\ud800"}}}}}}}}"#, drawn("half"));
    let (sandbox, said) = imported(&config);
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(said.err.contains("/mcpServers/a/env/API_KEY"), "{}", said.err);
    assert_eq!(sandbox.read(".claude.json"), config);
}

#[test]
fn a_key_that_is_a_name_is_told_of_without_being_shown() {
    let key = format!("{}_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", "ghp");
    let config = serde_json::json!({ "mcpServers": { "a": { "env": { key.clone(): "1" } } } }).to_string();
    for flag in ["--yes", "--dry-run"] {
        let sandbox = Sandbox::empty();
        sandbox.write(".claude.json", &config);
        let said = sandbox.run(&["import", ".claude.json", flag]);
        assert_eq!(said.code, 3, "{}", said.whole());
        assert!(!said.whole().contains(&key) && said.whole().contains("/env/[redacted]"), "{}", said.whole());
    }
}

#[test]
fn a_value_of_several_lines_without_quotes_is_named_by_its_line() {
    let sandbox = Sandbox::empty();
    let text = format!("A=1\nKEY={}B=2\n", block("PRIVATE KEY", "\n", "one"));
    sandbox.write(".env", &text);
    for arguments in [&["import", ".env", "--yes"][..], &["import", ".env", "--yes", "--comment-out"]] {
        let said = sandbox.run(arguments);
        assert_eq!(said.code, 2, "{}", said.whole());
        assert!(said.err.contains(".env:3:1") && said.err.contains("double quotes"), "{}", said.err);
        assert_eq!(sandbox.read(".env"), text);
    }
}
