//! A keyring that is locked, frozen, killed or strange, as a hook, a script and the user at a terminal meet it.

use crate::below_nobody::prefix;
use crate::keepassxc::Asks;
use crate::keyring::{Keyring, installed};
use crate::sandbox::{BINARY, Running, Said};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const WAITING: &str = "waiting for the keyring to be unlocked\u{2026}";
const SESSION: &str = r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#;

/// A keyring's home, with a target whose template names so many references: `key-0`, `key-1`, …
pub(crate) fn with_target(keyring: &Keyring, names: &[String]) {
    let home = keyring.path();
    fs::create_dir_all(home.join(".config/keystencil")).unwrap();
    let config = "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n";
    fs::write(home.join(".config/keystencil/config.toml"), config).unwrap();
    let slots: Vec<String> = names.iter().map(|name| format!("\"{name}\": \"<< keyring('{name}') >>\"")).collect();
    fs::write(home.join(".config/keystencil/claude.json"), format!("{{{}}}", slots.join(", "))).unwrap();
    fs::write(home.join(".claude.json"), "{\"numStartups\": 1.0}\n").unwrap();
    if !keyring.keeps_no_seal {
        keyring.allow();
    }
}

pub(crate) fn github() -> Vec<String> {
    vec!["github".to_owned()]
}

