//! `run` by the user, as `op run`: references in the environment, in files and in arguments.

use crate::below_nobody::below_nobody;
use crate::run::{PROBE, path, said, with_path};
use crate::sandbox::{BINARY, KEY, Sandbox};
use crate::terminal::line_with_typed;

fn with_probe() -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write_program("bin/probe", PROBE);
    sandbox
}

const TOKEN: &str = "<< keyring('github') >>";

/// On a terminal, where it is asked.
fn typed(sandbox: &Sandbox, line: &str, input: &str) -> (i32, String) {
    let line = format!("env PATH={} TOKEN=\"{TOKEN}\" {BINARY} {line}", crate::run::path(sandbox));
    line_with_typed(sandbox, &line, input)
}

#[test]
fn a_person_is_asked_once_and_then_it_runs_without_a_terminal() {
    let sandbox = with_probe();
    let run = |arguments: &[&str]| said(&sandbox, with_path(&sandbox, arguments).env("TOKEN", TOKEN));
    let refused = run(&["run", "--", "probe", "a"]);
    assert!(refused.code == 125 && refused.err.contains("at a terminal") && refused.out.is_empty(), "{refused:?}");
    let (code, screen) = typed(&sandbox, "run -- probe a", "n\n");
    assert!(code == 125 && screen.contains("bin/probe asks for secrets") && screen.contains(TOKEN), "{screen}");
    assert!(!screen.contains("canary"), "{screen}");
    let (code, screen) = typed(&sandbox, "run -- probe a", "y\n");
    assert!(code == 0 && screen.contains(KEY), "{screen}");
    let again = run(&["run", "--", "probe", "a"]);
    assert!(again.code == 0 && again.out.contains(&format!("TOKEN={KEY}\n")), "{again:?}");
    // Other arguments, another folder, another reference: another question.
    assert_eq!(run(&["run", "--", "probe", "b"]).code, 125);
    assert_eq!(run(&["run", "--", "probe"]).code, 125);
    let mut elsewhere = with_path(&sandbox, &["run", "--", "probe", "a"]);
    assert_eq!(said(&sandbox, elsewhere.env("TOKEN", TOKEN).current_dir("/")).code, 125);
    assert_eq!(said(&sandbox, with_path(&sandbox, &["run", "--", "probe", "a"]).env("OTHER", TOKEN)).code, 125);
    sandbox.write_program("evil/probe", PROBE);
    let path = format!("{}:{}", sandbox.path("evil").display(), crate::run::path(&sandbox));
    let mut evil = with_path(&sandbox, &["run", "--", "probe", "a"]);
    assert_eq!(said(&sandbox, evil.env("TOKEN", TOKEN).env("PATH", path)).code, 125);
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--revoke", "--all"])).code, 0);
    assert_eq!(run(&["run", "--", "probe", "a"]).code, 125);
}

#[test]
fn files_of_variables_count_before_the_environment_and_the_last_one_most() {
    let sandbox = with_probe();
    sandbox.write("one.env", &format!("# mine\nA={TOKEN}\nexport B='one'\nC=one\n"));
    sandbox.write("two.env", "C=two\n");
    let run = |grants: Option<&str>| {
        let mut command = with_path(&sandbox, &["run", "--env-file", "one.env", "--env-file=two.env", "--", "probe"]);
        command.env("B", "shell").envs(grants.map(|value| ("KEYSTENCIL_GRANTS", value)));
        said(&sandbox, &mut below_nobody(&command))
    };
    assert_eq!(run(None).code, 125);
    let said = run(Some("off"));
    assert_eq!(said.code, 0, "{said:?}");
    for line in [&format!("A={KEY}"), "B=one", "C=two"] {
        assert!(said.out.lines().any(|one| one == line), "{line}: {said:?}");
    }
}

