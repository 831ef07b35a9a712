//! `exec`: the program gets the key, its status is handed through, and nothing stays.

use crate::sandbox::{AT_REST, KEY, Running, Sandbox};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::Stdio;

fn exec(sandbox: &Sandbox, script: &str) -> crate::sandbox::Said {
    sandbox.run(&["exec", "--", "sh", "-c", script])
}

#[test]
fn the_program_finds_the_key_and_nobody_after_it() {
    let sandbox = Sandbox::with_key();
    let said = exec(&sandbox, "cat live.json");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let seen: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(seen["mcpServers"]["github"]["env"]["TOKEN"], KEY);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn the_status_of_the_program_is_handed_through() {
    let sandbox = Sandbox::with_key();
    for status in [0, 1, 2, 7, 125, 255] {
        assert_eq!(exec(&sandbox, &format!("exit {status}")).code, status);
    }
}

#[test]
fn a_state_folder_that_was_deleted_meanwhile_keeps_no_key_in_the_file() {
    let sandbox = Sandbox::with_key();
    // Again, if the guard has come meanwhile: it locks a file there.
    assert_eq!(exec(&sandbox, "until rm -rf ~/.local/state 2>/dev/null; do :; done").code, 0);
    assert_eq!(sandbox.live(), AT_REST);
    // What was paid by another command is not owed again.
    assert_eq!(exec(&sandbox, &format!("{} unrender --all -q", crate::sandbox::BINARY)).code, 0);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_signal_that_ends_the_program_is_128_and_its_number() {
    let sandbox = Sandbox::with_key();
    assert_eq!(exec(&sandbox, "kill -KILL $$").code, 137);
    assert_eq!(exec(&sandbox, "kill -TERM $$").code, 143);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_program_that_is_not_there_is_127_and_one_that_may_not_be_run_126() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["exec", "--", "no-such-program"]).code, 127);
    assert_eq!(sandbox.live(), AT_REST);
    assert_eq!(sandbox.run(&["exec", "--", "/etc/passwd"]).code, 126);
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn without_its_secret_the_program_is_not_run_and_that_is_125() {
    let sandbox = Sandbox::with_target();
    let said = exec(&sandbox, "touch ran");
    assert_eq!(said.code, 125);
    assert!(!sandbox.path("ran").exists() && !sandbox.path("live.json").exists());
}

#[test]
fn a_command_line_that_makes_no_sense_is_125_too() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["exec", "--nonsense", "--", "true"]).code, 125);
    assert_eq!(sandbox.run(&["exec"]).code, 125);
    assert_eq!(sandbox.run(&["exec", "--target", "cluade", "--", "true"]).code, 125);
}

#[test]
fn options_behind_the_program_are_its_own() {
    let sandbox = Sandbox::with_key();
    for dashes in [&["--"][..], &[]] {
        let said = sandbox.run(&[&["exec"][..], dashes, &["echo", "--target", "-q", "--", "x"]].concat());
        assert_eq!(said.whole(), "--target -q -- x\n[0]");
    }
}

#[test]
fn standard_input_and_output_belong_to_the_program() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run_with_input(&["-v", "exec", "--", "tr", "a", "b"], "banana");
    assert_eq!((said.code, said.out.as_str()), (0, "bbnbnb"));
    assert!(said.err.contains("rendered ~/live.json"));
}

/// Starts `exec` with a program that answers to signals, and waits until it runs.
fn running(sandbox: &Sandbox, script: &str) -> Running {
    let child = Running(
        sandbox.command(&["exec", "--", "sh", "-c", script]).process_group(0).stdout(Stdio::null()).spawn().unwrap(),
    );
    sandbox.wait_until(|| sandbox.path("ready").exists());
    assert!(sandbox.live().contains("sk-canary"));
    child
}

fn pid(child: &Running) -> Pid {
    Pid::from_child(&child.0)
}

