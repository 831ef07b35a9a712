//! What is refused below an AI tool that the state knows, and what is not. The tool is a shell under its name.

use crate::sandbox::{AT_REST, BINARY, KEY, Said, Sandbox};
use crate::terminal::{line_guarded, typed_guarded};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A home with its key in the vault, a yes to its template, and a program called `claude`.
fn home() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let shell = Path::new("/bin/sh").canonicalize().unwrap();
    for name in ["bin/claude", "bin/codex"] {
        sandbox.copy_program(&shell, name);
    }
    sandbox.allow();
    sandbox
}

/// A script that a program of this home runs. The colon keeps a shell from becoming its last command.
fn by(sandbox: &Sandbox, program: &str, script: &str) -> Command {
    let mut command = Command::new(sandbox.path(program));
    command.arg("-c").arg(format!("{script}\nlast=$?; (exit $last)")).env_clear().env("K", BINARY);
    command.env("HOME", sandbox.home()).env("PATH", "/usr/bin:/bin").env("KEYSTENCIL_STORE", "vault");
    command.current_dir(sandbox.home()).stdin(Stdio::null());
    command
}

/// What is said below `exec -- claude`, which holds then.
fn held(sandbox: &Sandbox, script: &str) -> Said {
    let claude = sandbox.path("bin/claude");
    let script = format!("{script}\nlast=$?; (exit $last)");
    let mut command = sandbox.strict_command(&["-q", "exec", "--", claude.to_str().unwrap(), "-c", &script]);
    sandbox.said(&command.env("K", BINARY).output().unwrap())
}

fn config(sandbox: &Sandbox, line: &str) -> String {
    let name = ".config/keystencil/config.toml";
    let before = sandbox.read(name);
    sandbox.write(name, &format!("{line}\n{before}"));
    before
}

