//! Secrets that commands of the config look up. The commands are small scripts here; `pass` is in a module of its own.

use crate::sandbox::{Said, Sandbox};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a good reference stands for.
const VALUE: &str = "value-of-canary-42";

/// Answers as the reference says, and writes down each call: in one write, because commands run side by side.
const SCRIPT: &str = r#"#!/bin/sh
printf '%s\n' "$(printf '%s|' "$@")" >> "$HOME/asked"
for last; do :; done
case "$last" in
    good*) printf 'value-of-canary-42\n' ;;
    lines) printf 'value-of-canary-42\nuser: me\n' ;;
    two-ends) printf 'value-of-canary-42\n\n' ;;
    empty) : ;;
    only-a-line-break) echo ;;
    bytes) printf 'value-of-canary-42\377\n' ;;
    nul) printf 'value-of-\000canary-42' ;;
    large) head -c 1100000 /dev/zero | tr '\0' x ;;
    endless) exec yes ;;
    wrong) printf '\033[31mno entry\033[0m; the token is ghp_abcdefghijklmnopqrst0123\n' >&2; exit 7 ;;
    half) printf value-of-canary-42; printf 'could not finish value-of-canary-42' >&2; exit 1 ;;
    noisy) head -c 300000 /dev/zero | tr '\0' e >&2; printf 'value-of-canary-42\n' ;;
    killed) kill -9 $$ ;;
    frozen) sleep 600 & echo $! > "$HOME/sleeper"; wait ;;
    leaves) sleep 600 & echo $! >> "$HOME/sleepers"; printf 'value-of-canary-42\n' ;;
    leaves-much) sleep 600 & echo $! >> "$HOME/sleepers"; head -c 300000 /dev/zero | tr '\0' x; printf end ;;
    environment) env > "$HOME/environment"; echo value-of-canary-42 ;;
    input) cat > "$HOME/input"; echo value-of-canary-42 ;;
    folder) pwd > "$HOME/folder"; echo value-of-canary-42 ;;
    limits) ulimit -c > "$HOME/limits"; echo value-of-canary-42 ;;
    together*) echo >> "$HOME/together"
        until [ "$(wc -l < "$HOME/together")" -ge 4 ]; do sleep 0.01; done
        echo value-of-canary-42 ;;
    *) printf '%s' "$last" ;;
esac
"#;

/// A home with a provider `get`, whose command continues after the script, and a template with these expressions.
fn sandbox_with(declaration: &str, expressions: &[&str]) -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write_program("bin/get", SCRIPT);
    declare(&sandbox, declaration);
    template(&sandbox, expressions);
    sandbox
}

fn declare(sandbox: &Sandbox, declaration: &str) {
    let config = format!("[targets.a]\ntemplate = 'a.json'\npath = '~/live.json'\n\n[providers.get]\n{declaration}\n");
    sandbox.write(".config/keystencil/config.toml", &config);
}

fn template(sandbox: &Sandbox, expressions: &[&str]) {
    let members: Vec<_> = expressions.iter().enumerate().map(|(at, text)| format!("\"{at}\": << {text} >>")).collect();
    sandbox.write(".config/keystencil/a.json", &format!("{{{}}}", members.join(",\n")));
}

fn sandbox(expressions: &[&str]) -> Sandbox {
    sandbox_with("command = ['~/bin/get', 'read', '{ref}']\ntimeout = '60s'", expressions)
}

fn asked(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("asked")).unwrap_or_default()
}

/// The error of a render that fails: all that is said, without the secret.
fn refused(sandbox: &Sandbox) -> String {
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!sandbox.path("live.json").exists(), "something was written");
    assert!(!said.whole().contains("canary"), "{said:?}");
    said.err
}

fn done(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.whole().contains("canary"), "{said:?}");
}

