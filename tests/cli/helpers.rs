//! What `exec` has its helpers do, seen from outside: they are killed, interrupted, replaced on disk, and spied at.

use crate::keyring::Keyring;
use crate::sandbox::{AT_REST, BINARY, Running, Sandbox};
use crate::terminal::on_a_terminal;
use rustix::process::{Pid, Signal, getuid, kill_process};
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

/// A home whose secret comes from a command that a test writes.
fn provided(command: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    let config = "[targets.a]\ntemplate = 'a.json'\npath = '~/live.json'\n[providers.ask]\ncommand = ['sh', 'command', '{ref}']\n";
    sandbox.write(".config/keystencil/config.toml", config);
    sandbox.write(".config/keystencil/a.json", "{\"K\": << ask('openai') >>}");
    sandbox.write("command", command);
    sandbox
}

/// Processes of this home that were started as that helper, or as the guard.
pub(crate) fn helpers(sandbox: &Sandbox, verb: &str) -> Vec<u32> {
    let home = sandbox.home().to_string_lossy().into_owned();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(|pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let is_here = String::from_utf8_lossy(&line).contains(&home) || folder == sandbox.home();
        is_here && line.starts_with(format!("keystencil\0{verb}\0").as_bytes())
    })
    .collect()
}

#[test]
fn an_helper_that_is_killed_while_it_asks_for_secrets_is_125_and_the_program_is_not_run() {
    let sandbox = provided("kill -KILL $PPID; sleep 1");
    let said = sandbox.run(&["exec", "--", "touch", "ran"]);
    assert_eq!((said.code, said.out.as_str()), (125, ""), "{said:?}");
    assert!(said.err.contains("error: filling in the secrets was interrupted"), "{said:?}");
    assert!(said.err.contains("hint: ") && !sandbox.path("ran").exists(), "{said:?}");
}

#[test]
fn a_signal_while_secrets_are_asked_for_ends_exec_and_its_helper_by_that_signal() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL] {
        let sandbox = provided("touch asked; exec sleep 600");
        let mut child = Running(sandbox.command(&["exec", "--", "touch", "ran"]).spawn().unwrap());
        sandbox.wait_until(|| sandbox.path("asked").exists());
        kill_process(Pid::from_child(&child.0), signal).unwrap();
        let status = child.0.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(signal.as_raw()), "{status:?}");
        sandbox.wait_until(|| helpers(&sandbox, "exec-fill").is_empty());
        assert!(!sandbox.path("ran").exists() && !sandbox.path("live.json").exists());
    }
}

#[test]
fn ctrl_c_at_a_prompt_ends_everything_and_nothing_is_rendered() {
    let sandbox = provided("touch asked; read -r answer; echo \"$answer\"");
    let (mut child, mut keyboard) = on_a_terminal(&sandbox, &format!("{BINARY} exec -- touch ran"));
    sandbox.wait_until(|| sandbox.path("asked").exists());
    keyboard.write_all(b"\x03").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    sandbox.wait_until(|| helpers(&sandbox, "exec-fill").is_empty());
    assert!(!sandbox.path("ran").exists() && !sandbox.path("live.json").exists());
}

