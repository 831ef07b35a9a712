//! What becomes of the keys when somebody deletes, damages or replaces what keystencil keeps about them while they are
//! in.

use crate::helpers::helpers;
use crate::sandbox::{AT_REST, BINARY, KEY, Running, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;

const STATE: &str = "~/.local/state/keystencil";

/// Shell commands that remove the journal, even if it is put back meanwhile; `$j` is its path.
const SHAPES: [&str; 14] = [
    "rm $j",
    "until rm -rf STATE 2>/dev/null; do :; done",
    "until rm -rf ~/.local/state 2>/dev/null; do :; done",
    "rm -f STATE/*",
    "mv STATE ~/elsewhere",
    "mv $j ~/elsewhere",
    ": > $j",
    "echo '{\"version\":1}' > $j",
    "head -c 100 $j > ~/half; cat ~/half > $j",
    "head -c 100 $j > ~/half; mv ~/half $j",
    "until mkdir $j 2>/dev/null; do rm -f $j; done",
    "mkdir ~/full; touch ~/full/in-it; until mv -T ~/full $j 2>/dev/null; do rm -f $j; done",
    "until mkfifo $j 2>/dev/null; do rm -f $j; done",
    "until ln -s nowhere $j 2>/dev/null; do rm -f $j; done",
];

fn shaped(shape: &str) -> String {
    format!("set -e; j=$(ls STATE/*.journal.json); {shape}").replace("STATE", STATE)
}

fn shell(sandbox: &Sandbox, script: &str) {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).env_clear().env("HOME", sandbox.home()).env("PATH", "/usr/bin:/bin");
    assert!(command.status().unwrap().success(), "{script}");
}

/// An `exec` whose program runs until there is a file `stop`.
fn running(sandbox: &Sandbox, options: &[&str]) -> Running {
    running_script(sandbox, options, "touch ready; while [ ! -e stop ]; do sleep 0.02; done")
}

fn running_script(sandbox: &Sandbox, options: &[&str], script: &str) -> Running {
    let arguments = [&["exec"], options, &["--", "sh", "-c", script]].concat();
    let child = sandbox.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sandbox.wait_until(|| sandbox.path("ready").exists());
    Running(child)
}

fn kill_guard(sandbox: &Sandbox) {
    sandbox.wait_until(|| helpers(sandbox, "guard").len() == 1);
    for pid in helpers(sandbox, "guard") {
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    }
    sandbox.wait_until(|| helpers(sandbox, "guard").is_empty());
}

fn assert_nothing_left(sandbox: &Sandbox, when: &str) {
    sandbox.wait_until(|| helpers(sandbox, "guard").is_empty());
    assert_eq!(sandbox.live(), AT_REST, "{when}");
    let status = sandbox.run(&["status"]);
    assert!(status.code == 0 && status.out.contains("  at rest\n"), "{when}: {status:?}");
}

#[test]
fn a_journal_that_is_gone_or_damaged_at_the_end_of_exec_keeps_no_key_in_the_file() {
    for shape in SHAPES {
        let sandbox = Sandbox::with_key();
        let said = sandbox.run(&["exec", "--", "sh", "-c", &format!("{}; exit 7", shaped(shape))]);
        assert_eq!((said.code, said.err.as_str()), (7, ""), "{shape}");
        assert_nothing_left(&sandbox, shape);
    }
}

#[test]
fn a_journal_that_is_gone_or_damaged_is_put_back_while_the_program_runs_with_a_guard_or_without() {
    for shape in SHAPES {
        for has_guard in [true, false] {
            let sandbox = Sandbox::with_key();
            let mut child = running(&sandbox, &[]);
            if !has_guard {
                kill_guard(&sandbox);
            }
            shell(&sandbox, &shaped(shape));
            sandbox.wait_until(|| sandbox.run(&["status"]).out.contains("held by"));
            assert!(sandbox.live().contains("sk-canary"), "{shape}");
            sandbox.write("stop", "");
            assert!(child.0.wait().unwrap().success());
            assert_nothing_left(&sandbox, &format!("{shape}, guard: {has_guard}"));
        }
    }
}

#[test]
fn the_guard_alone_puts_a_journal_back_and_takes_the_key_out_when_exec_and_its_program_are_killed() {
    for shape in SHAPES {
        let sandbox = Sandbox::with_key();
        let mut child = running(&sandbox, &[]);
        sandbox.wait_until(|| sandbox.run(&["status"]).out.matches("held by").count() == 2);
        kill_process(Pid::from_child(&child.0), Signal::KILL).unwrap();
        child.0.wait().unwrap();
        // The guard has seen that: so it knows the journal.
        sandbox.wait_until(|| sandbox.run(&["status"]).out.matches("held by").count() == 1);
        shell(&sandbox, &shaped(shape));
        sandbox.write("stop", "");
        sandbox.wait_until(|| sandbox.live() == AT_REST);
        assert_nothing_left(&sandbox, shape);
    }
}

#[test]
fn a_window_that_is_still_open_is_closed_though_its_journal_is_gone() {
    for shape in SHAPES {
        let sandbox = Sandbox::with_key();
        // Its one child stays, so that the window is closed soon.
        let mut child =
            running_script(&sandbox, &["--window", "start"], "trap 'kill $!' TERM; sleep 600 & touch ready; wait");
        // It may be closed already.
        shell(&sandbox, &format!("({}) 2>/dev/null || true", shaped(shape)));
        sandbox.wait_until(|| sandbox.live() == AT_REST);
        kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(143));
        assert_nothing_left(&sandbox, shape);
    }
}

