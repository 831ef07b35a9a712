//! Identities of an age plugin: `age-plugin-kst`, a plugin of these tests that speaks the protocol.

use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use crate::terminal::line_with_typed;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli");

fn path() -> String {
    // Python may be anywhere that the tests themselves find it.
    format!("{PLUGINS}:{}", std::env::var("PATH").unwrap())
}

/// Again where the time limit of the stores was over: a plugin in Python takes more than that on a loaded machine.
fn run(sandbox: &Sandbox, does: &str, arguments: &[&str]) -> Said {
    run_with_input(sandbox, does, arguments, "")
}

fn run_with_input(sandbox: &Sandbox, does: &str, arguments: &[&str], input: &str) -> Said {
    let run = || {
        let mut command = sandbox.command(arguments);
        command.env("PATH", path()).env("KST_DOES", does).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        sandbox.said(&child.wait_with_output().unwrap())
    };
    let is_slow =
        |said: &Said| !["hang", "linger"].contains(&does) && said.err.contains("the vault did not answer within");
    (0..30).map(|_| run()).find(|said| !is_slow(said)).unwrap_or_else(|| panic!("{arguments:?}: it never answers"))
}

/// What the plugin makes as an identity file.
fn generate(sandbox: &Sandbox) -> String {
    let made = Command::new(format!("{PLUGINS}/age-plugin-kst")).arg("--generate").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    sandbox.write("key.txt", &String::from_utf8(made.stdout).unwrap());
    fs::set_permissions(sandbox.path("key.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    sandbox.read("key.txt")
}

/// A home with the key in a vault whose identity is the plugin's.
fn with_plugin() -> Sandbox {
    let sandbox = Sandbox::with_key();
    generate(&sandbox);
    let said = run(&sandbox, "", &["vault", "rekey", "--identity", "key.txt"]);
    assert_eq!(said.code, 0, "{said:?}");
    sandbox
}

#[test]
fn a_plugin_opens_the_vault_and_seals_it() {
    let sandbox = with_plugin();
    assert_eq!(run(&sandbox, "", &["secret", "get", "github"]).out, format!("{KEY}\n"));
    assert_eq!(run_with_input(&sandbox, "", &["secret", "set", "b"], "2").code, 0);
    assert_eq!(run(&sandbox, "", &["secret", "get", "b"]).out, "2\n");
    assert_eq!(run(&sandbox, "", &["exec", "--", "cat", "live.json"]).code, 0);
    // The age tool opens it by the same plugin.
    let vault = sandbox.path(".local/share/keystencil/vault.age");
    let age = Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(sandbox.path("key.txt"))
        .arg(vault)
        .env("PATH", path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&age.stdout).contains("github"), "{age:?}");
    // And away from it.
    assert_eq!(run(&sandbox, "", &["vault", "rekey"]).code, 0);
    assert_eq!(sandbox.run(&["secret", "get", "github"]).out, format!("{KEY}\n"));
}

#[test]
fn a_plugin_that_is_missing_fails_or_dies_is_named_and_nothing_is_changed() {
    let sandbox = with_plugin();
    let before = sandbox.files();
    let said = sandbox.run(&["secret", "get", "github"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the age plugin `age-plugin-kst` is not installed\n"), "{said:?}");
    assert!(said.err.contains("hint: install `age-plugin-kst` somewhere on PATH"), "{said:?}");
    for does in ["fail", "die", "ask"] {
        for arguments in [&["secret", "get", "github"][..], &["secret", "rm", "github"], &["vault", "rekey"]] {
            let said = run(&sandbox, does, arguments);
            assert_eq!(said.code, 2, "{does}: {said:?}");
            assert!(said.err.contains("`age-plugin-kst` failed or was refused"), "{does}: {said:?}");
            assert!(said.err.contains("hint: is its device plugged in?"), "{said:?}");
        }
    }
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_plugin_that_hangs_is_left_behind_after_the_time_limit() {
    let sandbox = with_plugin();
    let said = run(&sandbox, "hang", &["secret", "get", "github"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the vault did not answer within 3 s") && said.err.contains("age plugin"), "{said:?}");
}

#[test]
fn at_a_terminal_a_plugin_gets_its_pin_and_can_not_write_escape_sequences() {
    let sandbox = with_plugin();
    for (pin, code) in [("1234", 0), ("0000", 2)] {
        let line = format!("env PATH={} KST_DOES=ask {BINARY} secret get github --reveal", path());
        let (status, screen) = line_with_typed(&sandbox, &line, &format!("{pin}\n"));
        assert_eq!(status, code, "{screen}");
        assert!(screen.contains("PIN of the device: ") && screen.contains(r"look at the \u{1b}[31mdevice"), "{screen}");
        assert!(!screen.contains("1234") && screen.contains(KEY) == (code == 0), "{screen}");
    }
}

#[test]
fn a_plugin_s_key_is_a_recipient_and_its_identity_may_name_its_own() {
    let sandbox = with_plugin();
    let public = generate(&sandbox).lines().next().unwrap().split_whitespace().last().unwrap().to_owned();
    let list = run(&sandbox, "", &["vault", "recipients", "list"]).out;
    assert!(list.contains(&format!("(this machine)  {public}")), "{list}");
    let other = Command::new("age-keygen").output().unwrap();
    let other = String::from_utf8(other.stdout).unwrap();
    let other = other.lines().nth(1).unwrap().split_whitespace().last().unwrap().to_owned();
    assert_eq!(run(&sandbox, "", &["vault", "recipients", "add", &other]).code, 0);
    assert_eq!(run(&sandbox, "", &["secret", "get", "github"]).code, 0);
    // Without its public key nobody could seal to it.
    let sandbox = Sandbox::with_key();
    let identity = generate(&sandbox).lines().nth(1).unwrap().to_owned();
    sandbox.write("key.txt", &identity);
    assert_eq!(run(&sandbox, "", &["vault", "rekey", "--identity", "key.txt"]).code, 0);
    let said = run(&sandbox, "", &["vault", "recipients", "add", &other]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("does not name its public key\n") && said.err.contains("`# public key: age1…`"),
        "{said:?}"
    );
    // As a recipient of a vault with another identity.
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["vault", "recipients", "add", &public]);
    assert!(said.err.contains("its age plugin is not installed"), "{said:?}");
    assert_eq!(run(&sandbox, "", &["vault", "recipients", "add", &public, "--name", "token"]).code, 0);
    // It can't be written for, and can be taken out, without the plugin.
    let said = sandbox.run_with_input(&["secret", "set", "b"], "2");
    assert!(said.err.contains("its age plugin is not installed") && said.err.contains("recipients rm"), "{said:?}");
    assert_eq!(sandbox.run(&["secret", "get", "github"]).code, 0);
    assert_eq!(sandbox.run(&["vault", "recipients", "rm", "token"]).code, 0);
    assert_eq!(sandbox.run_with_input(&["secret", "set", "b"], "2").code, 0);
}

/// How often the plugin was started since the file was made.
fn starts(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.path("started")).unwrap_or_default().lines().count()
}

#[test]
fn what_only_looks_starts_no_plugin_and_says_what_it_does_not_know() {
    let sandbox = with_plugin();
    run(&sandbox, "", &["render", "--allow-new=1"]);
    run(&sandbox, "", &["unrender"]);
    let hook = r#"{"session_id":"s","hook_event_name":"SessionEnd","reason":"other"}"#;
    sandbox.write("started", "");
    for (arguments, input) in [
        (&["status"][..], ""),
        (&["status", "--json"], ""),
        (&["doctor"], ""),
        (&["secret", "list"], ""),
        (&["check"], ""),
        (&["check", "live.json"], ""),
        (&["hook", "session-end"], hook),
    ] {
        let said = run_with_input(&sandbox, "hang", arguments, input);
        assert_eq!(starts(&sandbox), 0, "{arguments:?}: {said:?}");
        assert!(
            ["hook", "status"].contains(&arguments[0])
                || said.whole().contains("`age-plugin-kst` is not started just to look"),
            "{arguments:?}: {said:?}"
        );
    }
    let line = format!("env PATH={} KST_DOES=ask {BINARY} status", path());
    let (_, screen) = line_with_typed(&sandbox, &line, "");
    assert!(starts(&sandbox) == 0 && screen.contains("uses github"), "{screen}");
    let line = format!("env PATH={} KST_DOES=ask {BINARY} secret list", path());
    let (code, screen) = line_with_typed(&sandbox, &line, "1234\n");
    assert!(code == 0 && starts(&sandbox) == 1 && screen.contains("github"), "{screen}");
}

#[test]
fn a_plugin_past_its_time_is_ended_with_what_it_started() {
    let sandbox = with_plugin();
    let said = run(&sandbox, "linger", &["secret", "get", "github"]);
    assert!(said.code == 2 && said.err.contains("the vault did not answer within 3 s"), "{said:?}");
    let ids = sandbox.read("lingers");
    assert_eq!(ids.lines().count(), 2, "{ids}");
    sandbox.wait_until(|| {
        let state = |id: &str| fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        ids.lines().all(|id| state(id).is_empty() || state(id).contains(") Z "))
    });
}
