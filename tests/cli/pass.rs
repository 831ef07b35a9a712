//! `pass`, the standard unix password manager, as docs/PROVIDERS.md declares it: with a gpg key and an agent of its
//! own.

use crate::sandbox::Sandbox;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Command, Output, Stdio};

const VALUE: &str = "sk-canary-in-a-gpg-file-0123456789";

struct Pass {
    sandbox: Sandbox,
    agent: Pid,
}

impl Pass {
    /// A home with a key, a password store with one entry, and a template that wants it.
    fn start() -> Self {
        let sandbox = Sandbox::empty();
        let gnupg = sandbox.path(".gnupg");
        std::fs::create_dir(&gnupg).unwrap();
        std::fs::set_permissions(&gnupg, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let key =
            ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "t@example.org", "default", "default"];
        run(&sandbox, "gpg", &key, "");
        let agent = run(&sandbox, "gpg-connect-agent", &["getinfo pid", "/bye"], "");
        let agent = String::from_utf8(agent.stdout).unwrap();
        let agent = agent.strip_prefix("D ").and_then(|pid| pid.split_whitespace().next()).unwrap().parse().unwrap();
        let pass = Self { sandbox, agent: Pid::from_raw(agent).unwrap() };
        run(&pass.sandbox, "pass", &["init", "t@example.org"], "");
        run(&pass.sandbox, "pass", &["insert", "--multiline", "ai/openai"], &format!("{VALUE}\nuser: me\n"));
        pass.sandbox.write(".config/keystencil/config.toml", &(config() + "timeout = '60s'\n"));
        pass.template("ai/openai");
        pass
    }

    fn template(&self, entry: &str) {
        let text = format!("{{\"KEY\": \"<< pass('{entry}') >>\"}}");
        self.sandbox.write(".config/keystencil/a.json", &text);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let _ = kill_process(self.agent, Signal::KILL);
    }
}

/// A target, and the declaration of the documentation.
fn config() -> String {
    let documented = include_str!("../../docs/PROVIDERS.md");
    let (_, declaration) = documented.split_once("[providers.pass]\n").unwrap();
    let (declaration, _) = declaration.split_once("```").unwrap();
    format!("[targets.a]\ntemplate = 'a.json'\npath = '~/live.json'\n[providers.pass]\n{declaration}")
}

fn run(sandbox: &Sandbox, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("HOME", sandbox.home()).env("PATH", "/usr/bin:/bin");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("`{program}` can't be run ({error}); the packages pass and gnupg are needed: run scripts/test")
    });
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    output
}

#[test]
fn pass_fills_a_template_and_a_wrong_entry_or_a_frozen_agent_changes_nothing() {
    let pass = Pass::start();
    let sandbox = &pass.sandbox;
    let said = sandbox.run(&["render"]);
    assert!(!said.whole().contains("canary"), "{said:?}");
    assert_eq!((said.code, sandbox.live().contains(&format!("\"KEY\": \"{VALUE}\""))), (0, true), "{said:?}");
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    let at_rest = sandbox.live();
    assert!(at_rest.contains("<< pass('ai/openai') >>"), "{at_rest}");

    pass.template("ai/opneai");
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 2);
    let message =
        "provider `pass` has no value for `ai/opneai` (status 1): Error: ai/opneai is not in the password store.";
    assert!(said.err.contains(message), "{}", said.err);
    pass.template("../.gnupg/secret");
    assert!(sandbox.run(&["render"]).err.contains("sneaky path"), "pass itself refuses to leave its store");
    assert_eq!(sandbox.live(), at_rest);

    pass.template("ai/openai");
    kill_process(pass.agent, Signal::STOP).unwrap();
    sandbox.write(".config/keystencil/config.toml", &config());
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("provider `pass` did not answer `ai/openai` within 3 s"), "{}", said.err);
    assert_eq!(sandbox.live(), at_rest);
}
