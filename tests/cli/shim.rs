//! The shim: a program's name on PATH that runs the real one under `exec`.

use crate::sandbox::{Said, Sandbox};

/// A home with a made-up program `tool`, and the shim's folder in front of it on PATH.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\"\ngrep -c canary ~/live.json\ncat\nexit 5\n";
    sandbox.write_program("real/tool", script);
    sandbox.allow();
    sandbox
}

fn path(sandbox: &Sandbox) -> String {
    format!("{0}/.local/bin:{0}/more:{0}/real:/usr/bin:/bin", sandbox.home().display())
}

fn keystencil(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    sandbox.said(&sandbox.command(arguments).env("PATH", path(sandbox)).output().unwrap())
}

fn tool(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Said {
    sandbox.write("input", input);
    let mut command = std::process::Command::new(sandbox.path(".local/bin/tool"));
    command.args(arguments).env_clear().envs([("PATH", path(sandbox)), ("KEYSTENCIL_STORE", "vault".to_owned())]);
    command.env("HOME", sandbox.home()).current_dir(sandbox.home());
    command.stdin(std::fs::File::open(sandbox.path("input")).unwrap());
    sandbox.said(&command.output().unwrap())
}

#[test]
fn everything_is_handed_through_and_the_program_finds_its_secrets() {
    let sandbox = sandbox();
    let said = keystencil(&sandbox, &["install", "shim", "tool"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = tool(&sandbox, &["--resume", "a b", ""], "typed\n");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (5, "--resume\na b\n\n1\ntyped\n", ""));
    assert_eq!(sandbox.live(), crate::sandbox::AT_REST);
}

#[test]
fn a_second_shim_in_another_folder_is_passed_over_too() {
    let sandbox = sandbox();
    assert_eq!(keystencil(&sandbox, &["install", "shim", "tool"]).code, 0);
    let more = sandbox.path("more").display().to_string();
    keystencil(&sandbox, &["install", "shim", "tool", "--dir", &more]);
    assert_eq!(tool(&sandbox, &[], "").out, "\n1\n");
}

#[test]
fn a_shim_that_would_not_be_found_first_or_finds_no_real_program_says_so() {
    let sandbox = sandbox();
    let said = sandbox.run(&["install", "shim", "tool"]);
    assert!(said.code == 3 && said.err.contains("PATH"), "{}", said.err);
    let said = keystencil(&sandbox, &["install", "shim", "no-such-tool"]);
    assert!(said.code == 3 && said.err.contains("the real `no-such-tool`"), "{}", said.err);
}

#[test]
fn a_file_that_is_no_shim_is_neither_replaced_nor_removed() {
    let sandbox = sandbox();
    sandbox.write(".local/bin/tool", "mine");
    assert_eq!(keystencil(&sandbox, &["install", "shim", "tool"]).code, 2);
    assert_eq!(keystencil(&sandbox, &["uninstall", "shim", "tool"]).code, 0);
    assert_eq!(sandbox.read(".local/bin/tool"), "mine");
}

#[test]
fn uninstall_removes_the_shim_and_a_name_that_is_a_path_is_refused() {
    let sandbox = sandbox();
    keystencil(&sandbox, &["install", "shim", "tool"]);
    assert_eq!(keystencil(&sandbox, &["uninstall", "shim", "tool"]).code, 0);
    assert!(!sandbox.path(".local/bin/tool").exists());
    for name in ["../tool", "/bin/sh", "", "a b", "keystencil"] {
        assert_eq!(keystencil(&sandbox, &["install", "shim", name]).code, 2, "{name}");
    }
}

#[test]
fn a_shell_function_is_printed_for_every_shell_and_works_in_those_at_hand() {
    let sandbox = sandbox();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let said = keystencil(&sandbox, &["install", "shim", "tool", "--print", shell]);
        assert!(said.code == 0 && said.out.contains("exec --behind-shim -- tool"), "{}", said.out);
    }
    let function = keystencil(&sandbox, &["install", "shim", "tool", "--print", "bash"]).out;
    let folder = std::path::Path::new(crate::sandbox::BINARY).parent().unwrap().display();
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-c", &format!("{function}tool 'a b' </dev/null")]).env_clear();
    bash.envs([("PATH", format!("{folder}:{}", path(&sandbox))), ("KEYSTENCIL_STORE", "vault".to_owned())]);
    let said = sandbox.said(&bash.env("HOME", sandbox.home()).output().unwrap());
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (5, "a b\n1\n", ""));
}

#[test]
fn an_empty_part_of_path_does_not_make_the_shim_run_itself() {
    let sandbox = sandbox();
    assert_eq!(keystencil(&sandbox, &["install", "shim", "tool"]).code, 0);
    sandbox.copy_program(&sandbox.path("real/tool"), "tool");
    let mut command = std::process::Command::new(sandbox.path(".local/bin/tool"));
    let path = format!("{}/.local/bin::/usr/bin:/bin", sandbox.home().display());
    command.env_clear().envs([("PATH", path), ("KEYSTENCIL_STORE", "vault".to_owned())]);
    command.env("HOME", sandbox.home()).current_dir(sandbox.home()).stdin(std::process::Stdio::null());
    let said = sandbox.said(&command.output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (5, "\n1\n"), "{}", said.err);
}

#[test]
fn without_a_real_program_it_says_so_and_that_is_127() {
    let sandbox = sandbox();
    keystencil(&sandbox, &["install", "shim", "tool"]);
    std::fs::remove_file(sandbox.path("real/tool")).unwrap();
    let said = tool(&sandbox, &[], "");
    assert!(said.code == 127 && said.err.contains("is the shim"), "{}", said.err);
}