/// Every file of the home with its content, but for what the keyring itself writes, our own locks, and the note of which
/// session runs (a process id).
fn tree(keyring: &Keyring) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![keyring.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if ["keyrings", "run", "fake", ".cache"].iter().any(|of| path.ends_with(of)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if !path.extension().is_some_and(|kind| kind == "guard" || kind == "lock" || kind == "session") {
                files.insert(path.clone(), fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

fn assert_unchanged(keyring: &Keyring, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let now = tree(keyring);
    let all = before.keys().chain(now.keys());
    let changed: Vec<_> = all.filter(|path| before.get(*path) != now.get(*path)).collect();
    assert!(before.len() > 2 && changed.is_empty(), "changed: {changed:?}");
}

pub(crate) fn run(keyring: &Keyring, arguments: &[&str], input: &str) -> Said {
    let mut words = if keyring.keeps_no_seal { prefix() } else { Vec::new() };
    words.push(BINARY.to_owned());
    words.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = keyring.try_run(words[0], &words[1..], input);
    let home = keyring.path().display().to_string();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME");
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The start of a session, for a client that lives as long as the test.
pub(crate) fn hook(keyring: &Keyring) -> String {
    let input = keyring.path().join("run/input");
    fs::write(&input, SESSION).unwrap();
    let mut hook = keyring.command(BINARY);
    hook.args(["hook", "session-start"]).env("CLAUDE_PID", std::process::id().to_string());
    let output = hook.stdin(fs::File::open(input).unwrap()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "a host is never failed: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The binary on a terminal of its own; what the screen shows goes to a file.
fn on_a_terminal(keyring: &Keyring, arguments: &str) -> (Running, PathBuf) {
    let screen = keyring.path().join("run/screen");
    let child = keyring
        .command("script")
        .args(["-qec", &format!("exec {} {BINARY} {arguments}", prefix().join(" ")), "/dev/null"])
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&screen).unwrap())
        .spawn();
    (Running(installed(child, "script", "bsdutils")), screen)
}

fn shown(screen: &Path) -> String {
    fs::read_to_string(screen).unwrap_or_default()
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "it did not happen: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// The service of `tests/support/secret_service.py`, on a bus of its own.
fn fake(behaviour: &str, value: &str) -> Keyring {
    let mut keyring = Keyring::bus_only();
    let folder = keyring.path().join("fake");
    fs::create_dir(&folder).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/secret_service.py");
    let mut service = keyring.command(&crate::names::python());
    service.args([script, behaviour]).arg(&folder).stdin(Stdio::piped());
    let mut service = service.spawn().unwrap();
    service.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    keyring.daemons.push(service);
    keyring.keeps_no_seal = true;
    wait_until("the service is on the bus", || folder.join("ready").exists());
    keyring
}

#[test]
fn a_locked_keyring_in_a_hook_is_an_error_and_nothing_is_written() {
    let keyring = Keyring::start();
    with_target(&keyring, &github());
    keyring.secret_tool_store("L", "service github username api-key", "canary");
    keyring.lock();
    let before = tree(&keyring);
    let said = hook(&keyring);
    assert!(said.contains("the keyring is locked") && said.contains("unlock it"), "{said}");
    assert_unchanged(&keyring, &before);
    let said = run(&keyring, &["render"], "");
    assert_eq!(said.code, 2, "{said:?}");
    assert_unchanged(&keyring, &before);
}

#[test]
fn a_locked_database_of_keepassxc_in_a_hook_is_an_error_and_nothing_is_written() {
    let keyring = Keyring::keepassxc(&[("github", "api-key", "canary")], Asks::default());
    with_target(&keyring, &github());
    keyring.lock_keepassxc();
    let before = tree(&keyring);
    let said = hook(&keyring);
    assert!(said.contains("the keyring is locked"), "{said}");
    assert_unchanged(&keyring, &before);
}

#[test]
fn a_frozen_keyring_ends_at_three_seconds_with_and_without_a_terminal() {
    let keyring = Keyring::start();
    with_target(&keyring, &github());
    keyring.freeze();
    let before = tree(&keyring);
    let said = run(&keyring, &["render"], "");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the keyring did not answer within 3 s"), "{said:?}");
    let (mut child, screen) = on_a_terminal(&keyring, "render");
    assert_eq!(child.0.wait().unwrap().code(), Some(2));
    let shown = shown(&screen);
    assert!(shown.contains("did not answer within 3 s") && !shown.contains(WAITING), "{shown}");
    assert_unchanged(&keyring, &before);
}

#[test]
fn at_a_terminal_a_person_who_unlocks_the_keyring_is_waited_for_and_told_so() {
    let keyring = fake("patient", "canary");
    with_target(&keyring, &github());
    let (mut child, screen) = on_a_terminal(&keyring, "render");
    wait_until("it says so", || shown(&screen).contains(WAITING));
    // Longer than any limit that a keyring has.
    sleep(Duration::from_millis(3500));
    assert!(child.0.try_wait().unwrap().is_none(), "{}", shown(&screen));
    fs::write(keyring.path().join("fake/unlock"), "").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0), "{}", shown(&screen));
    assert!(fs::read_to_string(keyring.path().join(".claude.json")).unwrap().contains("canary"));
    assert_eq!(shown(&screen).matches(WAITING).count(), 1);
}

#[test]
fn at_a_terminal_a_person_who_says_no_gets_an_error_and_nothing_is_written() {
    let keyring = fake("refusing", "canary");
    with_target(&keyring, &github());
    let before = tree(&keyring);
    let (mut child, screen) = on_a_terminal(&keyring, "render");
    wait_until("it says so", || shown(&screen).contains(WAITING));
    fs::write(keyring.path().join("fake/unlock"), "").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(2));
    assert!(shown(&screen).contains("the keyring is locked"), "{}", shown(&screen));
    assert_unchanged(&keyring, &before);
}

#[test]
fn what_is_waited_for_is_told_on_standard_error_and_ctrl_c_ends_it() {
    let keyring = Keyring::keepassxc(&[("github", "api-key", "canary")], Asks::default());
    keyring.lock_keepassxc();
    let line = format!("secret get github > {}", keyring.path().join("run/out").display());
    let (mut child, screen) = on_a_terminal(&keyring, &line);
    wait_until("it says so", || shown(&screen).contains(WAITING));
    child.0.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130), "{}", shown(&screen));
    assert!(!shown(&screen).contains("canary"));
}

#[test]
fn a_service_that_answers_with_other_types_is_an_error_and_nothing_is_written() {
    let keyring = fake("strange", "canary");
    with_target(&keyring, &github());
    let before = tree(&keyring);
    let said = run(&keyring, &["render"], "");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the keyring failed"), "{said:?}");
    assert_unchanged(&keyring, &before);
}

#[test]
fn what_a_service_says_in_an_error_is_not_repeated() {
    let keyring = fake("talkative", "canary");
    with_target(&keyring, &github());
    let said = run(&keyring, &["-v", "render"], "");
    assert_eq!(said.code, 2);
    assert!(!format!("{said:?}").contains("canary"), "{said:?}");
}

#[test]
fn a_service_without_encryption_is_read_all_the_same() {
    let keyring = fake("plain", "canary");
    let said = run(&keyring, &["secret", "get", "github"], "");
    assert_eq!(said.whole(), "canary\n[0]");
}

#[test]
fn a_keyring_that_dies_at_any_moment_of_a_render_changes_nothing_on_disk() {
    let mut died = 0;
    for call in ["recvmsg", "sendmsg"] {
        for nth in 1.. {
            let keyring = Keyring::start();
            with_target(&keyring, &github());
            keyring.secret_tool_store("L", "service github username api-key", "canary");
            let before = tree(&keyring);
            let log = keyring.path().join("run/strace");
            let inject = format!("inject={call}:signal=KILL:when={nth}");
            let strace = keyring
                .command("strace")
                .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject])
                .args(["-p", &keyring.pid().as_raw_nonzero().to_string()])
                .stderr(fs::File::create(&log).unwrap())
                .spawn();
            let _strace = Running(installed(strace, "strace", "strace"));
            wait_until("strace has attached", || fs::read_to_string(&log).unwrap().contains("attached"));
            let said = run(&keyring, &["render"], "");
            if said.code == 0 {
                break;
            }
            died += 1;
            assert_eq!(said.code, 2, "{call} {nth}: {said:?}");
            assert!(said.err.starts_with("error: secret `github`") && !said.err.contains("canary"), "{said:?}");
            assert_unchanged(&keyring, &before);
        }
    }
    assert!(died > 4, "the keyring died {died} times only");
}

