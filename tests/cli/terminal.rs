//! What only a terminal shows: hidden prompts, Ctrl-C, Ctrl-Z. The terminal is util-linux's `script`.

use crate::sandbox::{AT_REST, BINARY, KEY, Running, Sandbox};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Starts a command line on a terminal of its own.
pub(crate) fn on_a_terminal(sandbox: &Sandbox, line: &str) -> (Running, ChildStdin) {
    sandbox.allow();
    start(sandbox, &format!("exec {line}"))
}

fn start(sandbox: &Sandbox, line: &str) -> (Running, ChildStdin) {
    let mut child = Command::new("script")
        // Without the `exec` of the line, the shell in between would answer to Ctrl-C as well.
        .args(["-qec", line, "/dev/null"])
        .env_clear()
        .env("HOME", sandbox.home())
        .env("PATH", "/usr/bin:/bin")
        .env("KEYSTENCIL_STORE", "vault")
        .env("SHELL", "/bin/sh")
        .current_dir(sandbox.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let keyboard = child.stdin.take().unwrap();
    (Running(child), keyboard)
}

/// A command line of the shell on a terminal, where what templates ask for has to be allowed.
pub(crate) fn at_a_terminal(sandbox: &Sandbox, line: &str) -> Running {
    let (mut child, keyboard) = start(sandbox, line);
    child.0.stdin = Some(keyboard);
    child
}

/// Runs the binary on a terminal, typing `input` line by line; its status and what the screen showed.
pub(crate) fn with_typed(sandbox: &Sandbox, arguments: &str, input: &str) -> (i32, String) {
    line_with_typed(sandbox, &format!("{BINARY} {arguments}"), input)
}

/// The same with any command line.
pub(crate) fn line_with_typed(sandbox: &Sandbox, line: &str, input: &str) -> (i32, String) {
    sandbox.allow();
    type_into(sandbox, line, input, &|| {})
}

/// The same as [`with_typed`]; `meanwhile` happens while the first question is there.
pub(crate) fn with_typed_after(sandbox: &Sandbox, arguments: &str, input: &str, meanwhile: &dyn Fn()) -> (i32, String) {
    sandbox.allow();
    type_into(sandbox, &format!("{BINARY} {arguments}"), input, meanwhile)
}

/// The same as [`with_typed`], where what templates ask for has to be allowed.
pub(crate) fn typed_guarded(sandbox: &Sandbox, arguments: &str, input: &str) -> (i32, String) {
    line_guarded(sandbox, &format!("{BINARY} {arguments}"), input)
}

/// The same with any command line.
pub(crate) fn line_guarded(sandbox: &Sandbox, line: &str, input: &str) -> (i32, String) {
    type_into(sandbox, line, input, &|| {})
}

/// The same with any command line.
pub(crate) fn line_typed_guarded(sandbox: &Sandbox, line: &str, input: &str) -> (i32, String) {
    type_into(sandbox, line, input, &|| {})
}

fn type_into(sandbox: &Sandbox, line: &str, input: &str, meanwhile: &dyn Fn()) -> (i32, String) {
    // Outside of the home, in which tests count files.
    let device = tempfile::NamedTempFile::new().unwrap();
    let line = format!("tty > {}; exec {line}", device.path().display());
    let (mut child, mut keyboard) = start(sandbox, &line);
    let screen = Arc::new(Mutex::new(Vec::new()));
    let (mut shown, copy) = (child.0.stdout.take().unwrap(), Arc::clone(&screen));
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = shown.read(&mut bytes) {
            copy.lock().unwrap().extend_from_slice(&bytes[..read]);
        }
    });
    let mut answered = 0;
    for typed in input.split_inclusive('\n') {
        // What is typed before a prompt has hidden its line would be seen on the screen.
        sandbox.wait_until(|| {
            let screen = screen.lock().unwrap();
            let waits = asks(&screen[answered..], answered > 0, device.path());
            assert!(waits || !reader.is_finished(), "nobody asked: {}", String::from_utf8_lossy(&screen));
            waits
        });
        if answered == 0 {
            meanwhile();
        }
        answered = screen.lock().unwrap().len();
        keyboard.write_all(typed.as_bytes()).unwrap();
    }
    // One that asks for more has been given all there is.
    sandbox.wait_until(|| reader.is_finished());
    let screen = String::from_utf8_lossy(&screen.lock().unwrap()).into_owned();
    (child.0.wait().unwrap().code().unwrap(), screen)
}