#[test]
fn a_file_that_steers_programs_is_part_of_what_is_allowed() {
    let sandbox = with_probe();
    sandbox.write("e.env", &format!("A={TOKEN}\n"));
    let (code, screen) = typed(&sandbox, "run --env-file e.env -- probe", "y\n");
    assert_eq!(code, 0, "{screen}");
    let run =
        || said(&sandbox, with_path(&sandbox, &["run", "--env-file", "e.env", "--", "probe"]).env("TOKEN", TOKEN));
    assert_eq!(run().code, 0);
    sandbox.write("e.env", &format!("A={TOKEN}\nREGION=eu\n"));
    assert_eq!(run().code, 0);
    sandbox.write("e.env", &format!("A={TOKEN}\nNODE_OPTIONS=--require ./evil.js\n"));
    assert_eq!(run().code, 125);
}

#[test]
fn grants_off_does_not_count_for_a_server_of_a_host() {
    let sandbox = with_probe();
    let mut command = with_path(&sandbox, &["run", "--", "probe"]);
    let off = said(&sandbox, &mut below_nobody(command.env("TOKEN", TOKEN).env("KEYSTENCIL_GRANTS", "off")));
    assert!(off.code == 0 && off.out.contains(KEY), "{off:?}");
    let mut command = with_path(&sandbox, &["run", "--for", "claude:/mcpServers/github", "--", "probe"]);
    let served = said(&sandbox, command.env("TOKEN", TOKEN).env("KEYSTENCIL_GRANTS", "off"));
    assert!(served.code == 125 && served.out.is_empty(), "{served:?}");
}

/// A shell that is called like an AI tool.
#[cfg(target_os = "linux")]
#[test]
fn grants_off_does_not_count_below_an_ai_tool_and_does_in_an_editors_terminal() {
    let sandbox = with_probe();
    for (name, counts) in [("codex", false), ("opencode", false), ("zsh", true), ("code", true), ("make", true)] {
        sandbox.copy_program(std::path::Path::new("/bin/sh"), &format!("tools/{name}"));
        let run = format!("{} run -- probe; echo $?", crate::sandbox::BINARY);
        let mut command = std::process::Command::new(sandbox.path(&format!("tools/{name}")));
        command.args(["-c", &run]).env_clear().env("HOME", sandbox.home()).env("PATH", path(&sandbox));
        command.env("KEYSTENCIL_STORE", "vault").env("TOKEN", TOKEN).env("KEYSTENCIL_GRANTS", "off");
        let said = said(&sandbox, &mut below_nobody(command.current_dir(sandbox.home())));
        assert_eq!(said.out.contains(KEY) && said.out.ends_with("\n0\n"), counts, "{name}: {said:?}");
        assert_eq!(said.err.contains("does not count below"), !counts, "{name}: {said:?}");
        assert!(counts || said.out == "125\n", "{name}: {said:?}");
    }
}

#[test]
fn references_that_do_not_parse_are_named_and_nothing_is_started() {
    let sandbox = with_probe();
    for wrong in
        ["<< keyring(github) >>", "<< keyring('github' >>", "<< keyring('github')", "<<keyring ( 'x', ) | nope >>"]
    {
        let argument = said(&sandbox, &mut with_path(&sandbox, &["run", "--", "probe", wrong]));
        assert!(argument.code == 125 && argument.err.contains("argument 1"), "{wrong}: {argument:?}");
        let variable = said(&sandbox, with_path(&sandbox, &["run", "--", "probe"]).env("TOKEN", wrong));
        assert!(variable.code == 125 && variable.err.contains("variable `TOKEN`"), "{wrong}: {variable:?}");
    }
    // A `<<` that begins no reference is text.
    let said = said(&sandbox, &mut with_path(&sandbox, &["run", "--", "sh", "-c", "cat <<EOF\nhi\nEOF"]));
    assert_eq!((said.code, said.out.as_str()), (0, "hi\n"), "{said:?}");
}

#[test]
fn what_can_not_be_run_has_the_status_of_a_shell() {
    let sandbox = with_probe();
    let code = |program: &str| said(&sandbox, &mut with_path(&sandbox, &["run", "--", program])).code;
    assert_eq!(code("no-such-program"), 127);
    assert_eq!(code("/etc/passwd"), 126);
    sandbox.write_program("bin/odd", "#!/no/interpreter\n");
    assert_eq!(code("odd"), 126);
    assert_eq!(code("false"), 1);
}