#[test]
fn twenty_references_are_one_connection_one_search_each_and_one_call_for_all_values() {
    let keyring = Keyring::start();
    let names: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    with_target(&keyring, &names);
    for name in &names {
        keyring.secret_tool_store(name, &format!("service {name} username api-key"), &format!("value-of-{name}"));
    }
    let monitor = keyring.monitor("type='method_call',destination='org.freedesktop.secrets'");
    let log = keyring.path().join("run/strace");
    let output = keyring
        .command("strace")
        .args(["-f", "-o"])
        .arg(&log)
        .args(["-e", "trace=connect", BINARY, "render"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let (log, seen) = (fs::read_to_string(log).unwrap(), monitor.end());
    assert_eq!(log.lines().filter(|line| line.contains("run/bus")).count(), 1, "{log}");
    let calls = |member: &str| seen.matches(&format!("member={member}")).count();
    assert_eq!(
        (calls("OpenSession"), calls("SearchItems"), calls("GetSecrets")),
        (1, 21, 1),
        "one more for the key of seals: {seen}"
    );
    let live = fs::read_to_string(keyring.path().join(".claude.json")).unwrap();
    assert!(names.iter().all(|name| live.contains(&format!("value-of-{name}"))), "{live}");
}

#[test]
fn with_a_display_and_no_address_no_bus_is_launched() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("strace");
    let strace = Command::new("strace")
        .args(["-f", "-o"])
        .arg(&log)
        .args(["-e", "trace=execve,connect,fork,vfork", BINARY, "--store", "native", "secret", "get", "github"])
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("DISPLAY", ":99"), ("WAYLAND_DISPLAY", "wayland-0")])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut strace = Running(installed(strace, "strace", "strace"));
    let mut said = String::new();
    strace.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(strace.0.wait().unwrap().code(), Some(2));
    assert!(said.contains("no keyring is available here"), "{said}");
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("execve(").count(), 1, "{log}");
    assert!(!log.contains("connect("), "{log}");
}

