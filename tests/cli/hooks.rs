//! `hook`, `install`, `uninstall`: sessions of a host that begin and end by themselves. The host is played by `sleep`.

use crate::sandbox::{KEY, Said, Sandbox};
use std::process::{Child, Command, Stdio};

const AT_REST: &str = "<< keyring('github') >>";

/// A process that plays the host, ended when dropped.
pub(crate) struct Host(Child);

impl Host {
    pub(crate) fn start() -> Self {
        Self(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A home whose target is Claude Code's.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n",
    );
    sandbox
}

fn hook(sandbox: &Sandbox, pid: Option<&str>, event: &str, input: &str) -> Said {
    let file = sandbox.home().with_extension("input");
    std::fs::write(&file, input).unwrap();
    let mut command = sandbox.command(&["hook", event]);
    command.stdin(std::fs::File::open(&file).unwrap());
    if let Some(pid) = pid {
        command.env("CLAUDE_PID", pid);
    }
    let said = sandbox.said(&command.output().unwrap());
    std::fs::remove_file(file).unwrap();
    // Whatever happens, the host is not failed.
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    said
}

fn start(sandbox: &Sandbox, host: &Host) -> Said {
    let input = r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#;
    hook(sandbox, Some(&host.pid()), "session-start", input)
}

fn end(sandbox: &Sandbox, host: &Host, reason: &str) -> Said {
    let input = format!(r#"{{"session_id":"s1","hook_event_name":"SessionEnd","reason":"{reason}"}}"#);
    hook(sandbox, Some(&host.pid()), "session-end", &input)
}

fn is_rendered(sandbox: &Sandbox) -> bool {
    let live: serde_json::Value = serde_json::from_str(&sandbox.read(".claude.json")).unwrap();
    match live["mcpServers"]["github"]["env"]["TOKEN"].as_str().unwrap() {
        KEY => true,
        AT_REST => false,
        other => panic!("{other}"),
    }
}

fn message(said: &Said) -> String {
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    answer["systemMessage"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_started_without_exec_is_told_to_reconnect_and_about_the_shim_and_a_second_start_says_nothing() {
    let (sandbox, host) = (sandbox(), Host::start());
    let told = message(&start(&sandbox, &host));
    assert!(told.contains("/mcp") && told.contains("keystencil install shim claude"), "{told}");
    assert!(is_rendered(&sandbox));
    assert_eq!(start(&sandbox, &host).out, "");
    assert!(is_rendered(&sandbox));
}

#[test]
fn the_end_of_a_session_takes_the_secrets_out_and_clear_and_resume_do_not() {
    let (sandbox, host) = (sandbox(), Host::start());
    start(&sandbox, &host);
    for reason in ["clear", "resume"] {
        assert_eq!(end(&sandbox, &host, reason).out, "");
        assert!(is_rendered(&sandbox), "{reason}");
    }
    assert_eq!(end(&sandbox, &host, "prompt_input_exit").out, "");
    assert!(!is_rendered(&sandbox));
    assert_eq!(end(&sandbox, &host, "other").out, "");
}

#[test]
fn the_end_of_a_process_that_holds_nothing_takes_nothing_from_one_that_does() {
    let (sandbox, host, other) = (sandbox(), Host::start(), Host::start());
    start(&sandbox, &host);
    assert_eq!(end(&sandbox, &other, "other").out, "");
    assert!(is_rendered(&sandbox));
}

#[test]
fn the_secrets_leave_with_the_last_of_two_sessions() {
    let (sandbox, one, two) = (sandbox(), Host::start(), Host::start());
    start(&sandbox, &one);
    start(&sandbox, &two);
    end(&sandbox, &one, "other");
    assert!(is_rendered(&sandbox));
    end(&sandbox, &two, "other");
    assert!(!is_rendered(&sandbox));
}

#[test]
fn a_hook_never_allows_anything_and_says_what_it_left_closed() {
    let sandbox = sandbox();
    let host = Host::start();
    let file = sandbox.home().with_extension("input");
    let input = r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#;
    std::fs::write(&file, input).unwrap();
    let mut command = sandbox.strict_command(&["hook", "session-start"]);
    command.env("CLAUDE_PID", host.pid()).stdin(std::fs::File::open(&file).unwrap());
    let said = sandbox.said(&command.output().unwrap());
    std::fs::remove_file(file).unwrap();
    assert!(said.code == 0 && message(&said).contains("1 slot of"), "{said:?}");
    assert!(message(&said).contains("`keystencil allow`"), "{said:?}");
    assert!(!sandbox.read(".claude.json").contains("canary"));
}

#[test]
fn a_hook_never_merges_what_a_template_starts() {
    let (sandbox, host) = (sandbox(), Host::start());
    let template = r#"{"hooks": {"Stop": ["evil"]}, "mcpServers": {"x": {"command": "evil"}}, "theme": "light"}"#;
    sandbox.write(".config/keystencil/claude.json", template);
    let file = sandbox.home().with_extension("input");
    std::fs::write(&file, r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#).unwrap();
    let mut command = sandbox.strict_command(&["hook", "session-start"]);
    command.env("CLAUDE_PID", host.pid()).stdin(std::fs::File::open(&file).unwrap());
    let said = sandbox.said(&command.output().unwrap());
    std::fs::remove_file(file).unwrap();
    assert!(said.code == 0 && message(&said).contains("2 things of"), "{said:?}");
    let live = sandbox.read(".claude.json");
    assert!(live.contains("light") && !live.contains("evil"), "{live}");
}

#[test]
fn a_killed_session_leaves_nothing_though_no_hook_runs() {
    let (sandbox, host) = (sandbox(), Host::start());
    start(&sandbox, &host);
    assert!(is_rendered(&sandbox));
    drop(host);
    sandbox.wait_until(|| !is_rendered(&sandbox));
}

#[test]
fn input_that_is_no_hooks_is_answered_with_a_sentence_and_nothing_is_done() {
    let (sandbox, host) = (sandbox(), Host::start());
    let huge = format!(r#"{{"session_id":"{}"}}"#, "x".repeat(3 << 20));
    let other = r#"{"hook_event_name":"PreToolUse"}"#;
    for input in ["", "{", "[]", "null", "\0", huge.as_str(), other] {
        for event in ["session-start", "session-end"] {
            let told = message(&hook(&sandbox, Some(&host.pid()), event, input));
            assert!(told.contains("nothing was done"), "{told}");
        }
    }
    assert!(!sandbox.path(".claude.json").exists());
}

#[test]
fn without_the_hosts_process_id_nothing_is_done_and_it_says_why() {
    let sandbox = sandbox();
    for pid in [None, Some(""), Some("x"), Some("-1"), Some("99999999999"), Some("0")] {
        let told = message(&hook(&sandbox, pid, "session-start", "{}"));
        assert!(told.contains("CLAUDE_PID"), "{told}");
    }
    assert!(!sandbox.path(".claude.json").exists());
}

#[test]
fn a_missing_secret_is_told_in_one_line_with_its_hint() {
    let (sandbox, host) = (sandbox(), Host::start());
    assert_eq!(sandbox.run(&["secret", "rm", "github"]).code, 0);
    let told = message(&start(&sandbox, &host));
    assert!(told.contains("`github`") && told.contains("keystencil secret set github"), "{told}");
}

#[test]
fn install_changes_nothing_but_the_hooks_and_uninstall_takes_exactly_them_out() {
    let sandbox = sandbox();
    let settings = "{\n\t\"model\": \"opus\",\n\t\"n\": 1.0,\n\t\"hooks\": {\n\t\t\"Stop\": []\n\t}\n}\n";
    sandbox.write(".claude/settings.json", settings);
    let mode = |path: &str| std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(sandbox.path(path)).unwrap());
    let before = mode(".claude/settings.json");
    assert_eq!(sandbox.run(&["install", "claude-code"]).code, 0);
    let installed = sandbox.read(".claude/settings.json");
    let value: serde_json::Value = serde_json::from_str(&installed).unwrap();
    for event in ["SessionStart", "SessionEnd"] {
        let hook = &value["hooks"][event][0]["hooks"][0];
        assert!(hook["timeout"].as_u64().unwrap() > 1 && hook["type"] == "command", "{installed}");
    }
    let again = sandbox.run(&["install", "claude-code"]);
    assert!(again.code == 0 && again.err.contains("nothing was changed"), "{}", again.err);
    assert_eq!(sandbox.read(".claude/settings.json"), installed);
    assert_eq!(sandbox.run(&["uninstall", "claude-code"]).code, 0);
    assert_eq!(sandbox.read(".claude/settings.json"), settings);
    assert_eq!(mode(".claude/settings.json"), before);
}

#[test]
fn what_was_empty_before_the_hooks_came_is_empty_after_them() {
    let sandbox = sandbox();
    for settings in
        ["{\"hooks\":{}}", "{\"hooks\":{\"SessionEnd\":[]}}", "{\n  \"hooks\": {\n    \"SessionStart\": []\n  }\n}\n"]
    {
        sandbox.write(".claude/settings.json", settings);
        assert_eq!(sandbox.run(&["install", "claude-code"]).code, 0);
        assert_eq!(sandbox.run(&["uninstall", "claude-code"]).code, 0);
        assert_eq!(sandbox.read(".claude/settings.json"), settings);
    }
}

#[test]
fn settings_that_install_made_go_with_the_hooks_unless_something_of_the_users_is_in_them() {
    let sandbox = sandbox();
    assert_eq!(sandbox.run(&["install", "claude-code"]).code, 0);
    assert_eq!(sandbox.run(&["uninstall", "claude-code"]).code, 0);
    assert!(!sandbox.path(".claude/settings.json").exists());
    assert_eq!(sandbox.run(&["install", "claude-code"]).code, 0);
    let with_more = sandbox.read(".claude/settings.json").replacen('{', "{\n  \"model\": \"opus\",", 1);
    sandbox.write(".claude/settings.json", &with_more);
    assert_eq!(sandbox.run(&["uninstall", "claude-code"]).code, 0);
    let left: serde_json::Value = serde_json::from_str(&sandbox.read(".claude/settings.json")).unwrap();
    assert_eq!(left, serde_json::json!({ "model": "opus" }));
}

#[test]
fn settings_that_cannot_be_understood_are_refused_and_stay() {
    let sandbox = sandbox();
    for settings in ["", "{", "[]", "{\"hooks\": []}", "{\"hooks\": {\"SessionEnd\": 1}}", "{ /* mine */ }"] {
        sandbox.write(".claude/settings.json", settings);
        for verb in ["install", "uninstall"] {
            let said = sandbox.run(&[verb, "claude-code"]);
            assert!(said.code == 2 && said.err.contains("hint:"), "{settings}: {}", said.err);
        }
        assert_eq!(sandbox.read(".claude/settings.json"), settings);
    }
}

#[test]
fn the_hooks_of_the_plugin_are_those_that_install_writes() {
    let sandbox = sandbox();
    sandbox.run(&["install", "claude-code"]);
    let installed = sandbox.read(".claude/settings.json").replace(crate::sandbox::BINARY, "keystencil");
    let installed: serde_json::Value = serde_json::from_str(&installed).unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(root.join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("hooks/hooks.json")["hooks"], installed["hooks"]);
    assert_eq!(read(".claude-plugin/plugin.json")["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_log_says_which_secret_was_in_plain_text_where_and_for_how_long_and_never_its_value() {
    let (sandbox, host) = (sandbox(), Host::start());
    start(&sandbox, &host);
    end(&sandbox, &host, "other");
    let said = sandbox.run(&["log"]);
    assert_eq!(said.code, 0);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", said.out);
    assert!(
        lines[1].contains("render") && lines[1].contains("~/.claude.json") && lines[1].trim_end().ends_with("github")
    );
    assert!(lines[2].contains("unrender, ") && lines[2].contains(&format!("sleep {}", host.pid())));
    let records = sandbox.run(&["log", "--json", "-n", "1"]).out;
    let record: serde_json::Value = serde_json::from_str(&records).unwrap();
    assert!(record["seconds"].is_u64() && record["remaining"] == 0, "{record}");
    assert!(!said.out.contains("canary") && !records.contains("canary"));
}

#[test]
fn copies_are_cleaned_and_keep_every_other_byte_even_what_is_no_text() {
    let (sandbox, host) = (sandbox(), Host::start());
    start(&sandbox, &host);
    let escaped = serde_json::to_string(KEY).unwrap();
    let torn = [b"\xff\xfe{ \"torn\": ".as_slice(), escaped.as_bytes(), b", \xff"].concat();
    let clean = [b"\xff\xfe{ \"torn\": \"".as_slice(), AT_REST.as_bytes(), b"\", \xff"].concat();
    // The second looks like a file that a running client is about to put in place, but it is too old for that.
    let left = format!(".claude.json.tmp.{}.0123456789ab", std::process::id());
    for name in [".claude.json.corrupted.1", &left, ".claude/backups/.claude.json.backup.1"] {
        sandbox.write(name, "");
        std::fs::write(sandbox.path(name), &torn).unwrap();
        let file = std::fs::File::options().write(true).open(sandbox.path(name)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    }
    end(&sandbox, &host, "other");
    for name in [".claude.json.corrupted.1", &left, ".claude/backups/.claude.json.backup.1"] {
        assert_eq!(std::fs::read(sandbox.path(name)).unwrap(), clean, "{name}");
        let modified = std::fs::metadata(sandbox.path(name)).unwrap().modified().unwrap();
        assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), 1_000_000_000, "{name}");
    }
}

#[test]
fn old_keys_are_reminded_of_once_a_day() {
    let (sandbox, host) = (sandbox(), Host::start());
    let config = sandbox.read(".config/keystencil/config.toml");
    let with = |age: &str| sandbox.write(".config/keystencil/config.toml", &format!("rotate_after = {age}\n{config}"));
    let note = sandbox.path(".local/state/keystencil/reminded");
    let next_day = || {
        let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
        std::fs::File::options().write(true).open(&note).unwrap().set_modified(yesterday).unwrap();
    };
    // A key that is young enough is not spoken of, and is not looked at again today.
    assert!(!message(&start(&sandbox, &host)).contains("due"));
    assert!(note.exists());
    with("'0 days'");
    assert_eq!(start(&sandbox, &host).out, "");
    next_day();
    let told = message(&start(&sandbox, &host));
    assert_eq!(
        told,
        "keystencil: The key github is due for a new one: get it from the provider, and store it with `keystencil secret rotate`."
    );
    assert_eq!(start(&sandbox, &host).out, "");
    for age in ["'never'", "false"] {
        next_day();
        with(age);
        assert_eq!(start(&sandbox, &host).out, "");
    }
    // A store that does not answer is no reason to be silent for a day.
    next_day();
    with("'0 days'");
    let vault = sandbox.read_bytes(".local/share/keystencil/vault.age");
    sandbox.write(".local/share/keystencil/vault.age", "damaged");
    assert_eq!(start(&sandbox, &host).out, "");
    std::fs::write(sandbox.path(".local/share/keystencil/vault.age"), vault).unwrap();
    assert!(message(&start(&sandbox, &host)).contains("due for a new one"));
}
