//! `run --for`: a host starts a server through keystencil, and its secrets are in no file.

use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use crate::terminal::line_with_typed;
use std::process::Command;

/// What a server writes down: its arguments, a line each, and its variables.
pub(crate) const PROBE: &str = "#!/bin/sh\nfor word in \"$0\" \"$@\"; do printf '%s\\n' \"$word\"; done\nenv | sort\n";

pub(crate) const SERVER: &str = r#"{"mcpServers": {"github": {
  "command": "probe", "args": ["-y", "${FOLDER}/data", "two words"],
  "env": { "TOKEN": "<< keyring('github') >>", "REGION": "eu" }
}}}"#;

/// A home whose server was allowed; `probe` is in a folder of its own on `PATH`.
pub(crate) fn allowed(template: &str) -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", template);
    sandbox.write_program("bin/probe", PROBE);
    let said = sandbox.said(&with_path(&sandbox, &["allow", "--allow-new=1"]).output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    sandbox
}

pub(crate) fn path(sandbox: &Sandbox) -> String {
    format!("{}:/usr/bin:/bin", sandbox.path("bin").display())
}

pub(crate) fn with_path(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.strict_command(arguments);
    command.env("PATH", path(sandbox));
    command
}

/// The server as its host starts it.
pub(crate) fn server(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = with_path(sandbox, &["run", "--for", "claude:/mcpServers/github", "--"]);
    command.args(args).env("TOKEN", "<< keyring('github') >>").env("REGION", "eu");
    command
}

pub(crate) const ARGV: [&str; 4] = ["probe", "-y", "/home/me/data", "two words"];

pub(crate) fn said(sandbox: &Sandbox, command: &mut Command) -> Said {
    sandbox.said(&command.output().unwrap())
}

/// One line that names the server, a hint, and nothing of the key.
pub(crate) fn assert_refused(said: &Said, code: i32, what: &str) {
    assert_eq!(said.code, code, "{said:?}");
    assert!(said.out.is_empty(), "{said:?}");
    assert_eq!(said.err.trim_end().lines().count(), 1, "{said:?}");
    assert!(said.err.starts_with("keystencil: ") && said.err.contains(what), "{said:?}");
    assert!(said.err.contains("(hint: ") && !said.err.contains("canary"), "{said:?}");
}

#[test]
fn a_server_that_was_allowed_starts_with_its_key_and_keystencil_is_gone() {
    let sandbox = allowed(SERVER);
    let said = said(&sandbox, server(&sandbox, &ARGV).env("OTHER", "<< keyring('github') >>"));
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[..4], ["HOME/bin/probe", "-y", "/home/me/data", "two words"], "{said:?}");
    assert!(lines.contains(&format!("TOKEN={KEY}").as_str()) && lines.contains(&"REGION=eu"), "{said:?}");
    // A variable that the record does not name is not filled.
    assert!(lines.contains(&"OTHER=<< keyring('github') >>"), "{said:?}");
    assert!(said.err.is_empty(), "{said:?}");
    // No file holds it but the vault, which is encrypted.
    for (path, bytes) in sandbox.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{}", path.display());
    }
    let log = said_log(&sandbox);
    assert!(log.contains("\"event\":\"run\"") && log.contains("keyring('github')"), "{log}");
}

fn said_log(sandbox: &Sandbox) -> String {
    said(sandbox, &mut with_path(sandbox, &["log", "--json"])).out
}

#[test]
fn the_status_and_the_streams_are_those_of_the_server() {
    let template = r#"{"mcpServers": {"github": {"command": "sh", "args": ["-c", "cat; echo err >&2; exit 7"],
        "env": {"TOKEN": "<< keyring('github') >>"}}}}"#;
    let sandbox = allowed(template);
    let mut command = server(&sandbox, &["sh", "-c", "cat; echo err >&2; exit 7"]);
    let input = sandbox.path("input");
    std::fs::write(&input, "first byte to last").unwrap();
    let said = said(&sandbox, command.stdin(std::fs::File::open(input).unwrap()));
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (7, "first byte to last", "err\n"));
}