#[test]
fn a_frozen_command_of_the_config_does_not_hold_a_session_up() {
    let keyring = Keyring::start();
    with_target(&keyring, &github());
    let config = "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n\
                  [providers.slow]\ncommand = ['/usr/bin/sleep', '600', '--', '{ref}']\n";
    fs::write(keyring.path().join(".config/keystencil/config.toml"), config).unwrap();
    let template = "{\"a\": << slow('600') >>, \"b\": << slow('601') >>}";
    fs::write(keyring.path().join(".config/keystencil/claude.json"), template).unwrap();
    // Nobody let it run.
    assert!(hook(&keyring).contains("run `keystencil allow`"));
    keyring.allow();
    let said = hook(&keyring);
    assert!(said.contains("provider `slow` did not answer `600` within 3 s"), "{said}");
}

#[test]
fn the_line_break_at_the_end_of_an_entry_of_another_program_gets_into_no_config() {
    let keyring = Keyring::start();
    with_target(&keyring, &github());
    keyring.secret_tool_store("L", "service github username api-key", "canary\n");
    let target = keyring.path().join(".claude.json").display().to_string();
    let said = run(&keyring, &["exec", "--", "cat", &target], "");
    assert_eq!(said.out, "{\"numStartups\": 1.0, \"github\": \"canary\"}\n", "{said:?}");
}

#[test]
fn an_export_has_what_the_templates_use_from_the_keyring_and_says_what_it_lacks() {
    let keyring = Keyring::start();
    with_target(&keyring, &["github".to_owned(), "openai".to_owned()]);
    keyring.secret_tool_store("L", "service github username api-key", "canary-1");
    run(&keyring, &["--store", "vault", "secret", "set", "other"], "in-the-vault");
    run(&keyring, &["--store", "vault", "secret", "set", "github"], "an-older-one");
    let said = run(&keyring, &["vault", "export", "--plaintext"], "");
    let export: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let value = |service: &str| {
        let mut entries = export["entries"].as_array().unwrap().iter();
        entries.find(|entry| entry["service"] == service).map(|entry| entry["secret"].clone())
    };
    assert_eq!(value("github"), Some("canary-1".into()));
    assert_eq!(value("other"), Some("in-the-vault".into()));
    assert!(said.code == 3 && said.err.contains("openai") && said.err.contains("exported 2 secrets"), "{}", said.err);
    keyring.secret_tool_store("L", "service openai username api-key", "canary-2");
    let said = run(&keyring, &["vault", "export", "--plaintext"], "");
    assert!(said.code == 0 && said.out.contains("canary-2"), "{}", said.err);
    // Only the vault.
    let said = run(&keyring, &["--store", "vault", "vault", "export", "--plaintext"], "");
    assert!(said.code == 3 && said.out.contains("an-older-one") && !said.out.contains("canary"), "{}", said.err);
}

#[test]
fn a_newer_value_in_the_vault_behind_the_one_of_the_keyring_is_told_with_what_helps() {
    let keyring = Keyring::start();
    with_target(&keyring, &github());
    run(&keyring, &["--store", "native", "secret", "set", "github"], "old-canary");
    let told = "github has a newer value in the vault than in the keyring";
    for verb in [&["doctor"][..], &["secret", "list"]] {
        let said = run(&keyring, verb, "");
        assert!(!said.whole().contains(told), "{said:?}");
    }
    // A keyring counts in seconds.
    sleep(Duration::from_millis(1100));
    run(&keyring, &["--store", "vault", "secret", "set", "github"], "new-canary");
    for verb in [&["doctor"][..], &["secret", "list"]] {
        let said = run(&keyring, verb, "");
        assert!(said.whole().contains(told), "{said:?}");
        assert!(said.whole().contains("`keystencil secret move github --to native --replace`"), "{said:?}");
    }
    assert_eq!(run(&keyring, &["secret", "move", "github", "--to", "native", "--replace"], "").code, 0);
    assert_eq!(run(&keyring, &["secret", "get", "-n", "github"], "").out, "new-canary");
    assert!(!run(&keyring, &["doctor"], "").whole().contains(told));
}