/// Whether what came since the last answer ends with a prompt, and the terminal is ready for what that wants.
fn asks(since: &[u8], is_later: bool, device: &Path) -> bool {
    let since = String::from_utf8_lossy(since);
    // The first is the end of the line that was typed.
    let prompt = if is_later { since.split_once('\n').map(|(_, after)| after) } else { Some(&*since) };
    let prompt = prompt.and_then(|text| text.rsplit('\n').next()).unwrap_or_default();
    if ["] ", "]? ", "]: "].iter().any(|end| prompt.ends_with(end))
        || prompt.contains(", type ") && prompt.ends_with(": ")
    {
        return true;
    }
    prompt.ends_with(": ") && {
        let device = std::fs::read_to_string(device).unwrap();
        let state = Command::new("stty").args(["-F", device.trim(), "-a"]).output().unwrap();
        String::from_utf8_lossy(&state.stdout).split_whitespace().any(|word| word == "-echo")
    }
}

#[test]
fn a_terminal_does_not_get_a_secret_unless_it_is_asked_to_be_shown() {
    let sandbox = Sandbox::with_key();
    let (code, shown) = with_typed(&sandbox, "secret get github", "");
    assert_eq!(code, 2);
    assert!(!shown.contains("canary") && shown.contains("--reveal"), "{shown}");
    let (code, shown) = with_typed(&sandbox, "secret get github --reveal", "");
    assert_eq!(code, 0);
    assert!(shown.contains(KEY), "{shown}");
}

#[test]
fn a_prompt_asks_twice_and_shows_nothing() {
    let sandbox = Sandbox::empty();
    let (code, shown) = with_typed(&sandbox, "secret set typed", "hidden-value\nhidden-value\n");
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("hidden-value") && shown.contains("again"), "{shown}");
    assert_eq!(sandbox.run(&["secret", "get", "typed"]).out, "hidden-value\n");
    let (code, shown) = with_typed(&sandbox, "secret set other", "hidden-value\nhidden-valeu\n");
    assert_eq!(code, 2);
    assert!(shown.contains("the two values differ") && !shown.contains("hidden-val"), "{shown}");
}

#[test]
fn a_secret_that_is_shown_can_not_write_escape_sequences_to_the_terminal() {
    let sandbox = Sandbox::empty();
    sandbox.store("hostile", "one\n\u{1b}[2Jtwo\u{202e}");
    let (code, shown) = with_typed(&sandbox, "secret get hostile --reveal", "");
    assert_eq!(code, 0);
    assert!(shown.contains("\\u{1b}[2Jtwo\\u{202e}") && shown.contains("warning: its control"), "{shown}");
    assert_eq!(sandbox.run(&["secret", "get", "hostile", "-n"]).out, "one\n\u{1b}[2Jtwo\u{202e}");
}