#[test]
fn an_upgrade_that_replaces_or_removes_the_program_while_exec_runs_keeps_no_key_in_the_file() {
    for upgrade in ["rm -f keystencil", "rm -f keystencil; echo 'exit 0' > keystencil; chmod +x keystencil"] {
        let sandbox = Sandbox::with_key();
        sandbox.copy_program(BINARY.as_ref(), "keystencil");
        let mut command = Command::new(sandbox.path("keystencil"));
        sandbox.allow();
        let as_always = sandbox.command(&[]);
        command.env_clear().envs(as_always.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(sandbox.home()).args(["exec", "--", "sh", "-c"]);
        command.arg(format!("grep -q sk-canary live.json && {{ {upgrade}; }}"));
        let said = sandbox.said(&command.output().unwrap());
        assert_eq!(said.whole(), "[0]");
        assert_eq!(sandbox.live(), AT_REST);
        sandbox.wait_until(|| helpers(&sandbox, "guard").is_empty());
    }
}

#[test]
fn a_caller_that_reads_a_pipe_to_its_end_does_not_wait_for_the_guard() {
    let sandbox = Sandbox::with_key();
    let host = Running(Command::new("sleep").arg("600").spawn().unwrap());
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n",
    );
    sandbox.write("input", r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#);
    let mut command = Command::new("sh");
    sandbox.allow();
    let as_always = sandbox.command(&[]);
    command.env_clear().envs(as_always.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Descriptor 9 is left open to whatever is started.
    command.args(["-c", &format!("{BINARY} hook session-start <input 9>&1 >answer")]);
    command.env("CLAUDE_PID", host.0.id().to_string()).current_dir(sandbox.home());
    let mut caller = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut pipe = caller.0.stdout.take().unwrap();
    let reader = std::thread::spawn(move || pipe.read_to_end(&mut Vec::new()).unwrap());
    sandbox.wait_until(|| reader.is_finished());
    sandbox.wait_until(|| helpers(&sandbox, "guard").len() == 1);
    assert!(sandbox.read(".claude.json").contains("sk-canary"));
}

/// The guard's and the helpers' own calls too: every process that is ours.
#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs strace")]
fn before_anything_of_the_users_is_opened_the_process_is_closed_to_others_and_dumps_no_core() {
    let sandbox = Sandbox::with_key();
    let log = sandbox.path("log");
    let mut command = Command::new("strace");
    sandbox.allow();
    let as_always = sandbox.command(&[]);
    command.env_clear().envs(as_always.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["-f", "-q", "-e", "trace=execve,prctl,prlimit64,openat,open,connect", "-o"]).arg(&log);
    command.arg(BINARY).args(["exec", "--", "true"]).current_dir(sandbox.home());
    let status = command.status().expect("strace is needed: run scripts/test, which installs it");
    assert!(status.success());
    let log = fs::read_to_string(log).unwrap();
    let home = sandbox.home().to_string_lossy().into_owned();
    let mut checked = 0;
    let pids: std::collections::BTreeSet<&str> = log.lines().filter_map(|line| line.split(' ').next()).collect();
    for pid in pids {
        let own = log.lines().filter_map(|line| line.strip_prefix(pid)?.strip_prefix(' ')).map(str::trim_start);
        let calls: Vec<&str> = own.collect();
        let first = |what: &[&str]| calls.iter().position(|call| what.iter().all(|part| call.contains(part)));
        // A thread is not a process.
        let (Some(_), Some(opened)) = (first(&["execve("]), first(&["openat(", &home])) else { continue };
        // Without the closing bracket: another process may come in between, and strace writes `<unfinished ...>`.
        let closed = first(&["prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE"]);
        let limited = first(&["prlimit64(0, RLIMIT_CORE, {rlim_cur=0"]);
        let both = closed.zip(limited).is_some_and(|(closed, limited)| closed < opened && limited < opened);
        assert!(both, "{calls:#?}");
        checked += 1;
    }
    // `exec` itself, and what fills, starts and closes; the guard may come too late to open anything.
    assert!(checked >= 4, "{log}");
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs setpriv")]
fn no_other_process_of_the_user_can_read_the_memory_of_exec_or_of_the_guard() {
    let sandbox = Sandbox::with_key();
    sandbox.copy_program(BINARY.as_ref(), "keystencil");
    // What the program may do with a process of its own user: of its own child it must work, or the answers mean
    // nothing.
    sandbox.write(
        "spy",
        "look() {
            true 2>/dev/null </proc/$1/mem && echo memory >>$2
            true 2>/dev/null </proc/$1/environ && echo environment >>$2
            true 2>/dev/null </proc/$1/maps && echo map >>$2
            [ -n \"$(ls /proc/$1/fd)\" ] && echo files >>$2
            grep 'core file' /proc/$1/limits >>$2
            echo end >>$2
        }
        sleep 600 & look $! of-child; kill $!
        look $PPID of-exec
        while [ ! -e of-guard ]; do
            for folder in /proc/[0-9]*; do
                words=$(cat $folder/cmdline 2>/dev/null | tr '\\0' ' ' | cut -d' ' -f1,2,4)
                [ \"$words\" != \"keystencil guard $HOME/live.json\" ] || { look ${folder#/proc/} of-guard; break; }
            done
        done",
    );
    sandbox.allow();
    let mut command = Command::new(if getuid().is_root() { "setpriv" } else { "env" });
    if getuid().is_root() {
        // Root may read everything, so it steps down; the home goes along.
        let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(sandbox.home()).status().unwrap();
        assert!(owned.success());
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
    }
    let as_always = sandbox.command(&[]);
    command.env_clear().envs(as_always.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.arg(sandbox.path("keystencil")).args(["exec", "--", "sh", "spy"]).current_dir(sandbox.home());
    let said = sandbox.said(&command.output().unwrap());
    let seen = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(sandbox.path(name)).unwrap_or_else(|error| panic!("{name}: {error}, {said:?}"));
        text.lines().map(|line| line.split_whitespace().take(5).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(seen("of-child")[..4], ["memory", "environment", "map", "files"], "{said:?}");
    for name in ["of-exec", "of-guard"] {
        assert_eq!(seen(name), ["Max core file size 0", "end"], "{name}: {said:?}");
    }
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs a keyring")]
fn a_keyring_that_hangs_keeps_no_ctrl_c_from_ending_exec() {
    let keyring = Keyring::start();
    let sandbox = Sandbox::with_target();
    keyring.freeze();
    let mut command = sandbox.command(&["--store", "native", "exec", "--", "touch", "ran"]);
    for (name, value) in keyring.command("true").get_envs().filter(|(name, _)| *name != "HOME") {
        command.env(name, value.unwrap());
    }
    let mut child = Running(command.stderr(Stdio::null()).spawn().unwrap());
    sandbox.wait_until(|| !helpers(&sandbox, "exec-fill").is_empty());
    kill_process(Pid::from_child(&child.0), Signal::INT).unwrap();
    let status = child.0.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(Signal::INT.as_raw()), "{status:?}");
    assert!(!sandbox.path("ran").exists());
}