#[test]
fn a_value_that_was_rotated_in_before_the_journal_went_is_taken_out_as_well() {
    for has_guard in [true, false] {
        let sandbox = Sandbox::with_key();
        let mut child = running(&sandbox, &[]);
        if !has_guard {
            kill_guard(&sandbox);
        }
        let said = sandbox.run_with_input(&["secret", "rotate", "github"], "sk-rotated-0123456789");
        assert_eq!(said.code, 0, "{said:?}");
        assert!(sandbox.live().contains("sk-rotated"));
        let journal = std::fs::read_dir(sandbox.path(".local/state/keystencil")).unwrap();
        let mut paths = journal.map(|entry| entry.unwrap().path());
        let journal = paths.find(|path| path.to_string_lossy().ends_with(".journal.json")).unwrap();
        let rotated = std::fs::read(&journal).unwrap();
        sandbox.wait_until(|| {
            // Until somebody has seen the new one before it goes.
            shell(&sandbox, &format!("rm {}", journal.display()));
            sandbox.wait_until(|| journal.exists());
            let is_newest = std::fs::read(&journal).unwrap() == rotated;
            std::fs::write(sandbox.path("journal"), &rotated).unwrap();
            std::fs::rename(sandbox.path("journal"), &journal).unwrap();
            is_newest
        });
        sandbox.write("stop", "");
        assert!(child.0.wait().unwrap().success());
        assert_nothing_left(&sandbox, "rotated");
    }
}

#[test]
fn what_another_command_has_paid_is_not_owed_again() {
    let sandbox = Sandbox::with_key();
    let mut child = running(&sandbox, &[]);
    for _ in 0..3 {
        assert_eq!(sandbox.run(&["unrender", "--all", "-q"]).code, 0);
        assert_eq!(sandbox.live(), AT_REST);
        assert_eq!(sandbox.run(&["render", "-q"]).code, 0);
    }
    assert_eq!(sandbox.run(&["unrender", "--all", "-q"]).code, 0);
    // The same value as the user's own now: nobody takes it for what was filled before.
    let mine = AT_REST.replace("\"<< keyring('github') >>\"", &serde_json::to_string(KEY).unwrap());
    sandbox.write("live.json", &mine);
    sandbox.write("stop", "");
    assert!(child.0.wait().unwrap().success());
    sandbox.wait_until(|| helpers(&sandbox, "guard").is_empty());
    assert_eq!(sandbox.live(), mine);
}

#[test]
fn a_render_after_the_journal_went_holds_together_with_those_who_held_before() {
    let sandbox = Sandbox::with_key();
    let mut first = running(&sandbox, &[]);
    kill_guard(&sandbox);
    // Both at once, so that the first has no time to put its journal back.
    let said = sandbox.run(&["exec", "--", "sh", "-c", "grep -q sk-canary live.json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let other = format!("rm {STATE}/*.journal.json; {BINARY} render -q --store vault");
    let mut command = sandbox.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &other]).env_clear().current_dir(sandbox.home());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(shell.status().unwrap().success());
    command.arg("unused");
    sandbox.wait_until(|| sandbox.run(&["status"]).out.matches("held by").count() == 3);
    assert_eq!(sandbox.run(&["unrender", "-q"]).code, 0);
    assert!(sandbox.live().contains("sk-canary"), "a living holder lost its key");
    sandbox.write("stop", "");
    assert!(first.0.wait().unwrap().success());
    assert_nothing_left(&sandbox, "two journals");
}

#[test]
fn a_home_that_is_deleted_while_a_guard_watches_does_not_come_back() {
    let sandbox = Sandbox::with_key();
    let host = Running(std::process::Command::new("sleep").arg("600").spawn().unwrap());
    let mut command = sandbox.command(&["render", "-q", "--owner", &host.0.id().to_string()]);
    assert!(command.status().unwrap().success());
    let home = sandbox.home().to_owned();
    std::fs::remove_dir_all(&home).unwrap();
    drop(host);
    sandbox.wait_until(|| helpers(&sandbox, "guard").is_empty());
    assert!(!home.exists());
}

#[test]
fn a_journal_of_another_file_is_none_of_this_ones() {
    let sandbox = Sandbox::with_key();
    sandbox.write("other.json", AT_REST);
    let (template, other) = (sandbox.path(".config/keystencil/claude.json"), sandbox.path("other.json"));
    sandbox.allow_pair(template.to_str().unwrap(), &other);
    let pair = ["--template", template.to_str().unwrap(), "--to", other.to_str().unwrap()];
    assert_eq!(sandbox.run(&[&["render"], &pair[..]].concat()).code, 0);
    let script = "cd STATE; o=$(grep -l other.json *.journal.json); l=$(ls *.journal.json | grep -v $o); cp $o $l";
    let said = sandbox.run(&["exec", "--target", "claude", "--", "sh", "-c", &script.replace("STATE", STATE)]);
    assert_eq!(said.code, 0, "{}", said.whole());
    assert_eq!(sandbox.live(), AT_REST);
    assert_eq!(sandbox.run(&["unrender", "--to", other.to_str().unwrap()]).code, 0);
    assert_eq!(sandbox.read("other.json"), AT_REST);
}