#[test]
fn a_signal_to_exec_goes_to_the_program_and_the_key_goes_all_the_same() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let sandbox = Sandbox::with_key();
        let mut child = running(&sandbox, "touch ready; exec sleep 600");
        kill_process(pid(&child), signal).unwrap();
        let status = child.0.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(128 + signal.as_raw()), None), "{signal:?}");
        assert_eq!(sandbox.live(), AT_REST, "{signal:?}");
    }
}

#[test]
fn a_program_that_handles_a_signal_gets_it_once_and_ends_as_it_likes() {
    let sandbox = Sandbox::with_key();
    let script = "trap 'echo usr1 >> signals' USR1; trap 'echo term >> signals; exit 9' TERM; touch ready; while :; do sleep 0.05; done";
    let mut child = running(&sandbox, script);
    kill_process(pid(&child), Signal::USR1).unwrap();
    sandbox.wait_until(|| sandbox.path("signals").exists());
    kill_process(pid(&child), Signal::TERM).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(9));
    assert_eq!(sandbox.read("signals"), "usr1\nterm\n");
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let sandbox = Sandbox::with_key();
    let binary = crate::sandbox::BINARY;
    let line = format!("trap '' HUP; exec {binary} exec -- sh -c 'touch ready; sleep 1; exit 4'");
    let mut command = sandbox.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).env_clear().current_dir(sandbox.home());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    command.arg("unused");
    let mut child = Running(shell.process_group(0).spawn().unwrap());
    sandbox.wait_until(|| sandbox.path("ready").exists());
    kill_process_group(pid(&child), Signal::HUP).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(4));
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn the_program_holds_on_when_exec_is_killed() {
    let sandbox = Sandbox::with_key();
    let mut child = running(&sandbox, "touch ready; while [ ! -e stop ]; do sleep 0.05; done; touch stopped");
    sandbox.wait_until(|| sandbox.run(&["status"]).out.matches("held by").count() == 2);
    kill_process(pid(&child), Signal::KILL).unwrap();
    child.0.wait().unwrap();
    sandbox.run(&["recover"]);
    assert!(sandbox.live().contains("sk-canary"));
    // Nobody but the guard waits for the program now.
    sandbox.write("stop", "");
    sandbox.wait_until(|| sandbox.live() == AT_REST);
}

#[test]
fn two_at_once_and_the_last_one_takes_the_key_away() {
    let sandbox = Sandbox::with_key();
    let mut first = running(&sandbox, "touch ready; while [ ! -e stop ]; do sleep 0.05; done");
    assert_eq!(exec(&sandbox, "grep -q sk-canary live.json").code, 0);
    assert!(sandbox.live().contains("sk-canary"));
    sandbox.write("stop", "");
    assert_eq!(first.0.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn the_program_may_stop_and_go_on() {
    let sandbox = Sandbox::with_key();
    let mut child = running(&sandbox, "touch ready; while [ ! -e stop ]; do sleep 0.05; done; exit 6");
    kill_process_group(pid(&child), Signal::STOP).unwrap();
    sandbox.write("stop", "");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(child.0.try_wait().unwrap().is_none());
    kill_process_group(pid(&child), Signal::CONT).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(6));
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn the_program_keeps_the_limit_on_core_dumps_that_the_user_has() {
    let sandbox = Sandbox::with_key();
    let limit = |script: &str| {
        let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(exec(&sandbox, "ulimit -c").out.trim(), limit("ulimit -c"));
}

#[cfg(target_os = "linux")]
#[test]
fn keystencil_itself_dumps_no_core() {
    let sandbox = Sandbox::with_key();
    // Right after the start the limit is the user's, for the program to inherit.
    let script = "for i in $(seq 600); do
            case $(grep 'core file' /proc/$PPID/limits | tr -s ' ') in 'Max core file size 0 '*) exit 7;; esac
            sleep 0.1
        done";
    let said = exec(&sandbox, script);
    assert_eq!(said.code, 7, "{said:?}");
}