#[test]
fn what_a_command_prints_is_filled_in_and_taken_out_and_each_reference_is_asked_once() {
    let sandbox = sandbox(&["get('good')", "get(\"good\") | b64encode", "'Bearer ' ~ get('good') ~ get('good 2')"]);
    done(&sandbox.run(&["render"]));
    assert_eq!(sandbox.live().matches(VALUE).count(), 3, "{}", sandbox.live());
    assert!(sandbox.live().contains("dmFsdWUtb2YtY2FuYXJ5LTQy"), "{}", sandbox.live());
    let mut calls: Vec<_> = asked(&sandbox).lines().map(str::to_owned).collect();
    calls.sort();
    assert_eq!(calls, ["read|good 2|", "read|good|"]);
    // Nothing is asked and no provider need be declared to take it out.
    sandbox.write(".config/keystencil/config.toml", "");
    done(&sandbox.run(&["unrender", "--all", "--to", "live.json"]));
    assert!(sandbox.live().contains(r#""0": "<< get('good') >>""#), "{}", sandbox.live());
    assert!(sandbox.live().contains("Bearer << get('good') >><< get('good 2') >>"), "{}", sandbox.live());
    assert!(!sandbox.live().contains("canary"));
    assert_eq!(asked(&sandbox).lines().count(), 2);
}

#[test]
fn what_only_shows_something_runs_no_command() {
    let sandbox = sandbox(&["get('good')"]);
    for arguments in [&["diff"][..], &["status"], &["secret", "list"], &["render", "--dry-run"]] {
        let said = sandbox.run(arguments);
        assert!(said.code < 2, "{said:?}");
    }
    done(&sandbox.run(&["render"]));
    let once = asked(&sandbox);
    for arguments in [&["diff"][..], &["diff", "--rendered"], &["status", "--json"], &["secret", "list"], &["recover"]]
    {
        assert!(sandbox.run(arguments).code < 2);
    }
    done(&sandbox.run(&["unrender"]));
    assert_eq!((once.as_str(), asked(&sandbox).as_str()), ("read|good|\n", "read|good|\n"));
}

#[test]
fn a_reference_is_one_argument_whatever_it_holds() {
    let odd = "$(touch pwned) `touch pwned`; touch pwned | \"x\" 'y' * ~ {ref} %PATH% é";
    let written = odd.replace('\'', "\\'");
    let sandbox = sandbox(&[&format!("get('{written}')")]);
    done(&sandbox.run(&["render"]));
    assert_eq!(asked(&sandbox), format!("read|{odd}|\n"));
    assert!(!sandbox.path("pwned").exists());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&sandbox.live()).unwrap()["0"], odd);
}

#[test]
fn a_reference_that_reads_like_an_option_is_refused_and_nothing_is_run() {
    let sandbox = sandbox(&["get('--config=/tmp/evil')", "get('-')"]);
    let said = refused(&sandbox);
    assert!(said.contains("would take `--config=/tmp/evil` as an option"), "{said}");
    assert!(said.contains("would take `-` as an option") && said.contains("config.toml:5:1"), "{said}");
    assert_eq!(asked(&sandbox), "");
    for command in ["'--', '{ref}'", "'--item={ref}'"] {
        let sandbox = sandbox_with(&format!("command = ['~/bin/get', {command}]\ntimeout = '60s'"), &["get('--x')"]);
        done(&sandbox.run(&["render"]));
        assert!(asked(&sandbox).ends_with("--x|\n"), "{}", asked(&sandbox));
    }
}