#[test]
fn the_output_of_a_masked_command_holds_no_secret_in_any_form() {
    let sandbox = with_probe();
    sandbox.store("plain", "s3cret-canary-value/+");
    let script = "printf 's3cret-'; sleep 0.1; printf 'canary-value/+ and '; printf %s \"$TOKEN\" | base64; printf %s \"$TOKEN\" | od -An -tx1 | tr -d ' \\n'; echo; echo \"$TOKEN\" >&2; exit 5";
    let mut command = with_path(&sandbox, &["run", "--mask", "--", "sh", "-c", script]);
    command.env("TOKEN", "<< keyring('plain') >>").env("KEYSTENCIL_GRANTS", "off");
    let said = said(&sandbox, &mut below_nobody(&command));
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.out.starts_with("[keystencil: plain removed] and "), "{said:?}");
    assert_eq!(said.err, "[keystencil: plain removed]\n", "{said:?}");
    assert!(!said.out.contains("canary") && !said.out.contains("czNj") && !said.out.contains("73336372"), "{said:?}");
    let mut both = with_path(&sandbox, &["run", "--mask", "--for", "claude:/x", "--", "true"]);
    assert_eq!(both.output().unwrap().status.code(), Some(125));
}

#[test]
fn a_masked_output_is_otherwise_the_programs_own_byte_for_byte_and_so_is_its_end() {
    let sandbox = with_probe();
    sandbox.store("plain", "s3cret-canary&value/+");
    let run = |script: &str| {
        let mut command = with_path(&sandbox, &["run", "--mask", "--", "sh", "-c", script]);
        command.env("TOKEN", "<< keyring('plain') >>").env("KEYSTENCIL_GRANTS", "off");
        below_nobody(&command).output().unwrap()
    };
    // No text, nothing at all, no line break at the end, and more than a pipe or a buffer holds.
    let binary = run(r"printf '\000\377\376abc\r\n\012\033[1m\000'");
    assert_eq!(binary.stdout, b"\0\xff\xfeabc\r\n\n\x1b[1m\0");
    assert_eq!(run("exit 3").stdout, b"");
    let long = run("i=0; while [ $i -lt 3000 ]; do printf '%s %064d|' \"$TOKEN\" $i; i=$((i+1)); done");
    let text = String::from_utf8(long.stdout).unwrap();
    let removed = "[keystencil: plain removed] ";
    assert_eq!(text.matches(removed).count(), 3000, "{}", &text[..400]);
    let expected: String = (0..3000).map(|i| format!("{removed}{i:064}|")).collect();
    assert!(text == expected);
    // As a URL and HTML write it, also where it is the last thing that is said.
    let escaped = run("printf 'https://x/?k=s3cret-canary%%26value%%2F%%2B s3cret-canary&amp;value/+'");
    let text = String::from_utf8(escaped.stdout).unwrap();
    assert!(text.starts_with("https://x/?k=") && !text.contains("canary"), "{text}");
    // A beginning of it is no secret.
    assert_eq!(run("printf 's3cret-can'").stdout, b"s3cret-can");
    let killed = run("printf out; kill -TERM $$");
    assert_eq!((killed.status.code(), &*killed.stdout), (Some(143), &b"out"[..]), "{killed:?}");
}

#[test]
fn a_file_of_variables_may_be_a_pipe_of_the_shell() {
    let sandbox = with_probe();
    let line = format!("exec {BINARY} run --env-file <(echo \"A={TOKEN}\") -- probe");
    let mut command = with_path(&sandbox, &[]);
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &line]).env_clear().current_dir(sandbox.home());
    shell.envs(command.env("KEYSTENCIL_GRANTS", "off").get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = said(&sandbox, &mut below_nobody(&shell));
    assert!(said.code == 0 && said.out.contains(&format!("A={KEY}\n")), "{said:?}");
}