#[test]
fn a_person_is_asked_before_a_secret_goes_and_told_before_one_is_replaced() {
    let sandbox = Sandbox::with_key();
    for answer in ["n\n", "\n"] {
        let (code, shown) = with_typed(&sandbox, "secret rm github", answer);
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains("(used by claude)? [y/N]") && shown.contains("nothing was removed"), "{shown}");
    }
    let (code, shown) = with_typed(&sandbox, "secret set github", "new-value\nnew-value\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("is stored already (vault, just now) and is replaced"), "{shown}");
    let (code, shown) = with_typed(&sandbox, "secret rm github", "y\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(sandbox.run(&["secret", "get", "github"]).code, 2);
}

#[test]
fn ctrl_c_reaches_the_program_once_and_the_key_goes() {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        "program",
        "trap 'echo int >> signals' INT; touch ready; until [ -e stop ]; do sleep 0.05; done; exit 5",
    );
    let (mut child, mut keyboard) = on_a_terminal(&sandbox, &format!("{BINARY} exec -- sh program"));
    sandbox.wait_until(|| sandbox.path("ready").exists());
    keyboard.write_all(b"\x03").unwrap();
    sandbox.wait_until(|| sandbox.path("signals").exists());
    // Time for a second one, which must not come.
    std::thread::sleep(Duration::from_millis(300));
    sandbox.write("stop", "");
    assert_eq!(child.0.wait().unwrap().code(), Some(5));
    assert_eq!(sandbox.read("signals"), "int\n");
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn ctrl_c_ends_a_program_that_does_not_mind_it_and_the_key_goes() {
    let sandbox = Sandbox::with_key();
    let (mut child, mut keyboard) =
        on_a_terminal(&sandbox, &format!("{BINARY} exec -- sh -c 'touch ready; exec sleep 600'"));
    sandbox.wait_until(|| sandbox.path("ready").exists());
    keyboard.write_all(b"\x03").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn ctrl_z_stops_it_and_fg_goes_on() {
    let sandbox = Sandbox::with_key();
    sandbox.write("program", "touch ready; until [ -e stop ]; do sleep 0.05; done; exit 5");
    let (mut child, mut keyboard) = on_a_terminal(&sandbox, "bash --norc -i");
    writeln!(keyboard, "{BINARY} exec -- sh program; echo $? > first").unwrap();
    sandbox.wait_until(|| sandbox.path("ready").exists());
    keyboard.write_all(b"\x1a").unwrap();
    writeln!(keyboard, "touch prompt").unwrap();
    sandbox.wait_until(|| sandbox.path("prompt").exists());
    assert!(sandbox.live().contains("sk-canary"));
    sandbox.write("stop", "");
    writeln!(keyboard, "fg; echo $? > status; exit").unwrap();
    sandbox.wait_until(|| sandbox.path("status").exists());
    child.0.wait().unwrap();
    assert_eq!(sandbox.read("status"), "5\n");
    assert_eq!(sandbox.live(), AT_REST);
}

#[test]
fn ctrl_z_at_a_hidden_question_stops_it_and_fg_asks_again() {
    let sandbox = Sandbox::empty();
    let device = tempfile::NamedTempFile::new().unwrap();
    let (mut child, mut keyboard) = start(&sandbox, &format!("tty > {}; exec bash --norc -i", device.path().display()));
    // The shell's own line is read without echo too, but with signals.
    let is_hidden = || {
        let device = std::fs::read_to_string(device.path()).unwrap();
        let state = Command::new("stty").args(["-F", device.trim(), "-a"]).output().unwrap();
        String::from_utf8_lossy(&state.stdout).split_whitespace().any(|word| word == "-isig")
    };
    writeln!(keyboard, "{BINARY} secret set typed").unwrap();
    sandbox.wait_until(is_hidden);
    keyboard.write_all(b"half\x1a").unwrap();
    sandbox.wait_until(|| !is_hidden());
    writeln!(keyboard, "touch prompt").unwrap();
    sandbox.wait_until(|| sandbox.path("prompt").exists());
    writeln!(keyboard, "fg; echo $? > status; exit").unwrap();
    sandbox.wait_until(is_hidden);
    keyboard.write_all(b"hidden-value\nhidden-value\n").unwrap();
    sandbox.wait_until(|| sandbox.path("status").exists());
    child.0.wait().unwrap();
    assert_eq!(sandbox.read("status"), "0\n");
    assert_eq!(sandbox.run(&["secret", "get", "typed"]).out, "hidden-value\n");
}

#[test]
fn ctrl_c_at_a_hidden_question_ends_it_and_the_terminal_shows_what_is_typed() {
    let sandbox = Sandbox::empty();
    // A shell that does not mend the terminal itself.
    let line = format!("sh -c 'trap : INT; {BINARY} secret set typed; echo $? > status; stty -a > modes'");
    let device = tempfile::NamedTempFile::new().unwrap();
    let (mut child, mut keyboard) = start(&sandbox, &format!("tty > {}; exec {line}", device.path().display()));
    sandbox.wait_until(|| {
        let device = std::fs::read_to_string(device.path()).unwrap();
        let state = Command::new("stty").args(["-F", device.trim(), "-a"]).output().unwrap();
        String::from_utf8_lossy(&state.stdout).contains("-isig")
    });
    keyboard.write_all(b"half\x03").unwrap();
    sandbox.wait_until(|| sandbox.path("modes").exists());
    child.0.wait().unwrap();
    assert_eq!(sandbox.read("status"), "130\n");
    let modes = sandbox.read("modes");
    assert!([" echo ", " icanon ", " isig "].iter().all(|mode| modes.replace('\n', " ").contains(mode)), "{modes}");
    assert_eq!(sandbox.run(&["secret", "get", "typed"]).code, 2);
}

#[test]
fn a_terminal_that_closes_takes_the_program_and_the_key_with_it() {
    let sandbox = Sandbox::with_key();
    // It runs as the leader of the terminal's session, as a terminal window does.
    let line = format!("{BINARY} exec -- sh -c 'touch ready; exec sleep 600'");
    let (mut child, _keyboard) = on_a_terminal(&sandbox, &line);
    sandbox.wait_until(|| sandbox.path("ready").exists());
    child.0.kill().unwrap();
    sandbox.wait_until(|| sandbox.live() == AT_REST);
}

#[test]
fn a_command_of_the_config_can_ask_the_person_at_the_terminal() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.a]\ntemplate = 'a.json'\npath = '~/live.json'\n[providers.ask]\n\
         command = ['sh', '-c', 'printf \"which [one] \" >/dev/tty; read -r answer && echo \"$answer for $1\"', 'sh', '{ref}']\n",
    );
    sandbox.write(".config/keystencil/a.json", "{\"K\": << ask('openai') >>}");
    let (code, shown) = with_typed(&sandbox, "render", "typed-key\n");
    assert_eq!(code, 0, "{shown}");
    assert!(sandbox.live().contains("typed-key for openai"), "{}", sandbox.live());
}