#[test]
fn what_is_no_secret_is_an_error_that_says_why_and_each_one_is_told() {
    let sandbox = sandbox(&[
        "get('empty')",
        "get('only-a-line-break')",
        "get('bytes')",
        "get('nul')",
        "get('large')",
        "get('endless')",
        "get('killed')",
        "get('good')",
    ]);
    let said = refused(&sandbox);
    assert_eq!(said.matches("error:").count(), 7, "{said}");
    for part in [
        "provider `get` printed nothing for `empty`",
        "provider `get` printed nothing for `only-a-line-break`",
        "the output of provider `get` for `bytes` is not UTF-8 text",
        "the output of provider `get` for `nul` is not UTF-8 text",
        "provider `get` printed more than a megabyte for `large`",
        "provider `get` printed more than a megabyte for `endless`",
        "provider `get` was killed by a signal while it looked up `killed`",
        "a.json:1:10, slot /0",
        "`[providers.get]` at HOME/.config/keystencil/config.toml:5:1",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn standard_error_is_shown_without_keys_and_control_characters() {
    let sandbox = sandbox(&["get('wrong')", "get('half')"]);
    let said = refused(&sandbox);
    assert!(
        said.contains("provider `get` has no value for `wrong` (status 7): no entry; the token is [hidden]\n"),
        "{said}"
    );
    assert!(said.contains("(status 1): could not finish [hidden]\n"), "{said}");
    assert!(!said.contains("ghp_") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_program_that_says_much_on_standard_error_is_no_failure() {
    let sandbox = sandbox(&["get('noisy')"]);
    done(&sandbox.run(&["render"]));
    assert!(sandbox.live().contains(VALUE));
}

#[test]
fn one_line_break_at_the_end_goes_and_of_several_lines_the_first_if_the_config_says_so() {
    let lines = ["get('two-ends')", "get('lines')"];
    let sandbox = sandbox(&lines);
    done(&sandbox.run(&["render"]));
    let value: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    assert_eq!(value["0"], format!("{VALUE}\n"));
    assert_eq!(value["1"], format!("{VALUE}\nuser: me"));
    let sandbox = sandbox_with("command = ['~/bin/get', '{ref}']\nfirst_line = true\ntimeout = '60s'", &lines);
    done(&sandbox.run(&["render"]));
    let value: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    assert_eq!((&value["0"], &value["1"]), (&VALUE.into(), &VALUE.into()));
}

#[test]
fn a_frozen_command_is_ended_with_all_it_started_and_not_asked_again() {
    let expressions = ["get('frozen')", "get('frozen 2')", "get('frozen 3')"];
    let command = "command = ['~/bin/get', 'read', 'frozen', '{ref}']";
    let sandbox = sandbox_with(command, &expressions[..1]);
    let mut sleeper = String::new();
    // On a loaded machine the first is over before the script has come to it.
    for (limit, seconds) in [("400ms", "0.4"), ("4s", "4"), ("40s", "40")] {
        declare(&sandbox, &format!("{command}\ntimeout = '{limit}'"));
        let said = refused(&sandbox);
        assert!(said.contains(&format!("provider `get` did not answer `frozen` within {seconds} s")), "{said}");
        assert!(said.contains("longer `timeout`"), "{said}");
        sleeper = fs::read_to_string(sandbox.path("sleeper")).unwrap_or_default();
        if sleeper.ends_with('\n') {
            break;
        }
    }
    let status = format!("/proc/{}/status", sleeper.trim());
    assert!(sleeper.ends_with('\n'), "the script did not come to it");
    sandbox.wait_until(|| fs::read_to_string(&status).map_or(true, |status| status.contains("State:\tZ")));
    // The limit is for what nobody at a terminal waits for, too.
    let sandbox = sandbox_with("command = ['sleep', '600', '--', '{ref}']", &["get('600')"]);
    assert!(refused(&sandbox).contains("within 3 s"));
}

#[test]
fn an_answer_counts_though_something_that_the_command_started_holds_its_output_open() {
    let sandbox = sandbox(&["get('leaves')", "get('leaves-much')"]);
    let said = sandbox.run(&["render", "--allow-new=2"]);
    let sleepers = fs::read_to_string(sandbox.path("sleepers")).unwrap();
    sleepers.lines().for_each(|pid| drop(Command::new("kill").arg(pid).status()));
    done(&said);
    let live = fs::read_to_string(sandbox.path("live.json")).unwrap();
    assert!(live.contains("\"value-of-canary-42\"") && live.contains("xxxend\""), "{} bytes", live.len());
    assert_eq!(live.matches('x').count(), 300_000);
}

#[test]
fn a_program_that_is_not_there_is_told_with_the_line_that_names_it() {
    let sandbox = sandbox_with("command = ['no-such-program', '{ref}']", &["get('x')", "get('y')"]);
    let said = refused(&sandbox);
    assert!(said.contains("error: provider `get`: program `no-such-program` not found\n"), "{said}");
    assert!(said.contains("  at ~/.config/keystencil/a.json:1:10, slot /0\n"), "{said}");
    assert!(said.contains("or change `[providers.get]` at HOME/.config/keystencil/config.toml:5:1"), "{said}");
    let sandbox = sandbox_with("command = ['~/.config/keystencil/config.toml', '{ref}']", &["get('x')"]);
    let said = refused(&sandbox);
    assert!(said.contains("cannot run `") && said.contains("`: Permission denied"), "{said}");
}

#[test]
fn a_command_gets_no_secret_no_input_of_ours_no_core_dumps_and_runs_at_home() {
    let sandbox = sandbox_with(
        "command = ['~/bin/get', '{ref}']\nenv = { GREETING = 'hello' }\ntimeout = '60s'",
        &["keyring('github')", "get('environment')", "get('input')", "get('folder')", "get('limits')"],
    );
    sandbox.store("github", "ghp-the-other-canary");
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let mut child = sandbox.command(&["render"]);
    let child = child.current_dir(sandbox.path("elsewhere")).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed ahead").unwrap();
    assert!(child.wait().unwrap().success());
    let environment = sandbox.read("environment");
    assert!(environment.contains("GREETING=hello") && !environment.contains("canary"), "{environment}");
    assert_eq!(sandbox.read("input"), "");
    assert_eq!(fs::canonicalize(sandbox.read("folder").trim()).unwrap(), fs::canonicalize(sandbox.home()).unwrap());
    assert_eq!(sandbox.read("limits"), "0\n");
}

#[test]
fn four_run_at_once() {
    let sandbox = sandbox(&["get('together')", "get('together 2')", "get('together 3')", "get('together 4')"]);
    done(&sandbox.run(&["render"]));
    assert_eq!(sandbox.live().matches(VALUE).count(), 4);
}

#[test]
fn a_template_can_call_what_the_config_declares_and_nothing_else() {
    let sandbox = sandbox(&["gett('x')"]);
    let said = refused(&sandbox);
    assert!(said.contains("unknown function `gett`") && said.contains("did you mean `get`?"), "{said}");
    template(&sandbox, &["vault('x')"]);
    let said = refused(&sandbox);
    assert!(said.contains("config.toml declares under `[providers.vault]`"), "{said}");
    template(&sandbox, &["get()"]);
    assert!(refused(&sandbox).contains("write `get('what to look up')`"));
    assert_eq!(asked(&sandbox), "");
}

#[test]
fn a_declaration_that_can_not_be_is_an_error_with_its_place() {
    let cases = [
        ("keyring", "command = ['op', '{ref}']", "a template can't call it by this name", "1:1"),
        ("a-b", "command = ['op', '{ref}']", "a template can't call it by this name", "1:1"),
        ("op", "command = []", "its command is empty", "1:1"),
        ("op", "command = ['op', 'read']", "`{ref}` must be in exactly one argument", "1:1"),
        ("op", "command = ['{ref}', 'read']", "`{ref}` must be in exactly one argument", "1:1"),
        ("op", "command = ['sh', '-c', 'op read {ref}']", "`sh` would run `{ref}`", "1:1"),
        ("op", "command = ['op', '{ref}']\ntimeout = 'soon'", "its timeout is not between", "3:11"),
        ("op", "command = ['op', '{ref}']\ntimeout = '0s'", "its timeout is not between", "1:1"),
        ("op", "command = ['op', '{ref}']\nenv = { 'A=B' = 'c' }", "its `env` has", "1:1"),
        ("op", "commnad = ['op', '{ref}']", "unknown field `commnad`", "2:1"),
        ("op", "timeout = '3s'", "missing field `command`", "1:1"),
    ];
    let sandbox = Sandbox::empty();
    for (name, text, message, place) in cases {
        sandbox.write(".config/keystencil/config.toml", &format!("[providers.{name}]\n{text}\n"));
        let said = sandbox.run(&["status"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(message), "{message}\n{}", said.err);
        assert!(said.err.contains(&format!("at ~/.config/keystencil/config.toml:{place}\n")), "{}", said.err);
    }
}

#[test]
fn a_config_that_others_can_change_or_replace_declares_no_command_and_the_hint_cures_it() {
    let sandbox = sandbox(&["get('good')"]);
    let config = sandbox.path(".config/keystencil/config.toml");
    let (folder, elsewhere) = (sandbox.path(".config/keystencil"), sandbox.path("dotfiles"));
    let real = elsewhere.join("config.toml");
    fs::create_dir(&elsewhere).unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for is_link in [false, true] {
        if is_link {
            fs::rename(&config, &real).unwrap();
            std::os::unix::fs::symlink(&real, &config).unwrap();
            set(&elsewhere, 0o700);
        }
        let file = if is_link { &real } else { &config };
        for (path, mode) in
            [(file, 0o666), (file, 0o664), (&folder, 0o775), (&folder, 0o707), (&elsewhere, 0o770), (&elsewhere, 0o702)]
        {
            if path == &elsewhere && !is_link {
                continue;
            }
            set(path, mode);
            let said = refused(&sandbox);
            assert!(said.contains("other users can change this"), "{said}");
            assert_eq!(asked(&sandbox), "");
            let hint = said.lines().find_map(|line| line.strip_prefix("hint: `")).unwrap();
            let hint = hint.trim_end_matches('`').replace("HOME/", "$HOME/");
            assert!(
                Command::new("sh").args(["-c", &hint]).env("HOME", sandbox.path("")).status().unwrap().success(),
                "{hint}"
            );
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o022, 0, "{hint}");
        }
    }
    done(&sandbox.run(&["render", "--allow-new=1"]));
    if is_root() {
        sandbox.run(&["unrender"]);
        for path in [&real, &elsewhere] {
            std::os::unix::fs::chown(path, Some(12345), None).unwrap();
            let said = sandbox.run(&["render"]);
            assert!(said.code == 2 && said.err.contains("belongs to another user"), "{said:?}");
            std::os::unix::fs::chown(path, Some(0), None).unwrap();
        }
    }
}

#[test]
fn a_config_that_init_makes_may_declare_commands_whatever_the_umask() {
    let sandbox = Sandbox::empty();
    let line = format!("umask 0; exec '{}' init", env!("CARGO_BIN_EXE_keystencil"));
    let init = Command::new("sh").args(["-c", &line]).env_clear().env("HOME", sandbox.path("")).status().unwrap();
    assert!(init.success());
    for made in [".config", ".config/keystencil", ".config/keystencil/config.toml"] {
        let mode = fs::metadata(sandbox.path(made)).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "{made}: {mode:o}");
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}