#[test]
fn a_secret_in_an_argument_is_filled_as_well() {
    let sandbox =
        allowed(r#"{"mcpServers": {"github": {"command": "probe", "args": ["--key=<< keyring('github') >>"]}}}"#);
    let said = said(&sandbox, &mut server(&sandbox, &["probe", "--key=<< keyring('github') >>"]));
    assert!(said.code == 0 && said.out.contains(&format!("--key={KEY}\n")), "{said:?}");
}

#[test]
fn a_variable_without_braces_is_filled_by_gemini_and_by_no_other_host() {
    for (path, code) in [("~/.gemini/settings.json", 0), ("~/.qwen/settings.json", 0), ("~/live.json", 125)] {
        let sandbox = Sandbox::with_key();
        let config = format!("[targets.claude]\ntemplate = 'claude.json'\npath = '{path}'\ndeliver = 'wrap'\n");
        sandbox.write(".config/keystencil/config.toml", &config);
        sandbox.write(".config/keystencil/claude.json", &SERVER.replace("${FOLDER}", "$FOLDER"));
        sandbox.write_program("bin/probe", PROBE);
        for folder in [".gemini", ".qwen"] {
            std::fs::create_dir(sandbox.path(folder)).unwrap();
        }
        let render = said(&sandbox, &mut with_path(&sandbox, &["render", "--allow-new=1"]));
        assert!(render.code == 0 && render.err.contains("1 wrapped"), "{path}: {render:?}");
        let filled = said(&sandbox, &mut server(&sandbox, &ARGV));
        assert_eq!(filled.code, code, "{path}: {filled:?}");
        // One that is not set stays as it is written.
        assert_eq!(said(&sandbox, &mut server(&sandbox, &["probe", "-y", "$FOLDER/data", "two words"])).code, 0);
        let option = said(&sandbox, &mut server(&sandbox, &["probe", "-y", "--evil/data", "two words"]));
        assert_refused(&option, 125, "argument 2");
    }
}

#[test]
fn nothing_is_delivered_to_what_nobody_allowed() {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", SERVER);
    sandbox.write_program("bin/probe", PROBE);
    assert_refused(&said(&sandbox, &mut server(&sandbox, &ARGV)), 125, "nobody allowed");
}

#[test]
fn what_was_taken_back_is_not_delivered_and_an_old_copy_of_the_record_does_not_count() {
    let sandbox = allowed(SERVER);
    let state = sandbox.path(".local/state/keystencil");
    let record = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let record = record.into_iter().find(|path| path.to_string_lossy().ends_with(".grants.json")).unwrap();
    let kept = std::fs::read(&record).unwrap();
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--revoke", "claude"])).code, 0);
    assert_refused(&said(&sandbox, &mut server(&sandbox, &ARGV)), 125, "nobody allowed");
    std::fs::write(&record, kept).unwrap();
    assert_refused(&said(&sandbox, &mut server(&sandbox, &ARGV)), 125, "nobody allowed");
}

#[test]
fn a_target_or_a_server_that_is_gone_is_said() {
    let sandbox = allowed(SERVER);
    let run = |target: &str| {
        let mut command = with_path(&sandbox, &["run", "--for", target, "--"]);
        said(&sandbox, command.args(ARGV).env("TOKEN", "<< keyring('github') >>").env("REGION", "eu"))
    };
    assert_refused(&run("cluade:/mcpServers/github"), 125, "unknown target `cluade`");
    assert_refused(&run("claude:/mcpServers/other"), 125, "nobody allowed");
    sandbox.write(".config/keystencil/config.toml", "");
    assert_refused(&run("claude:/mcpServers/github"), 125, "no target");
    for wrong in ["claude", ":/x", "claude:", "claude:/", "claude:x"] {
        let said = run(wrong);
        assert!(said.code == 125 && said.out.is_empty() && said.err.contains("claude:/mcpServers/github"), "{said:?}");
    }
}

#[test]
fn a_secret_that_is_missing_and_a_vault_with_a_passphrase_are_said_in_one_line() {
    let sandbox = allowed(SERVER);
    let gone = said(&sandbox, &mut with_path(&sandbox, &["secret", "rm", "github", "--yes"]));
    let gone =
        if gone.code == 0 { gone } else { said(&sandbox, &mut with_path(&sandbox, &["secret", "rm", "github"])) };
    assert_eq!(gone.code, 0, "{gone:?}");
    let missing = said(&sandbox, &mut server(&sandbox, &ARGV));
    assert_refused(&missing, 125, "`github`");
    assert!(missing.err.contains("keystencil secret set github"), "{missing:?}");
}

#[test]
fn a_program_that_is_elsewhere_now_is_refused_until_it_is_allowed_anew() {
    let sandbox = allowed(SERVER);
    sandbox.write_program("new/probe", PROBE);
    std::fs::remove_file(sandbox.path("bin/probe")).unwrap();
    let gone = said(&sandbox, &mut server(&sandbox, &ARGV));
    assert_eq!(gone.code, 127, "{gone:?}");
    let path = format!("{}:/usr/bin:/bin", sandbox.path("new").display());
    let moved = said(&sandbox, server(&sandbox, &ARGV).env("PATH", &path));
    assert_refused(&moved, 125, "HOME/bin/probe when it was allowed, and is at HOME/new/probe now");
    assert!(moved.err.contains("keystencil allow claude"), "{moved:?}");
    let (code, screen) = line_with_typed_on(&sandbox, &path, "allow claude", "y\n");
    assert!(code == 0 && screen.contains("/new/probe"), "{screen}");
    let said = said(&sandbox, server(&sandbox, &ARGV).env("PATH", &path));
    assert_eq!(said.code, 0, "{said:?}");
}

fn line_with_typed_on(sandbox: &Sandbox, path: &str, arguments: &str, input: &str) -> (i32, String) {
    line_with_typed(sandbox, &format!("env PATH={path} {BINARY} {arguments}"), input)
}

#[test]
fn a_program_that_can_not_be_run_is_126() {
    let sandbox = allowed(SERVER);
    sandbox.write_program("bin/probe", "#!/no/such/interpreter\n");
    assert_refused(&said(&sandbox, &mut server(&sandbox, &ARGV)), 126, "start it");
}

#[test]
fn variables_that_steer_programs_do_not_go_on_unless_the_person_had_them() {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", SERVER);
    sandbox.write_program("bin/probe", PROBE);
    let allow = said(
        &sandbox,
        with_path(&sandbox, &["allow", "--allow-new=1"])
            .env("NODE_OPTIONS", "--max-old-space-size=99")
            .env("TMPDIR", "/t"),
    );
    assert_eq!(allow.code, 0, "{allow:?}");
    let run = |options: &str| {
        let mut command = server(&sandbox, &ARGV);
        command.env("NODE_OPTIONS", options).env("PYTHONPATH", "/evil").env("https_proxy", "http://evil");
        said(&sandbox, command.env("TMPDIR", "/other").env("LANG", "C"))
    };
    let same = run("--max-old-space-size=99");
    assert!(
        same.out.contains("NODE_OPTIONS=--max-old-space-size=99") && same.out.contains("TMPDIR=/other"),
        "{same:?}"
    );
    let other = run("--require /evil.js");
    assert_eq!(other.code, 0, "{other:?}");
    assert!(other.out.contains(&format!("TOKEN={KEY}")) && other.out.contains("LANG=C"), "{other:?}");
    assert!(!other.out.contains("evil"), "{other:?}");
    let log = said_log(&sandbox);
    assert!(log.contains(r#""dropped":["NODE_OPTIONS","PYTHONPATH","https_proxy"]"#), "{log}");
    assert!(!log.contains("--require"), "{log}");
}

#[test]
fn arguments_of_four_and_a_hundred_kilobytes_are_compared_and_passed_on() {
    for length in [4 << 10, 100 << 10] {
        let long = "x".repeat(length);
        let template = format!(
            r#"{{"mcpServers": {{"github": {{"command": "probe", "args": ["{long}"], "env": {{"TOKEN": "<< keyring('github') >>"}}}}}}}}"#
        );
        let sandbox = allowed(&template);
        let good = said(&sandbox, &mut server(&sandbox, &["probe", &long]));
        assert!(good.code == 0 && good.out.contains(&long), "{}", good.err);
        let other = format!("{}y", &long[1..]);
        assert_refused(&said(&sandbox, &mut server(&sandbox, &["probe", &other])), 125, "argument 1");
    }
}

#[test]
fn a_command_that_is_keystencil_itself_is_refused() {
    let command = format!("\"command\": \"{BINARY}\"");
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", &SERVER.replace("\"command\": \"probe\"", &command));
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=1"])).code, 0);
    let argv = [BINARY, "-y", "/home/me/data", "two words"];
    assert_refused(&said(&sandbox, &mut server(&sandbox, &argv)), 125, "nobody allowed");
    let said =
        said(&sandbox, with_path(&sandbox, &["run", "--", BINARY, "run", "--", "true"]).env("K", "<< keyring('x') >>"));
    assert!(said.code == 125 && said.err.contains("keystencil itself"), "{said:?}");
}

#[test]
fn without_two_dashes_the_usage_is_shown_and_nothing_started() {
    let sandbox = allowed(SERVER);
    let said = said(&sandbox, &mut with_path(&sandbox, &["run", "--for", "claude:/mcpServers/github", "probe"]));
    assert!(said.code == 125 && said.out.is_empty() && said.err.contains("-- <CMD>"), "{said:?}");
}

#[test]
fn a_bus_address_that_starts_a_program_starts_none() {
    let sandbox = allowed(SERVER);
    let mark = sandbox.path("started");
    let address = format!("unixexec:path=/usr/bin/touch,argv1={}", mark.display());
    let mut command = server(&sandbox, &ARGV);
    command.env("KEYSTENCIL_STORE", "auto").env("DBUS_SESSION_BUS_ADDRESS", &address);
    let said = said(&sandbox, &mut command);
    assert!(!mark.exists(), "{said:?}");
    assert!(!said.err.contains("canary"), "{said:?}");
}

#[test]
fn no_run_takes_a_hold_renders_or_recovers() {
    let sandbox = allowed(SERVER);
    let before: Vec<_> = sandbox.files().into_iter().filter(|(path, _)| !is_note(path)).collect();
    assert_eq!(said(&sandbox, &mut server(&sandbox, &ARGV)).code, 0);
    let after: Vec<_> = sandbox.files().into_iter().filter(|(path, _)| !is_note(path)).collect();
    assert_eq!(before, after);
}

/// The log, and the note of the delivery.
fn is_note(path: &std::path::Path) -> bool {
    path.file_stem().is_some_and(|name| name == "log")
        || path.parent().is_some_and(|folder| folder.ends_with("deliveries"))
}

/// What a process inherits besides its environment.
#[cfg(target_os = "linux")]
const INHERITED: &str = "#!/bin/sh\ncat /proc/self/limits\ngrep -E '^(Umask|Sig(Blk|Ign|Cgt)|CapEff|NoNewPrivs|Seccomp):' /proc/self/status\nls -l /proc/self/fd | sed 's/.* \\([0-9]*\\) -> /\\1 -> /' | sed 's/pipe:.*/pipe/' | grep -v '/proc/\\|^total'\nps -o pgid=,sid= -p $$ | wc -w\n";

#[test]
#[cfg(target_os = "linux")]
fn limits_umask_signals_and_descriptors_are_those_that_run_was_started_with() {
    let sandbox = allowed(SERVER);
    sandbox.write_program("bin/probe", INHERITED);
    let started = |line: &str| {
        let mut command = Command::new("bash");
        let line =
            format!("ulimit -c 1000; ulimit -n 77; umask 0137; trap '' USR1; exec {line} 9<>/dev/null 7</dev/zero");
        command.args(["-c", &line]).env_clear().env("HOME", sandbox.home()).env("PATH", path(&sandbox));
        command.env("KEYSTENCIL_STORE", "vault").env("TOKEN", "<< keyring('github') >>").env("REGION", "eu");
        command.current_dir(sandbox.home()).stdin(std::process::Stdio::null());
        said(&sandbox, &mut command)
    };
    let own = started("probe -y /home/me/data 'two words'");
    let ours = started(&format!("{BINARY} run --for claude:/mcpServers/github -- probe -y /home/me/data 'two words'"));
    assert_eq!(ours.code, 0, "{ours:?}");
    assert!(own.out.contains("Umask:\t0137") && own.out.contains("9 -> /dev/null"), "{own:?}");
    assert_eq!(own.out, ours.out);
}
