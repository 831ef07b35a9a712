//! What a hook's standard input may be like: the program that calls it need not close it.

use crate::sandbox::{Running, Said, Sandbox};
use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

const START: &str = r#"{"session_id":"s1","hook_event_name":"SessionStart","source":"startup"}"#;

fn host() -> Running {
    Running(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
}

/// A session's start that reads what stays open until it has ended.
fn start(sandbox: &Sandbox, host: &Running, stdin: Stdio) -> Child {
    let mut command = sandbox.command(&["hook", "session-start"]);
    command.env("CLAUDE_PID", host.0.id().to_string()).stdin(stdin);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it said, once it has ended with its input still open.
fn end(sandbox: &Sandbox, mut child: Child) -> Said {
    // `wait_with_output` would close it, so the handle is kept here until the process is gone.
    let open = child.stdin.take();
    let child = RefCell::new(child);
    sandbox.wait_until(|| child.borrow_mut().try_wait().unwrap().is_some());
    drop(open);
    sandbox.said(&child.into_inner().wait_with_output().unwrap())
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config = "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    sandbox
}

#[test]
fn a_hook_whose_input_is_never_closed_answers_as_soon_as_it_has_its_value() {
    for behind in ["", "\n", START] {
        let (sandbox, host) = (sandbox(), host());
        let mut child = start(&sandbox, &host, Stdio::piped());
        write!(child.stdin.as_mut().unwrap(), " \n{START}{behind}").unwrap();
        let said = end(&sandbox, child);
        assert!(said.code == 0 && said.err.is_empty(), "{said:?}");
        assert!(!said.out.contains("nothing was done"), "{behind:?}: {said:?}");
    }
}

#[test]
fn a_hook_reads_its_value_from_a_fifo_that_somebody_keeps_open() {
    let (sandbox, host) = (sandbox(), host());
    let path = sandbox.path("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    // For both: else each end would wait for the other to be opened.
    let mut fifo = File::options().read(true).write(true).open(&path).unwrap();
    write!(fifo, "\u{feff}{START}").unwrap();
    let child = start(&sandbox, &host, File::open(&path).unwrap().into());
    let said = end(&sandbox, child);
    assert!(said.code == 0 && !said.out.contains("nothing was done"), "{said:?}");
    drop(fifo);
}

#[test]
fn a_hook_whose_value_is_never_finished_gives_up_and_says_so() {
    let (sandbox, host) = (sandbox(), host());
    let all = ["", "   ", "{\"session_id\":\"s1\",", "\u{feff}"].map(|begun| {
        let mut child = start(&sandbox, &host, Stdio::piped());
        child.stdin.as_mut().unwrap().write_all(begun.as_bytes()).unwrap();
        (begun, child)
    });
    for (begun, child) in all {
        let said = end(&sandbox, child);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{begun:?}");
        assert!(said.out.contains("did not receive its JSON in time; nothing was done"), "{begun:?}: {said:?}");
    }
    assert!(!sandbox.path(".claude.json").exists());
}

#[test]
fn with_a_log_a_hook_says_what_it_waits_for() {
    let sandbox = sandbox().with_variable("KEYSTENCIL_LOG", "debug");
    let host = host();
    assert_eq!(sandbox.run(&["render", "-q", "--owner", &host.0.id().to_string()]).code, 0);
    let lock = std::fs::read_dir(sandbox.path(".local/state/keystencil")).unwrap();
    let lock = lock.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|end| end == "lock"));
    let held = File::options().write(true).open(lock.clone().unwrap()).unwrap();
    held.lock().unwrap();
    let mut command = sandbox.command(&["hook", "session-end"]);
    let ends = r#"{"session_id":"s1","hook_event_name":"SessionEnd","reason":"exit"}"#;
    sandbox.write("input", ends);
    command.env("CLAUDE_PID", host.0.id().to_string()).stdin(File::open(sandbox.path("input")).unwrap());
    let log = sandbox.path("log");
    let child = Running(command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap());
    sandbox.wait_until(|| {
        let said = std::fs::read_to_string(&log).unwrap();
        said.contains("the SessionEnd hook") && said.trim_end().ends_with(&*lock.as_ref().unwrap().to_string_lossy())
    });
    drop(held);
    drop(child);
}