fn log(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let said = sandbox.run(&[&["log", "--json"], arguments].concat());
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_widens_or_reveals_is_refused_below_a_tool_that_holds_and_changes_nothing() {
    let sandbox = home();
    let plain =
        format!("{{\"mcpServers\":{{\"x\":{{\"env\":{{\"API_KEY\":\"sk-{}\"}}}}}}}}", "0123456789abcdefGHIJKLMN");
    sandbox.write("plain.json", &plain);
    let vault = sandbox.read_bytes(".local/share/keystencil/vault.age");
    for (command, what) in [
        ("secret get github", "secret get"),
        ("secret get github --reveal", "secret get"),
        ("allow", "allow"),
        ("allow --allow-new=1", "allow"),
        ("render --allow-new=1", "--allow-new"),
        ("vault export --plaintext", "vault export"),
        ("vault backups show x", "vault backups show"),
        ("vault rekey", "vault rekey"),
        ("vault recipients add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "vault recipients add"),
        ("secret move github --to native", "secret move"),
        ("import plain.json --yes", "import"),
        ("uninstall claude-code", "uninstall"),
    ] {
        let said = held(&sandbox, &format!("$K {command}"));
        assert_eq!(said.code, 2, "{command}: {said:?}");
        assert!(said.err.contains(what) && said.err.contains("Claude Code (process "), "{command}: {said:?}");
        assert!(
            said.err.contains("terminal of your own") && said.err.contains("agents = \"allow\""),
            "{command}: {said:?}"
        );
        assert!(!said.whole().contains("canary"), "{command}: {said:?}");
    }
    assert_eq!(sandbox.read_bytes(".local/share/keystencil/vault.age"), vault);
    assert_eq!(sandbox.read("plain.json"), plain);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn what_a_tool_needs_for_its_work_is_not_refused() {
    let sandbox = home();
    let said = held(
        &sandbox,
        "for verb in 'check .config' 'diff' 'status' 'render' 'unrender' 'recover' 'allow --pending' 'allow --list' \
         'secret list' 'log' 'doctor' 'import live.json --dry-run'; do $K $verb >/dev/null 2>err; code=$?; \
         grep -q 'is for a person' err && echo \"$verb refused\"; [ $code -lt 2 ] || [ $code = 3 ] || cat err; done",
    );
    assert!(!said.out.contains("refused"), "{said:?}");
}

#[test]
fn a_persons_shell_and_a_build_below_exec_are_not_refused() {
    let sandbox = home();
    let sh = |script: &str| {
        let mut command = sandbox.strict_command(&["-q", "exec", "--", "/bin/sh", "-c", script]);
        sandbox.said(&command.env("K", BINARY).output().unwrap())
    };
    let said = sh("$K secret get github; :");
    assert_eq!((said.code, said.out.as_str()), (0, format!("{KEY}\n").as_str()), "{said:?}");
    // An editor, and the shell of its terminal.
    sandbox.copy_program(&Path::new("/bin/sh").canonicalize().unwrap(), "bin/code");
    let said = sh(&format!("{} -c '/bin/sh -c \"$K secret get github; :\"; :'", sandbox.path("bin/code").display()));
    assert_eq!((said.code, said.out.as_str()), (0, format!("{KEY}\n").as_str()), "{said:?}");
    // A tool in that shell is one.
    let said = sh(&format!("{} -c '$K secret get github; :'", sandbox.path("bin/claude").display()));
    assert!(said.err.contains("Claude Code") && said.out.is_empty(), "{said:?}");
}

#[test]
fn a_tool_that_this_state_does_not_know_is_not_refused_until_a_hook_notes_its_session() {
    let sandbox = home();
    let said = sandbox.said(&by(&sandbox, "bin/claude", "$K secret get github").output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (0, format!("{KEY}\n").as_str()), "{said:?}");
    let script = "echo '{\"session_id\":\"1\",\"hook_event_name\":\"SessionStart\"}' | CLAUDE_PID=$$ $K hook session-start \
                  >/dev/null; $K secret get github";
    let said = sandbox.said(&by(&sandbox, "bin/claude", script).output().unwrap());
    assert!(said.code == 2 && said.out.is_empty() && said.err.contains("Claude Code"), "{said:?}");
    // Nor does it help that nothing is seen above: the client says who it is.
    let script = "echo '{\"session_id\":\"1\",\"hook_event_name\":\"SessionStart\"}' | CLAUDE_PID=$$ $K hook session-start \
                  >/dev/null; export CLAUDE_PID=$$; mkfifo done; (setsid sh -c '$K secret get github >out 2>err; echo >done' &); \
                  read x <done";
    sandbox.said(&by(&sandbox, "bin/claude", script).output().unwrap());
    assert!(sandbox.read("err").contains("Claude Code") && sandbox.read("out").is_empty());
}

#[test]
fn a_tool_to_which_something_was_delivered_is_known() {
    let sandbox = home();
    sandbox.write(".env", "TOKEN=<< keyring('github') >>\n");
    sandbox.write("server.sh", "echo >up; while [ ! -e end ]; do sleep 0.02; done\n");
    sandbox.write("end", "");
    let (code, screen) = typed_guarded(&sandbox, "run --env-file .env -- sh server.sh", "y\n");
    assert_eq!(code, 0, "{screen}");
    let script = "rm end up; $K run --env-file .env -- sh server.sh & \
                  while [ ! -e up ]; do sleep 0.02; done; \
                  $K secret get github; code=$?; echo >end; wait; (exit $code)";
    let said = sandbox.said(&by(&sandbox, "bin/codex", script).output().unwrap());
    assert!(said.code == 2 && said.out.is_empty() && said.err.contains("Codex (process "), "{said:?}");
    // It has ended, and nothing of it counts.
    assert_eq!(sandbox.said(&by(&sandbox, "bin/codex", "$K secret get github").output().unwrap()).code, 0);
}

#[test]
fn nobody_is_asked_below_a_tool_that_has_a_terminal() {
    let sandbox = home();
    sandbox.write(".config/keystencil/claude.json", "{\"other\": \"<< keyring('github') >>\"}");
    sandbox.write("tool.sh", &format!("{BINARY} render; {BINARY} run --env-file .env -- env; cat live.json\n"));
    sandbox.write(".env", "TOKEN=<< keyring('github') >>\n");
    let note =
        "echo '{\"session_id\":\"1\",\"hook_event_name\":\"SessionStart\"}' | CLAUDE_PID=$$ $K hook session-start";
    sandbox.write("session.sh", &format!("K={BINARY}; {note}; . ./tool.sh\n"));
    let line = format!("{} session.sh", sandbox.path("bin/claude").display());
    let (_, screen) = line_guarded(&sandbox, &line, "");
    assert!(screen.contains("nobody is asked, since Claude Code"), "{screen}");
    assert!(!screen.contains("canary") && !screen.contains("Allow this?"), "{screen}");
}

#[test]
fn agents_allow_counts_once_a_person_said_yes_and_ends_with_the_line() {
    let sandbox = home();
    let refused = |said: &Said| said.code == 2 && said.out.is_empty() && said.err.contains("is for a person");
    let before = config(&sandbox, "agents = \"allow\"");
    let get = || held(&sandbox, "$K secret get github");
    assert!(refused(&get()), "a config alone must not count");
    let doctor = sandbox.run(&["doctor"]).out;
    assert!(doctor.contains("! agents      the config lets AI tools"), "{doctor}");
    // Neither a script nor the tool itself says yes.
    let said = sandbox.said(&sandbox.strict_command(&["allow"]).output().unwrap());
    assert!(said.err.contains("counts once you allow it at a terminal"), "{said:?}");
    assert!(refused(&held(&sandbox, "$K allow --allow-new=1")) && refused(&get()));
    let (code, screen) = typed_guarded(&sandbox, "allow", "y\n");
    assert!(code == 0 && screen.contains("say yes in your place"), "{screen}");
    let said = get();
    assert_eq!((said.code, said.out.as_str()), (0, format!("{KEY}\n").as_str()), "{said:?}");
    // A copy of that config elsewhere is another one.
    sandbox.write("repository/config.toml", &sandbox.read(".config/keystencil/config.toml"));
    assert!(refused(&held(&sandbox, "$K --config repository/config.toml secret get github")));
    // A forged record is none.
    let note = ".local/state/keystencil/agents.json";
    let real = sandbox.read(note);
    let forged = real.replace(".config/keystencil/config.toml", "repository/config.toml");
    assert_ne!(real, forged);
    sandbox.write(note, &forged);
    assert!(refused(&held(&sandbox, "$K --config repository/config.toml secret get github")));
    sandbox.write(note, &real);
    // Other yeses that are taken back leave it, all of them do not.
    assert_eq!(sandbox.run(&["allow", "--revoke", "claude"]).code, 0);
    sandbox.allow();
    assert_eq!(get().code, 0);
    sandbox.write(".config/keystencil/config.toml", &before);
    assert!(refused(&get()));
    let _ = sandbox.run(&["allow"]);
    sandbox.write(".config/keystencil/config.toml", &format!("agents = \"allow\"\n{before}"));
    assert!(refused(&get()), "who writes the line again is asked again");
    let (code, _) = typed_guarded(&sandbox, "allow", "y\n");
    assert!(code == 0 && get().code == 0);
    assert_eq!(sandbox.run(&["allow", "--revoke", "--all"]).code, 0);
    sandbox.allow();
    assert!(refused(&get()));
}

#[test]
fn grants_can_not_be_turned_off_below_any_tool() {
    let sandbox = home();
    sandbox.write(".config/keystencil/claude.json", "{\"other\": \"<< keyring('github') >>\"}");
    for script in ["$K render", "$K -q exec -- true", "TOKEN=\"<< keyring('github') >>\" $K run -- /usr/bin/env"] {
        let mut command = by(&sandbox, "bin/codex", script);
        let said = sandbox.said(&command.env("KEYSTENCIL_GRANTS", "off").output().unwrap());
        assert!(said.err.contains("does not count below Codex"), "{script}: {said:?}");
        assert!(
            !said.whole().contains("canary") && !sandbox.path("live.json").exists()
                || !sandbox.live().contains("canary")
        );
    }
}

#[test]
fn the_log_says_who_read_a_secret_when_and_through_which_programs() {
    let sandbox = home();
    sandbox.store("other", "other-value-0123");
    let said = sandbox.said(
        &by(&sandbox, "bin/codex", "$K secret get github >/dev/null; $K vault export --plaintext >/dev/null")
            .output()
            .unwrap(),
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(held(&sandbox, "true").code, 0);
    assert_eq!(sandbox.run(&["secret", "get", "other"]).code, 0);
    let events = |name: &str| {
        let all = log(&sandbox, &["--secret", name]);
        all.iter().map(|record| record["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The guard may be in time as well.
    assert_eq!(events("github")[..3], ["get", "export", "render"]);
    assert!(events("github").contains(&"unrender".to_owned()));
    assert_eq!(events("other"), ["export", "get"]);
    assert!(events("none").is_empty());
    let get = &log(&sandbox, &["--secret", "github"])[0];
    assert_eq!(get["via"][0]["agent"], "Codex", "{get}");
    assert!(get["time"].is_string() && get["via"].as_array().unwrap().len() > 1, "{get}");
    let shown = sandbox.run(&["log", "--secret", "github"]);
    assert!(shown.out.contains("THROUGH") && shown.out.contains("get") && shown.out.contains("Codex "), "{shown:?}");
    assert!(sandbox.run(&["log", "--secret", "none"]).err.contains("nothing is recorded of none"));
    assert_eq!(log(&sandbox, &["--secret", "github", "--account", "work"]).len(), 0);
    let of_account = log(&sandbox, &["--secret", "github", "--account", "api-key"]);
    assert_eq!(of_account, log(&sandbox, &["--secret", "github"]));
    let text = sandbox.read(".local/state/keystencil/log.jsonl");
    assert!(!text.contains("canary") && !text.contains("other-value"), "{text}");
}

#[test]
fn each_yes_is_in_the_log_with_what_was_allowed() {
    let sandbox = Sandbox::with_key();
    let (code, _) = typed_guarded(&sandbox, "allow", "y\n");
    assert_eq!(code, 0);
    let all = log(&sandbox, &["--secret", "github"]);
    let yes: Vec<&Value> = all.iter().filter(|record| record["event"] == "allow").collect();
    assert!(!yes.is_empty() && yes[0]["target"].as_str().unwrap().ends_with("live.json"), "{all:?}");
    assert!(yes[0]["via"].as_array().unwrap().iter().any(|via| via["program"] == "script"), "{all:?}");
}
